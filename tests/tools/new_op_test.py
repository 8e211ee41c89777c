# SPDX-License-Identifier: Apache-2.0
"""Begins an op with tools/new_op.py in a copy of the rooms it touches: what it writes compiles, its test
included, and a second call changes nothing. Usage: new_op_test.py ROOT CXX
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOUCHED = ("src/ops", "src/backends/cpu", "tests/unit/ops")
# In one translation unit: most of the time goes into the headers, which they share.
COMPILED = ("src/ops/soft_clip.cpp", "src/ops/op_record.cpp", "src/ops/observed_kernels.cpp",
            "src/backends/cpu/soft_clip.cpp", "src/backends/cpu/backend.cpp",
            "tests/unit/ops/soft_clip_test.cpp")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def begin_op(root: Path, copy: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, root / "tools/new_op.py", "soft_clip", copy],
                          capture_output=True, text=True)


def check(root: Path, compiler: str, copy: Path) -> list[str]:
    for folder in TOUCHED:
        shutil.copytree(root / folder, copy / folder)
    first = begin_op(root, copy)
    if first.returncode != 0:
        return [first.stdout + first.stderr]
    problems = [f"{path}: does not name the op" for path in first.stdout.split()
                if not re.search("soft_clip|SoftClip", (copy / path).read_text())]
    unit = "".join(f'#include "{copy / name}"\n' for name in COMPILED)
    includes = [f"-I{folder}" for folder in (copy / "src", root / "src", root / "include", root / "tests")]
    done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                           "-Wno-missing-field-initializers", *includes, "-x", "c++", "-"],
                          input=unit, capture_output=True, text=True)
    if done.returncode != 0:
        problems.append(done.stderr)
    before = contents(copy)
    if begin_op(root, copy).returncode == 0 or contents(copy) != before:
        problems.append("a second call changed something")
    return problems


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = check(Path(sys.argv[1]), sys.argv[2], Path(folder))
    print("\n".join(found) or "new_op: ok")
    sys.exit(1 if found else 0)
