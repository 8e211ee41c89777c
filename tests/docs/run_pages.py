# SPDX-License-Identifier: Apache-2.0
"""Runs every block that a page marks ```run, page by page, in a folder of its own with `reel` on the PATH.
Usage: run_pages.py ROOT REEL

A page's blocks run in one shell script, top to bottom; the first command that fails ends it. Downloads
come from a hub on this machine, tests/e2e/hub_server.py.
"""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BLOCK = re.compile(r"^```run\n(.*?)^```$", re.M | re.S)
# Where the catalogue's wan2.1-t2v-14b-fp8 comes from.
DISTILLED = "lightx2v/Wan2.1-T2V-14B-StepDistill-CfgDistill-Lightx2v"
BASE = "Wan-AI/Wan2.1-T2V-14B"


def fill_hub(folder: Path, reel: Path, environment: dict[str, str]) -> None:
    """The repositories that DOWNLOAD.md names, with small models in them."""
    for name in (DISTILLED, BASE):
        (folder / name).parent.mkdir(parents=True)
        subprocess.run([reel, "synth", "--quiet", "--preset", "tiny", "--out", folder / name],
                       env=environment, stdout=subprocess.DEVNULL, check=True)
    (folder / "maker/model/loras").mkdir(parents=True)
    for name in ("model.safetensors", "config.json", "loras/style.safetensors"):
        (folder / "maker/model" / name).write_text(name)


@contextlib.contextmanager
def hub(root: Path, reel: Path, environment: dict[str, str]) -> Iterator[str]:
    """Its address, as HF_ENDPOINT takes it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        fill_hub(folder / "root", reel, environment)
        (folder / "faults").write_text("[]")
        words = [root / "tests/e2e/hub_server.py", folder / "root", folder / "faults",
                 folder / "ports", folder / "log"]
        server = subprocess.Popen([sys.executable, *words])
        try:
            for _ in range(600):
                if (folder / "ports").exists() or server.poll() is not None:
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{json.loads((folder / 'ports').read_text())['hub']}"
        finally:
            server.kill()
            server.wait()


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


def main(root: Path, reel: Path) -> None:
    environment = {"PATH": f"{reel.parent}:{os.environ['PATH']}", "LANG": "C.UTF-8",
                   "REEL_DEMO_MODEL": str(root / "models/demo")}
    pages = [page for page in sorted((root / "docs").glob("*.md")) + [root / "README.md"]
             if BLOCK.search(page.read_text())]
    with hub(root, reel, environment) as endpoint:
        environment["HF_ENDPOINT"] = endpoint
        problems = [problem for page in pages if (problem := run_page(page, reel, environment))]
    print("\n".join(problems) or f"docs: ran {', '.join(page.name for page in pages)}")
    sys.exit(1 if problems or not pages else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
