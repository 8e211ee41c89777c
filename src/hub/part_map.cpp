// SPDX-License-Identifier: Apache-2.0
#include "hub/part_map.h"

#include <algorithm>
#include <sstream>

#include "base/byte_units.h"

namespace reel::hub {
namespace {

constexpr uint64_t kLeastPart = kMiB;
constexpr uint64_t kMostPart = 64 * kMiB;
constexpr const char* kFirstWord = "reel-parts-1";

}  // namespace

PartMap::PartMap(uint64_t size_bytes, uint64_t part_bytes)
    : size_bytes_(size_bytes),
      part_bytes_(std::max<uint64_t>(part_bytes, 1)),
      done_((size_bytes + part_bytes_ - 1) / part_bytes_) {}

uint64_t PartMap::good_part_bytes(uint64_t size_bytes, int connections) {
  const uint64_t wanted = size_bytes / (4 * static_cast<uint64_t>(std::max(connections, 1)));
  return std::clamp(wanted / kMiB * kMiB, kLeastPart, kMostPart);
}

uint64_t PartMap::length(size_t part) const {
  return std::min(part_bytes_, size_bytes_ - begin(part));
}

void PartMap::add(size_t part, uint64_t bytes) {
  done_[part] += bytes;
  done_bytes_ += bytes;
}

void PartMap::clear(size_t part) {
  done_bytes_ -= done_[part];
  done_[part] = 0;
}

void PartMap::set_prefix(uint64_t bytes) {
  done_bytes_ = std::min(bytes, size_bytes_);
  for (size_t part = 0; part < parts(); ++part) {
    const uint64_t before = std::min(begin(part), done_bytes_);
    done_[part] = std::min(length(part), done_bytes_ - before);
  }
}

std::string PartMap::text() const {
  std::ostringstream out;
  out << kFirstWord << ' ' << size_bytes_ << ' ' << part_bytes_ << '\n' << etag << '\n';
  for (const uint64_t bytes : done_) out << bytes << ' ';
  out << "end\n";
  return out.str();
}

std::optional<PartMap> PartMap::read(std::string_view text, uint64_t size_bytes) {
  std::istringstream in{std::string(text)};
  std::string word, etag;
  uint64_t size = 0, part_bytes = 0;
  if (!(in >> word >> size >> part_bytes) || word != kFirstWord || size != size_bytes ||
      part_bytes < kLeastPart || part_bytes > kMostPart || in.get() != '\n' ||
      !std::getline(in, etag)) {
    return std::nullopt;
  }
  PartMap map(size, part_bytes);
  map.etag = etag;
  for (size_t part = 0; part < map.parts(); ++part) {
    uint64_t bytes = 0;
    if (!(in >> bytes) || bytes > map.length(part)) return std::nullopt;
    map.add(part, bytes);
  }
  if (!(in >> word) || word != "end") return std::nullopt;
  return map;
}

}  // namespace reel::hub
