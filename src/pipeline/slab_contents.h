// SPDX-License-Identifier: Apache-2.0
// What goes into the slab of a checkpoint, and in which order.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "formats/slab_plan.h"

namespace reel::pipeline {

struct SlabContents {
  std::vector<formats::SlabUnit> units;
  // Where the numbers of each item are, in the order of the units' items. The last item is the
  // tokenizer, where there is one: bytes, and no tensor.
  std::vector<checkpoint::StoredTensor> sources;
  std::string tokenizer;
  std::map<std::string, std::string> metadata;
};

// Per network a unit for each block, in the order of use, then what belongs to none; tables that
// are read by rows last. `files` must be open without slabs and LoRAs, and outlive the answer.
// `slab` is where it is going to be. Throws as dit_config() and its siblings for networks that are
// incomplete, and for a tokenizer that cannot be read.
SlabContents slab_contents(const checkpoint::Checkpoint& files, const std::filesystem::path& slab);

}  // namespace reel::pipeline
