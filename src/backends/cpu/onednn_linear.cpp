// SPDX-License-Identifier: Apache-2.0
// Matrix products through oneDNN's matmul with weights packed once.
#include <algorithm>

#include "backends/cpu/amx_kernels.h"
#include "backends/cpu/onednn_engine.h"
#include "backends/cpu/onednn_parts.h"
#include "backends/cpu/reference_kernels.h"
#include "base/parallel.h"

namespace reel::cpu::onednn {
namespace {

using dnnl::memory;

// bf16 products are our own where there is a matrix unit.
bool on_amx(DType dtype) { return dtype == DType::kBF16 && usable_isa() >= Isa::kAmx; }

// Weights are packed for this many rows; other row counts use the same order.
constexpr int64_t kPackedForRows = 256;

struct Product {
  dnnl::matmul::primitive_desc desc;
  dnnl::matmul primitive;
};

memory::desc row_major(int64_t rows, int64_t cols, DType dtype) {
  return {{rows, cols}, data_type(dtype), memory::format_tag::ab};
}

dnnl::primitive_attr epilogue_attr(ops::Epilogue epilogue) {
  dnnl::post_ops post;
  if (epilogue == ops::Epilogue::kGeluTanh) {
    post.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_tanh, 0.0f, 0.0f);
  } else if (epilogue == ops::Epilogue::kSilu) {
    post.append_eltwise(1.0f, dnnl::algorithm::eltwise_swish, 1.0f, 0.0f);
  }
  dnnl::primitive_attr attr;
  attr.set_post_ops(post);
  return attr;
}

const memory::desc& packed_desc(DType dtype, int64_t out, int64_t in) {
  static std::map<Key, memory::desc> cache;
  return cached(cache, {static_cast<int64_t>(dtype), out, in}, [&] {
    const memory::desc any({in, out}, data_type(dtype), memory::format_tag::any);
    const dnnl::matmul::desc desc(row_major(kPackedForRows, in, dtype), any,
                                  row_major(kPackedForRows, out, DType::kF32));
    return dnnl::matmul::primitive_desc(desc, engine()).weights_desc();
  });
}

Product make_product(const ops::LinearArgs& args, DType x_dtype, DType out_dtype) {
  const MatrixView& w = args.weight;
  const memory::desc bias({1, w.out}, memory::data_type::f32, memory::format_tag::ab);
  const memory::desc x = row_major(args.rows, w.in, x_dtype);
  const memory::desc out = row_major(args.rows, w.out, out_dtype);
  const memory::desc& weight = packed_desc(w.dtype, w.out, w.in);
  const dnnl::primitive_attr attr = epilogue_attr(args.epilogue);
  const auto desc = args.bias != nullptr ? dnnl::matmul::desc(x, weight, bias, out)
                                         : dnnl::matmul::desc(x, weight, out);
  const dnnl::matmul::primitive_desc primitive_desc(desc, attr, engine());
  return {primitive_desc, dnnl::matmul(primitive_desc)};
}

void plain_linear(const ops::LinearArgs& args) {
  static std::map<Key, Product> products;
  const MatrixView& w = args.weight;
  const bool adds =
      args.epilogue == ops::Epilogue::kAdd || args.epilogue == ops::Epilogue::kGatedAdd;
  const void* x = args.x;
  DType x_dtype = args.x_dtype;
  if (x_dtype != w.dtype) {
    float* const converted = scratch_floats(0, args.rows * w.in);
    kernels().cast({.x = x,
                    .x_dtype = x_dtype,
                    .out = converted,
                    .dtype = w.dtype,
                    .elements = args.rows * w.in},
                   {});
    x = converted;
    x_dtype = w.dtype;
  }
  // oneDNN has no f32 product that stores bf16.
  const bool narrows = w.dtype == DType::kF32 && args.out_dtype == DType::kBF16;
  void* const y = adds || narrows ? scratch_floats(1, args.rows * w.out) : args.out;
  const DType y_dtype = adds || narrows ? DType::kF32 : args.out_dtype;
  const Product& product =
      cached(products,
             {args.rows, w.out, w.in, static_cast<int64_t>(w.dtype), static_cast<int64_t>(y_dtype),
              args.bias != nullptr, adds ? 0 : static_cast<int64_t>(args.epilogue)},
             [&] { return make_product(args, x_dtype, y_dtype); });
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, wrap(product.desc.src_desc(), x)},
      {DNNL_ARG_WEIGHTS, wrap(product.desc.weights_desc(), w.data)},
      {DNNL_ARG_DST, wrap(product.desc.dst_desc(), y)}};
  if (args.bias != nullptr) {
    arguments.emplace(DNNL_ARG_BIAS, wrap(product.desc.bias_desc(), args.bias));
  }
  product.primitive.execute(stream(), arguments);
  stream().wait();
  if (narrows) {
    kernels().cast({.x = y,
                    .x_dtype = DType::kF32,
                    .out = args.out,
                    .dtype = args.out_dtype,
                    .elements = args.rows * w.out},
                   {});
  }
  if (!adds) return;
  const VectorHelpers& helpers = vector_helpers(usable_isa());
  parallel_for(args.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      helpers.add_row(static_cast<float*>(args.out) + row * w.out,
                      static_cast<const float*>(y) + row * w.out, args.gate, w.out);
    }
  });
}

}  // namespace

int64_t packed_matrix_bytes(DType dtype, int64_t out, int64_t in) {
  if (dtype == DType::kI8) return packed_int8_bytes(out, in);
  if (dtype == DType::kF8E4M3) return packed_fp8_bytes(out, in);
  if (on_amx(dtype)) return amx::packed_matrix_bytes(dtype, out, in);
  return static_cast<int64_t>(packed_desc(dtype, out, in).get_size());
}

void pack_matrix(const ops::PackMatrixArgs& args, Stream stream_of_call) {
  if (args.dtype == DType::kI8) return pack_int8(args, stream_of_call);
  if (args.dtype == DType::kF8E4M3) return pack_fp8(args, stream_of_call);
  if (on_amx(args.dtype)) return amx::pack_matrix(args);
  // [out, in] row-major is [in, out] column-major.
  const memory::desc from({args.in, args.out}, data_type(args.dtype), memory::format_tag::ba);
  memory source = wrap(from, args.from);
  memory target = wrap(packed_desc(args.dtype, args.out, args.in), args.to);
  dnnl::reorder(source, target).execute(stream(), source, target);
  stream().wait();
}

const char* which_linear(const ops::LinearArgs& args) {
  if (args.weight.dtype == DType::kI8) return which_int8_linear();
  // FP8 numbers are multiplied in what the CPU prefers: onednn_fp8.cpp.
  const DType dtype = args.weight.dtype == DType::kF8E4M3 ? preferred_compute() : args.weight.dtype;
  return on_amx(dtype) ? "AMX" : "oneDNN";
}

void linear(const ops::LinearArgs& args, Stream stream_of_call) {
  if (args.weight.dtype == DType::kI8) {
    int8_linear(args, stream_of_call);
  } else if (args.weight.dtype == DType::kF8E4M3) {
    fp8_linear(args, stream_of_call);
  } else if (on_amx(args.weight.dtype)) {
    amx::linear(args);
  } else {
    plain_linear(args);
  }
  reference::fill_sum_squares(args);
}

}  // namespace reel::cpu::onednn
