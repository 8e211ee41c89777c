#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clients.sh REEL: OpenAI's client, and schemathesis, which makes requests up from /openapi.json, each in an
# environment of its own under build/. A step of `make check`.
set -eu
reel=$(realpath "${1:?usage: clients.sh REEL}")
cd "$(dirname "$0")/../.."

venv=$PWD/build/server-clients
if ! cmp -s tests/server/requirements.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install -q -r tests/server/requirements.txt
  cp tests/server/requirements.txt "$venv/"
fi
"$venv/bin/python" tests/server/openai_check.py "$reel"

folder=$(mktemp -d)
trap 'kill "$server" 2> /dev/null || true; rm -rf "$folder"' EXIT INT TERM
"$reel" serve --port 0 --data "$folder/data" --max-queue 8 --quiet > "$folder/url" &
server=$!
while [ ! -s "$folder/url" ]; do sleep 0.1; done
# It keeps what it finds in the current folder.
config=$(realpath tests/server/schemathesis.toml)
cd "$folder"
"$venv/bin/schemathesis" --config-file "$config" run "$(cat url)/openapi.json" --max-examples "${EXAMPLES:-100}" \
  --seed 7 --request-timeout 20
