// SPDX-License-Identifier: Apache-2.0
// Writes .pth files that torch.load(path, weights_only=True) accepts.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "formats/tensor_writer.h"

namespace reel::formats {

// A flat dict of tensors, each in a storage of its own that starts at a multiple of 64 bytes.
// Above 4 GiB the archive is zip64. Throws kInvalidArgument for block formats, which PyTorch does
// not have; kIo.
std::unique_ptr<TensorWriter> start_torch_zip(const std::filesystem::path& destination,
                                              std::vector<TensorSpec> tensors);

}  // namespace reel::formats
