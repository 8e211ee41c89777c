# SPDX-License-Identifier: Apache-2.0
"""Fails when a page names a file, a link, a `make` target or a function that is not there.
Usage: check_docs.py ROOT

TOUR.md's table is read row by row: every file in its second column must exist, and every function
in its third must be defined in one of them. TROUBLESHOOTING.md's messages must be BAD_INPUT.md's, which another test produces. CPP.md's table has the flags
that the library's sentences name. Every block of commands says which test runs it.
models/demo has at most 16 MiB.
"""
import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:src|include|tests|tools|docs|models|scripts|bench)/[\w./-]+\.\w+)`")
MOST_DEMO_BYTES = 16 << 20
MAKE = re.compile(r"`make ([\w-]+)`|^make ([\w-]+)$", re.M)


def pages(root: Path) -> list[Path]:
    return sorted(root.glob("*.md")) + sorted((root / "docs").rglob("*.md"))


def check_links(root: Path, page: Path) -> list[str]:
    text = page.read_text()
    missing = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    missing += [target for target in PATH.findall(text) if not (root / target).exists()]
    targets = set(re.findall(r"^([\w-]+):", (root / "Makefile").read_text(), re.M))
    named = {quoted or plain for quoted, plain in MAKE.findall(text)}
    missing += [f"make {target}" for target in sorted(named - targets)]
    return [f"{page.relative_to(root)}: there is no {target}" for target in missing]


def check_blocks(root: Path) -> list[str]:
    """Every block of a user's page is run by a test, or says why not.

    ```run blocks are run_pages.py's, ```python blocks PYTHON.md's test's, ```text is none to run. Above
    any other stands a comment: "run by FILE" or "not run: REASON".
    """
    problems = []
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        lines = page.read_text().splitlines()
        fences = [at for at, line in enumerate(lines) if line.startswith("```")]
        for at in fences[::2]:
            kind = lines[at][3:]
            if kind in ("run", "text") or (kind == "python" and page.name == "PYTHON.md"):
                continue
            above = re.fullmatch(r"<!-- (?:run by (\S+)|not run: .+) -->", lines[at - 1])
            if not above or (above[1] and not (root / above[1]).exists()):
                problems.append(f"{page.name}:{at + 1}: which test runs this block, or why does none?")
    return problems


def check_tour(root: Path) -> list[str]:
    problems = []
    rows = [line for line in (root / "docs/TOUR.md").read_text().splitlines()
            if re.match(r"\| *\d+ *\|", line)]
    if len(rows) != 10:
        problems.append(f"docs/TOUR.md: {len(rows)} hops, 10 are needed")
    for row in rows:
        _, _, files, functions, _, _ = row.split("|")
        sources = [root / name for name in re.findall(r"`([^`]+)`", files)]
        text = "\n".join(source.read_text() for source in sources if source.exists())
        for name in re.findall(r"`([^`]+)`", functions):
            if not re.search(rf"\b{re.escape(name)}\(.*\{{|\b{re.escape(name)}\([^;]*\n?[^;]*\{{", text):
                problems.append(f"docs/TOUR.md: {files.strip()} does not define {name}()")
    return problems


def table(text: str) -> dict[str, list[str]]:
    """The cells after the first of every row that begins with an id in backticks."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", text, re.M)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in rows}


def check_troubleshooting(root: Path) -> list[str]:
    """Its messages are those that bad_input_test.cpp makes, in the order of their words. Those about
    the GPU are troubleshooting_test.cpp's to compare."""
    page = root / "docs/TROUBLESHOOTING.md"
    produced = table((root / "docs/BAD_INPUT.md").read_text())
    rows = table(page.read_text().partition("\n## The GPU\n")[0])
    problems = [f"{page.name}: BAD_INPUT.md has another message for {name}, or none"
                for name, cells in rows.items() if produced.get(name, [""])[-1] != cells[0]]
    messages = [cells[0].lower().lstrip('"') for cells in rows.values()]
    if not messages or messages != sorted(messages):
        problems.append(f"{page.name}: the messages are not in order")
    return problems


def check_flags_of_hints(root: Path) -> list[str]:
    """Every flag in a sentence of the library is in CPP.md's table, beside what include/reel has."""
    rows = dict(re.findall(r"^\| `(--[\w-]+)[^`]*` \| (.*) \|$", (root / "docs/CPP.md").read_text(), re.M))
    public = "\n".join(header.read_text() for header in (root / "include/reel").glob("*.h"))
    named = set()
    for source in (root / "src").rglob("*.cpp"):
        if source.relative_to(root / "src").parts[0] not in ("cli", "client", "compat", "server"):
            for text in re.findall(r'"(?:[^"\\\n]|\\.)*"', source.read_text()):
                named |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]*\b", text))
    problems = [f"docs/CPP.md: its table lacks {flag}" for flag in sorted(named - rows.keys())]
    problems += [f"docs/CPP.md: no hint names {flag}" for flag in sorted(rows.keys() - named)]
    for cell in rows.values():
        for word in re.findall(r"\w+", re.sub(r'"[^"]*"', "", " ".join(re.findall(r"`([^`]+)`", cell)))):
            if not re.search(rf"\b{word}\b", public):
                problems.append(f"docs/CPP.md: include/reel has no {word}")
    return problems


def check_demo_model(root: Path) -> list[str]:
    """The demo model is part of every clone, and stays small."""
    size = sum(path.stat().st_size for path in (root / "models/demo").rglob("*") if path.is_file())
    return [] if size <= MOST_DEMO_BYTES else [f"models/demo has {size} bytes, at most {MOST_DEMO_BYTES} are allowed"]


if __name__ == "__main__":
    top = Path(sys.argv[1])
    found = [problem for page in pages(top) for problem in check_links(top, page)]
    found += check_blocks(top)
    found += check_demo_model(top)
    found += check_tour(top) + check_troubleshooting(top) + check_flags_of_hints(top)
    print("\n".join(found) or f"docs: ok ({len(pages(top))} pages)")
    sys.exit(1 if found else 0)
