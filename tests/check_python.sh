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

# Nothing of the build is in the wheel, and what types its users is.
installed=$("$folder/venv/bin/pip" show --disable-pip-version-check --files reel | sed -n 's/^  //p')
if echo "$installed" | grep -vE '^(reel/|reel-[0-9.]+\.dist-info/|\.\./\.\./\.\./bin/reel$)' ||
    echo "$installed" | grep -E '\.(a|o|h|cpp|cmake|log|orig)$|CMakeLists|/tests?/'; then
  echo "check-python: the wheel holds the files above"
  exit 1
fi
for file in reel/py.typed reel/_reel.pyi; do
  echo "$installed" | grep -qx "$file" || { echo "check-python: the wheel lacks $file"; exit 1; }
done

cd "$folder/alone"
env -u PYTHONPATH "$folder/venv/bin/python" --version
env -u PYTHONPATH "$folder/venv/bin/python" -m pytest -q python/tests
env -u PYTHONPATH "$folder/venv/bin/python" -m reel.lightx2v.infer --help | grep -q -- --model_cls
env -u PYTHONPATH "$folder/venv/bin/reel" --version
"$folder/venv/bin/pip" uninstall --quiet --disable-pip-version-check --yes reel
[ ! -e "$folder/venv/bin/reel" ]
echo "check-python: ok"
