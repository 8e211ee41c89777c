# SPDX-License-Identifier: Apache-2.0
"""Fails when a source has no test and no line in tests/untested.txt. Usage: check_tests.py ROOT

A source src/ROOM/x.cpp has a test when tests/unit/ROOM/x_test.cpp is there, or a test includes its
header "ROOM/x.h". Kernels (src/backends) are reached through one table; tests/parity is theirs. A
command of src/cli has one when a test of tests/e2e runs the program with its name.

A file of kernels, src/backends/cuda/x.cu, is in the list `kernels` of tests/cuda_host/CMakeLists.txt
and thereby run on the CPU, unless it is made of instructions that only Hopper has.

Each line of tests/untested.txt is a source and the test that runs it all the same. The list only
shrinks: it fails too when it is longer than MOST, or names a source that has a test or is gone.
Lower MOST with every line that goes.
"""
import re
import sys
from pathlib import Path

MOST = 50
LIST = "tests/untested.txt"
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)
COMMAND = re.compile(r'Command k\w+\{\s*\.name = "([\w-]+)"')
WITHOUT = ("backends/",)
CUDA = "src/backends/cuda"
HOST_KERNELS = "tests/cuda_host/CMakeLists.txt"
# wgmma, bulk copies, and what only they need: device/ headers without a stand-in on the CPU.
HOPPER = {f"backends/cuda/device/{name}.cuh"
          for name in ("cluster", "mbarrier", "tensor_copy", "wgmma", "wgmma_attention")}


def sources(root: Path) -> list[str]:
    names = (path.relative_to(root / "src").as_posix() for path in (root / "src").rglob("*.cpp"))
    return sorted(name for name in names if not name.startswith(WITHOUT))


def headers_in_tests(root: Path) -> set[str]:
    tests = [path for path in (root / "tests").rglob("*") if path.suffix in {".cpp", ".h", ".cu"}]
    return {header for path in tests for header in INCLUDE.findall(path.read_text())}


def commands_in_tests(root: Path, name: str) -> bool:
    """Whether every command that a source of src/cli defines is run by a test."""
    commands = COMMAND.findall((root / "src" / name).read_text()) if name.startswith("cli/") else []
    tests = [path.read_text() for path in (root / "tests/e2e").glob("*.cpp")]
    return commands != [] and all(any(f'reel({{"{command}"' in text for text in tests)
                                  for command in commands)


def needs_hopper(root: Path, path: Path) -> bool:
    """Whether a kernel's source includes one of HOPPER, its own headers' includes counted."""
    included = set(INCLUDE.findall(path.read_text()))
    own = (root / "src" / name for name in included
           if name.startswith("backends/cuda/") and name.endswith(".cuh"))
    return not included.isdisjoint(HOPPER) or any(needs_hopper(root, header) for header in own)


def kernels_off_the_host(root: Path) -> list[str]:
    listed = set(re.search(r"set\(kernels ([^)]*)\)", (root / HOST_KERNELS).read_text())[1].split())
    return [f"{CUDA}/{path.name}: not among the kernels of {HOST_KERNELS}; add it, and a test there"
            for path in sorted((root / CUDA).glob("*.cu"))
            if path.name not in listed and not needs_hopper(root, path)]


def check(root: Path) -> list[str]:
    included = headers_in_tests(root)
    lines = [line.split() for line in (root / LIST).read_text().splitlines()
             if line and not line.startswith("#")]
    excused = {line[0]: line[1:] for line in lines}
    names = sources(root)
    tested = {name for name in names
              if name.removesuffix("cpp") + "h" in included
              or (root / "tests/unit" / (name.removesuffix(".cpp") + "_test.cpp")).exists()
              or commands_in_tests(root, name)}
    problems = [] if names else [f"{root}: there are no sources"]
    problems += [f"src/{name}: no test, and no line in {LIST}"
                 for name in names if name not in tested and name not in excused]
    for name, tests in excused.items():
        if name in tested or name not in names:
            problems.append(f"{LIST}: {name} has a test or is gone; strike the line")
        problems += [f"{LIST}: there is no {test}" for test in tests or ["test named"]
                     if not (root / test).exists()]
    problems += kernels_off_the_host(root)
    if len(lines) > MOST:
        problems.append(f"{LIST}: {len(lines)} lines, at most {MOST}; the list only shrinks")
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print("\n".join(found) or "tests: ok")
    sys.exit(1 if found else 0)
