# SPDX-License-Identifier: Apache-2.0
"""Writes src/tokenizer/html_entities.inc from the HTML 5 table of Python's html.entities.

The second table holds the names that ftfy adds: a lower-case name, written in capitals, that HTML
itself does not know, stands for the upper-case character (&EACUTE; for &Eacute;).

Usage: make_html_entities.py > src/tokenizer/html_entities.inc
"""
import html
import sys
from html.entities import html5


def capital_names() -> dict[str, str]:
    names = {}
    for name, text in html5.items():
        capital = name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape("&" + capital) == "&" + capital:
            names[capital] = text.upper()
    return names


def c_string(text: str) -> str:
    """Octal escapes: unlike hexadecimal ones they end after three digits."""
    plain = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789;")
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def print_table(name: str, entities: dict[str, str]) -> None:
    print(f"constexpr Entity {name}[] = {{")
    line = "   "
    for key in sorted(entities, key=str.encode):
        item = f" {{{c_string(key)}, {c_string(entities[key])}}},"
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")


def main() -> None:
    print("// SPDX-License-Identifier: Apache-2.0")
    version = ".".join(str(part) for part in sys.version_info[:2])
    print(f"// Written by tools/make_html_entities.py with Python {version}; sorted by bytes.")
    print("// clang-format off")
    print_table("kHtml5Entities", html5)
    print_table("kCapitalEntities", capital_names())
    print("// clang-format on")


if __name__ == "__main__":
    main()
