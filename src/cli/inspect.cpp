// SPDX-License-Identifier: Apache-2.0
// `reel inspect`: what a file or folder is, and what is missing.
#include <reel/inspect.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/byte_units.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

using nlohmann::json;

json to_json(const NetworkInfo& network) {
  json groups = json::array();
  for (const TensorGroupInfo& group : network.groups) {
    groups.push_back({{"group", group.group},
                      {"dtype", group.dtype},
                      {"tensors", group.tensors},
                      {"parameters", group.parameters},
                      {"bytes", group.size_bytes}});
  }
  return {{"network", network.network},
          {"layout", network.layout},
          {"precision", network.precision},
          {"path", network.path},
          {"evidence", network.evidence},
          {"groups", groups},
          {"tensors", network.tensors},
          {"parameters", network.parameters},
          {"files", network.files},
          {"blocks", network.blocks},
          {"bytes", network.size_bytes},
          {"dimensions", network.dimensions},
          {"unread_tensors", network.unread_tensors},
          {"problems", network.problems}};
}

json to_json(const LoraInfo& lora) {
  return {{"key_styles", lora.key_styles},
          {"names_of", lora.namings},
          {"dtype", lora.dtype},
          {"matrices", lora.matrices},
          {"deltas", lora.deltas},
          {"blocks", lora.blocks},
          {"rank", {lora.least_rank, lora.most_rank}},
          {"alpha_over_rank", {lora.least_factor, lora.most_factor}},
          {"bytes", lora.size_bytes},
          {"distils", lora.distils},
          {"unknown_tensors", lora.unknown}};
}

std::string dump(const json& text) {
  return text.dump(1, ' ', false, json::error_handler_t::replace);
}

std::string as_json(const Inspection& found) {
  if (found.lora) return dump({{"path", found.path}, {"lora", to_json(*found.lora)}});
  json networks = json::array();
  for (const NetworkInfo& network : found.networks) networks.push_back(to_json(network));
  return dump({{"path", found.path},
               {"networks", networks},
               {"tokenizer", found.tokenizer},
               {"kind", found.distilled ? "distilled" : "base"},
               {"kind_evidence", found.verdict_evidence},
               {"notes", found.notes},
               {"missing", found.missing},
               {"complete", found.is_complete}});
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

// "64", or "16 to 64".
template <typename Number>
std::string range(Number least, Number most) {
  return least == most ? str_cat(least) : str_cat(least, " to ", most);
}

std::string as_text(const std::string& path, const LoraInfo& lora) {
  std::string text = "LoRA for the DiT of Wan 2.1: ";
  if (lora.matrices > 0) {
    text += str_cat(lora.matrices, " matrices of rank ", range(lora.least_rank, lora.most_rank),
                    lora.deltas > 0 ? ", " : "");
  }
  if (lora.deltas > 0) text += str_cat(lora.deltas, " full deltas");
  text += str_cat(", in ", lora.blocks, " blocks\n  in ", path, "\n");
  if (lora.matrices > 0) {
    text += str_cat("  keys: ", joined(lora.key_styles, ", "), "; alpha / rank is ",
                    range(lora.least_factor, lora.most_factor), '\n');
  }
  text += str_cat("  names of ", joined(lora.namings, ", "), "; ", lora.dtype, ", ",
                  format_bytes(lora.size_bytes), '\n');
  if (!lora.unknown.empty()) {
    text += str_cat("  PROBLEM: ", lora.unknown.size(),
                    " tensors belong to nothing in the DiT: ", joined(lora.unknown, ", "), '\n');
  }
  if (!lora.distils.empty()) text += "  makes a base model a distilled one: " + lora.distils + '\n';
  return text + "Give it with --lora FILE[:strength] beside a model.";
}

void add_network(std::string& text, const NetworkInfo& network) {
  text += network.network + ": " + network.layout + ", " + network.precision + "\n";
  text += "  in " + network.path + "\n";
  if (!network.dimensions.empty()) text += "  " + network.dimensions + "\n";
  for (const TensorGroupInfo& group : network.groups) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-22s %-8s %5lld tensors %16s numbers %10s\n",
                  group.group.c_str(), group.dtype.c_str(), static_cast<long long>(group.tensors),
                  with_commas(static_cast<uint64_t>(group.parameters)).c_str(),
                  format_bytes(group.size_bytes).c_str());
    text += line;
  }
  text += "  " + format_bytes(network.size_bytes) + " in " + std::to_string(network.files) +
          (network.files == 1 ? " file\n" : " files\n");
  if (network.unread_tensors > 0) {
    text += "  " + std::to_string(network.unread_tensors) +
            (network.unread_tensors == 1 ? " more tensor is" : " more tensors are") +
            " left alone\n";
  }
  for (const std::string& sentence : network.evidence) text += "  because: " + sentence + "\n";
  for (const std::string& problem : network.problems) text += "  PROBLEM: " + problem + "\n";
}

std::string as_text(const Inspection& found) {
  if (found.lora) return as_text(found.path, *found.lora);
  std::string text;
  for (const NetworkInfo& network : found.networks) add_network(text, network);
  if (!found.tokenizer.empty()) text += "tokenizer: " + found.tokenizer + "\n";
  text += std::string(found.distilled ? "distilled" : "base") +
          " model: " + found.verdict_evidence + "\n";
  for (const std::string& note : found.notes) text += note + "\n";
  for (const std::string& sentence : found.missing) text += "MISSING: " + sentence + "\n";
  text += found.is_complete ? "Everything reel generate needs is there."
                            : "reel generate cannot run this as it is.";
  return text;
}

int run_inspect(int argc, const char* const* argv, Terminal& terminal) {
  ModelOptions options;
  bool print_json = false;
  Flags flags("inspect", "tell what a checkpoint is and what is missing");
  flags.add("MODEL", options.model, "a folder or file; left out: the built-in demo model");
  flags.add("--text-encoder", options.text_encoder, "text encoder file");
  flags.add("--vae", options.vae, "VAE or TAE file");
  flags.add("--tokenizer", options.tokenizer, "tokenizer file or folder");
  flags.add("--variant", options.variant, "fp8, int8 or bf16, of a model that comes in several");
  flags.add_switch("--json", print_json, "print JSON");
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  const Inspection found = inspect(options);
  terminal.answer(print_json ? as_json(found) : as_text(found));
  return kExitOk;
}

}  // namespace

extern const Command kInspectCommand{.name = "inspect",
                                     .summary = "tell what a checkpoint is and what is missing",
                                     .run = &run_inspect};

}  // namespace reel::cli
