#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The wheel, built and installed by pip from a copy of the tree that is then gone, runs by itself.
# REEL_PYTHON chooses the interpreter; its packages come from its index.
set -eu
cd "$(dirname "$0")/.."

python=${REEL_PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$folder" --
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$folder" pytest==8.4.2
mkdir -p "$folder/alone/python"
mv "$folder/python/tests" "$folder/alone/python/"
mv "$folder/docs" "$folder/pyproject.toml" "$folder/alone/"
rm -rf "$folder/src" "$folder/models" "$folder/python" "$folder"/build-*

cd "$folder/alone"
env -u PYTHONPATH "$folder/venv/bin/python" -m pytest -q python/tests
env -u PYTHONPATH "$folder/venv/bin/reel" --version
"$folder/venv/bin/pip" uninstall --quiet --disable-pip-version-check --yes reel
[ ! -e "$folder/venv/bin/reel" ]
echo "check-python: ok"
