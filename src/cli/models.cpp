// SPDX-License-Identifier: Apache-2.0
// `reel models list` and `reel models rm`: what is in the folders of models.
#include <reel/hub.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/byte_units.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

std::string state_of(const InstalledModel& model) {
  if (!model.missing.empty()) return str_cat(model.missing.size(), " files are missing");
  if (model.slabs.empty()) return model.is_pulled ? "pulled" : "";
  return model.is_pulled ? "pulled, slab" : "slab";
}

void list_models(bool json, Terminal& terminal) {
  const std::vector<InstalledModel> models = installed_models();
  if (json) {
    nlohmann::json all = nlohmann::json::array();
    for (const InstalledModel& model : models) {
      all.push_back({{"name", model.name},
                     {"path", model.path},
                     {"size", model.size_bytes},
                     {"pulled", model.is_pulled},
                     {"missing", model.missing},
                     {"slabs", model.slabs}});
    }
    return terminal.answer(all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  if (models.empty()) {
    return terminal.note("There are no models here; reel pull --list shows which can be had.");
  }
  std::string text;
  for (const InstalledModel& model : models) {
    char line[160];
    std::snprintf(line, sizeof line, "%-31s %10s  %-12s  ", model.name.c_str(),
                  format_bytes(model.size_bytes).c_str(), state_of(model).c_str());
    text += line + model.path + '\n';
  }
  text.pop_back();
  terminal.answer(text);
}

bool is_agreed(const ModelRemoval& removal) {
  REEL_REQUIRE(::isatty(STDIN_FILENO) == 1, kInvalidArgument,
               str_cat("Removing \"", removal.name, "\" needs a yes."), "Give --yes.");
  std::cerr << "Remove \"" << removal.name << "\" (" << removal.files << " files, "
            << format_bytes(removal.size_bytes)
            << (removal.is_pulled ? "" : ", not made by reel pull") << ") at " << removal.path
            << "? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int remove(const std::vector<std::string>& names, bool yes, Terminal& terminal) {
  REEL_REQUIRE(!names.empty(), kInvalidArgument, "No model was named.",
               "Write: reel models rm NAME");
  std::vector<ModelRemoval> removals;  // all names are known before the first is removed
  removals.reserve(names.size());
  for (const std::string& name : names) removals.push_back(plan_removal(name));
  for (const ModelRemoval& removal : removals) {
    if (!yes && !is_agreed(removal)) {
      terminal.note(str_cat("\"", removal.name, "\" stays."));
      continue;
    }
    const uint64_t freed = remove_model(removal.name);
    terminal.note(str_cat("removed \"", removal.name, "\": ", format_bytes(freed), " are free"));
  }
  return kExitOk;
}

int run_models(int argc, const char* const* argv, Terminal& terminal) {
  std::string action;
  std::vector<std::string> names;
  bool yes = false, json = false;
  Flags flags("models", "list or remove the models that --model NAME finds");
  flags.add("ACTION", action, "list or rm");
  flags.add("NAME", names, "of rm: which");
  flags.add_switch("-y,--yes", yes, "of rm: do not ask");
  flags.add_switch("--json", json, "of list: print JSON");
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  if (action == "rm") return remove(names, yes, terminal);
  REEL_REQUIRE(action.empty() || action == "list", kInvalidArgument,
               str_cat("reel models has no \"", action, "\"; list and rm are possible."));
  REEL_REQUIRE(names.empty(), kInvalidArgument, "reel models list takes no name.");
  list_models(json, terminal);
  return kExitOk;
}

}  // namespace

extern const Command kModelsCommand{
    .name = "models", .summary = "list or remove models", .run = &run_models};

}  // namespace reel::cli
