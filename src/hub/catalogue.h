// SPDX-License-Identifier: Apache-2.0
// The published checkpoints by name, and which files of which repositories each needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reel::hub {

// Files of one repository.
struct CatalogueSource {
  const char* repository;
  const char* pattern;      // as matches() takes it
  const char* strip = "";   // what is cut from the front of a path
  const char* folder = "";  // and put before it, with a slash
};

// Something that a model needs: taken from the first source that has it.
struct CataloguePart {
  const char* what;  // "the text encoder"
  std::vector<CatalogueSource> sources;
  bool is_optional = false;
};

struct CatalogueEntry {
  std::string name, summary;
  uint64_t about_bytes;
  std::vector<CataloguePart> parts;
};

std::span<const CatalogueEntry> catalogue_entries();
// Null for another name.
const CatalogueEntry* find_in_catalogue(std::string_view name);
// Where a source's file goes, within the model's folder.
std::string local_path(const CatalogueSource& source, const std::string& path);

}  // namespace reel::hub
