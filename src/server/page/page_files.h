// SPDX-License-Identifier: Apache-2.0
// The files of the page, as they are in this folder.
#pragma once

#include <span>
#include <string_view>

namespace reel::server {

struct PageFile {
  const char* path;  // "/" or "/page/app.js"
  const char* content_type;
  const char* etag;  // with its quotes; another one for other bytes
  std::string_view bytes;
};

std::span<const PageFile> page_files();

}  // namespace reel::server
