# SPDX-License-Identifier: Apache-2.0
"""Lints docker/*.Dockerfile: pinned images, two stages, a user other than root, no apt lists, files that are there.
Usage: check_docker.py ROOT
"""
import re
import sys
from pathlib import Path


def problems_of(root: Path, file: Path) -> list[str]:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    stages = [line.split() for line in lines if line.startswith("FROM ")]
    names = {words[3] for words in stages if len(words) == 4}
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    found = []
    if len(stages) < 2:
        found.append("one stage, two are needed")
    found += [f"{words[1]} is not pinned by tag and digest" for words in stages
              if not re.search(r":[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}$", words[1])]
    # By its number: without /etc/passwd, only that tells that it is not root.
    if not users or not re.fullmatch("[1-9][0-9]*", users[-1]):
        found.append("the last USER is not the number of a user other than root")
    for line in lines:
        if "install" in line and line.startswith("RUN ") and re.search("apt-get|install-deps", line):
            if not line.endswith("rm -rf /var/lib/apt/lists/*"):
                found.append(f"apt's lists stay: {line}")
        found += [f"there is no {name}" for name in re.findall(r" -r (\S+)", line) if not (root / name).exists()]
        if line.startswith("COPY "):
            words = line.split()[1:]
            if words[0].startswith("--from="):
                if words[0][7:] not in names:
                    found.append(f"no such stage: {line}")
            else:
                found += [f"there is no {name}" for name in words[:-1] if not (root / name).exists()]
    return [f"{file.name}: {problem}" for problem in found]


if __name__ == "__main__":
    top = Path(sys.argv[1])
    files = sorted((top / "docker").glob("*.Dockerfile"))
    found = [problem for file in files for problem in problems_of(top, file)]
    print("\n".join(found) or f"docker: ok ({len(files)} files)")
    sys.exit(1 if found or not files else 0)
