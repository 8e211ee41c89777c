# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes a room that its own room does not list in DEPS.

The list is read from the reel_room(...) calls, so the build and this check
cannot drift apart. A surface outside of src (python/src) includes its own files
and <reel/...>. Usage: check_rooms.py SRC
"""
import re
import sys
from pathlib import Path

CALL = re.compile(r"^\s*reel_room\((\S+)(.*?)\)", re.M | re.S)
DEPS = re.compile(r"\bDEPS\b([^A-Z)]*)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}


def read_rooms(src: Path) -> dict[str, set[str]]:
    rooms = {}
    for file in src.rglob("CMakeLists.txt"):
        for name, body in CALL.findall(file.read_text()):
            rooms[name] = {dep for deps in DEPS.findall(body) for dep in deps.split()}
    return rooms


def room_of(path: str, rooms: dict[str, set[str]]) -> str | None:
    """The longest room name that `path` starts with, so nested rooms win."""
    return max((r for r in rooms if path.startswith(r + "/")), key=len, default=None)


def check(src: Path) -> list[str]:
    rooms = read_rooms(src)
    files = sorted(p for p in src.rglob("*") if p.suffix in SUFFIXES)
    if not rooms or not files:
        return [f"{src}: found {len(rooms)} rooms and {len(files)} files, nothing to check"]
    problems = []
    for file in files:
        here = file.relative_to(src).as_posix()
        mine = room_of(here, rooms)
        if mine is None:
            problems.append(f"{here}: belongs to no room")
            continue
        for target in INCLUDE.findall(file.read_text(errors="replace")):
            theirs = room_of(target, rooms)
            if theirs not in (None, mine) and theirs not in rooms[mine]:
                problems.append(f"{here}: {mine} may not include {theirs} ({target})")
    return problems


def check_surface(folder: Path) -> list[str]:
    return [f"{file.parent.parent.name}/{file.parent.name}/{file.name}: may not include {target}"
            for file in sorted(folder.iterdir()) if file.suffix in SUFFIXES
            for target in INCLUDE.findall(file.read_text()) if not (folder / target).exists()]


if __name__ == "__main__":
    src = Path(sys.argv[1])
    found = check(src) + check_surface(src.parent / "python/src")
    print("\n".join(found) or "rooms: ok")
    sys.exit(1 if found else 0)
