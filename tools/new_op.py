#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Begins an op: new_op.py NAME [ROOT]. docs/ADDING_AN_OP.md tells what comes after.

Writes src/ops/NAME.{h,cpp}, src/backends/cpu/NAME.cpp and tests/unit/ops/NAME_test.cpp for an
elementwise op out = NAME(x), and their lines in the tables and source lists. It compiles. What the
op computes is yours to say: until then the reference kernel stores NaN, and the test of its
arithmetic fails. Nothing is written when a file is there or a table does not look as expected.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"

FILES = {
    "src/ops/{name}.h": LICENCE + """\
// Say what {name} does.
#pragma once

#include "core/tensor.h"
#include "ops/context.h"

namespace reel::ops {{

// out = {name}(x): write the formula, and its source.
//
//   x, out  of one shape and dtype, f32, f16 or bf16; out may be x
void {name}(Context& ctx, const TensorView& x, const TensorView& out);

}}  // namespace reel::ops
""",
    "src/ops/{name}.cpp": LICENCE + """\
#include "ops/{name}.h"

#include "ops/check.h"

namespace reel::ops {{

void {name}(Context& ctx, const TensorView& x, const TensorView& out) {{
  REEL_REQUIRE(
      out.shape == x.shape && out.dtype == x.dtype && is_compute_dtype(x.dtype), kInvalidArgument,
      str_cat("{name}: x is ", x.dtype, ' ', x.shape, ", out is ", out.dtype, ' ', out.shape));
  require_kernel("{name}", ctx, ctx.kernels.{name});
  ctx.stop.check();
  ctx.kernels.{name}(
      {{.x = x.data, .out = out.data, .dtype = x.dtype, .elements = x.elements()}}, ctx.stream);
}}

}}  // namespace reel::ops
""",
    "src/backends/cpu/{name}.cpp": LICENCE + """\
#include <limits>

#include "backends/cpu/element.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::reference {{
namespace {{

// Say what it is; load() gives the argument.
double {name}_of(double) {{ return std::numeric_limits<double>::quiet_NaN(); }}

}}  // namespace

void {name}(const ops::{Name}Args& args, Stream) {{
  parallel_for(args.elements, 4096, [&](int64_t begin, int64_t end) {{
    for (int64_t at = begin; at < end; ++at) {{
      store(args.out, args.dtype, at, {name}_of(load(args.x, args.dtype, at)));
    }}
  }});
}}

}}  // namespace reel::cpu::reference
""",
    "tests/unit/ops/{name}_test.cpp": LICENCE + """\
#include "ops/{name}.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "backends/cpu/backend.h"
#include "core/buffer.h"
#include "support/expect_error.h"

namespace reel::ops {{
namespace {{

class {Name} : public testing::Test {{
 protected:
  Arena arena_{{"test"}};
  StopFlag stop_;
  Context ctx_{{.kernels = cpu::reference_kernels(), .arena = arena_, .stop = stop_}};
}};

// Fails until you have written here, by hand, what {name} makes of these numbers.
TEST_F({Name}, IsWhatTheFormulaSays) {{
  constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> from{{-2, 0, 3}};
  const std::vector<float> want{{kUnknown, kUnknown, kUnknown}};
  const Tensor x(DType::kF32, {{3}});
  std::copy(from.begin(), from.end(), x.values<float>().begin());
  const Tensor out(DType::kF32, {{3}});

  {name}(ctx_, x, out);

  for (size_t at = 0; at < want.size(); ++at) EXPECT_FLOAT_EQ(out.values<float>()[at], want[at]);
}}

TEST_F({Name}, NamesBothShapes) {{
  EXPECT_REEL_ERROR(
      {name}(ctx_, Tensor(DType::kF32, {{2, 3}}), Tensor(DType::kF32, {{3, 2}})), kInvalidArgument,
      "{name}: x is f32 [2, 3], out is f32 [3, 2]");
}}

}}  // namespace
}}  // namespace reel::ops
"""}

# Each line of these goes before the place that the pattern finds.
LINES = [
    ("src/ops/kernels.h", r"^// May carry a state, which", """\
// Say what {name} does.
struct {Name}Args {{
  const void* x;
  void* out;  // may be x
  DType dtype;
  int64_t elements;
}};

"""),
    ("src/ops/kernels.h", r"^\};\n\n\}  // namespace reel::ops", "  Kernel<{Name}Args> {name};\n"),
    ("src/ops/op_record.h", r"^\n\}  // namespace reel::ops",
     "OpRecord record_of(const KernelNames& names, const {Name}Args& args);\n"),
    ("src/ops/op_record.cpp", r"^\}  // namespace reel::ops", """\
OpRecord record_of(const KernelNames& names, const {Name}Args& a) {{
  return elements_record(names, "{name}", a.dtype, a.elements, 2 * bytes_of(a.dtype, a.elements));
}}

"""),
    ("src/ops/observed_kernels.cpp", r"^  return table;", "  watch(table.{name});\n"),
    ("src/backends/cpu/reference_kernels.h", r"^\n\}  // namespace reel::cpu::reference",
     "void {name}(const ops::{Name}Args& args, Stream);\n"),
    ("src/backends/cpu/backend.cpp", r"^  \};\n  return table;",
     "      .{name} = reference::{name},\n"),
    ("src/ops/CMakeLists.txt", r"^  DEPS ", "          {name}.cpp\n"),
    ("src/backends/cpu/CMakeLists.txt", r"^set\(libs\)", "list(APPEND sources {name}.cpp)\n"),
    ("tests/unit/ops/observed_kernels_test.cpp", r"^  const Kernels w = observed",
     "  k.{name} = nothing;\n"),
    ("tests/unit/ops/observed_kernels_test.cpp", r"^\n  std::vector<std::string> names;",
     "  w.{name}({{}}, {{}});\n"),
    ("tests/unit/ops/observed_kernels_test.cpp", r"\}\)\);\n\}\n\n\}  // namespace",
     ',\n          "{name}"'),
    ("tests/unit/ops/CMakeLists.txt", r"\s+LINKS ", " {name}_test.cpp"),
]


def insert(text: str, pattern: str, line: str, name: str) -> str:
    found = list(re.finditer(pattern, text, re.M))
    if len(found) != 1:
        sys.exit(f"new_op: {name} has {len(found)} places that look like {pattern!r}, 1 is needed")
    at = found[0].start()
    return text[:at] + line + text[at:]


def main(name: str, root: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit(f'new_op: "{name}" is no name of an op; lower case with underscores is needed')
    words = {"name": name, "Name": "".join(part.capitalize() for part in name.split("_"))}
    new = {path.format(**words): text.format(**words) for path, text in FILES.items()}
    for path in new:
        if (root / path).exists():
            sys.exit(f"new_op: {path} is there already")
    changed: dict[str, str] = {}
    for path, pattern, line in LINES:
        text = changed.get(path) or (root / path).read_text()
        changed[path] = insert(text, pattern, line.format(**words), path)
    written = new | changed
    for path, text in written.items():
        (root / path).write_text(text)
        print(path)
    code = [str(root / path) for path in written if Path(path).suffix in {".h", ".cpp"}]
    if shutil.which("clang-format"):
        subprocess.run(["clang-format", "-i", *code], check=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent.parent)
