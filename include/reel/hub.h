// SPDX-License-Identifier: Apache-2.0
// Checkpoints: which are published, which are here, how to get and remove them. Nothing but pull()
// reaches the network.
#pragma once

#include <reel/progress.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace reel {

// A published model under one name, with every file that it needs.
struct CatalogueModel {
  std::string name;  // "wan2.1-t2v-14b-fp8"
  std::string summary;
  uint64_t about_bytes = 0;  // of all files, from published sizes
};
std::vector<CatalogueModel> catalogue();

struct PullRequest {
  std::string model;              // a name of the catalogue, or "organisation/repository"
  std::string revision = "main";  // branch, tag or commit; of a repository alone
  std::vector<std::string> include, exclude;  // patterns of file names; of a repository alone
  // Files go there. Empty: to the hub's cache, with links in the folder of models.
  std::string local_dir;
  int connections = 8;     // at once, 1 to 64
  int timeout_s = 30;      // a connection on which nothing moves is given up
  bool overwrite = false;  // files in local_dir that are not the published ones
  bool verify = false;     // compare the digests of files that are here, too
  bool dry_run = false;    // only say what would be downloaded
};

struct PullProgress {
  std::string file;
  size_t files_done = 0, files = 0;
  uint64_t done_bytes = 0, total_bytes = 0;
  double bytes_per_second = 0;
  double remaining_s = -1;   // negative while it cannot be told
  bool is_checking = false;  // all bytes are here; their digests are compared
};
using PullWatcher = std::function<void(const PullProgress&)>;

struct PulledFile {
  std::string path;  // within the folder
  std::string repository;
  uint64_t size_bytes = 0;
  bool was_here = false;
};

struct PullResult {
  std::string folder;  // what --model takes
  std::vector<PulledFile> files;
  uint64_t total_bytes = 0, downloaded_bytes = 0;
};

// Downloads what is missing. What has arrived when it fails or is stopped is kept: the next call
// goes on there. `progress` gets remarks, and stops it within half a second.
//
// Throws kInvalidArgument, kNotFound for an unknown name, repository or file, kNetwork, kBadFile
// for answers that make no sense, kIo when space is lacking (looked at first), kBusy when another
// program downloads the same file, kUnsupported without libcurl, kCancelled.
PullResult pull(const PullRequest& request, Progress& progress, const PullWatcher& watch = {});

// A model in one of the folders in which --model NAME is looked up.
struct InstalledModel {
  std::string name, path;
  uint64_t size_bytes = 0;           // of its files, through links
  bool is_pulled = false;            // by pull()
  std::vector<std::string> missing;  // files of a pulled model that are gone
  std::vector<std::string> slabs;    // files that convert() made of it
};
std::vector<InstalledModel> installed_models();

// What removing a model would do, then doing it. Links are removed, never followed; of the hub's
// cache only what pull() brought there and no other snapshot uses. Slabs go with their model.
struct ModelRemoval {
  std::string name, path;
  bool is_pulled = false;
  uint64_t size_bytes = 0;  // that would be free
  size_t files = 0;
};
// Throws kNotFound for what is no model of installed_models().
ModelRemoval plan_removal(const std::string& name);
// Returns the bytes that were freed.
uint64_t remove_model(const std::string& name);

}  // namespace reel
