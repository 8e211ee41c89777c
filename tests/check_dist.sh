#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make check-dist`: makes the bundle and the .deb of a finished build and runs them in a bare
# Debian 12: without FFmpeg, with it, and with its program alone; downloads and serves from there.
# check_dist.sh [BUILD]. Needs curl and python3, which stay outside.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}

scripts/make_dist.sh "$build"
version=$("$build/bin/reel" --version | sed -n '1s/^[^0-9]*\([0-9.]*[0-9]\).*/\1/p')
bundle=dist/reel-$version-linux-x86_64.tar.xz
deb=dist/reel_${version}_amd64.deb
if tar -tf "$bundle" | grep -E 'lib(av|sw|x26|postproc)'; then
  echo "$bundle holds the codec libraries above"
  exit 1
fi

. tests/bare_root.sh
mkdir "$root/opt/dist"
tar -C "$root/opt/dist" -xf "$bundle"
mv "$root/opt/dist/reel-$version-linux-x86_64" "$root/opt/dist/any where"
cp "$deb" "$root/opt/dist/reel.deb"

# refused CODE WORDS COMMAND...: ends with that exit code, and says the words.
checks='
  reel="/opt/dist/any where/bin/reel"
  prompt="a red ball moves to the right over a night sky"
  refused() {
    code=$1; words=$2; shift 2
    if "$@" > out.txt 2>&1; then got=0; else got=$?; fi
    [ "$got" = "$code" ] && grep -q "$words" out.txt || { echo "exit $got of: $*"; cat out.txt; exit 1; }
  }
  rm -rf /clips; mkdir /clips; cd /clips
'

echo "== the bundle without FFmpeg"
in_root "$checks"'
  "$reel" --version
  "$reel" generate --quiet --prompt "$prompt" --seed 1 > named.txt 2> warned.txt
  grep -qx reel-1.y4m named.txt
  head -c 10 reel-1.y4m | grep -q YUV4MPEG2
  "$reel" generate --quiet --prompt "$prompt" --seed 1 --out frames
  ls frames | head -n 1 | grep -qx frame-0001.png
  refused 6 "Install ffmpeg" "$reel" generate --prompt "$prompt" --out clip.mp4
  refused 6 "Install ffmpeg" "$reel" serve --port 0 --data serve
  refused 6 "device .cuda:0. cannot be used" "$reel" generate --prompt "$prompt" --device cuda:0
  cat out.txt
  refused 6 "Downloading needs libcurl" "$reel" pull wan2.1-t2v-14b-fp8
  cat out.txt
'
echo "== the .deb"
in_root "$checks"'
  dpkg -i /opt/dist/reel.deb
  reel generate --quiet --prompt "$prompt" --seed 1 --out deb.y4m
  "$reel" generate --quiet --prompt "$prompt" --seed 1 --out bundle.y4m
  cmp deb.y4m bundle.y4m
  dpkg -r reel
  test ! -e /usr/lib/reel
'
# Besides what every Debian has, nothing is asked for that is not in the bundle. The module for
# FFmpeg is the exception that is meant.
echo "== what the files link"
in_root "$checks"'
  ldd "$reel" "/opt/dist/any where/lib/libreel_httplib.so" > linked.txt
  if grep "not found" linked.txt; then exit 1; fi
  if grep "=> /" linked.txt | grep -v "/opt/dist/" |
      grep -vE "^.?(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s)\.so"; then
    echo "The libraries above are not of the bundle."
    exit 1
  fi
'
echo "== with libcurl"
in_root 'apt-get update -qq; apt-get install -y -qq --no-install-recommends libcurl3-gnutls > /dev/null'
in_root "$checks"'
  refused 9 "Cannot get" env HF_ENDPOINT=http://127.0.0.1:9 "$reel" pull wan2.1-t2v-14b-fp8
'
# A hub on this side of the root; both share the network.
outside=$root.outside
mkdir -p "$outside/hub/lab"
cp -r models/demo "$outside/hub/lab/demo"
echo "[]" > "$outside/faults"
python3 tests/e2e/hub_server.py "$outside/hub" "$outside/faults" "$outside/ports" "$outside/log" &
hub=$!
server=
clean_outside() {
  kill "$hub" $server 2> /dev/null || true
  rm -rf "$outside"
  clean_root
}
trap clean_outside EXIT INT TERM
wait_for() { # FILE: with something in it
  for _ in $(seq 300); do [ -s "$1" ] && return; sleep 0.1; done
  echo "check_dist: nothing came into $1"
  return 1
}
wait_for "$outside/ports"
hub_port=$(sed 's/.*"hub": *\([0-9]*\).*/\1/' "$outside/ports")
echo "== reel pull"
in_root "$checks"'
  HF_ENDPOINT=http://127.0.0.1:'"$hub_port"' "$reel" pull lab/demo --local-dir pulled --quiet
  "$reel" generate --quiet --model pulled --prompt "$prompt" --seed 1 --out pulled.y4m
  "$reel" generate --quiet --prompt "$prompt" --seed 1 --out own.y4m
  cmp pulled.y4m own.y4m
'
echo "== with FFmpeg: its libraries, then its program alone"
in_root 'apt-get update -qq; apt-get install -y -qq --no-install-recommends ffmpeg > /dev/null'
in_root "$checks"'
  stream() { ffprobe -v error -show_entries stream=codec_name,pix_fmt,color_range,color_space,nb_frames -of compact "$1"; }
  for way in libraries program; do
    "$reel" generate --quiet --prompt "$prompt" --seed 1 --out $way.mp4 --log-file $way.txt
    [ "$("$reel" replay --quiet $way.mp4)" = equal ]
    stream $way.mp4
    rm -f "/opt/dist/any where/lib/libreel_ffmpeg.so"
  done
  [ "$(stream libraries.mp4)" = "$(stream program.mp4)" ]
  stream program.mp4 | grep "codec_name=h264|pix_fmt=yuv420p|color_range=tv|color_space=bt709"
  grep -q "encoder libx264" libraries.txt
  grep -q "encoder libx264 of /usr/bin/ffmpeg" program.txt
'
echo "== reel serve"
in_root "$checks"'
  "$reel" serve --port 0 --data /serve --quiet > /serve.url &
  echo $! > /serve.pid
  wait
' &
wait_for "$root/serve.url"
server=$(cat "$root/serve.pid")
url=$(cat "$root/serve.url")
curl -sSf "$url/" | grep -q "<title>Reel"
curl -sSf "$url/v1/plans" -H "Content-Type: application/json" -d '{"prompt": "a ball"}' | head -c 300
echo
in_root "$checks"'
  "$reel" generate --quiet --server '"$url"' --prompt "$prompt" --seed 1 --out served.mp4
  [ "$("$reel" replay --quiet served.mp4)" = equal ]
'
kill "$server"
wait "$server" 2> /dev/null || true
server=
echo "check-dist: the bundle and the .deb ran in a bare Debian 12"
