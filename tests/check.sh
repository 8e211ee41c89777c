#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make check`: `make test`, then what takes longer. Hours on 2 cores; each step says when it
# begins and how long it took. After a failure the same call goes on with the step that failed, as
# long as no file has changed since. check.sh STEP...: these steps alone.
set -eu
cd "$(dirname "$0")/.."

all="tests benchmarks server page sizes tidy headers silence environment asan ubsan tsan fuzz wheel fleet dist bare container"
passed=build/check-passed

tests() { tests/run.sh; }

# They compile. `make bench` runs them.
benchmarks() {
  cmake --preset release -B build-benchmarks -DREEL_WITH_BENCHMARKS=ON -DREEL_WITH_TESTS=OFF > /dev/null
  cmake --build build-benchmarks
}

# Never fails: what it prints wants a reason.
sizes() { python3 tools/size_report.py .; }

# The vector kernels use vectors as gcc alone has them; the pragmas that choose instructions are its own too.
# MPI's ranks want headers that only a build with MPI has.
tidy() {
  cmake --preset dev > /dev/null  # its commands name no precompiled headers, which are the compiler's own
  cmake --build --preset dev --target reel_source_commit > /dev/null  # a header that a source includes
  git ls-files 'src/*.cpp' | grep -v -e backends/cpu/vector_kernels.cpp -e comm/mpi/ |
    xargs -P "$(nproc)" -n 4 clang-tidy -p build-dev --quiet \
      --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unknown-pragmas
}

# Every header compiles alone.
headers() {
  find include src -name '*.h' | xargs -P "$(nproc)" -I {} sh -c '
    echo "#include \"{}\"" |
      g++ -std=c++20 -fsyntax-only -I. -Iinclude -Isrc -x c++ -Wall -Wextra -Wno-missing-field-initializers - ||
      { echo "{} does not compile alone"; exit 1; }'
}

# The library neither prints nor exits.
silence() {
  if grep -rnE '\b(printf|fprintf|puts)\(|std::c(out|err)|\b(exit|abort)\(' src --include='*.cpp' --include='*.h' |
      grep -vE '^src/(cli|server)/|snprintf'; then
    echo "check: the lines above belong into src/cli"
    return 1
  fi
}

# getenv in one place.
environment() {
  if grep -rn 'getenv(' src | grep -vE '^src/(base/env|cli/main)\.cpp'; then
    echo "check: the lines above belong into src/base/env.cpp"
    return 1
  fi
}

# All tests under a sanitizer. What measures time, and what takes longest, is left out.
sanitized() {
  cmake --preset "$1" > /dev/null
  cmake --build --preset "$1"
  ctest --test-dir "build-$1" --output-on-failure --no-tests=error -L 'unit|golden|fuzz|e2e' -E "$2"
}
# Clips of minutes: their runs would end at the limits of the tests.
long_clips='avx2|e2e_(stop|layouts|eval|fault|preview|bench)'
asan() { sanitized asan "$long_clips"; }
ubsan() { sanitized ubsan "$long_clips"; }
tsan() {
  export TSAN_OPTIONS="suppressions=$PWD/tests/tsan_suppressions.txt"
  sanitized tsan "avx2|e2e"
}

# OpenAI's client, schemathesis, and many clients at once.
server() {
  tests/server/clients.sh build/bin/reel
  python3 tests/server/load.py build/bin/reel
}
# The page, in Chromium.
page() { tests/check_page.sh; }

fuzz() { tests/fuzz/run.sh; }
# By pip, in a virtual environment.
wheel() { tests/check_python.sh; }
# Ray's processes on a cluster of several nodes on this machine.
fleet() { tests/check_fleet.sh; }
dist() { tests/check_dist.sh; }
bare() { tests/check_bare.sh; }
# The steps of docker/, each stage in a bare Debian 12.
container() { tests/check_container.sh; }

# What the notes in $passed are about: the commit and every change since.
tree=$( { git rev-parse HEAD; git diff HEAD; git status --porcelain; } | sha1sum | cut -d' ' -f1)
mkdir -p build
[ "$(head -n 1 "$passed" 2> /dev/null)" = "$tree" ] || echo "$tree" > "$passed"

for name in ${*:-$all}; do
  case " $all " in *" $name "*) ;; *) echo "check: no step $name; there are: $all" >&2; exit 2 ;; esac
  if [ $# = 0 ] && grep -qx "$name" "$passed"; then
    echo "== $name: passed before, nothing has changed since"
    continue
  fi
  echo "== $name, begun $(date +%H:%M)"
  start=$(date +%s)
  # In a shell of its own: `set -e` holds in a function only where its result is not asked for.
  (set -e; "$name")
  echo "   $(($(date +%s) - start)) s"
  echo "$name" >> "$passed"
done
[ $# != 0 ] || echo "make check: all passed"
