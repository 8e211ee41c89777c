// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/precision.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "base/error.h"
#include "checkpoint/component.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;
using formats::TensorEntry;

// Bytes of the matrices in the blocks (of everything, where there are no blocks) by number format.
using BytesByDType = std::map<DType, uint64_t>;

void count_bytes(const WeightFile& file, Network network, BytesByDType& bytes) {
  const Part& part = *file.part(network);
  for (const TensorEntry& entry : file.tensors->entries()) {
    const std::string_view name = entry.name;
    if (!name.starts_with(part.prefix) || entry.shape.axes() < 2) continue;
    const auto ours = part.naming->ours(name.substr(part.prefix.size()));
    if (!ours || ours->leaf != "weight") continue;
    const bool in_block = ours->module.starts_with("blocks.") &&
                          ours->module.find(".pos_embedding.") == std::string::npos;
    if (in_block || network == Network::kVae || network == Network::kTae)
      bytes[entry.dtype] += entry.size_bytes;
  }
}

std::string precision_name(DType dtype) {
  switch (dtype) {
    case DType::kF8E4M3:
    case DType::kF8E5M2: return "fp8";
    case DType::kI8: return "int8";
    default: return dtype_name(dtype);
  }
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char letter) {
    return static_cast<char>(std::toupper(letter));
  });
  return text;
}

std::string dtype_list(const BytesByDType& bytes) {
  std::string text;
  for (const auto& [dtype, size_bytes] : bytes) {
    text += (text.empty() ? "" : " and ") + std::string(dtype_name(dtype));
  }
  return text;
}

bool have_common_format(const BytesByDType& a, const BytesByDType& b) {
  if (a.empty() || b.empty()) return true;
  // Every block format of GGUF counts as one: its files mix them.
  const auto is_block = [](const auto& item) { return is_block_format(item.first); };
  if (std::ranges::any_of(a, is_block) && std::ranges::any_of(b, is_block)) return true;
  return std::ranges::any_of(a, [&](const auto& item) { return b.contains(item.first); });
}

bool all_names_contain(const Candidate& candidate, std::string_view part) {
  const auto contains = [&](const WeightFilePtr& file) {
    return file->path.filename().string().find(part) != std::string::npos;
  };
  return std::ranges::all_of(candidate.files, contains);
}

// "per-block ", "chunked ", "single-file ", ""
std::string split_name(const Candidate& candidate) {
  if (candidate.files.size() == 1 && candidate.absent_files.empty()) return "single-file ";
  if (all_names_contain(candidate, "block")) return "per-block ";
  if (all_names_contain(candidate, "_part")) return "chunked ";
  return str_cat(candidate.files.size() + candidate.absent_files.size(), "-file ");
}

}  // namespace

std::string precision_of(const Candidate& candidate) {
  BytesByDType bytes;
  for (const WeightFilePtr& file : candidate.files) {
    count_bytes(*file, candidate.network, bytes);
  }
  if (bytes.empty()) return "unknown";
  const auto most =
      std::ranges::max_element(bytes, {}, [](const auto& item) { return item.second; });
  return precision_name(most->first);
}

void refuse_mixed_precision(const Candidate& candidate) {
  const WeightFile* first = nullptr;
  BytesByDType first_bytes;
  for (const WeightFilePtr& file : candidate.files) {
    BytesByDType bytes;
    count_bytes(*file, candidate.network, bytes);
    if (bytes.empty()) continue;
    if (first == nullptr) {
      first = file.get();
      first_bytes = std::move(bytes);
      continue;
    }
    REEL_REQUIRE(
        have_common_format(first_bytes, bytes), kBadFile,
        str_cat(quoted(candidate.path), " mixes precisions: ", quoted(first->path.filename()),
                " is ", dtype_list(first_bytes), ", ", quoted(file->path.filename()), " is ",
                dtype_list(bytes), "; one precision in a folder is needed."),
        "Keep each precision in a folder of its own.");
  }
}

std::string layout_name(const Candidate& candidate, ScaleStyle style,
                        const std::string& precision) {
  const WeightFile& file = *candidate.files[0];
  const std::string naming = file.part(candidate.network)->naming->name();
  const std::string number = upper(precision);
  const std::string split = split_name(candidate);
  if (file.tensors->format() == formats::FileFormat::kGguf) return "GGUF " + number;
  if (style == ScaleStyle::kPerTensor) return "ComfyUI scaled " + number;
  if (style == ScaleStyle::kPerRow) return split + number + " (LightX2V)";
  const std::string unscaled = precision == "fp8" ? "unscaled " : "";
  if (naming != "Wan") return naming + ' ' + unscaled + number;
  return split + unscaled + number;
}

}  // namespace reel::checkpoint
