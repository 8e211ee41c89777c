// SPDX-License-Identifier: Apache-2.0
#include <reel/convert.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/stop.h"
#include "base/tree_digest.h"
#include "checkpoint/search.h"
#include "checkpoint/slab_source.h"
#include "formats/quoted.h"
#include "formats/slab.h"
#include "formats/slab_check.h"
#include "formats/slab_writer.h"
#include "pipeline/open_model.h"
#include "pipeline/slab_contents.h"
#include "prepare/dequantise.h"

namespace reel {
namespace {

namespace fs = std::filesystem;
using checkpoint::Checkpoint;
using checkpoint::StoredTensor;
using formats::quoted;
using formats::quoted_name;
using formats::SlabPlan;

constexpr size_t kAtOnce = size_t{8} << 20;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Calls use(bytes) for one after the other of a tensor's bytes in row-major order.
template <typename Use>
void read_in_pieces(const formats::TensorFile& file, const formats::TensorEntry& entry,
                    std::vector<std::byte>& memory, const StopFlag& stop, Use use) {
  const uint64_t size_bytes = prepare::dense_bytes(entry);
  if (!entry.strides.empty()) {
    memory.resize(std::max<size_t>(kAtOnce, size_bytes));
    const auto all = std::span(memory).first(size_bytes);
    file.read(entry, all);
    use(std::span<const std::byte>(all));
    return;
  }
  memory.resize(kAtOnce);
  for (uint64_t at = 0; at < size_bytes; at += kAtOnce) {
    stop.check();
    const auto piece = std::span(memory).first(std::min<uint64_t>(kAtOnce, size_bytes - at));
    file.read_range(entry, at, piece);
    use(std::span<const std::byte>(piece));
  }
}

// Tells the watcher how far a phase has come.
class Meter {
 public:
  Meter(const ConvertWatcher& watcher, ConvertPhase phase, uint64_t total_bytes)
      : watcher_(watcher), now_{.phase = phase, .total_bytes = total_bytes} {}

  void begin(std::string_view tensor) { now_.tensor = tensor; }
  void add(uint64_t bytes) {
    now_.done_bytes += bytes;
    if (watcher_) watcher_(now_);
  }

 private:
  const ConvertWatcher& watcher_;
  ConvertProgress now_;
};

// One conversion: the plan, and the file that comes to be.
class Conversion {
 public:
  Conversion(const pipeline::SlabContents& contents, const SlabPlan& plan, const fs::path& path,
             const StopFlag& stop, const ConvertWatcher& watcher)
      : contents_(contents), plan_(plan), writer_(path, plan), stop_(stop), watcher_(watcher) {}

  void run(ConvertResult& result) {
    auto start = std::chrono::steady_clock::now();
    Meter meter(watcher_, ConvertPhase::kCopy, plan_.data_bytes());
    for (size_t item = 0; item < plan_.items().size(); ++item) {
      const uint64_t bytes = plan_.items()[item].size_bytes();
      meter.begin(plan_.items()[item].name);
      if (writer_.has(item)) {
        result.kept_bytes += bytes;
        meter.add(bytes);
      } else {
        result.written_bytes += bytes;
        copy(item, meter);
      }
    }
    writer_.save();
    result.copy_seconds = seconds_since(start);
    start = std::chrono::steady_clock::now();
    verify();
    writer_.commit();
    result.verify_seconds = seconds_since(start);
  }

 private:
  void copy(size_t item, Meter& meter) {
    TreeDigest digest(plan_.items()[item].size_bytes());
    uint64_t done = 0;
    const auto take = [&](std::span<const std::byte> bytes) {
      digest.add(done, bytes);
      writer_.write(item, done, bytes);
      done += bytes.size();
      meter.add(bytes.size());
    };
    if (item == contents_.sources.size()) {
      take(std::as_bytes(std::span(contents_.tokenizer)));
    } else {
      const StoredTensor& source = contents_.sources[item];
      read_in_pieces(*source.file, *source.entry, memory_, stop_, take);
      if (source.scale != nullptr) {
        read_in_pieces(*source.scale_file, *source.scale, memory_, stop_, take);
      }
      source.file->file().require_unchanged();
    }
    writer_.finish(item, digest.hex());
  }

  // What differs is written again by the next attempt.
  void verify() {
    const InputFile file(writer_.partial_path());
    formats::SlabItemReader reader(file, stop_);
    Meter meter(watcher_, ConvertPhase::kVerify, plan_.data_bytes());
    std::string damaged;
    for (size_t item = 0; item < plan_.items().size(); ++item) {
      const SlabPlan::Place& place = plan_.items()[item];
      meter.begin(place.name);
      if (reader.digest(place) != writer_.digest(item)) {
        if (damaged.empty()) damaged = place.name;
        writer_.forget(item);
      }
      meter.add(place.size_bytes());
    }
    REEL_REQUIRE(damaged.empty(), kIo,
                 str_cat("The disk gives other bytes of ", quoted(writer_.partial_path()),
                         " back than were written, first in ", quoted_name(damaged), '.'),
                 "Run the command again: what differs is written again. Should it go on, check the "
                 "disk and the memory.");
  }

