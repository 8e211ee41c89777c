# SPDX-License-Identifier: Apache-2.0
"""Follows docs/CPP.md: installs the library into an empty prefix, builds the example through CMake
and through pkg-config, and runs both. Then what the page promises beside that: a prefix that moved
works, other versions are refused, and libreel.so shows what include/reel declares and no more.
Usage: cpp_package.py SOURCE BUILD
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# A function or class member that a header declares without a body, after its return type.
FUNCTION = re.compile(r"^(?!using|return)(?:const )?[\w:<>]+\*? (\w+)\((?:[^;{]|\{\})*\);", re.M)


def run(script: str, folder: Path, environment: dict[str, str], fails: bool = False) -> str:
    done = subprocess.run(["bash", "-euc", script], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if (done.returncode != 0) != fails:
        sys.exit(f"exit code {done.returncode} of:\n{script}\n{done.stdout}")
    return done.stdout


def check_clip(reel: Path, clip: Path, said: str, environment: dict[str, str]) -> None:
    frames = re.search(rf"{re.escape(clip.name)}: (\d+) frames", said)
    last = {"denoise 4 of 4", f"decode {frames[1]} of {frames[1]}"} if frames else {"frames"}
    if not last <= set(said.splitlines()):
        sys.exit(f"the example said:\n{said}")
    answer = run(f'"{reel}" replay --quiet "{clip}"', clip.parent, environment).strip()
    if answer != "equal":
        sys.exit(f"reel replay {clip.name} said: {answer}")


def check_symbols(source: Path, library: Path) -> None:
    declared = {name for header in (source / "include/reel").glob("*.h")
                for name in FUNCTION.findall(header.read_text())}
    names = subprocess.run(["nm", "-DC", "--defined-only", library], text=True, check=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    shown = set(re.findall(r" T reel::(?:\w+::)?(\w+)[\[(]", "\n".join(names)))
    if not {"error_code_name", "load_job", "pull", "synthesize"} <= declared:
        sys.exit(f"read these functions alone from the headers: {sorted(declared)}")
    if missing := declared - shown:
        sys.exit(f"cmake/libreel.map lacks {sorted(missing)}")
    inner = [line for line in names if not re.search(r" [TV] (typeinfo (name )?for )?reel::", line)]
    classes = {"Engine", "~Engine", "check", "generate", "resume", "is_within", "prepare"}
    if inner or (more := shown - declared - classes):
        sys.exit(f"libreel.so shows more than the headers declare: {inner or sorted(more)}")


def main(source: Path, build: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        home = Path(made).resolve()
        (home / "examples").symlink_to(source / "examples")
        (home / "build").symlink_to(build)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "OMP_WAIT_POLICY": "passive"}
        page = (source / "docs/CPP.md").read_text()
        install, cmake, pkg_config = re.findall(r"^```\n(.*?)^```$", page, re.M | re.S)
        run(install, home, environment)
        reel = home / "reel/bin/reel"
        check_clip(reel, home / "ball.mp4", run(cmake, home, environment), environment)
        check_clip(reel, home / "star.mp4", run(pkg_config, home, environment), environment)

        check_symbols(source, home / "reel/lib/libreel.so")
        (home / "reel").rename(home / "moved")
        (home / "star.mp4").unlink()
        moved = pkg_config.replace("$HOME/reel", "$HOME/moved")
        reel = home / "moved/bin/reel"
        check_clip(reel, home / "star.mp4", run(moved, home, environment), environment)
        (home / "later").mkdir()
        (home / "later/CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(later LANGUAGES CXX)\n"
            "find_package(reel 0.2 REQUIRED)\n")
        said = run('cmake -S later -B later -D CMAKE_PREFIX_PATH="$HOME/moved"', home, environment,
                   fails=True)
        if "version: 0.1.0" not in said:
            sys.exit(f"find_package(reel 0.2) said:\n{said}")
    print("cpp_package: ok")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
