#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make check`: what takes longer than `make test`, after it.
set -eu
cd "$(dirname "$0")/.."

echo "== clang-tidy"
# The vector kernels use vectors as gcc alone has them; the pragmas that choose instructions are its own too.
git ls-files 'src/*.cpp' | grep -v backends/cpu/vector_kernels.cpp |
  xargs -P "$(nproc)" -n 4 clang-tidy -p build --quiet \
    --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unknown-pragmas

echo "== headers stand alone"
find include src -name '*.h' | xargs -P "$(nproc)" -I {} sh -c '
  echo "#include \"{}\"" |
    g++ -std=c++20 -fsyntax-only -I. -Iinclude -Isrc -x c++ -Wall -Wextra -Wno-missing-field-initializers - ||
    { echo "{} does not compile alone"; exit 1; }'

echo "== silence: the library neither prints nor exits"
if grep -rnE '\b(printf|fprintf|puts)\(|std::c(out|err)|\b(exit|abort)\(' src --include='*.cpp' --include='*.h' |
    grep -vE '^src/(cli|server)/|snprintf'; then
  echo "check: the lines above belong into src/cli"
  exit 1
fi

echo "== environment: getenv in one place"
if grep -rn 'getenv(' src | grep -vE '^src/(base/env|cli/main)\.cpp'; then
  echo "check: the lines above belong into src/base/env.cpp"
  exit 1
fi

for preset in asan ubsan tsan; do
  echo "== all tests under $preset"
  except="avx2|e2e_stop|e2e_layouts"
  [ "$preset" = tsan ] && except="avx2|e2e"
  cmake --preset "$preset" > /dev/null
  cmake --build --preset "$preset"
  ctest --test-dir "build-$preset" --output-on-failure --no-tests=error \
    -L 'unit|golden|fuzz|e2e' -E "$except"
done

tests/fuzz/run.sh
tests/check_dist.sh
tests/check_bare.sh
echo "make check: all passed"
