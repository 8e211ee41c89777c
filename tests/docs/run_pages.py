# SPDX-License-Identifier: Apache-2.0
"""Runs every block that a page marks ```run, page by page, in a folder of its own with `reel` on the PATH.
Usage: run_pages.py ROOT REEL

A page's blocks run in one shell script, top to bottom; the first command that fails ends it.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"^```run\n(.*?)^```$", re.M | re.S)


def run_page(page: Path, reel: Path, environment: dict[str, str]) -> str:
    """The words to print when the page's commands fail, else nothing."""
    script = "set -eux\n" + "".join(BLOCK.findall(page.read_text()))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        work = Path(folder, "work")
        home.mkdir()
        (work / "build/bin").mkdir(parents=True)
        (work / "build/bin/reel").symlink_to(reel)  # as README.md names it
        done = subprocess.run(["sh", "-c", script], cwd=work, env={**environment, "HOME": str(home)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    return "" if done.returncode == 0 else f"{page.name}: exit {done.returncode}\n{done.stderr[-2000:]}"


if __name__ == "__main__":
    root, reel = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    environment = {"PATH": f"{reel.parent}:{os.environ['PATH']}", "LANG": "C.UTF-8",
                   "REEL_DEMO_MODEL": str(root / "models/demo")}
    pages = [page for page in sorted((root / "docs").glob("*.md")) + [root / "README.md"]
             if BLOCK.search(page.read_text())]
    problems = [problem for page in pages if (problem := run_page(page, reel, environment))]
    print("\n".join(problems) or f"docs: the commands of {len(pages)} pages ran")
    sys.exit(1 if problems or not pages else 0)
