# SPDX-License-Identifier: Apache-2.0
"""Fails when a line that must not compile does, or fails for another reason than the one behind it.
Usage: check.py ROOT CXX

Every source of this folder compiles as it stands. With MUST_NOT_COMPILE it has one more line, behind
which stands "// error: REGEX": the compiler's error on that line matches it.
"""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent


def compile_only(root: Path, compiler: str, text: str, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run([compiler, "-std=c++20", "-fsyntax-only", f"-I{root}/include", f"-I{root}/src",
                           "-Wno-missing-field-initializers", *flags, "-x", "c++", "-"], input=text,
                          capture_output=True, text=True)


def check_bad(root: Path, compiler: str, source: Path) -> list[str]:
    bad = [(number, words) for number, line in enumerate(source.read_text().splitlines(), 1)
           for words in re.findall(r"// error: (.*)$", line)]
    if len(bad) != 1:
        return [f"{source.name}: {len(bad)} lines that must not compile, 1 is needed"]
    (line, words), = bad
    done = compile_only(root, compiler, f'#include "{source}"\n', "-DMUST_NOT_COMPILE")
    if done.returncode == 0:
        return [f"{source.name}:{line}: compiles"]
    said = re.findall(rf"{re.escape(source.name)}:{line}:.*error: (.*)", done.stderr)
    if not any(re.search(words, one) for one in said):
        return [f"{source.name}:{line}: no error that has {words!r}:\n{done.stderr}"]
    return []


def check_good(root: Path, compiler: str, sources: list[Path]) -> list[str]:
    """All as they stand, in one unit."""
    done = compile_only(root, compiler, "".join(f'#include "{source}"\n' for source in sources),
                        "-Wall", "-Werror")
    return [] if done.returncode == 0 else [done.stderr]


if __name__ == "__main__":
    top, cxx = Path(sys.argv[1]), sys.argv[2]
    cases = sorted(HERE.glob("*.cpp"))
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(check_good, top, cxx, cases)]
        answers += [pool.submit(check_bad, top, cxx, case) for case in cases]
    found = [problem for answer in answers for problem in answer.result()] if cases else ["no case"]
    print("\n".join(found) or f"compile_fail: ok ({len(cases)} lines)")
    sys.exit(1 if found else 0)
