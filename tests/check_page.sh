#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of `reel serve`, driven in Chromium: apt-get install chromium. Screenshots to look at go to
# build/page. check_page.sh VISIT...: these visits of tests/page/page_test.py alone.
set -eu
cd "$(dirname "$0")/.."

python=${REEL_PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
venv=build/page-venv
if ! cmp -s tests/page/requirements.txt "$venv/installed"; then
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/page/requirements.txt
  cp tests/page/requirements.txt "$venv/installed"
fi
"$venv/bin/python" tests/page/page_test.py build/bin/reel build/page "$@"
