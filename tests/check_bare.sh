#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make check-bare`: the README's two commands in a bare Debian 12 that has nothing but make. Needs
# root and debootstrap. REEL_DEBIAN_MIRROR overrides the mirror of the system's own apt.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "check-bare: needs root, for chroot." >&2; exit 1; }
command -v debootstrap > /dev/null || { echo "check-bare: needs debootstrap: apt-get install debootstrap" >&2; exit 1; }

mirror=${REEL_DEBIAN_MIRROR:-$(apt-cache policy | sed -n 's/.* \(https\{0,1\}:[^ ]*\) bookworm\/main.*/\1/p' | head -n 1)}
root=$(mktemp -d "${TMPDIR:-/var/tmp}/reel-bare-XXXXXX")
clean() {
  umount "$root/proc" "$root/dev" 2> /dev/null || true
  rm -rf --one-file-system "$root"
}
trap clean EXIT INT TERM

debootstrap --variant=minbase bookworm "$root" "$mirror"
# The system's way to its packages: mirror, certificates, proxies, name servers.
cp /etc/resolv.conf "$root/etc/" 2> /dev/null || true
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2> /dev/null || true
mkdir -p "$root/etc/ssl/certs"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2> /dev/null || true
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
git clone -q . "$root/reel"

chroot "$root" /bin/sh -c '
  set -eu
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends make
  cd /reel
  make demo < /dev/null
  ls -l demo.mp4
  make test < /dev/null
'
echo "check-bare: make demo and make test ran in a bare Debian 12"
