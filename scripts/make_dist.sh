#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_dist.sh BUILD [--gpu-tests | --into FOLDER]: from a finished build folder, dist/reel-VERSION-linux-x86_64.tar.xz,
# which runs wherever it is unpacked, and dist/reel_VERSION_amd64.deb with the same files. They hold
# every library the program links but those of the C and C++ runtimes; FFmpeg is no part of them.
# Fails when one of the two is larger than 60 MB.
# --gpu-tests: only the archive, named reel-gpu-tests-..., with test and benchmark programs beside
# the program, for a machine with a GPU and no packages. --into: what the archive holds, in a new folder
# of the name given, and nothing else.
set -eu
cd "$(dirname "$0")/.."

build=${1:?usage: make_dist.sh BUILD [--gpu-tests | --into FOLDER]}
tests=
folder=
case ${2-} in
  "") ;;
  --gpu-tests) tests=$2 ;;
  --into) folder=${3:?usage: make_dist.sh BUILD --into FOLDER} ;;
  *) echo "make_dist: \"$2\" is not known" >&2; exit 2 ;;
esac
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
name=reel-$version-linux-x86_64
[ -z "$tests" ] || name=reel-gpu-tests-$version-linux-x86_64
# In every Debian, with the rest of the system: not bundled.
system='^(linux-vdso|ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s)\.so'

mkdir -p dist
stage=$(mktemp -d dist/.stage-XXXXXX)
trap 'rm -rf "$stage"' EXIT INT TERM
tree=$stage/$name
# Without component dev: who builds against the library has the sources.
cmake --install "$build" --prefix "$tree" --component Unspecified > /dev/null
[ -z "$tests" ] || cmake --install "$build" --prefix "$tree" --component gpu_tests > /dev/null

# The libraries, under the names they are asked for, and the terms each comes under. The FFmpeg
# module is left out: its libraries are the user's.
licences=$tree/share/doc/reel/licences
mkdir -p "$licences"
licence_of() { # a file of an installed package, which may know it without /usr
  package=$( { dpkg-query -S "$1" || dpkg-query -S "${1#/usr}"; } 2> /dev/null | head -n 1 | cut -d: -f1)
  [ -n "$package" ] || { echo "make_dist: no package owns $1, so its licence is not known" >&2; exit 1; }
  cp "/usr/share/doc/$package/copyright" "$licences/$package"
}
linked() { # what the programs and libraries given link, "NAME PATH" a line
  for program in "$@"; do ldd "$program"; done |
    sed -n 's/^[[:space:]]*\([^ ]*\) => \(\/[^ ]*\) .*/\1 \2/p' | sort -u | grep -vE "$system"
}
bundle() { # FOLDER: those that are read
  mkdir -p "$1"
  while read -r library path; do
    cp -L "$path" "$1/$library"
    licence_of "$(readlink -f "$path")"
  done
}
linked "$tree"/bin/* > "$stage/bundled"
# Before they are copied: afterwards it would find the copies.
linked "$tree/lib/libreel_httplib.so" | comm -13 "$stage/bundled" - > "$stage/bundled-httplib"
bundle "$tree/lib" < "$stage/bundled"
# Apart from the program's, where the system's libcurl does not find its OpenSSL.
bundle "$tree/lib/httplib" < "$stage/bundled-httplib"
# Compiled into the program.
for header in /usr/include/nlohmann/json.hpp /usr/include/CLI/CLI.hpp /usr/include/openssl/sha.h; do licence_of "$header"; done
if grep -q '^REEL_WITH_CUDA:.*=ON' "$build/CMakeCache.txt" || grep -q '^CMAKE_CUDA_COMPILER:' "$build/CMakeCache.txt"; then
  echo "The CUDA runtime (cudart) is linked in, under the NVIDIA CUDA Toolkit End User License Agreement,
which lets applications distribute it: https://docs.nvidia.com/cuda/eula/" > "$licences/cuda-runtime"
fi
# As DT_RPATH in the program, ../lib holds for these libraries too; bin/ and lib/ stay side by side.
find "$tree/bin" "$tree/lib" -type f -exec strip --strip-unneeded {} +
find "$tree" -type f -exec chmod a+r {} +

if [ -n "$folder" ]; then
  [ ! -e "$folder" ] || { echo "make_dist: $folder is there already" >&2; exit 1; }
  mv "$tree" "$folder"
  exit 0
fi

# The oldest C library and C++ runtime that have what the files ask for.
needs() { find "$tree/bin" "$tree/lib" -type f -exec readelf -V {} + | grep -oE "$1_[0-9.]+" | cut -d_ -f2 | sort -uV | tail -n 1; }
glibc=$(needs GLIBC)
glibcxx=$(needs GLIBCXX)

tar -C "$stage" --owner=0 --group=0 --sort=name -c "$name" | xz -9 > "dist/$name.tar.xz"
echo "dist/$name.tar.xz: $(stat -c %s "dist/$name.tar.xz") bytes, unpacked $(du -sb "$tree" | cut -f1); glibc $glibc and GLIBCXX_$glibcxx are needed"
[ -z "$tests" ] || exit 0
most_bytes=60000000
small_enough() { # FILE
  [ "$(stat -c %s "$1")" -le "$most_bytes" ] || { echo "make_dist: $1 is larger than $most_bytes bytes" >&2; exit 1; }
}
small_enough "dist/$name.tar.xz"

root=$stage/deb
mkdir -p "$root/usr/lib" "$root/usr/bin" "$root/usr/share/doc" "$root/DEBIAN"
mv "$tree" "$root/usr/lib/reel"
mv "$root/usr/lib/reel/share/doc/reel" "$root/usr/share/doc/reel"
ln -s ../lib/reel/bin/reel "$root/usr/bin/reel"
cat > "$root/DEBIAN/control" << CONTROL
Package: reel
Version: $version
Architecture: amd64
Maintainer: The Reel authors <reel@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6 (>= $glibc), libstdc++6 (>= 12), libgcc-s1
Recommends: ffmpeg, libcurl4 | libcurl3-gnutls, ca-certificates
Section: video
Priority: optional
Description: turns a sentence into a short video on your own PC
 Runs the published 4-step distilled Wan2.1-T2V checkpoints on an NVIDIA card
 of compute capability 8.0 or newer, or slowly on the CPU. A small demo model is
 part of it. With ffmpeg it writes MP4, else Y4M and PNG.
CONTROL
deb=dist/reel_${version}_amd64.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" > /dev/null
echo "$deb: $(stat -c %s "$deb") bytes"
small_enough "$deb"
