# SPDX-License-Identifier: Apache-2.0
"""Fails for a source without its licence line, with a byte that is not ASCII, or with a line that ends
in CR LF, in blanks or, at the end of the file, not at all. Usage: check_text.py ROOT

Pages may hold any UTF-8. So may samples, and the words from which tokenizer samples are made.
"""
import sys
from pathlib import Path

LICENCE = b"SPDX-License-Identifier: Apache-2.0"
CODE = {".cpp", ".h", ".inc", ".cu", ".cuh", ".py", ".pyi", ".sh", ".js", ".css", ".html"}
BUILD = {".cmake", ".txt", ".toml", ".cff", ".yaml", ".yml"}
FOLDERS = ("bench", "cmake", "configs", "docker", "examples", "include", "python", "scripts", "src", "tests",
           "tools")
SAMPLES = ("tests/data/",)
WORDS_OF_MANY_SCRIPTS = {"tools/reference/tokenizer_goldens.py"}
# The licence stands in the first lines: behind "#!" and "<!doctype html>".
FIRST_LINES = 3


def sources(root: Path) -> list[str]:
    files = [path for path in root.iterdir() if path.is_file()]
    for folder in FOLDERS:
        files += [path for path in (root / folder).rglob("*") if path.is_file()]
    names = (path.relative_to(root).as_posix() for path in files if path.suffix in CODE | BUILD)
    return sorted(name for name in names if not name.startswith(SAMPLES))


def problems_of(name: str, content: bytes) -> list[str]:
    problems = []
    head = b"\n".join(content.split(b"\n")[:FIRST_LINES])
    if Path(name).suffix in CODE and content.strip() and LICENCE not in head:
        problems.append(f'{name}: needs "{LICENCE.decode()}" in its first lines')
    if content and not content.endswith(b"\n"):
        problems.append(f"{name}: the last line does not end")
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.isascii() and name not in WORDS_OF_MANY_SCRIPTS:
            problems.append(f"{name}:{number}: not ASCII; write \\u escapes")
        if line.endswith(b"\r"):
            problems.append(f"{name}:{number}: ends in CR LF; LF is needed")
        elif line.endswith((b" ", b"\t")):
            problems.append(f"{name}:{number}: ends in blanks")
    return problems


def check(root: Path) -> list[str]:
    names = sources(root)
    if not names:
        return [f"{root}: there are no sources"]
    return [problem for name in names for problem in problems_of(name, (root / name).read_bytes())]


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print("\n".join(found) or "text: ok")
    sys.exit(1 if found else 0)
