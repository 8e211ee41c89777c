// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/lora.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "checkpoint/lora_keys.h"
#include "core/numerics/small_floats.h"
#include "formats/quoted.h"

namespace reel::checkpoint {
namespace {

using formats::quoted;
using formats::quoted_name;
using formats::TensorEntry;
using formats::TensorFile;

// What a key of such a file contains, and what its changes are called.
constexpr struct {
  const char *word, *what;
} kNoSums[] = {
    {".dora_scale", "a DoRA"},
    {"lora_magnitude_vector", "a DoRA"},
    {".hada_w1", "a LoHa"},
    {".lokr_w", "a LoKr"},
    {".lora_mid.", "a LoCon with Tucker decomposition"},
};
// Before a text encoder's keys, in kohya's, diffusers' and ComfyUI's files.
constexpr const char* kTextEncoderPrefixes[] = {"lora_te", "text_encoder.", "text_encoders.",
                                                "text_encoder_2."};

void refuse_other_kinds(const TensorFile& file) {
  for (const TensorEntry& entry : file.entries()) {
    for (const auto& kind : kNoSums) {
      REEL_REQUIRE(entry.name.find(kind.word) == std::string::npos, kUnsupported,
                   str_cat(quoted(file.path()), " is ", kind.what, " (it has ",
                           quoted_name(entry.name), "), which is not applied here."),
                   "Give a LoRA, or merge this file into the model with the tool that made it.");
    }
    for (const char* prefix : kTextEncoderPrefixes) {
      REEL_REQUIRE(!entry.name.starts_with(prefix), kUnsupported,
                   str_cat(quoted(file.path()), " changes a text encoder (it has ",
                           quoted_name(entry.name), "); only the DiT is changed here."),
                   "Give a LoRA of the DiT alone.");
    }
  }
}

void require_floats(const TensorFile& file, const TensorEntry& entry) {
  const bool is_float =
      entry.dtype == DType::kF32 || entry.dtype == DType::kF16 || entry.dtype == DType::kBF16;
  REEL_REQUIRE(is_float, kUnsupported,
               str_cat(quoted(file.path()), ": ", quoted_name(entry.name), " is ", entry.dtype,
                       "; a LoRA holds f32, f16 or bf16."));
}

float read_alpha(const TensorFile& file, const TensorEntry& entry) {
  REEL_REQUIRE(entry.shape.elements() == 1, kBadFile,
               str_cat(quoted(file.path()), ": ", quoted_name(entry.name), " is ", entry.shape,
                       "; an alpha is one number."));
  std::array<std::byte, 8> raw{};
  const auto size = static_cast<size_t>(storage_bytes(entry.dtype, 1));
  REEL_REQUIRE(size <= raw.size(), kUnsupported,
               str_cat(quoted(file.path()), ": ", quoted_name(entry.name), " is ", entry.dtype,
                       "; an alpha is a float or a whole number."));
  file.read(entry, std::span(raw).first(size));
  const auto as = [&]<typename T>(T value) {
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  };
  float alpha = 0;
  switch (entry.dtype) {
    case DType::kF32: alpha = as(float{}); break;
    case DType::kF64: alpha = static_cast<float>(as(double{})); break;
    case DType::kF16: alpha = numerics::f16_to_float(as(uint16_t{})); break;
    case DType::kBF16: alpha = numerics::bf16_to_float(as(uint16_t{})); break;
    case DType::kI64: alpha = static_cast<float>(as(int64_t{})); break;
    case DType::kI32: alpha = static_cast<float>(as(int32_t{})); break;
    default:
      fail(ErrorCode::kUnsupported,
           str_cat(quoted(file.path()), ": ", quoted_name(entry.name), " is ", entry.dtype,
                   "; an alpha is a float or a whole number."));
  }
  REEL_REQUIRE(std::isfinite(alpha), kBadFile,
               str_cat(quoted(file.path()), ": ", quoted_name(entry.name), " is not finite."));
  return alpha;
}

int64_t row_elements(const Shape& shape) {
  return shape.elements() / std::max<int64_t>(1, shape[0]);
}

// The extents without ones: [1, 6, dim] and [6, dim] hold the same.
std::vector<int64_t> squeezed(const Shape& shape) {
  std::vector<int64_t> extents;
  for (const int64_t extent : shape.extents()) {
    if (extent != 1) extents.push_back(extent);
  }
  return extents;
}

// Puts the keys of one file together.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) {
    lora_.path = path;
    lora_.file = formats::open_tensor_file(path);
  }

