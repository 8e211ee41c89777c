// SPDX-License-Identifier: Apache-2.0
#include "ops/cublaslt.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include "backends/cuda/cuda_check.h"
#include "base/error.h"

namespace reel::bench {
namespace {

constexpr size_t kWorkspaceBytes = size_t{64} << 20;

template <typename Function>
Function* symbol(void* library, const char* name) {
  void* found = dlsym(library, name);
  REEL_REQUIRE(found != nullptr, kUnsupported, str_cat("cuBLASLt has no ", name, "."));
  return reinterpret_cast<Function*>(found);
}

void check(cublasStatus_t status, const char* what) {
  REEL_REQUIRE(status == CUBLAS_STATUS_SUCCESS, kDeviceFailure,
               str_cat("cuBLASLt: ", what, " failed with status ", static_cast<int>(status), "."));
}

class Loaded : public CublasLt {
 public:
  explicit Loaded(void* library) : library_(library) {
    check(symbol<decltype(cublasLtCreate)>(library_, "cublasLtCreate")(&handle_), "create");
    cuda::check(cudaMalloc(&workspace_, kWorkspaceBytes), "taking memory");
  }

  bool choose(const LtProduct& product) override {
    const bool int8 = product.dtype == DType::kI8;
    const cudaDataType_t operand = int8 ? CUDA_R_8I : CUDA_R_16BF;
    const cudaDataType_t result = int8 ? CUDA_R_32I : CUDA_R_16BF;
    int8_ = int8;
    check(symbol<decltype(cublasLtMatmulDescCreate)>(library_, "cublasLtMatmulDescCreate")(
              &product_, int8 ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F,
              int8 ? CUDA_R_32I : CUDA_R_32F),
          "describe");
    const cublasOperation_t transposed = CUBLAS_OP_T;
    check(symbol<decltype(cublasLtMatmulDescSetAttribute)>(
              library_, "cublasLtMatmulDescSetAttribute")(product_, CUBLASLT_MATMUL_DESC_TRANSA,
                                                          &transposed, sizeof transposed),
          "transpose");
    // Columns first: result^T [out, rows] = w^T^T x^T.
    const auto in = static_cast<uint64_t>(product.in);
    const auto out = static_cast<uint64_t>(product.out);
    const auto rows = static_cast<uint64_t>(product.rows);
    w_ = layout(operand, in, out);
    x_ = layout(operand, in, rows);
    result_ = layout(result, out, rows);
    return find_algorithm();
  }

  void run(const void* x, const void* w, void* result) override {
    const int32_t int_one = 1;
    const int32_t int_zero = 0;
    const float one = 1;
    const float zero = 0;
    check(symbol<decltype(cublasLtMatmul)>(library_, "cublasLtMatmul")(
              handle_, product_, int8_ ? static_cast<const void*>(&int_one) : &one, w, w_, x, x_,
              int8_ ? static_cast<const void*>(&int_zero) : &zero, result, result_, result, result_,
              &algorithm_, workspace_, kWorkspaceBytes, nullptr),
          "multiply");
  }

 private:
  cublasLtMatrixLayout_t layout(cudaDataType_t type, uint64_t rows, uint64_t columns) {
    cublasLtMatrixLayout_t made = nullptr;
    check(symbol<decltype(cublasLtMatrixLayoutCreate)>(library_, "cublasLtMatrixLayoutCreate")(
              &made, type, rows, columns, static_cast<int64_t>(rows)),
          "lay out");
    return made;
  }

  bool find_algorithm() {
    cublasLtMatmulPreference_t preference = nullptr;
    check(symbol<decltype(cublasLtMatmulPreferenceCreate)>(
              library_, "cublasLtMatmulPreferenceCreate")(&preference),
          "prefer");
    const uint64_t bytes = kWorkspaceBytes;
    check(symbol<decltype(cublasLtMatmulPreferenceSetAttribute)>(
              library_, "cublasLtMatmulPreferenceSetAttribute")(
              preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes),
          "prefer");
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t status = symbol<decltype(cublasLtMatmulAlgoGetHeuristic)>(
        library_, "cublasLtMatmulAlgoGetHeuristic")(handle_, product_, w_, x_, result_, result_,
                                                    preference, 1, &found, &count);
    algorithm_ = found.algo;
    return status == CUBLAS_STATUS_SUCCESS && count > 0;
  }

  void* library_;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
  bool int8_ = false;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t w_ = nullptr, x_ = nullptr, result_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
};

}  // namespace

std::unique_ptr<CublasLt> CublasLt::open() {
  void* library = dlopen("libcublasLt.so.13", RTLD_NOW);
  if (library == nullptr) library = dlopen("libcublasLt.so.12", RTLD_NOW);
  if (library == nullptr) return nullptr;
  return std::make_unique<Loaded>(library);
}

}  // namespace reel::bench
