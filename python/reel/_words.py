# SPDX-License-Identifier: Apache-2.0
"""Sentences of the library, which name flags of the program, in the words of Python."""

from __future__ import annotations

import re
from typing import Optional

# A command line is left as it is; a flag may be followed by a value.
_FLAG = re.compile(r"\breel [a-z-]+(?: [\w./:-]+)*|--([a-z][\w-]*)(?: (\d+x\d+|\d[\d.]*(?!\w)))?")
_RESUME = re.compile(r"reel generate --resume (\S+)")

# Whose argument has another name.
_ARGUMENTS = {
    "checkpoint-kind": "kind",
    "force": "overwrite=True",
    "lora": "loras",
    "ram": "ram_bytes",
    "vram": "vram_bytes",
}


def job_of(text: str) -> Optional[str]:
    """The job that a sentence says how to continue."""
    found = _RESUME.search(text)
    return found[1] if found else None


def in_python(text: str) -> str:
    """``--force`` is ``overwrite=True``, ``--size 64x32`` is ``width=64, height=32``."""
    return _FLAG.sub(_argument, _RESUME.sub(r'reel.resume("\1")', text))


def _argument(found: "re.Match[str]") -> str:
    flag, value = found[1], found[2]
    if flag is None:
        return found[0]
    if flag == "size":
        if value is None or "x" not in value:
            return "width and height" if value is None else f"width and height {value}"
        width, height = value.split("x")
        return f"width={width}, height={height}"
    name = _ARGUMENTS.get(flag, flag.replace("-", "_"))
    if value is None:
        return name
    if value.endswith("."):  # of the sentence
        return f"{name}={value[:-1]}."
    return f"{name}={value}"
