# SPDX-License-Identifier: Apache-2.0
"""Fails when a source has no test and no line in tests/untested.txt. Usage: check_tests.py ROOT

A source src/ROOM/x.cpp has a test when tests/unit/ROOM/x_test.cpp is there, or a test includes its
header "ROOM/x.h". Kernels (src/backends) are reached through one table; tests/parity is theirs. A
command of src/cli has one when a test of tests/e2e runs the program with its name.

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
    if len(lines) > MOST:
        problems.append(f"{LIST}: {len(lines)} lines, at most {MOST}; the list only shrinks")
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print("\n".join(found) or "tests: ok")
    sys.exit(1 if found else 0)
