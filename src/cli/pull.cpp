// SPDX-License-Identifier: Apache-2.0
// `reel pull`: downloads a published model.
#include <reel/hub.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/byte_units.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

std::string gigabytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

std::string catalogue_table() {
  std::string text;
  for (const CatalogueModel& model : catalogue()) {
    char line[160];
    std::snprintf(line, sizeof line, "%-29s %8s  %s\n", model.name.c_str(),
                  gigabytes(model.about_bytes).c_str(), model.summary.c_str());
    text += line;
  }
  text.pop_back();
  return text;
}

// One line: redrawn on a terminal, elsewhere one for every tenth.
class ShownPull {
 public:
  explicit ShownPull(Terminal& terminal) : terminal_(terminal) {}

  void show(const PullProgress& now) {
    if (now.total_bytes == 0) return;
    const double part = static_cast<double>(now.done_bytes) / static_cast<double>(now.total_bytes);
    const int tenth = static_cast<int>(10 * part);
    terminal_.milestone(line(now, 100 * part), tenth != tenth_);
    tenth_ = tenth;
  }

 private:
  static std::string line(const PullProgress& now, double percent) {
    const std::string name = now.file.substr(now.file.rfind('/') + 1);
    char text[160];
    std::snprintf(text, sizeof text, "%3.0f %%  file %zu/%zu  %s of %s", percent,
                  now.files_done + (now.files_done < now.files ? 1 : 0), now.files,
                  format_bytes(now.done_bytes).c_str(), format_bytes(now.total_bytes).c_str());
    if (now.is_checking) return str_cat(text, "  checking ", name);
    std::string shown = text;
    if (now.bytes_per_second > 0) {
      shown += str_cat("  ", format_bytes(static_cast<uint64_t>(now.bytes_per_second)), "/s");
    }
    if (now.remaining_s >= 0) shown += str_cat("  ", format_seconds(now.remaining_s), " left");
    return shown;
  }

  Terminal& terminal_;
  int tenth_ = 0;
};

std::string as_json(const PullResult& result, bool is_plan) {
  nlohmann::json files = nlohmann::json::array();
  for (const PulledFile& file : result.files) {
    files.push_back({{"path", file.path},
                     {"repository", file.repository},
                     {"size", file.size_bytes},
                     {"was_here", file.was_here}});
  }
  return nlohmann::json{
      {"folder", result.folder},
      {"files", files},
      {"total_bytes", result.total_bytes},
      {is_plan ? "to_download_bytes" : "downloaded_bytes", result.downloaded_bytes}}
      .dump(1);
}

std::string as_plan(const PullResult& result) {
  std::string text;
  for (const PulledFile& file : result.files) {
    char line[64];
    std::snprintf(line, sizeof line, "%10s  %-8s  ", format_bytes(file.size_bytes).c_str(),
                  file.was_here ? "is here" : "download");
    text += str_cat(line, file.path, "  (", file.repository, ")\n");
  }
  return text + str_cat("would download ", format_bytes(result.downloaded_bytes), " of ",
                        format_bytes(result.total_bytes), " to ", result.folder);
}

// The words to go on with. Tokens are never among them: they are no flags.
std::string command_line(int argc, const char* const* argv) {
  std::string line = "reel";
  for (int index = 0; index < argc; ++index) {
    const std::string word = argv[index];
    const bool is_plain =
        !word.empty() && word.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789-_./:=+,@%") == std::string::npos;
    line += is_plain ? ' ' + word : " '" + word + "'";
  }
  return line;
}

// A download that broke off goes on where it was.
Error with_way_on(const Error& error, const std::string& command) {
  const bool can_go_on = error.code() == ErrorCode::kCancelled ||
                         error.code() == ErrorCode::kNetwork || error.code() == ErrorCode::kIo;
  if (!can_go_on) return error;
  const std::string space = error.hint().empty() ? "" : " ";
  return {error.code(), error.what(),
          str_cat(error.hint(), space, "What has arrived is kept; go on with: ", command)};
}

void add_flags(Flags& flags, PullRequest& request) {
  flags.add("MODEL", request.model, "a name of the catalogue (--list), or organisation/repository");
  flags.add_repeated("--include", request.include,
                     "of a repository: only files like this, as '*.json'");
  flags.add_repeated("--exclude", request.exclude, "of a repository: no files like this");
  flags.add("--revision", request.revision, "of a repository: branch, tag or commit");
  flags.add("--local-dir", request.local_dir,
            "put the files there, not into the hub's cache and links into the folder of models");
  flags.add("--connections", request.connections, "at once");
  flags.add("--timeout", request.timeout_s, "seconds after which a silent connection is given up");
  flags.add_switch("--force", request.overwrite,
                   "replace files in --local-dir that are not the published ones");
  flags.add_switch("--verify", request.verify, "compare the digests of files that are here, too");
  flags.add_switch("--dry-run", request.dry_run, "say what would be downloaded");
}

int run_pull(int argc, const char* const* argv, Terminal& terminal) {
  PullRequest request;
  bool list = false, json = false;
  Flags flags("pull", "download a published model");
  add_flags(flags, request);
  flags.add_switch("--list", list, "show the catalogue");
  flags.add_switch("--json", json, "print what was downloaded as JSON");
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  if (list) {
    terminal.answer(catalogue_table());
    return kExitOk;
  }
  REEL_REQUIRE(
      !request.model.empty(), kInvalidArgument, "No model was named.",
      "reel pull --list shows the catalogue; wan2.1-t2v-14b-fp8 is the one to begin with.");
  ShownProgress progress(terminal);
  ShownPull shown(terminal);
  PullResult result;
  try {
    result = pull(request, progress, [&](const PullProgress& now) { shown.show(now); });
  } catch (const Error& error) {
    throw with_way_on(error, command_line(argc, argv));
  }
  if (json) {
    terminal.answer(as_json(result, request.dry_run));
  } else if (request.dry_run) {
    terminal.answer(as_plan(result));
  } else {
    terminal.note(str_cat(result.files.size(), " files, ", format_bytes(result.total_bytes), ", ",
                          format_bytes(result.downloaded_bytes), " downloaded"));
    terminal.answer(result.folder);
  }
  return kExitOk;
}

}  // namespace

extern const Command kPullCommand{
    .name = "pull", .summary = "download a published model", .run = &run_pull};

}  // namespace reel::cli
