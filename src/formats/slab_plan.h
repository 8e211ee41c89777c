// SPDX-License-Identifier: Apache-2.0
// Where everything lies in a slab, before a byte of it is written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/tensor_writer.h"

namespace reel::formats {

// A tensor and what its numbers are multiplied with: one digest is of both.
struct SlabItem {
  TensorSpec tensor;
  std::optional<TensorSpec> scale;
};
// What is read together: a block. One range of the file.
using SlabUnit = std::vector<SlabItem>;

class SlabPlan {
 public:
  // Where units begin, and the data as a whole: what direct reads want.
  static constexpr uint64_t kAlignment = 4096;

  struct Range {
    uint64_t offset_bytes = 0;  // in the file
    uint64_t size_bytes = 0;
  };
  struct Place {
    std::string name;  // of the tensor
    Range tensor, scale;
    uint64_t size_bytes() const { return tensor.size_bytes + scale.size_bytes; }
  };

  // Units in their order in the file. Within one, tensors of wide numbers come first, so that every
  // one is aligned without gaps; scales come before what they belong to. Throws kInvalidArgument
  // when a name is used twice or a shape is impossible.
  SlabPlan(const std::vector<SlabUnit>& units, std::map<std::string, std::string> metadata);

  // One for each item, in the order in which they were given.
  const std::vector<Place>& items() const { return items_; }
  // Of each unit, with the padding behind it.
  const std::vector<Range>& units() const { return units_; }
  uint64_t file_size_bytes() const { return file_size_bytes_; }
  // What items hold, without header and padding.
  uint64_t data_bytes() const { return data_bytes_; }

  // The file's first bytes, up to the first unit. `digests` of the items.
  std::string header(const std::vector<std::string>& digests) const;
  // Of everything that is known before: two plans with the same write the same bytes.
  std::string digest() const;

 private:
  struct Stored {
    TensorSpec spec;            // as other tools see it: bytes, where safetensors has no dtype
    uint64_t offset_bytes = 0;  // in the data
    uint64_t size_bytes = 0;
  };

  void add_unit(const SlabUnit& unit);
  void add_padding();
  Range add(const TensorSpec& spec);
  std::string json(const std::vector<std::string>& digests, const std::string& record) const;

  std::map<std::string, std::string> metadata_;
  std::vector<Stored> tensors_;  // in the order of the file
  std::vector<Place> items_;
  std::vector<Range> units_;
  uint64_t header_bytes_ = 0;  // with the length before it
  uint64_t end_bytes_ = 0;     // of the data so far
  uint64_t data_bytes_ = 0;
  uint64_t file_size_bytes_ = 0;
  int paddings_ = 0;
};

}  // namespace reel::formats
