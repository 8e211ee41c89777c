#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make check-bare`: the README's two commands in a bare Debian 12 that has nothing but make.
set -eu
cd "$(dirname "$0")/.."
. tests/bare_root.sh

git clone -q . "$root/reel"
in_root '
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends make
  cd /reel
  make demo < /dev/null
  ls -l demo.mp4
  make test < /dev/null
'
echo "check-bare: make demo and make test ran in a bare Debian 12"
