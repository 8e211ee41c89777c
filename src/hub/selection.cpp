// SPDX-License-Identifier: Apache-2.0
#include "hub/selection.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "hub/catalogue.h"
#include "hub/file_filter.h"
#include "hub/names.h"

namespace reel::hub {
namespace {

class Selector {
 public:
  Selector(HubApi& api, Selection& to) : api_(api), to_(to) {}

  const Listing& listing(const std::string& repository, const std::string& revision) {
    const auto found = to_.listings.find(repository);
    if (found != to_.listings.end()) return found->second;
    return to_.listings.emplace(repository, api_.list(repository, revision)).first->second;
  }

  void add(const Listing& listing, const RemoteFile& file, const std::string& local) {
    if (taken_.insert(local).second) to_.files.push_back({&listing, file, local});
  }

  void add_part(const CataloguePart& part) {
    std::string tried;
    for (size_t index = 0; index < part.sources.size(); ++index) {
      const CatalogueSource& source = part.sources[index];
      if (add_source(source, index + 1 < part.sources.size())) return;
      tried = str_cat('"', source.repository, "\" has no file like \"", source.pattern,
                      "\", which ", part.what, " should be.");
    }
    REEL_REQUIRE(part.is_optional, kNotFound, tried,
                 "The repository has changed. Give it by its name, with --include.");
  }

 private:
  // False when the repository has none. It may be gone when there is another source.
  bool add_source(const CatalogueSource& source, bool may_be_gone) {
    const Listing* files = nullptr;
    try {
      files = &listing(source.repository, "main");
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound || !may_be_gone) throw;
      return false;
    }
    bool found = false;
    for (const RemoteFile& file : files->files) {
      if (!matches(source.pattern, file.path)) continue;
      add(*files, file, local_path(source, file.path));
      found = true;
    }
    return found;
  }

  HubApi& api_;
  Selection& to_;
  std::set<std::string> taken_;
};

void select_entry(const CatalogueEntry& entry, const PullRequest& request, Selector& selector) {
  REEL_REQUIRE(
      request.include.empty() && request.exclude.empty() && request.revision == "main",
      kInvalidArgument,
      str_cat('"', entry.name, "\" is a name of the catalogue, which says which files are needed."),
      "Leave out --include, --exclude and --revision, or name a repository.");
  for (const CataloguePart& part : entry.parts) selector.add_part(part);
}

void select_repository(const PullRequest& request, Selector& selector) {
  REEL_REQUIRE(is_repository_id(request.model), kInvalidArgument,
               str_cat('"', printable(request.model),
                       "\" is neither a name of the catalogue nor organisation/repository."),
               "reel pull --list shows the catalogue.");
  const Listing& listing = selector.listing(request.model, request.revision);
  bool found = false;
  for (const RemoteFile& file : listing.files) {
    if (!is_wanted(file.path, request.include, request.exclude)) continue;
    selector.add(listing, file, file.path);
    found = true;
  }
  REEL_REQUIRE(
      found, kNotFound,
      str_cat("None of the ", listing.files.size(), " files of \"", request.model, "\" is wanted."),
      "Check --include and --exclude.");
}

}  // namespace

Selection select_files(const PullRequest& request, HubApi& api) {
  Selection selection;
  Selector selector(api, selection);
  if (const CatalogueEntry* entry = find_in_catalogue(request.model)) {
    select_entry(*entry, request, selector);
  } else {
    select_repository(request, selector);
  }
  std::ranges::sort(selection.files, {}, &SelectedFile::local_path);
  return selection;
}

}  // namespace reel::hub
