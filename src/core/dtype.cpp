// SPDX-License-Identifier: Apache-2.0
#include "core/dtype.h"

#include <ostream>

namespace reel {
namespace {

struct Row {
  const char* name;
  int64_t elements;
  int64_t bytes;
};

// In the order of the enum. Block sizes: ggml/src/ggml-common.h.
constexpr Row kRows[] = {
    {"f32", 1, 4},      {"f16", 1, 2},      {"bf16", 1, 2},     {"f8_e4m3", 1, 1},
    {"f8_e5m2", 1, 1},  {"i8", 1, 1},       {"u8", 1, 1},       {"i32", 1, 4},
    {"i64", 1, 8},      {"f64", 1, 8},      {"q8_0", 32, 34},   {"q4_0", 32, 18},
    {"q4_1", 32, 20},   {"q5_0", 32, 22},   {"q5_1", 32, 24},   {"q2_k", 256, 84},
    {"q3_k", 256, 110}, {"q4_k", 256, 144}, {"q5_k", 256, 176}, {"q6_k", 256, 210},
};

const Row& row(DType dtype) { return kRows[static_cast<int>(dtype)]; }

}  // namespace

int64_t block_elements(DType dtype) { return row(dtype).elements; }
int64_t block_bytes(DType dtype) { return row(dtype).bytes; }
const char* dtype_name(DType dtype) { return row(dtype).name; }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << dtype_name(dtype); }

}  // namespace reel
