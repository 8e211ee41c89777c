// SPDX-License-Identifier: Apache-2.0
#include "streamed_model.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>

#include "formats/safetensors_writer.h"

namespace reel::memory {
namespace {

constexpr uint64_t kAlignment = 64;

uint64_t aligned(int64_t bytes) {
  return (static_cast<uint64_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
}

std::string full_name(const std::string& block, const std::string& tensor) {
  return block + '.' + tensor;
}

}  // namespace

StreamedModel::StreamedModel(int blocks, int64_t direct_bytes, int64_t staged_bytes,
                             test::FakeCopyEngine* engine)
    : blocks_(blocks),
      tensors_{{"direct", direct_bytes}, {"small", 5}, {"staged", staged_bytes}},
      engine_(engine) {
  for (int block = 0; block < blocks; ++block) write_file(std::to_string(block));
  write_file("fixed");
  write_file("setup");
}

void StreamedModel::write_file(const std::string& block) {
  std::vector<formats::TensorSpec> specs;
  for (const auto& [tensor, bytes] : tensors_) {
    specs.push_back({full_name(block, tensor), DType::kU8, Shape{bytes}});
  }
  const auto writer = formats::start_safetensors(file_of(block), specs, {});
  for (const auto& [tensor, bytes] : tensors_) {
    writer->append(content(full_name(block, tensor), bytes));
  }
  writer->commit();
  files_[block] = formats::open_tensor_file(file_of(block));
}

Manifest StreamedModel::manifest() const {
  const auto block = [&](const std::string& name) {
    WeightBlock made{.name = name, .items = {}};
    for (const auto& [tensor, bytes] : tensors_) {
      made.items.push_back({.name = full_name(name, tensor), .shape = Shape{bytes}});
    }
    return made;
  };
  Manifest manifest{.fixed = block("fixed"), .setup = block("setup"), .blocks = {}};
  for (int index = 0; index < blocks_; ++index) {
    manifest.blocks.push_back(block(std::to_string(index)));
  }
  return manifest;
}

std::filesystem::path StreamedModel::file_of(const std::string& block) const {
  return folder_ / (block + ".safetensors");
}

int64_t StreamedModel::block_bytes() const {
  int64_t sum = 0;
  for (const auto& [tensor, bytes] : tensors_) sum += bytes;
  return sum;
}

std::vector<std::byte> StreamedModel::content(const std::string& name, int64_t size_bytes) {
  std::vector<std::byte> bytes(static_cast<size_t>(size_bytes));
  uint64_t state = std::hash<std::string>{}(name);
  for (std::byte& byte : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

std::map<std::string, std::vector<std::byte>> StreamedModel::digested() const {
  const std::lock_guard lock(mutex_);
  return digested_;
}

int StreamedModel::digests() const {
  const std::lock_guard lock(mutex_);
  return digests_;
}

int StreamedModel::differences() const {
  const std::lock_guard lock(mutex_);
  return differences_;
}

class StreamedModel::Plan : public SlotPlan {
 public:
  Plan(StreamedModel& model, const std::string& block) : model_(model) {
    const auto& file = model.files_.at(block);
    for (const auto& [tensor, bytes] : model.tensors_) {
      const bool is_staged = tensor == "staged";
      names_.push_back(full_name(block, tensor));
      places_.push_back({slot_bytes_, bytes});
      reads_.push_back({.file = file,
                        .entry = file->find(names_.back()),
                        .offset_bytes = 0,
                        .size_bytes = static_cast<uint64_t>(bytes),
                        .to_bytes = is_staged ? 0 : slot_bytes_,
                        .to_staging = is_staged,
                        .item = static_cast<int>(reads_.size())});
      slot_bytes_ += aligned(bytes);
      if (is_staged) staging_bytes_ = aligned(bytes);
    }
  }

  uint64_t slot_bytes() const override { return slot_bytes_; }
  uint64_t staging_bytes() const override { return staging_bytes_; }
  const std::vector<SlotRead>& reads() const override { return reads_; }

  void make_item(int item, std::byte* slot, std::byte* staging, Stream stream) const override {
    const auto at = static_cast<size_t>(item);
    if (!reads_[at].to_staging) return;
    std::byte* const to = slot + places_[at].first;
    const auto bytes = static_cast<size_t>(places_[at].second);
    if (model_.engine_ != nullptr) {
      model_.engine_->will_read(stream, staging, bytes);
      model_.engine_->will_write(stream, to, bytes);
    }
    test::FakeCopyEngine::submit(stream, [=] { std::memcpy(to, staging, bytes); });
  }

  std::unique_ptr<BlockDigest> start_digest() override {
    return std::make_unique<RecordingDigest>(*this);
  }

  std::unique_ptr<WeightSource> open(std::byte* slot) const override {
    return std::make_unique<Source>(*this, slot);
  }

 private:
  struct Source : WeightSource {
    Source(const Plan& from, std::byte* at) : plan(from), slot(at) {}
    bool has(std::string_view) const override { return true; }
    TensorView tensor(std::string_view name) const override {
      for (size_t at = 0; at < plan.names_.size(); ++at) {
        if (plan.names_[at] != name) continue;
        return {slot + plan.places_[at].first, DType::kU8, Shape{plan.places_[at].second}};
      }
      return {};
    }
    MatrixView matrix(std::string_view, int) const override { return {}; }
    ConvView conv(std::string_view, int) const override { return {}; }
    void gather_rows(std::string_view, std::span<const int32_t>, const TensorView&) const override {
    }
    const Plan& plan;
    std::byte* slot;
  };

  // Keeps all it is given; what is missing at the end, or came twice, counts as a difference.
  struct RecordingDigest : BlockDigest {
    explicit RecordingDigest(const Plan& from) : plan(from) {
      for (const SlotRead& read : plan.reads_) {
        all.emplace_back(read.size_bytes);
        times.emplace_back(read.size_bytes);
      }
    }
    void add(size_t read, uint64_t offset_bytes, std::span<const std::byte> bytes) override {
      const std::lock_guard lock(mutex);
      for (size_t at = 0; at < bytes.size(); ++at) {
        all[read].at(offset_bytes + at) = bytes[at];
        ++times[read].at(offset_bytes + at);
      }
    }
    void finish() override {
      const std::lock_guard lock(plan.model_.mutex_);
      for (size_t read = 0; read < all.size(); ++read) {
        const auto is_once = [](int count) { return count == 1; };
        if (!std::ranges::all_of(times[read], is_once)) ++plan.model_.differences_;
        plan.model_.digested_[plan.names_[read]] = all[read];
      }
      ++plan.model_.digests_;
    }
    const Plan& plan;
    std::mutex mutex;
    std::vector<std::vector<std::byte>> all;
    std::vector<std::vector<int>> times;
  };

  StreamedModel& model_;
  std::vector<std::string> names_;
  std::vector<std::pair<uint64_t, int64_t>> places_;  // in the slot
  std::vector<SlotRead> reads_;
  uint64_t slot_bytes_ = 0;
  uint64_t staging_bytes_ = 0;
};

std::unique_ptr<SlotPlan> StreamedModel::plan(const WeightBlock& block) {
  return std::make_unique<Plan>(*this, block.name);
}

void StreamedModel::compare(const WeightSource& source, const std::string& block, Stream stream) {
  for (const auto& [tensor, bytes] : tensors_) {
    const std::string name = full_name(block, tensor);
    const TensorView got = source.tensor(name);
    const auto size_bytes = static_cast<size_t>(bytes);
    if (engine_ != nullptr) engine_->will_read(stream, got.data, size_bytes);
    test::FakeCopyEngine::submit(stream, [this, name, got, size_bytes] {
      const std::vector<std::byte> want = content(name, static_cast<int64_t>(size_bytes));
      // Twice, so that bytes that change while they are in use are noticed.
      const bool is_same = std::memcmp(got.data, want.data(), size_bytes) == 0;
      if (engine_ != nullptr) std::this_thread::sleep_for(std::chrono::microseconds(200));
      const bool is_still_same = std::memcmp(got.data, want.data(), size_bytes) == 0;
      const std::lock_guard lock(mutex_);
      if (!is_same || !is_still_same) ++differences_;
    });
  }
}

}  // namespace reel::memory
