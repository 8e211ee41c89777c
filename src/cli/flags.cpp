// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <utility>

#include "base/byte_units.h"
#include "base/env.h"
#include "base/error.h"
#include "cli/flag_table.h"
#include "cli/logging.h"
#include "cli/seed_range.h"

namespace reel::cli {

struct Flags::Impl {
  CLI::App app;
  CLI::Option* last = nullptr;
  std::string size_text;
  std::string log_file;
  std::vector<std::string> lora_texts;
  std::vector<std::function<void()>> after_parse;
};

namespace {

// "832x480", "480p", "720p"; none when it is none of them or has too large a number.
std::optional<std::pair<int, int>> parse_size(std::string_view text) {
  if (text == "480p") return std::pair(832, 480);
  if (text == "720p") return std::pair(1280, 720);
  std::pair<int, int> size;
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.first);
  if (width.ec != std::errc{} || width.ptr == end || std::strchr("xX*", *width.ptr) == nullptr) {
    return std::nullopt;
  }
  const auto height = std::from_chars(width.ptr + 1, end, size.second);
  if (height.ec != std::errc{} || height.ptr != end) return std::nullopt;
  return size;
}

// A file of that very name stands above a strength behind its colon.
LoraChoice parse_lora(const std::string& text) {
  std::error_code ignored;
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text, ignored)) return {.path = text};
  float strength = 1;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, strength);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return {.path = text};
  REEL_REQUIRE(colon > 0 && std::isfinite(strength), kInvalidArgument,
               str_cat("--lora is \"", text, "\"; a file, or a file:strength is needed."),
               "Write it like style.safetensors or style.safetensors:0.8.");
  return {.path = text.substr(0, colon), .strength = strength};
}

// The library would read -1 as 2^64 - 1.
std::string refuse_minus(const std::string& text) {
  if (!text.starts_with('-')) return {};
  return str_cat("is \"", text, "\"; a whole number, 0 or more, is needed.");
}

}  // namespace

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
  impl_->last = impl_->app.add_option(name, value, help)->check(refuse_minus);
}
void Flags::add(const std::string& name, std::vector<int>& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help)->delimiter(',');
}
void Flags::add(const std::string& name, std::vector<std::string>& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help);
}
void Flags::add_repeated(const std::string& name, std::vector<std::string>& value,
                         const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help)->allow_extra_args(false);
}
void Flags::add(const std::string& name, uint64_t& value, const std::string& help) {
  impl_->last = impl_->app.add_option(name, value, help)->check(refuse_minus);
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
    const auto size = parse_size(text);
    REEL_REQUIRE(size.has_value(), kInvalidArgument,
                 str_cat("--size is \"", text, "\"; a width and a height in pixels are needed."),
                 "Write it like 832x480, or 480p, 720p.");
    sampling.width_px = size->first;
    sampling.height_px = size->second;
  });
}

void Flags::add_bytes(const std::string& name, uint64_t& bytes, const std::string& help) {
  impl_->last = impl_->app.add_option_function<std::string>(
      name,
      [&bytes, name](const std::string& text) {
        try {
          bytes = parse_bytes(text);
        } catch (const Error& error) {
          fail(error.code(), str_cat(name, ": ", error.what()), error.hint());
        }
      },
      help);
}

void Flags::add_model(ModelOptions& options) {
  add("--model", options.model,
      "checkpoint: a folder, a file or the name of a pulled model; left out: the demo model");
  add("--text-encoder", options.text_encoder, "text encoder file, when it is not beside the model");
  add("--vae", options.vae, "VAE file, when it is not beside the model");
  add("--tokenizer", options.tokenizer, "tokenizer file or folder");
  add("--variant", options.variant,
      "which precision of a model that comes in several: fp8, int8, bf16");
  add("--checkpoint-kind", options.checkpoint_kind,
      "distilled or base, when the files do not tell");
  add_loras(options.loras);
  add("--device", options.device, "cpu or cuda:0; auto takes a GPU where one can be used");
  add("--precision", options.precision, "of the products: auto, f32, bf16, int8, fp8");
  add("--threads", options.threads, "compute threads; 0 for all cores");
  add_bytes("--vram", options.vram_bytes,
            "behave as on a GPU of this size: 12, 12GB or 12GiB; default: all that is free");
  add_bytes("--ram", options.ram_bytes,
            "host memory for weights, like 8GiB; default: half of what is free");
}

