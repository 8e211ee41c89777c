#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A fleet on a Ray cluster of several nodes on this machine, with the module of `make build`. Ray comes from its
# index into a virtual environment that is kept in build/. check_fleet.sh NAME...: tests/fleet/NAME_test.py alone;
# check_fleet.sh speed [CLIPS]: times two nodes against one.
set -eu
cd "$(dirname "$0")/.."

# The interpreter that the module was built for.
python=${REEL_PYTHON:-/usr/bin/python3}
[ -x "$python" ] || python=python3
ls build/python/reel/_reel.*.so > /dev/null 2>&1 || { echo "check-fleet: the module is missing: make build" >&2; exit 1; }
venv=build/fleet-venv
if ! cmp -s tests/fleet/requirements.txt "$venv/installed"; then
  rm -rf "$venv"
  "$python" -m venv "$venv" || { echo "check-fleet: apt-get install python3-venv" >&2; exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/fleet/requirements.txt ||
    { echo "check-fleet: Ray could not be installed from the package index; the sentence above says why" >&2; exit 1; }
  cp tests/fleet/requirements.txt "$venv/installed"
fi
export PYTHONPATH="$PWD/build/python" RAY_USAGE_STATS_ENABLED=0
if [ "${1:-}" = speed ]; then
  shift
  exec "$venv/bin/python" tests/fleet/speed.py "$@"
fi
for name in ${*:-settings start keys http faults}; do
  "$venv/bin/python" "tests/fleet/${name}_test.py"
done
