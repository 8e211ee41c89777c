// SPDX-License-Identifier: Apache-2.0
// Reads .pth files as torch.save writes them since PyTorch 1.6: a zip archive of a pickle, which
// is read but never run, and the storages it refers to.
#pragma once

#include <memory>

#include "base/file.h"
#include "formats/tensor_file.h"

namespace reel::formats {

// Throws as open_tensor_file does; a pickle that asks for anything but tensors is kBadFile.
// Source: pytorch torch/serialization.py, caffe2/serialize/inline_container.cc.
std::unique_ptr<TensorFile> open_torch_zip(InputFile file);

}  // namespace reel::formats
