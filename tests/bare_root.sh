# SPDX-License-Identifier: Apache-2.0
# Sourced: makes $root a bare Debian 12 (removed at exit) and gives in_root, which runs a shell script
# there. Needs root and debootstrap. REEL_DEBIAN_MIRROR overrides the mirror of the system's own apt.
[ "$(id -u)" = 0 ] || { echo "$0: needs root, for chroot." >&2; exit 1; }
command -v debootstrap > /dev/null || { echo "$0: needs debootstrap: apt-get install debootstrap" >&2; exit 1; }

mirror=${REEL_DEBIAN_MIRROR:-$(apt-cache policy | sed -n 's/.* \(https\{0,1\}:[^ ]*\) bookworm\/main.*/\1/p' | head -n 1)}
root=$(mktemp -d "${TMPDIR:-/var/tmp}/reel-bare-XXXXXX")
clean_root() {
  umount "$root/proc" "$root/dev" 2> /dev/null || true
  # A program that is just ending may keep one busy.
  umount --lazy "$root/proc" "$root/dev" 2> /dev/null || true
  rm -rf --one-file-system "$root"
}
trap clean_root EXIT INT TERM

debootstrap --variant=minbase bookworm "$root" "$mirror" > "$root.log" || { cat "$root.log"; exit 1; }
rm -f "$root.log"
chmod 755 "$root"
# The system's way to its packages: name servers and proxies.
cp /etc/resolv.conf "$root/etc/" 2> /dev/null || true
apt-config dump | grep -E '^Acquire::[a-z]+::Proxy' > "$root/etc/apt/apt.conf.d/99proxy" || true
# And pip's, where it has one of its own: an index, certificates.
if [ -e /etc/pip.conf ]; then
  certificates=$(sed -n 's/^cert *= *//p' /etc/pip.conf)
  [ -z "$certificates" ] || cp "$certificates" "$root/etc/pip.crt"
  sed 's#^cert *=.*#cert = /etc/pip.crt#' /etc/pip.conf > "$root/etc/pip.conf"
fi
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"

in_root() {
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive \
      chroot "$root" /bin/sh -euc "$1"
}
