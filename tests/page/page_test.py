# SPDX-License-Identifier: Apache-2.0
"""Drives the page of `reel serve` in Chromium as a person would, with the demo model.

page_test.py REEL [PICTURES [VISIT...]]: the program, and a folder for screenshots to look at. Needs
Playwright (requirements.txt) and Debian's chromium; CHROMIUM names another.
"""
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from clips import first_visit, make_watch_and_keep, queue_and_cancel
from everybody import for_everybody
from looks import scouting
from trouble import lost_server, mistakes, with_a_key
from visit import WAIT_MS

VISITS = [first_visit, make_watch_and_keep, queue_and_cancel, scouting, mistakes, lost_server, with_a_key,
          for_everybody]


def main() -> None:
    reel = Path(sys.argv[1]).resolve()
    pictures = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="reel-pictures-"))
    pictures.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("page_test: there is no chromium; install it (apt-get install chromium) or name one in CHROMIUM.")
    expect.set_options(timeout=WAIT_MS)
    chosen = [visit for visit in VISITS if visit.__name__ in sys.argv[3:]] or VISITS
    with sync_playwright() as playwright:
        # No sandbox: it needs rights that containers do not give, and only our own page is shown.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for visit in chosen:
            start = time.monotonic()
            visit(browser, reel, pictures)
            print(f"page: {visit.__name__} ({time.monotonic() - start:.0f} s)", flush=True)
        browser.close()
    print(f"page: ok; pictures are in {pictures}")


if __name__ == "__main__":
    main()