  Lora read() && {
    refuse_other_kinds(*lora_.file);
    for (const TensorEntry& entry : lora_.file->entries()) sort_in(entry);
    for (const auto& [key, pair] : pairs_) add_pair(key.first, key.second, pair);
    for (const auto& [module, alpha] : alphas_) {
      if (!used_alphas_.contains(module)) lora_.unknown.push_back(alpha->name);
    }
    std::ranges::stable_sort(lora_.changes, {}, &LoraChange::target);
    REEL_REQUIRE(!lora_.changes.empty(), kBadFile, what_it_is_not(),
                 "Give a LoRA of Wan 2.1's text-to-video DiT.");
    for (const int style : styles_) lora_.styles.push_back(lora_style_name(style));
    lora_.namings.assign(namings_.begin(), namings_.end());
    return std::move(lora_);
  }

 private:
  struct Pair {
    const TensorEntry *up = nullptr, *down = nullptr;
  };

  void sort_in(const TensorEntry& entry) {
    const auto key = parse_lora_key(entry.name);
    if (!key) return lora_.unknown.push_back(entry.name);
    const std::string module(key->module);
    switch (key->part) {
      case LoraPart::kUp: pairs_[{module, key->style}].up = &entry; break;
      case LoraPart::kDown: pairs_[{module, key->style}].down = &entry; break;
      case LoraPart::kAlpha: alphas_[module] = &entry; break;
      default: add_full(module, key->part, entry); break;
    }
  }

  void add(const std::string& module, LoraPart part, const Delta& delta) {
    const auto target = find_lora_target(module, part);
    if (!target) {
      lora_.unknown.push_back(delta.up->name);
      if (delta.down != nullptr) lora_.unknown.push_back(delta.down->name);
      return;
    }
    require_floats(*lora_.file, *delta.up);
    if (delta.down != nullptr) require_floats(*lora_.file, *delta.down);
    namings_.insert(target->naming);
    lora_.changes.push_back({target->name, delta});
  }

  void add_full(const std::string& module, LoraPart part, const TensorEntry& entry) {
    add(module, part, {.file = lora_.file, .up = &entry});
  }

  void add_pair(const std::string& module, int style, const Pair& pair) {
    const TensorEntry* const there = pair.up != nullptr ? pair.up : pair.down;
    REEL_REQUIRE(
        pair.up != nullptr && pair.down != nullptr, kBadFile,
        str_cat(quoted(lora_.path), " has ", quoted_name(there->name), " but no ",
                quoted_name(module + lora_ending(style, pair.up == nullptr ? LoraPart::kUp
                                                                           : LoraPart::kDown)),
                '.'),
        "The file is incomplete: download it again.");
    const Shape &up = pair.up->shape, &down = pair.down->shape;
    REEL_REQUIRE(up.axes() >= 2 && down.axes() >= 2 && up.elements() > 0 && down.elements() > 0 &&
                     row_elements(up) == down[0],
                 kBadFile,
                 str_cat(quoted(lora_.path), ": ", quoted_name(pair.up->name), " is ", up, " and ",
                         quoted_name(pair.down->name), ' ', down,
                         "; [out, rank] and [rank, in] of one rank are needed."));
    float factor = 1;
    const auto alpha = alphas_.find(module);
    if (alpha != alphas_.end()) {
      used_alphas_.insert(module);
      const float value = read_alpha(*lora_.file, *alpha->second);
      // Zero counts as none. Source: LightX2V, lightx2v/utils/lora_loader.py.
      if (value != 0) factor = value / static_cast<float>(down[0]);
    }
    styles_.insert(style);
    add(module, LoraPart::kUp,
        {.file = lora_.file, .up = pair.up, .down = pair.down, .rank = down[0], .factor = factor});
  }

