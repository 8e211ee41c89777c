// SPDX-License-Identifier: Apache-2.0
#include "hub/model_folders.h"

#include <cstdio>
#include <sstream>

#include "base/env.h"
#include "base/error.h"
#include "hub/catalogue.h"
#include "hub/names.h"

namespace reel::hub {

namespace fs = std::filesystem;

std::vector<fs::path> search_folders() {
  std::vector<fs::path> folders;
  std::stringstream all(env::models_path());
  for (std::string folder; std::getline(all, folder, ':');) {
    if (!folder.empty()) folders.emplace_back(folder);
  }
  if (folders.empty()) folders.push_back(env::data_folder() / "models");
  return folders;
}

std::string folder_name(const std::string& model) {
  std::string name = model;
  const size_t slash = name.find('/');
  if (slash != std::string::npos) name.replace(slash, 1, "--");
  return name;
}

std::optional<fs::path> find_on_search_path(const std::string& model) {
  if (!is_safe_path(model)) return std::nullopt;
  std::error_code ignored;
  for (const std::string& name : {model, folder_name(model)}) {
    for (const fs::path& folder : search_folders()) {
      if (fs::exists(folder / name, ignored)) return folder / name;
    }
  }
  return std::nullopt;
}

std::string find_model(const std::string& model) {
  std::error_code ignored;
  if (model.empty() || fs::exists(model, ignored)) return model;
  if (const auto found = find_on_search_path(model)) return found->string();
  const CatalogueEntry* entry = find_in_catalogue(model);
  if (entry == nullptr) return model;
  char gigabytes[32];
  std::snprintf(gigabytes, sizeof gigabytes, "%.0f GB",
                static_cast<double>(entry->about_bytes) / 1e9);
  fail(ErrorCode::kNotFound,
       str_cat("The model \"", model, "\" is not here; it is a download of about ", gigabytes, '.'),
       str_cat("Get it with: reel pull ", model));
}

}  // namespace reel::hub
