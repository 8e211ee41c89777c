// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/byte_reader.h"
#include "formats/quoted.h"
#include "formats/safetensors_dtype.h"
#include "formats/slab.h"

namespace reel::formats {
namespace {

using Json = nlohmann::json;
using Event = Json::parse_event_t;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMostHeaderBytes = 100'000'000;  // as the reference implementation
constexpr uint64_t kMostIndexBytes = 100'000'000;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kDamaged = "The file is damaged.";

// Runs `parse`, turning the JSON library's errors into ours.
template <typename Parse>
void parse_json(const std::string& who, const char* part, Parse parse) {
  try {
    parse();
  } catch (const Json::parse_error& error) {
    fail(ErrorCode::kBadFile,
         str_cat(who, " has a damaged ", part, ": no JSON from byte ", with_commas(error.byte),
                 " of it on."),
         kDamaged);
  } catch (const Json::exception&) {
    fail(ErrorCode::kBadFile, str_cat(who, " has a damaged ", part, ": a number is too large."),
         kDamaged);
  }
}

// Takes the header's tensors one by one while it is parsed, so that a hostile header of millions
// of values is never held as a tree.
class HeaderParser {
 public:
  HeaderParser(std::string who, uint64_t data_begin_bytes)
      : who_(std::move(who)), data_begin_bytes_(data_begin_bytes) {}

  // The answer tells the JSON library whether to keep the value.
  bool on_event(int depth, Event event, Json& value) {
    switch (event) {
      case Event::object_start:
        require(depth <= 1, "nested too deeply");
        if (depth == 1) keys_.clear();
        return true;
      case Event::array_start:
        require(depth == 2, "not made of objects");
        array_values_ = 0;
        return true;
      case Event::key: on_key(depth, value.get_ref<const std::string&>()); return true;
      case Event::value:
        require(depth >= 2, "not made of objects");
        if (depth == 3) require(++array_values_ <= Shape::kMostAxes, "a list that is too long");
        return true;
      case Event::object_end:
        if (depth == 1) name_ == kMetadataKey ? take_metadata(value) : take_tensor(value);
        return depth != 1;
      case Event::array_end: return true;
    }
    return true;
  }

  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;

 private:
  void require(bool condition, const char* problem) const {
    REEL_REQUIRE(condition, kBadFile,
                 str_cat(who_, " has a damaged header at ", quoted_name(name_), ": ", problem, '.'),
                 kDamaged);
  }

  void on_key(int depth, const std::string& key) {
    if (depth == 1) name_ = key;
    REEL_REQUIRE((depth == 1 ? names_ : keys_).insert(key).second, kBadFile,
                 str_cat(who_, " names ", quoted_name(key), " twice",
                         depth == 1 ? std::string(".") : " for " + quoted_name(name_) + "."),
                 kDamaged);
  }

  void take_metadata(const Json& object) {
    for (const auto& [key, value] : object.items()) {
      require(value.is_string(), "a value that is not text");
      metadata[key] = value.get<std::string>();
    }
  }

  void take_tensor(const Json& object) {
    TensorEntry entry;
    entry.name = name_;
    require(object.contains("dtype") && object["dtype"].is_string(), "no dtype");
    entry.dtype = dtype_of(object["dtype"].get_ref<const std::string&>());
    const auto extents = integers(object, "shape");
    entry.shape = Shape(std::span(extents));
    const auto offsets = integers(object, "data_offsets");
    require(offsets.size() == 2 && offsets[0] <= offsets[1], "bad data_offsets");
    // Both are below 2^63, so the sum fits.
    entry.offset_bytes = data_begin_bytes_ + static_cast<uint64_t>(offsets[0]);
    entry.size_bytes = static_cast<uint64_t>(offsets[1] - offsets[0]);
    entries.push_back(std::move(entry));
  }

  DType dtype_of(const std::string& text) const {
    const auto dtype = dtype_from_safetensors(text);
    REEL_REQUIRE(dtype.has_value(), kUnsupported,
                 str_cat(who_, " stores the tensor ", quoted_name(name_), " as ", quoted_name(text),
                         ", which is not known here."),
                 str_cat("Known are ", safetensors_dtype_list(), '.'));
    return *dtype;
  }

  std::vector<int64_t> integers(const Json& object, const char* key) const {
    const std::string problem = str_cat("no ", key, " of whole numbers");
    require(object.contains(key) && object[key].is_array(), problem.c_str());
    std::vector<int64_t> values;
    for (const Json& value : object[key]) {
      require(value.is_number_unsigned() && value.get<uint64_t>() <= kMostInteger, problem.c_str());
      values.push_back(value.get<int64_t>());
    }
    return values;
  }

