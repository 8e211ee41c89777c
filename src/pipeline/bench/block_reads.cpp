// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/block_reads.h"

#include <fcntl.h>
#include <reel/bench.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <set>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "base/thread_group.h"
#include "core/buffer.h"
#include "memory/chunk_reader.h"
#include "models/wan_dit/names.h"
#include "pipeline/model_configs.h"
#include "pipeline/open_model.h"
#include "prepare/dequantise.h"
#include "prepare/weight_items.h"

namespace reel {
namespace pipeline {
namespace {

using checkpoint::Component;
using memory::Chunk;
using memory::SlotRead;

constexpr int kBlockReaders = 4;
constexpr uint64_t kBlockRequestBytes = uint64_t{4} << 20;
constexpr int kRounds = 3;

void drop_from_cache(const formats::TensorFile& file) {
  const int descriptor = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fdatasync(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  ::close(descriptor);
}

// Of one block: scales first, both in the order of the file, as prepare's SlotPlanner has them.
void add_chunks(const Component& dit, const memory::WeightBlock& block,
                std::vector<Chunk>& chunks) {
  std::vector<std::tuple<bool, std::filesystem::path, uint64_t, SlotRead>> reads;
  const auto add = [&](const auto& file, const formats::TensorEntry* entry, bool is_scale) {
    reads.emplace_back(
        !is_scale, file->path(), entry->offset_bytes,
        SlotRead{.file = file, .entry = entry, .size_bytes = prepare::dense_bytes(*entry)});
  };
  for (const memory::WeightItem& item : block.items) {
    const checkpoint::StoredTensor& stored = prepare::stored_tensor(dit, item);
    add(stored.file, stored.entry, false);
    if (stored.scale != nullptr) add(stored.scale_file, stored.scale, true);
  }
  std::ranges::sort(reads, {}, [](const auto& read) {
    return std::tie(std::get<0>(read), std::get<1>(read), std::get<2>(read));
  });
  std::vector<SlotRead> in_order;
  in_order.reserve(reads.size());
  for (auto& read : reads) in_order.push_back(std::move(std::get<3>(read)));
  for (Chunk& chunk : memory::cut_into_chunks(in_order, kBlockRequestBytes)) {
    chunks.push_back(std::move(chunk));
  }
}

// What one thread does until all chunks are taken.
void read_chunks(const std::vector<Chunk>& chunks, std::atomic<size_t>& next,
                 const StopFlag& stop) {
  memory::ChunkReader reader(ReadMode::kDirect, {});
  const Buffer buffer(
      kBlockRequestBytes + memory::ChunkReader::kSlackBytes + InputFile::kDirectBytes, "a read");
  const auto address = reinterpret_cast<uintptr_t>(buffer.data());
  const size_t skip =
      (InputFile::kDirectBytes - address % InputFile::kDirectBytes) % InputFile::kDirectBytes;
  for (size_t at; (at = next.fetch_add(1)) < chunks.size();) {
    stop.check();
    reader.read(chunks[at], buffer.bytes().subspan(skip));
  }
}

void read_all(const std::vector<Chunk>& chunks, const StopFlag& stop) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  ThreadGroup readers;
  for (int reader = 0; reader < kBlockReaders; ++reader) {
    readers.start([&] {
      try {
        read_chunks(chunks, next, stop);
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
      }
    });
  }
  readers.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace

BlockReadRate read_blocks(const Component& dit, const memory::Manifest& manifest,
                          const StopFlag& stop) {
  std::vector<Chunk> chunks;
  for (const memory::WeightBlock& block : manifest.blocks) add_chunks(dit, block, chunks);
  std::set<const formats::TensorFile*> files;
  BlockReadRate rate;
  for (const Chunk& chunk : chunks) {
    files.insert(chunk.file);
    rate.bytes += chunk.size_bytes;
  }
  for (const formats::TensorFile* file : files) drop_from_cache(*file);
  rate.files = static_cast<int64_t>(files.size());
  rate.requests = static_cast<int64_t>(chunks.size());
  const auto start = std::chrono::steady_clock::now();
  read_all(chunks, stop);
  rate.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return rate;
}

}  // namespace pipeline

std::vector<BenchReads> bench_reads(const ModelOptions& model, Progress& progress) {
  const StopFlag stop(progress.stop_requested);
  checkpoint::OpenOptions options = pipeline::open_options(model);
  std::vector<checkpoint::Checkpoint> ways{checkpoint::open_checkpoint(options)};
  REEL_REQUIRE(ways[0].dit.has_value(), kNotFound,
               ways[0].missing.empty() ? "There is no DiT." : ways[0].missing[0]);
  options.use_slabs = false;
  checkpoint::Checkpoint source = checkpoint::open_checkpoint(options);
  if (source.dit->path != ways[0].dit->path) ways.push_back(std::move(source));
  std::vector<BenchReads> all;
  for (int round = 0; round < pipeline::kRounds; ++round) {
    for (size_t way = 0; way < ways.size(); ++way) {
      const auto config = pipeline::dit_config(ways[way]);
      const auto manifest = prepare::make_manifest(
          checkpoint::needed_tensors(wan_dit::name_units(config), wan_dit::dims_of(config)));
      const auto rate = pipeline::read_blocks(*ways[way].dit, manifest, stop);
      if (way == all.size()) all.push_back({.from = ways[way].dit->layout});
      BenchReads& reads = all[way];
      reads.files = rate.files;
      reads.requests = rate.requests;
      reads.bytes = rate.bytes;
      reads.seconds = round == 0 ? rate.seconds : std::min(reads.seconds, rate.seconds);
    }
  }
  return all;
}

}  // namespace reel
