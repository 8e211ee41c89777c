// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/checkpoint_writer.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/thread_worker.h"
#include "formats/safetensors_writer.h"
#include "pipeline/synth/plan.h"
#include "pipeline/synth/tensor_bytes.h"

namespace reel::synth {
namespace {

namespace fs = std::filesystem;

std::string quoted(const fs::path& path) { return str_cat('"', path.string(), '"'); }

[[noreturn]] void fail_io(const char* doing, const fs::path& path, const std::error_code& error) {
  fail(ErrorCode::kIo, str_cat("Cannot ", doing, ' ', quoted(path), ": ", error.message(), '.'),
       "Choose another folder with --out.");
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_io("make the folder", path, error);
}

// The folder that is filled, under a hidden name beside the one asked for.
class PartialFolder {
 public:
  explicit PartialFolder(const fs::path& out) : out_(out) {
    std::error_code ignored;
    REEL_REQUIRE(!fs::exists(out_, ignored) ||
                     (fs::is_directory(out_, ignored) && fs::is_empty(out_, ignored)),
                 kInvalidArgument,
                 str_cat(quoted(out_), " is there already and is no empty folder."),
                 "Remove it, or choose another folder with --out.");
    make_folders(out_.parent_path());
    const std::string hidden = str_cat('.', out_.filename().string(), ".part-XXXXXX");
    std::string name = (out_.parent_path() / hidden).string();
    if (::mkdtemp(name.data()) == nullptr) {
      fail_io("make a folder beside", out_, std::error_code(errno, std::generic_category()));
    }
    path_ = name;
    fs::permissions(path_, fs::perms(0755), ignored);
  }
  ~PartialFolder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
  }
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;

  const fs::path& path() const { return path_; }

  void keep() {
    std::error_code error;
    fs::remove(out_, error);
    fs::rename(path_, out_, error);
    if (error) fail_io("rename the finished folder to", out_, error);
    kept_ = true;
  }

 private:
  fs::path out_;
  fs::path path_;
  bool kept_ = false;
};

void require_space(const fs::path& folder, uint64_t needed_bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) return;  // writing will tell
  REEL_REQUIRE(space.available >= needed_bytes, kIo,
               str_cat(quoted(folder.parent_path()), " has ", format_bytes(space.available),
                       " free; the "
                       "checkpoint needs ",
                       format_bytes(needed_bytes), '.'),
               "Free some space, choose another folder with --out, or write it with --sparse.");
}

// Writes the files of a plan in order.
class CheckpointWriter {
 public:
  CheckpointWriter(const Plan& plan, bool is_sparse, const fs::path& folder,
                   const SynthWatcher& watcher)
      : plan_(plan), folder_(folder), watcher_(watcher), is_sparse_(is_sparse) {
    progress_.total_bytes = plan.tensor_bytes();
  }

  SynthReport write() && {
    for (const FilePlan& file : plan_.files) write_tensors(file);
    for (const IndexPlan& index : plan_.indexes) write_index(index);
    for (const TextPlan& text : plan_.texts) {
      OutputFile file(place_of(text.name));
      file.write(text.text);
      file.commit();
      add_to_report(text.name);
    }
    return std::move(report_);
  }

 private:
  fs::path place_of(const std::string& name) const {
    fs::path path = folder_ / name;
    make_folders(path.parent_path());
    return path;
  }

  void write_tensors(const FilePlan& file) {
    progress_.file = file.name;
    tell();
    std::vector<formats::TensorSpec> specs;
    specs.reserve(file.tensors.size());
    for (const TensorPlan& tensor : file.tensors) specs.push_back(tensor.spec);
    const auto writer = file.start(place_of(file.name), std::move(specs));
    // Writes one piece while the next is made and one waits: all that TensorBytes holds.
    ThreadWorker disk(TensorBytes::kHeldPieces - 1);
    for (const TensorPlan& tensor : file.tensors) write_tensor(tensor, *writer, disk);
    disk.wait();
    writer->commit();
    add_to_report(file.name);
  }

  void write_tensor(const TensorPlan& tensor, formats::TensorWriter& writer, ThreadWorker& disk) {
    if (is_sparse_ && tensor.content != Content::kBytes) {
      disk.submit([&writer] { writer.append_zeros(); });
      progress_.done_bytes +=
          static_cast<uint64_t>(storage_bytes(tensor.spec.dtype, tensor.spec.shape.elements()));
      return;
    }
    bytes_.make(tensor, [&](std::span<const std::byte> piece) {
      disk.submit([&writer, piece] { writer.append(piece); });
      progress_.done_bytes += piece.size();
      tell();
    });
  }

  void write_index(const IndexPlan& index) {
    formats::ShardIndex shards;
    uint64_t total_bytes = 0;
    for (size_t at = 0; at < index.file_count; ++at) {
      const FilePlan& file = plan_.files[index.first_file + at];
      const std::string name = fs::path(file.name).filename().string();
      for (const TensorPlan& tensor : file.tensors) shards.file_of[tensor.spec.name] = name;
      total_bytes += index.counts_headers ? report_.files[index.first_file + at].size_bytes
                                          : synth::tensor_bytes(file);
    }
    shards.metadata["total_size"] = std::to_string(total_bytes);
    formats::write_shard_index(place_of(index.name), shards);
    add_to_report(index.name);
  }

  void add_to_report(const std::string& name) {
    const uint64_t size_bytes = fs::file_size(folder_ / name);
    report_.files.push_back({name, size_bytes});
    report_.total_bytes += size_bytes;
  }

  void tell() {
    if (watcher_ && !watcher_(progress_)) fail(ErrorCode::kCancelled, "Stopped as asked.");
  }

  const Plan& plan_;
  const fs::path& folder_;
  const SynthWatcher& watcher_;
  bool is_sparse_;
  TensorBytes bytes_;
  SynthProgress progress_;
  SynthReport report_;
};

// Headers, indexes and what a file system keeps beside the bytes.
uint64_t with_headers(uint64_t tensor_bytes) {
  return tensor_bytes + tensor_bytes / 1000 + (8 << 20);
}

}  // namespace

SynthReport write_checkpoint(const Model& model, const SynthRequest& request,
                             const SynthWatcher& watcher) {
  const Plan plan = plan_layout(model, request.layout);
  fs::path out = fs::absolute(request.out).lexically_normal();
  if (!out.has_filename()) out = out.parent_path();
  PartialFolder folder(out);
  if (!request.sparse) require_space(folder.path(), with_headers(plan.tensor_bytes()));
  SynthReport report = CheckpointWriter(plan, request.sparse, folder.path(), watcher).write();
  folder.keep();
  return report;
}

}  // namespace reel::synth