void Flags::add_loras(std::vector<LoraChoice>& loras) {
  add("--lora", impl_->lora_texts,
      "FILE or FILE:strength, added to the weights of the DiT; may be given several times");
  impl_->last->allow_extra_args(false);
  impl_->after_parse.push_back([this, &loras] {
    for (const std::string& text : impl_->lora_texts) loras.push_back(parse_lora(text));
  });
}

void Flags::add_trace(ModelOptions& options) {
  add("--trace", options.trace, "a CSV file with a row for every op that ran");
}

void Flags::add_sampling(SamplingOptions& options) {
  add("--seed", options.seed, "random and printed when left out");
  add_all_but_seed(options);
}

void Flags::add_sampling(SamplingOptions& options, int& count) {
  count = 0;
  const auto take = [&options, &count](const std::string& text) {
    const SeedRange range = parse_seed_range(text);
    options.seed = range.first;
    if (text.find("..") != std::string::npos) count = range.count;
  };
  impl_->last = impl_->app.add_option_function<std::string>(
      "--seed", take, "random and printed when left out; 1..8 makes eight clips");
  add_all_but_seed(options);
}

void Flags::add_all_but_seed(SamplingOptions& options) {
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
      "multiprocessors of the GPU that torch-cuda noise imitates; default: the one used");
  add("--rng-threads-per-sm", options.rng_threads_per_sm, "and its threads per multiprocessor");
}

void Flags::add_examples(const std::string& lines) { impl_->app.footer("Examples:\n" + lines); }

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

// "INT" becomes "a whole number".
std::string kind_of_value(const CLI::App& app, const std::string& flag) {
  const CLI::Option* option = app.get_option_no_throw(flag);
  const std::string type = option == nullptr ? "" : option->get_type_name();
  if (type == "UINT") return "a whole number, 0 or more,";
  if (type.find("INT") != std::string::npos) return "a whole number";
  if (type.find("FLOAT") != std::string::npos) return "a number";
  return "another value";
}

template <typename Kind>
bool is_a(const CLI::ParseError& error) {
  return dynamic_cast<const Kind*>(&error) != nullptr;
}

// The library's sentences begin with the flag, or end in "flag = value".
std::string in_our_words(const CLI::ParseError& error, const CLI::App& app) {
  const std::string text = error.what();
  const std::string flag = text.substr(0, text.find_first_of(": "));
  if (is_a<CLI::ExtrasError>(error)) {
    const std::vector<std::string> extras = app.remaining();  // the last one first
    const auto dashed =
        std::ranges::find_if(extras, [](const std::string& word) { return word.starts_with('-'); });
    return str_cat('"', dashed == extras.end() ? extras.back() : *dashed, "\" is not a flag of ",
                   app.get_name(), '.');
  }
  if (is_a<CLI::RequiredError>(error)) return str_cat(flag, " is needed.");
  if (is_a<CLI::ArgumentMismatch>(error)) {
    const bool is_repeated = text.find("At Most") != std::string::npos;
    return str_cat(flag, is_repeated ? " was given more than once." : " needs a value.");
  }
  static constexpr std::string_view kConversion = "Could not convert: ";
  const size_t equals = text.find(" = ");
  if (is_a<CLI::ConversionError>(error) && text.starts_with(kConversion) &&
      equals != std::string::npos) {
    const std::string name = text.substr(kConversion.size(), equals - kConversion.size());
    return str_cat(name, " is \"", text.substr(equals + 3), "\"; ", kind_of_value(app, name),
                   " is needed.");
  }
  if (is_a<CLI::ValidationError>(error) && text.starts_with("--")) {
    return str_cat(flag, text.substr(std::min(text.size(), flag.size() + 1)));
  }
  return text.ends_with('.') ? text : text + '.';
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
    fail(ErrorCode::kInvalidArgument, in_our_words(error, impl_->app),
         str_cat("See ", impl_->app.get_name(), " --help."));
  }
  for (const auto& action : impl_->after_parse) action();
  return false;
}

}  // namespace reel::cli
