// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <cctype>
#include <functional>

#include "base/byte_units.h"
#include "base/env.h"
#include "base/error.h"
#include "cli/flag_table.h"
#include "cli/logging.h"

namespace reel::cli {

struct Flags::Impl {
  CLI::App app;
  CLI::Option* last = nullptr;
  std::string size_text;
  std::string log_file;
  std::vector<std::function<void()>> after_parse;
};

Flags::Flags(const char* command, const char* summary) : impl_(std::make_unique<Impl>()) {
  impl_->app.name(std::string("reel ") + command);
  impl_->app.description(summary);
  impl_->app.set_help_flag("-h,--help", "print this and exit");
  impl_->app.get_formatter()->column_width(34);
  // One file for all commands, so a key may belong to another one.
  impl_->app.set_config("--config", env::config_file(), "settings that stand below the flags");
  impl_->app.allow_config_extras(CLI::config_extras_mode::ignore_all);
}

Flags::~Flags() = default;

void Flags::add(const std::string& name, std::string& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add(const std::string& name, int& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add(const std::string& name, std::optional<int>& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add(const std::string& name, std::optional<float>& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add(const std::string& name, std::optional<uint64_t>& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add(const std::string& name, std::vector<int>& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help)->delimiter(',');
}
void Flags::add(const std::string& name, uint64_t& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add(const std::string& name, int64_t& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add_switch(const std::string& name, bool& value, const std::string& help) {
  impl_->last = impl_->app.add_flag(name, value, help);
}
void Flags::add_count(const std::string& name, int& value, const std::string& help) {
  impl_->last = impl_->app.add_flag(name, value, help);
}

void Flags::required() { impl_->last->required(); }

void Flags::add_size(SamplingOptions& sampling) {
  add("--size", impl_->size_text, "width x height in pixels: 832x480, or 480p, 720p");
  impl_->after_parse.push_back([this, &sampling] {
    const std::string& text = impl_->size_text;
    if (text.empty()) return;
    int width = 0;
    int height = 0;
    char rest = 0;
    if (text == "480p") {
      width = 832, height = 480;
    } else if (text == "720p") {
      width = 1280, height = 720;
    } else {
      REEL_REQUIRE(std::sscanf(text.c_str(), "%d%*1[xX*]%d%c", &width, &height, &rest) == 2,
                   kInvalidArgument, str_cat("--size is \"", text, "\"."),
                   "Write it as width x height, like 832x480, or 480p, 720p.");
    }
    sampling.width_px = width;
    sampling.height_px = height;
  });
}

void Flags::add_bytes(const std::string& name, uint64_t& bytes, const std::string& help) {
  impl_->last = impl_->app.add_option_function<std::string>(
      name, [&bytes](const std::string& text) { bytes = parse_bytes(text); }, help);
}

void Flags::add_model(ModelOptions& options) {
  add("--model", options.model, "checkpoint: a folder or file; left out: the built-in demo model");
  add("--text-encoder", options.text_encoder, "text encoder file, when it is not beside the model");
  add("--vae", options.vae, "VAE file, when it is not beside the model");
  add("--tokenizer", options.tokenizer, "tokenizer file or folder");
  add("--variant", options.variant,
      "which precision of a model that comes in several: fp8, int8, bf16");
  add("--checkpoint-kind", options.checkpoint_kind,
      "distilled or base, when the files do not tell");
  add("--device", options.device, "cpu; cuda:0 once this build has CUDA; auto takes what there is");
  add("--precision", options.precision, "of the products: auto, f32, bf16, int8");
  add("--threads", options.threads, "compute threads; 0 for all cores");
  add_bytes("--ram", options.ram_bytes,
            "host memory for weights, like 8GiB; default: half of what is free");
}

void Flags::add_sampling(SamplingOptions& options) {
  add("--seed", options.seed, "random and printed when left out");
  add_size(options);
  add("--frames", options.frames, "4n + 1, like 81");
  add("--steps", options.steps, "denoising steps; the model's own when left out");
  add("--timesteps", options.timesteps, "step list of a distilled model, like 1000,750,500,250");
  add("--shift", options.shift, "shift of the noise levels");
  add("--guidance", options.guidance, "classifier-free guidance; 1 is off");
  add("--sampler", options.sampler, "lcm, euler (distilled models) or unipc (base models)");
  add("--rng", options.rng,
      "whose noise a seed gives: torch-cuda (Wan, LightX2V), torch-cpu (ComfyUI)");
  add("--rng-sms", options.rng_sm_count,
      "multiprocessors of the GPU that torch-cuda noise imitates");
  add("--rng-threads-per-sm", options.rng_threads_per_sm, "and its threads per multiprocessor");
}

void Flags::add_terminal(Terminal& terminal) {
  add_switch("--quiet", terminal.quiet, "no progress, no remarks");
  add_count("-v,--verbose", terminal.verbosity, "one line per stage; twice for the whole log");
  add("--log-file", impl_->log_file, "write the whole log there");
  impl_->after_parse.push_back([this, &terminal] {
    start_logging(terminal.quiet ? 0 : terminal.verbosity, impl_->log_file);
  });
}

namespace {

// --rng-sms is also REEL_RNG_SMS.
std::string variable_name(const CLI::Option& option) {
  std::string name = "REEL_" + option.get_lnames().front();
  for (char& letter : name) {
    letter =
        letter == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return name;
}

FlagRow row_of(const CLI::Option& option) {
  FlagRow row{.names = {}, .value = {}, .help = option.get_description()};
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  if (row.names.empty()) row.names.push_back(option.get_name());
  if (option.get_items_expected_max() > 0) row.value = option.get_type_name();
  return row;
}

}  // namespace

bool Flags::parse(int argc, const char* const* argv, Terminal& terminal) {
  for (CLI::Option* option : impl_->app.get_options()) {
    if (collecting_table() != nullptr) collecting_table()->push_back(row_of(*option));
    const auto& names = option->get_lnames();
    const bool is_setting = !names.empty() && names.front() != "help" && names.front() != "config";
    if (is_setting) option->envname(variable_name(*option));
  }
  if (collecting_table() != nullptr) return true;
  try {
    impl_->app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::string help = impl_->app.help();
    while (!help.empty() && help.back() == '\n') help.pop_back();
    terminal.answer(help);
    return true;
  } catch (const CLI::ParseError& error) {
    fail(ErrorCode::kInvalidArgument, error.what(),
         str_cat("See ", impl_->app.get_name(), " --help."));
  }
  for (const auto& action : impl_->after_parse) action();
  return false;
}

}  // namespace reel::cli
