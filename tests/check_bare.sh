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
chmod 755 "$root"
# The system's way to its packages: name servers and proxies.
cp /etc/resolv.conf "$root/etc/" 2> /dev/null || true
apt-config dump | grep -E '^Acquire::[a-z]+::Proxy' > "$root/etc/apt/apt.conf.d/99proxy" || true
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
git clone -q . "$root/reel"

env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
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