  static constexpr uint64_t kMostInteger = std::numeric_limits<int64_t>::max();

  std::string who_;
  uint64_t data_begin_bytes_;
  std::string name_;
  std::set<std::string> names_;
  std::set<std::string> keys_;
  int array_values_ = 0;
};

class SafetensorsFile final : public TensorFile {
 public:
  explicit SafetensorsFile(InputFile file) : TensorFile(FileFormat::kSafetensors, std::move(file)) {
    const uint64_t header_bytes = read_header_length();
    std::string header(header_bytes, '\0');
    file_.read_at(kLengthBytes, std::as_writable_bytes(std::span(header)));

    HeaderParser parser(quoted(path()), kLengthBytes + header_bytes);
    const auto on_event = [&](int depth, Event event, Json& value) {
      return parser.on_event(depth, event, value);
    };
    parse_json(quoted(path()), "header", [&] { const Json rest = Json::parse(header, on_event); });
    entries_ = std::move(parser.entries);
    metadata_ = std::move(parser.metadata);
    take_slab_record(path(), header, metadata_, entries_);
    finish(Overlap::kForbidden);
  }

 private:
  uint64_t read_header_length() const {
    std::byte bytes[kLengthBytes];
    file_.read_at(0, bytes);
    const uint64_t header_bytes = ByteReader(bytes, quoted(path())).u64();
    REEL_REQUIRE(header_bytes <= kMostHeaderBytes, kBadFile,
                 str_cat(quoted(path()), " claims a header of ", with_commas(header_bytes),
                         " bytes; at most ", with_commas(kMostHeaderBytes), " are expected."),
                 "The file is damaged, or no safetensors file.");
    REEL_REQUIRE(
        header_bytes <= file_.size_bytes() - kLengthBytes, kBadFile,
        str_cat(quoted(path()), " ends at byte ", with_commas(file_.size_bytes()),
                " but its header reaches to byte ", with_commas(kLengthBytes + header_bytes), '.'),
        "The download is incomplete; download the file again.");
    return header_bytes;
  }
};

// Refuses duplicate keys, which the JSON library would let the last one win, and deep nesting.
class IndexGuard {
 public:
  explicit IndexGuard(std::string who) : who_(std::move(who)) {}

  bool on_event(int depth, Event event, const Json& value) {
    constexpr int kDeepest = 16;
    const bool opens = event == Event::object_start || event == Event::array_start;
    REEL_REQUIRE(!opens || depth < kDeepest, kBadFile, str_cat(who_, " is nested too deeply."),
                 kDamaged);
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      REEL_REQUIRE(keys_.back().insert(key).second, kBadFile,
                   str_cat(who_, " names ", quoted_name(key), " twice."), kDamaged);
    }
    return true;
  }

 private:
  std::string who_;
  std::vector<std::set<std::string>> keys_;  // of every object that is still open
};

bool stays_in_folder(const std::string& file) {
  return !file.empty() && file != "." && file != ".." &&
         file.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

std::unique_ptr<TensorFile> open_safetensors(InputFile file) {
  return std::make_unique<SafetensorsFile>(std::move(file));
}

ShardIndex read_shard_index(const std::filesystem::path& path) {
  const std::string who = quoted(path);
  const std::string text = read_text_file(path, kMostIndexBytes);
  Json root;
  IndexGuard guard(who);
  const auto on_event = [&](int depth, Event event, Json& value) {
    return guard.on_event(depth, event, value);
  };
  parse_json(who, "index", [&] { root = Json::parse(text, on_event); });
  REEL_REQUIRE(root.is_object() && root.contains("weight_map") && root["weight_map"].is_object(),
               kBadFile, str_cat(who, " is not the index of a split checkpoint: no weight_map."),
               "Give a file named like model.safetensors.index.json.");

  ShardIndex index;
  for (const auto& [name, file] : root["weight_map"].items()) {
    REEL_REQUIRE(file.is_string() && stays_in_folder(file.get_ref<const std::string&>()), kBadFile,
                 str_cat(who, " places the tensor ", quoted_name(name), " in ",
                         file.is_string() ? quoted_name(file.get_ref<const std::string&>())
                                          : std::string("no file"),
                         "; a file of the same folder is needed."),
                 "Do not load this checkpoint: its index points elsewhere.");
    index.file_of[name] = file.get<std::string>();
  }
  if (root.contains("metadata") && root["metadata"].is_object()) {
    for (const auto& [key, value] : root["metadata"].items()) {
      index.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return index;
}

}  // namespace reel::formats
