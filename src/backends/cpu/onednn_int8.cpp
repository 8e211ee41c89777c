// SPDX-License-Identifier: Apache-2.0
// 8-bit products through oneDNN: s8 x s8 -> s32, rotated and quantised before, scaled after.
//
// Without VNNI oneDNN adds pairs of products in 16 bits, which saturate: there our own products,
// over row-major weights, keep the sums exact.
#include <cstring>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"
#include "core/int8_layout.h"

namespace reel::cpu::onednn {
namespace {

using dnnl::memory;

constexpr int64_t kPackedForRows = 256;

// Products are our own where there is a matrix unit.
bool on_amx() { return usable_isa() >= Isa::kAmx; }

bool has_vnni() {
  static const bool has = usable_isa() >= Isa::kAvx512 && __builtin_cpu_supports("avx512vnni");
  return has;
}

struct Product {
  dnnl::matmul::primitive_desc desc;
  dnnl::matmul primitive;
};

dnnl::matmul::primitive_desc product_desc(int64_t rows, int64_t out, int64_t in,
                                          const memory::desc& weight) {
  const memory::desc x({rows, in}, memory::data_type::s8, memory::format_tag::ab);
  const memory::desc sums({rows, out}, memory::data_type::s32, memory::format_tag::ab);
  return {dnnl::matmul::desc(x, weight, sums), engine()};
}

const memory::desc& packed_desc(int64_t out, int64_t in) {
  static std::map<Key, memory::desc> cache;
  return cached(cache, {out, in}, [&] {
    const memory::desc any({in, out}, memory::data_type::s8, memory::format_tag::any);
    return product_desc(kPackedForRows, out, in, any).weights_desc();
  });
}

int64_t number_bytes(int64_t out, int64_t in) {
  if (on_amx()) return amx::packed_matrix_bytes(DType::kI8, out, in);
  return has_vnni() ? static_cast<int64_t>(packed_desc(out, in).get_size()) : out * in;
}

void multiply(const MatrixView& w, int64_t rows, const int8_t* x, int32_t* sums) {
  static std::map<Key, Product> products;
  if (!has_vnni()) {
    parallel_for(rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        vector_helpers(usable_isa())
            .int8_products(x + row * w.in, static_cast<const int8_t*>(w.data), w.in, w.out,
                           sums + row * w.out);
      }
    });
    return;
  }
  const Product& product = cached(products, {rows, w.out, w.in}, [&]() -> Product {
    const auto desc = product_desc(rows, w.out, w.in, packed_desc(w.out, w.in));
    return {desc, dnnl::matmul(desc)};
  });
  product.primitive.execute(stream(),
                            {{DNNL_ARG_SRC, wrap(product.desc.src_desc(), x)},
                             {DNNL_ARG_WEIGHTS, wrap(product.desc.weights_desc(), w.data)},
                             {DNNL_ARG_DST, wrap(product.desc.dst_desc(), sums)}});
  stream().wait();
}

}  // namespace

int64_t packed_int8_bytes(int64_t out, int64_t in) {
  return scales_offset_bytes(number_bytes(out, in)) + storage_bytes(DType::kF32, out);
}

void pack_int8(const ops::PackMatrixArgs& args, Stream) {
  if (on_amx()) {
    amx::pack_matrix(args);
  } else if (has_vnni()) {
    const memory::desc from({args.in, args.out}, memory::data_type::s8, memory::format_tag::ba);
    memory source = wrap(from, args.from);
    memory target = wrap(packed_desc(args.out, args.in), args.to);
    dnnl::reorder(source, target).execute(stream(), source, target);
    stream().wait();
  } else {
    std::memcpy(args.to, args.from, static_cast<size_t>(args.out * args.in));
  }
  std::memcpy(
      static_cast<std::byte*>(args.to) + scales_offset_bytes(number_bytes(args.out, args.in)),
      args.row_scale, static_cast<size_t>(storage_bytes(DType::kF32, args.out)));
}

void quantise_rows(const ops::QuantiseRowsArgs& args, Stream stream_of_call) {
  if (args.to_dtype != DType::kI8) return reference::quantise_rows(args, stream_of_call);
  const VectorHelpers& helpers = vector_helpers(usable_isa());
  parallel_for(args.rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      args.scales[row] = helpers.quantise_row(args.x, args.dtype, row * args.width, args.width,
                                              static_cast<int8_t*>(args.out) + row * args.width);
    }
  });
}

const char* which_int8_linear() {
  if (on_amx()) return "AMX";
  return has_vnni() ? "oneDNN" : "vector";
}

void int8_linear(const ops::LinearArgs& args, Stream) {
  if (on_amx()) return amx::linear(args);
  const MatrixView& w = args.weight;
  auto* const sums = reinterpret_cast<int32_t*>(scratch_floats(1, args.rows * w.out));
  multiply(w, args.rows, static_cast<const int8_t*>(args.x), sums);
  finish_scaled_rows(args, {.ints = sums,
                            .floats = nullptr,
                            .column_scales = row_scales(w.data, number_bytes(w.out, w.in))});
}

}  // namespace reel::cpu::onednn
