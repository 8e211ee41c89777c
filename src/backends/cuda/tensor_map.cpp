// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/tensor_map.h"

#include <cuda_runtime_api.h>

#include <array>

#include "backends/cuda/cuda_check.h"
#include "base/error.h"

namespace reel::cuda {
namespace {

constexpr size_t kMostAxes = 5;

// A function of the driver, which Reel does not link.
decltype(&cuTensorMapEncodeTiled) encoder() {
  static const auto function = [] {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000,
                                           cudaEnableDefault, &result),
          "looking for cuTensorMapEncodeTiled");
    REEL_REQUIRE(result == cudaDriverEntryPointSuccess, kDeviceFailure,
                 "The NVIDIA driver has no cuTensorMapEncodeTiled.", "Update the driver.");
    return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(found);
  }();
  return function;
}

}  // namespace

CUtensorMap tensor_map(const void* base, std::span<const TensorAxis> axes) {
  std::array<cuuint64_t, kMostAxes> sizes{};
  std::array<cuuint64_t, kMostAxes> strides{};
  std::array<cuuint32_t, kMostAxes> box{};
  std::array<cuuint32_t, kMostAxes> every{};
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    sizes[axis] = static_cast<cuuint64_t>(axes[axis].size);
    strides[axis] = static_cast<cuuint64_t>(axes[axis].stride);
    box[axis] = static_cast<cuuint32_t>(axes[axis].box);
    every[axis] = 1;
  }
  CUtensorMap map{};
  // The first stride, of single bytes, is not told.
  const CUresult status =
      encoder()(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, static_cast<cuuint32_t>(axes.size()),
                const_cast<void*>(base), sizes.data(), strides.data() + 1, box.data(), every.data(),
                CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  REEL_REQUIRE(status == CUDA_SUCCESS, kDeviceFailure,
               str_cat("The NVIDIA driver refused the map of a matrix with status ",
                       static_cast<int>(status), "."));
  return map;
}

}  // namespace reel::cuda
