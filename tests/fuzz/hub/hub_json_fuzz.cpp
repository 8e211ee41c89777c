// SPDX-License-Identifier: Apache-2.0
// Any bytes as the hub's answers, the headers before them and the list of parts beside a file.
#include "hub/hub_json.h"

#include <reel/error.h>

#include <cstdlib>

#include "hub/http_head.h"
#include "hub/names.h"
#include "hub/part_map.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void read_tree(std::string_view text) {
  for (const reel::hub::RemoteFile& file : reel::hub::read_tree_page(text, "hub")) {
    require(reel::hub::is_safe_path(file.path) && file.size_bytes <= reel::hub::kMostFileBytes &&
            reel::hub::is_digest(file.id.kind, file.id.hex));
  }
}

void read_lines(std::string_view text) {
  reel::hub::HttpHead head;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    head.add_line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  reel::hub::next_page(head.link);
  require(!head.content_range || head.content_range->first <= head.content_range->last);
}

void read_parts(std::string_view text) {
  const auto map = reel::hub::PartMap::read(text, 3 << 20);
  require(!map || map->done_bytes() <= map->size_bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    read_tree(text);
  } catch (const reel::Error&) {
  }
  try {
    require(reel::hub::is_commit(reel::hub::read_commit(text, "hub")));
  } catch (const reel::Error&) {
  }
  read_lines(text);
  read_parts(text);
  return 0;
}
