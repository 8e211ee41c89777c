# SPDX-License-Identifier: Apache-2.0
"""The program ``reel`` that comes with this package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn, Sequence


def path() -> Path:
    """Where the program is."""
    return Path(__file__).resolve().parent / "bin" / "reel"


def become(args: Sequence[str]) -> NoReturn:
    """Goes on as the program with these arguments: its output, signals and exit code are ours."""
    sys.stdout.flush()
    sys.stderr.flush()
    program = os.fspath(path())
    os.execv(program, [program, *args])


def main() -> NoReturn:
    """``reel`` on the command line."""
    become(sys.argv[1:])
