# SPDX-License-Identifier: Apache-2.0
"""Lists what is larger than the sizes above which a reason is asked for. Never fails.
Usage: size_report.py ROOT

    source file 400 lines (kernel files 800), header 200, function 40 (kernels 150), 5 parameters,
    20 files in a folder

Functions are found by the formatter's layout: a body opens at the end of a line and closes with a
brace at the indentation at which the function begins. Lambdas count as part of theirs.
"""
import re
import sys
from collections import Counter
from pathlib import Path

GENERATED = {"html_entities.inc"}
SOURCES, HEADERS = {".cpp", ".cu", ".inc", ".py"}, {".h", ".cuh"}
KERNELS = ("src/backends/cpu/", "src/backends/cuda/")
MOST_PARAMETERS, MOST_FILES = 5, 20
# A declaration that is no function: its braces hold others.
HOLDS_OTHERS = re.compile(r"^\s*(?:template .*)?(?:namespace|class|struct|union|enum|extern \"C\")\b")
NO_FUNCTION = re.compile(r"^\s*(?:(?:if|for|while|switch|do|else|return|catch|try|case)\b|#|//|\}|[A-Z]\w*\()|=\s*\{?$"
                         r"|\]\s*\(.*\)\s*\{$")


def is_kernel_file(name: str) -> bool:
    return name.startswith(KERNELS)


def most_lines(name: str) -> int:
    if Path(name).suffix in HEADERS:
        return 800 if is_kernel_file(name) else 200
    return 800 if is_kernel_file(name) else 400


def parameters_of(head: str) -> int:
    """Of the first parentheses in a function's head, nested ones and template arguments aside."""
    depth, commas, seen = 0, 0, False
    for sign in head[head.find("(") + 1:]:
        if sign == ")" and depth == 0:
            break
        depth += (sign in "(<[{") - (sign in ")>]}")
        commas += sign == "," and depth == 0
        seen = seen or not sign.isspace()
    return commas + 1 if seen else 0


def functions_of(lines: list[str]) -> list[tuple[int, str, int, int]]:
    """Line number, name, lines and parameters of every function with a body of several lines."""
    found, number = [], 0
    while number < len(lines):
        # A head: from a line that begins a declaration to the one that opens the body.
        start, head = number, lines[number]
        indent = len(head) - len(head.lstrip())
        while "(" in head and not re.search(r"[{;}]\s*(?://.*)?$", lines[number]) and number + 1 < len(lines) \
                and number - start < 12:
            number += 1
            head += " " + lines[number].strip()
        number += 1
        if "(" not in head or not head.rstrip().endswith("{") or HOLDS_OTHERS.match(head) \
                or NO_FUNCTION.search(head):
            continue
        end = next((at for at in range(number, len(lines)) if lines[at].startswith(" " * indent + "}")),
                   None)
        name = re.search(r"([\w:~]+|operator\S+)\s*\(", head)
        if end is None or name is None:
            continue
        found.append((start + 1, name[1], end - start + 1, parameters_of(head)))
        number = end + 1
    return found


def report(root: Path, names: list[str]) -> list[str]:
    lines = []
    for name in names:
        text = (root / name).read_text().splitlines()
        if len(text) > most_lines(name):
            lines.append(f"{name}: {len(text)} lines, aim {most_lines(name)}")
        if Path(name).suffix == ".py":
            continue
        aim = 150 if is_kernel_file(name) else 40
        for number, function, length, parameters in functions_of(text):
            if length > aim:
                lines.append(f"{name}:{number}: {function}() has {length} lines, aim {aim}")
            if parameters > MOST_PARAMETERS and not is_kernel_file(name):
                lines.append(f"{name}:{number}: {function}() has {parameters} parameters, aim "
                             f"{MOST_PARAMETERS}")
    folders = Counter(str(Path(name).parent) for name in names if Path(name).suffix != ".h")
    lines += [f"{folder}: {files} sources, aim {MOST_FILES}" for folder, files in sorted(folders.items())
              if files > MOST_FILES]
    return lines


if __name__ == "__main__":
    top = Path(sys.argv[1])
    sources = sorted(path.relative_to(top).as_posix()
                     for folder in ("include", "src", "tests", "bench", "tools", "python")
                     for path in (top / folder).rglob("*")
                     if path.suffix in SOURCES | HEADERS and path.name not in GENERATED)
    found = report(top, sources)
    print("\n".join(found))
    print(f"sizes: {len(sources)} files, {len(found)} things above an aim; each has a reason or wants one")