  std::string what_it_is_not() const {
    const std::string path = quoted(lora_.path);
    if (lora_.unknown.empty()) return str_cat(path, " holds no tensor.");
    return str_cat(path, " changes nothing in a Wan DiT: ", quoted_name(lora_.unknown[0]),
                   lora_.unknown.size() > 1
                       ? str_cat(" and its ", lora_.unknown.size() - 1, " other tensors belong to")
                       : " belongs to",
                   " another network.");
  }

  Lora lora_;
  std::map<std::pair<std::string, int>, Pair> pairs_;  // by module and style
  std::map<std::string, const TensorEntry*> alphas_;   // by module
  std::set<std::string> used_alphas_;
  std::set<int> styles_;
  std::set<std::string> namings_;
};

void require_fit(const Lora& lora, const LoraChange& change, const Shape& target) {
  const TensorEntry& up = *change.delta.up;
  const auto refuse = [&](const TensorEntry& entry, const std::string& needed) {
    fail(ErrorCode::kBadFile,
         str_cat(quoted(lora.path), ": ", quoted_name(entry.name), " is ", entry.shape,
                 "; the model's \"", change.target, "\" ", target, " needs ", needed, '.'),
         "The LoRA was made for a model of another size.");
  };
  if (change.delta.down == nullptr) {
    if (squeezed(up.shape) != squeezed(target)) refuse(up, str_cat(target));
    return;
  }
  const TensorEntry& down = *change.delta.down;
  const int64_t rows = target.axes() == 0 ? 1 : target[0];
  if (up.shape[0] != rows) refuse(up, str_cat('[', rows, ", ", change.delta.rank, ']'));
  if (row_elements(down.shape) != row_elements(target)) {
    refuse(down, str_cat('[', change.delta.rank, ", ", row_elements(target), ']'));
  }
}

}  // namespace

std::pair<int64_t, int64_t> ranks_of(const Lora& lora) {
  std::pair<int64_t, int64_t> ranks;
  for (const LoraChange& change : lora.changes) {
    const int64_t rank = change.delta.rank;
    if (rank == 0) continue;
    ranks.first = ranks.first == 0 ? rank : std::min(ranks.first, rank);
    ranks.second = std::max(ranks.second, rank);
  }
  return ranks;
}

bool is_lora(const TensorFile& file) {
  return std::ranges::any_of(file.entries(), [](const TensorEntry& entry) {
    const auto key = parse_lora_key(entry.name);
    return key && key->part != LoraPart::kAlpha;
  });
}

Lora open_lora(const std::filesystem::path& path) { return Reader(path).read(); }

std::vector<std::string> add_lora(Component& dit, const Lora& lora, float strength) {
  std::vector<std::string> absent;
  for (const LoraChange& change : lora.changes) {
    const auto found = dit.tensors.find(change.target);
    if (found == dit.tensors.end()) {
      absent.push_back(change.delta.up->name);
      continue;
    }
    require_fit(lora, change, found->second.entry->shape);
    if (strength == 0) continue;
    Delta delta = change.delta;
    delta.factor *= strength;
    found->second.deltas.push_back(std::move(delta));
  }
  REEL_REQUIRE(absent.size() < lora.changes.size(), kBadFile,
               str_cat(quoted(lora.path), " changes nothing in ", quoted(dit.path), ": ",
                       quoted_name(absent[0]), " has no place in it."),
               "The LoRA was made for another model.");
  return absent;
}

std::string left_out_sentence(const Lora& lora, const std::vector<std::string>& absent) {
  constexpr size_t kMostNamed = 8;
  std::vector<std::string> names = lora.unknown;
  names.insert(names.end(), absent.begin(), absent.end());
  if (names.empty()) return "";
  std::string text =
      str_cat(quoted(lora.path), " has ", names.size(),
              names.size() == 1 ? " tensor that belongs" : " tensors that belong",
              " to nothing in this model and ", names.size() == 1 ? "is" : "are", " left out: ");
  for (size_t at = 0; at < std::min(names.size(), kMostNamed); ++at) {
    text += (at == 0 ? "" : ", ") + quoted_name(names[at]);
  }
  if (names.size() > kMostNamed) text += str_cat(" and ", names.size() - kMostNamed, " more");
  return text + '.';
}

}  // namespace reel::checkpoint