  const pipeline::SlabContents& contents_;
  const SlabPlan& plan_;
  formats::SlabWriter writer_;
  const StopFlag& stop_;
  const ConvertWatcher& watcher_;
  std::vector<std::byte> memory_;
};

// Null where nothing is. Throws kBadFile as its reader, kInvalidArgument for what is no slab.
std::unique_ptr<formats::TensorFile> open_slab(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  auto file = formats::open_tensor_file(path);
  REEL_REQUIRE(formats::is_slab(*file), kInvalidArgument, str_cat(quoted(path), " is no slab."),
               "Give a file that reel convert made.");
  return file;
}

ConvertResult verify_slab(const fs::path& path, const StopFlag& stop,
                          const ConvertWatcher& watcher) {
  const auto start = std::chrono::steady_clock::now();
  const auto file = open_slab(path);
  REEL_REQUIRE(file != nullptr, kNotFound,
               str_cat(quoted(path), " does not exist; there is no slab to verify."),
               "Make it with reel convert.");
  const std::vector<SlabPlan::Place> items = formats::slab_items(*file);
  uint64_t total_bytes = 0;
  for (const SlabPlan::Place& item : items) total_bytes += item.size_bytes();
  Meter meter(watcher, ConvertPhase::kVerify, total_bytes);
  formats::SlabItemReader reader(file->file(), stop);
  for (const SlabPlan::Place& item : items) {
    meter.begin(item.name);
    REEL_REQUIRE(reader.digest(item) == formats::slab_digest(*file, item.name), kBadFile,
                 str_cat(quoted(path), " is damaged: the bytes of ", quoted_name(item.name),
                         " are not those of its checksum."),
                 "Remove it, and make it again with reel convert.");
    meter.add(item.size_bytes());
  }
  return {.path = path.string(),
          .size_bytes = file->file_size_bytes(),
          .was_there = true,
          .verify_seconds = seconds_since(start)};
}

bool is_from_slab(const Checkpoint& files) {
  const auto& dit = files.dit;
  return dit && !dit->tensors.empty() && formats::is_slab(*dit->tensors.begin()->second.file);
}

// Whether a slab is what the plan would write.
bool is_up_to_date(const fs::path& path, const SlabPlan& plan,
                   const std::map<std::string, std::string>& metadata) {
  try {
    const auto file = open_slab(path);
    if (file == nullptr || file->file_size_bytes() != plan.file_size_bytes()) return false;
    return std::ranges::all_of(metadata, [&](const auto& item) {
      const auto found = file->metadata().find(item.first);
      return found != file->metadata().end() && found->second == item.second;
    });
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInvalidArgument) throw;
    return false;  // damaged: it is made again
  }
}

// What a folder may be cleared of afterwards does not include a TAE.
void tell_of_tae(const checkpoint::OpenOptions& options, const Checkpoint& files,
                 Progress& progress) {
  const bool is_decoder = files.vae && files.vae->network == checkpoint::Network::kTae;
  std::optional<fs::path> tae;
  if (is_decoder) {
    tae = files.vae->path;
  } else {
    checkpoint::Search search(options);
    Checkpoint ignored;
    search.dit(ignored);  // the places follow from it
    tae = search.tae_nearby();
  }
  if (!tae) return;
  const std::string sentence =
      str_cat("The TAE ", quoted(*tae),
              " is left out of the slab: keep the file, for --vae and --preview-decoder.");
  if (is_decoder) return progress.on_warning(sentence + " The slab has no other decoder.");
  progress.on_note(sentence);
}

fs::path slab_path(const ConvertRequest& request, const Checkpoint& files) {
  fs::path path =
      request.out.empty() ? checkpoint::default_slab(*files.dit) : fs::path(request.out);
  REEL_REQUIRE(path.extension() == formats::kSlabExtension, kInvalidArgument,
               str_cat("--out is ", quoted(path), "; a name that ends in ", formats::kSlabExtension,
                       " is needed."));
  return path;
}

}  // namespace

ConvertResult convert(const ConvertRequest& request, Progress& progress,
                      const ConvertWatcher& watcher) {
  REEL_REQUIRE(request.model.loras.empty(), kInvalidArgument,
               "A slab holds a checkpoint as it is, without LoRAs.",
               "Leave out --lora here and give it beside the slab.");
  const StopFlag stop(progress.stop_requested);
  checkpoint::OpenOptions options = pipeline::open_options(request.model);
  if (request.verify && !request.out.empty()) return verify_slab(request.out, stop, watcher);
  options.use_slabs = false;
  const Checkpoint files = checkpoint::open_checkpoint(options);
  REEL_REQUIRE(
      files.dit.has_value(), kNotFound,
      files.missing.empty() ? str_cat(quoted(files.path), " has no DiT.") : files.missing[0],
      "Give the folder or file of a model.");
  if (is_from_slab(files)) {
    const fs::path path = files.dit->tensors.begin()->second.file->path();
    REEL_REQUIRE(request.verify, kUnsupported, str_cat(quoted(path), " is a slab already."),
                 "Give --verify to compare its checksums.");
    return verify_slab(path, stop, watcher);
  }
  const fs::path path = slab_path(request, files);
  if (request.verify) return verify_slab(path, stop, watcher);
  for (const std::string& note : files.notes) progress.on_note(note);
  for (const std::string& sentence : files.missing) {
    progress.on_warning(sentence + " The slab will not hold it.");
  }
  tell_of_tae(options, files, progress);
  const pipeline::SlabContents contents = pipeline::slab_contents(files, path);
  const SlabPlan plan(contents.units, contents.metadata);
  ConvertResult result{.path = path.string(), .size_bytes = plan.file_size_bytes()};
  result.was_there = is_up_to_date(path, plan, contents.metadata);
  if (!result.was_there) Conversion(contents, plan, path, stop, watcher).run(result);
  return result;
}

}  // namespace reel
