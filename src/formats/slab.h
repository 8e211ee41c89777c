// SPDX-License-Identifier: Apache-2.0
// The slab: one checkpoint in one safetensors file, in the order in which a run reads it, with a
// digest of every tensor and of the header. docs/CONVERT.md describes it; slab_plan.h makes it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensor_file.h"

namespace reel::formats {

// Keys of a slab's metadata.
inline constexpr std::string_view kSlabRecord = "reel.slab";     // version, digest of the header
inline constexpr std::string_view kSlabDigest = "reel.digest:";  // and a tensor's name
// Of tensors that safetensors has no dtype for and that are stored as bytes: "q4_k 5120 13824".
inline constexpr std::string_view kSlabDType = "reel.dtype:";

inline constexpr const char* kSlabExtension = ".slab";
inline constexpr int kSlabVersion = 1;

bool is_slab(const TensorFile& file);

// "1 <digest>": of the header with zeros in the place of the digest.
std::string slab_record(std::string_view header_with_zeros);
// The same with zeros, for a header that is still to be summed up.
std::string empty_slab_record();

// For the reader of safetensors: true for a slab. Compares the header with its digest and gives
// the tensors of kSlabDType their own dtype and shape. `path` for its extension and for messages.
//
// Throws kBadFile for a header that is not the one that was written, or for a file that is named as
// a slab and is none; kUnsupported for another version.
bool take_slab_record(const std::filesystem::path& path, std::string_view header,
                      const std::map<std::string, std::string>& metadata,
                      std::vector<TensorEntry>& entries);

// "q4_k 5120 13824" and back. Throws kBadFile for anything else.
std::string slab_dtype(DType dtype, const Shape& shape);

// The name of what a tensor is multiplied with.
inline std::string slab_scale_name(const std::string& tensor) { return tensor + "_scale"; }

// TreeDigest of a tensor's bytes and its scale's behind them. Throws kBadFile when the slab has
// none, or no digest.
const std::string& slab_digest(const TensorFile& file, const std::string& tensor);

}  // namespace reel::formats
