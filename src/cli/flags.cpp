// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <functional>
#include <string_view>
#include <utility>

#include "base/byte_units.h"
#include "base/env.h"
#include "base/error.h"
#include "cli/examples.h"
#include "cli/flag_table.h"
#include "cli/logging.h"

namespace reel::cli {

struct Flags::Impl {
  CLI::App app;
  CLI::Option* last = nullptr;
  std::string log_file;
  std::vector<std::string> words;  // of the command line
  std::vector<std::function<void()>> after_parse;

  // A value that is left out, where it says something.
  template <typename Value>
  CLI::Option* add_option(const std::string& name, Value& value, const std::string& help) {
    CLI::Option* option = app.add_option(name, value, help);
    return value == Value{} ? option : option->capture_default_str();
  }
  // Of the flags that follow.
  void begin_group(const std::string& title) { app.option_defaults()->group(title); }
  std::string help();
};

namespace {

constexpr const char* kOwnGroup = "Options";

std::string with_capital(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// The library would read -1 as 2^64 - 1.
std::string refuse_minus(const std::string& text) {
  if (!text.starts_with('-')) return {};
  return str_cat("is \"", text, "\"; a whole number, 0 or more, is needed.");
}

constexpr std::string_view kHowToSet =
    "Each flag can also be set in the file of --config (log-file = \"run.log\") or by a variable\n"
    "(REEL_LOG_FILE=run.log).";

}  // namespace

std::string Flags::Impl::help() {
  // They would double each line; how a variable is called is said once.
  for (CLI::Option* option : app.get_options()) option->envname("");
  std::string text = app.help();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // The library leaves two blank lines between groups.
  for (size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
  return text;
}

Flags::Flags(const char* command, const char* summary) : impl_(std::make_unique<Impl>()) {
  impl_->app.name(std::string("reel ") + command);
  impl_->app.description(with_capital(summary) + ".\n");
  const std::string_view examples = examples_of(command);
  impl_->app.footer(str_cat(kHowToSet, examples.empty() ? "" : "\n\nExamples:\n", examples));
  impl_->app.set_help_flag("-h,--help", "print this and exit");
  impl_->app.get_formatter()->column_width(34);
  // One file for all commands, so a key may belong to another one.
  impl_->app.set_config("--config", env::config_file(), "settings that stand below the flags");
  impl_->app.allow_config_extras(CLI::config_extras_mode::ignore_all);
}

Flags::~Flags() = default;

void Flags::add(const std::string& name, std::string& value, const std::string& help) {
  impl_->last = impl_->add_option(name, value, help);
}
void Flags::add(const std::string& name, int& value, const std::string& help) {
  impl_->last = impl_->add_option(name, value, help);
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
  impl_->last = impl_->add_option(name, value, help)->check(refuse_minus);
}
void Flags::add(const std::string& name, int64_t& value, const std::string& help) {
  impl_->last = impl_->add_option(name, value, help);
}
void Flags::add_switch(const std::string& name, bool& value, const std::string& help) {
  impl_->last = impl_->app.add_flag(name, value, help);
}
void Flags::add_count(const std::string& name, int& value, const std::string& help) {
  impl_->last = impl_->app.add_flag(name, value, help);
}

void Flags::add_parsed(const std::string& name, const TakeText& take, const std::string& help) {
  impl_->last = impl_->app.add_option_function<std::string>(name, take, help);
}
void Flags::add_each(const std::string& name, const TakeText& take, const std::string& help) {
  const auto take_all = [take](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) take(text);
  };
  impl_->last = impl_->app.add_option_function<std::vector<std::string>>(name, take_all, help);
  impl_->last->allow_extra_args(false);
}

void Flags::required() { impl_->last->required(); }
void Flags::hidden() { impl_->last->group(""); }
void Flags::begin_group(const std::string& title) { impl_->begin_group(title); }
void Flags::end_group() { impl_->begin_group(kOwnGroup); }

void Flags::add_bytes(const std::string& name, uint64_t& bytes, const std::string& help) {
  const auto take = [&bytes, name](const std::string& text) {
    try {
      bytes = parse_bytes(text);
    } catch (const Error& error) {
      fail(error.code(), str_cat(name, ": ", error.what()), error.hint());
    }
  };
  add_parsed(name, take, help);
}

void Flags::add_terminal(Terminal& terminal) {
  begin_group("Messages");
  add_switch("--quiet", terminal.quiet, "no progress, no remarks");
  add_count("-v,--verbose", terminal.verbosity, "one line per stage; twice for the whole log");
  add("--log-file", impl_->log_file, "write the whole log there");
  end_group();
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
    const std::vector<std::string> extras = app.remaining();
    const auto dashed =
        std::ranges::find_if(extras, [](const std::string& word) { return word.starts_with('-'); });
    if (dashed == extras.end()) {
      return str_cat('"', extras.front(), "\" belongs to no flag of ", app.get_name(), '.');
    }
    return str_cat('"', *dashed, "\" is not a flag of ", app.get_name(), '.');
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
  impl_->words.assign(argv + 1, argv + argc);
  try {
    impl_->app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    terminal.answer(impl_->help());
    return true;
  } catch (const CLI::ParseError& error) {
    const std::string sentence = in_our_words(error, impl_->app);
    const bool is_stray = sentence.find("belongs to no flag") != std::string::npos;
    fail(ErrorCode::kInvalidArgument, sentence,
         str_cat(
             is_stray ? "Values with blanks need quotes, as --prompt \"a red ball\". See " : "See ",
             impl_->app.get_name(), " --help."));
  }
  for (const auto& action : impl_->after_parse) action();
  return false;
}

std::string Flags::first_given_beside(std::initializer_list<std::string_view> names) const {
  for (const std::string& word : impl_->words) {
    if (!word.starts_with('-')) continue;
    std::string flag = word.substr(0, word.find('='));
    const CLI::Option* option = impl_->app.get_option_no_throw(flag);
    if (option == nullptr || option->get_lnames().empty()) continue;
    if (std::ranges::find(names, option->get_lnames().front()) == names.end()) return flag;
  }
  return {};
}

}  // namespace reel::cli
