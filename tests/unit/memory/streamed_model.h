// SPDX-License-Identifier: Apache-2.0
// A model for streamer tests: one file per block, bytes that can be told apart, and a preparer
// whose "kernels" move them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "memory/manifest.h"
#include "memory/slot_plan.h"
#include "support/fake_copy_engine.h"
#include "support/temp_folder.h"

namespace reel::memory {

// Every tensor of block b holds bytes made from its name. Of each block's three tensors "direct"
// goes to its place at once, "staged" through the staging area, and "small" lies between them in
// the file.
class StreamedModel : public SlotPreparer {
 public:
  // `engine` checks the order of accesses; null where copies are done at once.
  StreamedModel(int blocks, int64_t direct_bytes, int64_t staged_bytes,
                test::FakeCopyEngine* engine);

  Manifest manifest() const;
  std::unique_ptr<SlotPlan> plan(const WeightBlock& block) override;

  std::filesystem::path file_of(const std::string& block) const;
  int64_t block_bytes() const;
  // Of one tensor; also what its digest was fed with, when it was.
  static std::vector<std::byte> content(const std::string& name, int64_t size_bytes);
  std::map<std::string, std::vector<std::byte>> digested() const;
  int digests() const;  // of blocks, finished

  // Submits work to `stream` that compares the weights of a block with what they should be, slowly.
  // What differs is counted.
  void compare(const WeightSource& source, const std::string& block, Stream stream);
  int differences() const;

 private:
  class Plan;

  void write_file(const std::string& block);

  test::TempFolder folder_;
  int blocks_;
  std::vector<std::pair<std::string, int64_t>> tensors_;  // name and bytes, in the file's order
  test::FakeCopyEngine* engine_;
  std::map<std::string, std::shared_ptr<const formats::TensorFile>> files_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::byte>> digested_;
  int digests_ = 0;
  int differences_ = 0;
};

}  // namespace reel::memory
