// SPDX-License-Identifier: Apache-2.0
// Any bytes as a LoRA, which is then added to a DiT that has every tensor it changes.
#include "checkpoint/lora.h"

#include <reel/error.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "support/memory_file.h"

namespace {

using namespace reel;

// Each target gets the shape of its own change where that is a full delta, and one of [4, 4]
// otherwise: both answers of the shapes' check are reached.
void add_to_made_up_dit(const checkpoint::Lora& lora) {
  static const formats::TensorEntry square{.name = "w", .shape = {4, 4}};
  checkpoint::Component dit;
  for (const checkpoint::LoraChange& change : lora.changes) {
    const bool is_full = change.delta.down == nullptr;
    dit.tensors[change.target] = {.file = lora.file, .entry = is_full ? change.delta.up : &square};
  }
  left_out_sentence(lora, add_lora(dit, lora, 0.5f));
  for (const auto& [name, tensor] : dit.tensors) {
    for (const checkpoint::Delta& delta : tensor.deltas) {
      for (const formats::TensorEntry* entry : {delta.up, delta.down}) {
        if (entry == nullptr) continue;
        std::vector<std::byte> out(
            static_cast<size_t>(storage_bytes(entry->dtype, entry->shape.elements())));
        delta.file->read(*entry, out);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static test::MemoryFile memory;
  memory.write({reinterpret_cast<const char*>(data), size});
  try {
    checkpoint::is_lora(*formats::open_tensor_file(memory.path()));
    add_to_made_up_dit(checkpoint::open_lora(memory.path()));
  } catch (const Error&) {
  }
  return 0;
}
