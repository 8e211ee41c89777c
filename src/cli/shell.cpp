// SPDX-License-Identifier: Apache-2.0
// `reel completions` and `reel man`: what a shell and a manual need, made from the flags.
#include <string>

#include "base/error.h"
#include "cli/command.h"
#include "cli/examples.h"
#include "cli/exit_codes.h"
#include "cli/flag_table.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

bool is_flag(const std::string& name) { return name[0] == '-'; }

std::string words_of(const std::vector<FlagRow>& rows) {
  std::string words;
  for (const FlagRow& row : rows) {
    for (const std::string& name : row.names) {
      if (is_flag(name)) words += (words.empty() ? "" : " ") + name;
    }
  }
  return words;
}

std::string command_names() {
  std::string names;
  for (const Command* command : all_commands()) {
    names += (names.empty() ? "" : " ") + std::string(command->name);
  }
  return names;
}

std::string bash_completions() {
  std::string text =
      "_reel() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} words\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    words=\"" +
      command_names() +
      " --help --version\"\n"
      "  else\n"
      "    case ${COMP_WORDS[1]} in\n";
  for (const Command* command : all_commands()) {
    text += str_cat("      ", command->name, ") words=\"", words_of(flags_of(*command)), "\" ;;\n");
  }
  return text +
         "    esac\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _reel reel";
}

std::string zsh_completions() {
  return "autoload -U +X bashcompinit && bashcompinit\n" + bash_completions();
}

std::string fish_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char letter : text)
    quoted += letter == '\'' ? std::string("\\'") : std::string(1, letter);
  return quoted + "'";
}

std::string fish_completions() {
  std::string text;
  for (const Command* command : all_commands()) {
    text += str_cat("complete -c reel -n __fish_use_subcommand -a ", command->name, " -d ",
                    fish_quoted(command->summary), '\n');
    for (const FlagRow& row : flags_of(*command)) {
      if (!is_flag(row.names.back())) continue;
      text += str_cat("complete -c reel -n '__fish_seen_subcommand_from ", command->name, "'");
      for (const std::string& name : row.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += (row.value.empty() ? "" : " -r") + (" -d " + fish_quoted(row.help)) + '\n';
    }
  }
  if (!text.empty()) text.pop_back();
  return text;
}

// In roff a line must not begin with a dot, and a hyphen of a flag is a minus.
std::string roff(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '-' || letter == '\\') out += '\\';
    out += letter;
  }
  return out;
}

std::string man_page() {
  std::string text =
      ".TH REEL 1\n.SH NAME\nreel \\- turn a sentence into a short video\n.SH SYNOPSIS\n"
      "reel COMMAND [FLAGS]\n";
  for (const Command* command : all_commands()) {
    text += str_cat(".SH reel ", roff(command->name), '\n', roff(command->summary), ".\n");
    for (const FlagRow& row : flags_of(*command)) {
      std::string names;
      for (const std::string& name : row.names) names += (names.empty() ? "" : ", ") + roff(name);
      text += str_cat(".TP\n\\fB", names, "\\fR ", row.value, '\n', roff(row.help), '\n');
    }
    const std::string examples(examples_of(command->name));
    if (!examples.empty()) text += str_cat(".PP\nExamples:\n.nf\n", roff(examples), "\n.fi\n");
  }
  return text + ".SH SEE ALSO\nThe folder docs of the source tree.";
}

int run_completions(int argc, const char* const* argv, Terminal& terminal) {
  std::string shell;
  Flags flags("completions", "print completions for a shell");
  flags.add("SHELL", shell, "bash, zsh or fish");
  flags.required();
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  REEL_REQUIRE(
      shell == "bash" || shell == "zsh" || shell == "fish", kInvalidArgument,
      str_cat("There are no completions for \"", shell, "\"; bash, zsh and fish have some."));
  terminal.answer(shell == "bash"  ? bash_completions()
                  : shell == "zsh" ? zsh_completions()
                                   : fish_completions());
  return kExitOk;
}

int run_man(int argc, const char* const* argv, Terminal& terminal) {
  Flags flags("man", "print the manual page: reel man | man -l -");
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  terminal.answer(man_page());
  return kExitOk;
}

}  // namespace

extern const Command kCompletionsCommand{.name = "completions",
                                         .summary = "print completions for bash, zsh or fish",
                                         .run = &run_completions};
extern const Command kManCommand{
    .name = "man", .summary = "print the manual page: reel man | man -l -", .run = &run_man};

}  // namespace reel::cli
