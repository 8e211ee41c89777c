// SPDX-License-Identifier: Apache-2.0
#include "pipeline/synth/spiece_model.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "tokenizer/model_proto.h"

namespace reel::synth {
namespace {

using nlohmann::ordered_json;
using tokenizer::Piece;
using tokenizer::PieceType;

constexpr const char* kMark = "\xE2\x96\x81";  // U+2581, in front of a word

constexpr std::string_view kWords =
    "a the of and in on with to at from by is are an it its as two one three four into over under "
    "through across behind near their his her while very out up down off back slowly quickly "
    "cat cats dog dogs bird horse fish man woman person people child girl boy face hand hands eyes "
    "red green blue yellow white black orange purple pink brown golden gray dark light bright "
    "ball box cube circle square triangle ring star moon sun sky cloud clouds sea ocean water wave "
    "waves river lake beach sand snow rain fire smoke wind mountain forest tree trees flower grass "
    "city street road house window door room table car train boat ship plane bicycle bridge "
    "walks walking runs running moves moving flies flying swims jumps falls falling turns rolls "
    "rises sits stands dances plays boxing stage spotlight camera shot video scene style film "
    "background left right top bottom center day night morning sunset winter summer "
    "small big large tiny huge old young fast slow soft warm cold wet detailed realistic cinematic "
    "beautiful high quality 4k close view wide motion color colors wearing gloves";

constexpr std::string_view kParts =
    "s ed ing er ly est y es al en in re on at or an th ch sh ll ss ou ea";

constexpr std::string_view kSigns = ".,!?;:'\"-()/&%+*#@_";

class PieceList {
 public:
  void special(const char* text, PieceType type) { pieces_.push_back({text, 0.0, type}); }

  // Scores fall with the position in the list, so that no two pieces are equally likely.
  void add(std::string text, double first_score) {
    for (const Piece& piece : pieces_) {
      if (piece.text == text) return;
    }
    const double score = first_score - static_cast<double>(pieces_.size()) / 256;
    pieces_.push_back({std::move(text), score, PieceType::kNormal});
  }

  void add_words(std::string_view words, const std::string& prefix, double first_score) {
    while (!words.empty()) {
      const size_t end = std::min(words.find(' '), words.size());
      add(prefix + std::string(words.substr(0, end)), first_score);
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }

  void add_letters(char first, char last, double first_score) {
    for (char letter = first; letter <= last; ++letter) add(std::string(1, letter), first_score);
  }

  std::vector<Piece> take() && { return std::move(pieces_); }

 private:
  std::vector<Piece> pieces_;
};

tokenizer::UnigramModel make_vocabulary() {
  PieceList list;
  list.special("<pad>", PieceType::kControl);
  list.special("</s>", PieceType::kControl);
  list.special("<s>", PieceType::kControl);
  list.special("<unk>", PieceType::kUnknown);
  list.add(kMark, -3.0);
  list.add_words(kWords, kMark, -5.0);
  list.add_words(kParts, "", -5.0);
  list.add_letters('a', 'z', -7.0);
  list.add_letters('0', '9', -6.0);
  list.add_letters('A', 'Z', -7.0);
  for (const char sign : kSigns) list.add(std::string(1, sign), -5.0);
  // With the first of them there, readers do not add UMT5's 300 sentinels of their own.
  list.special("<extra_id_0>", PieceType::kUserDefined);
  tokenizer::UnigramModel model;
  model.pieces = std::move(list).take();
  model.unk_id = 3;
  model.end_id = 1;
  model.pad_id = 0;
  return model;
}

ordered_json added_token(int64_t id, const std::string& text) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

ordered_json metaspace() {
  return {
      {"type", "Metaspace"}, {"replacement", kMark}, {"prepend_scheme", "always"}, {"split", true}};
}

ordered_json end_of_text_template() {
  const ordered_json end = {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}};
  const ordered_json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const ordered_json b = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  return {{"type", "TemplateProcessing"},
          {"single", ordered_json::array({a, end})},
          {"pair", ordered_json::array({a, end, b, end})},
          {"special_tokens", {{"</s>", {{"id", "</s>"}, {"ids", {1}}, {"tokens", {"</s>"}}}}}}};
}

ordered_json normalizer() {
  const ordered_json strip = {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}};
  const ordered_json spaces = {
      {"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", kMark}};
  return {{"type", "Sequence"}, {"normalizers", ordered_json::array({strip, spaces})}};
}

std::string tokenizer_json(const tokenizer::UnigramModel& model) {
  ordered_json added = ordered_json::array();
  ordered_json pieces = ordered_json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    // spiece.model holds scores as f32.
    pieces.push_back({piece.text, static_cast<float>(piece.score)});
    if (piece.type != PieceType::kNormal) {
      added.push_back(added_token(static_cast<int64_t>(id), piece.text));
    }
  }
  const ordered_json root = {{"version", "1.0"},
                             {"truncation", nullptr},
                             {"padding", nullptr},
                             {"added_tokens", added},
                             {"normalizer", normalizer()},
                             {"pre_tokenizer", metaspace()},
                             {"post_processor", end_of_text_template()},
                             {"decoder", metaspace()},
                             {"model",
                              {{"type", "Unigram"},
                               {"unk_id", model.unk_id},
                               {"vocab", pieces},
                               {"byte_fallback", false}}}};
  return root.dump(1);
}

std::string tokenizer_config_json() {
  const ordered_json root = {{"tokenizer_class", "T5Tokenizer"},
                             {"model_max_length", 512},
                             {"pad_token", "<pad>"},
                             {"eos_token", "</s>"},
                             {"unk_token", "<unk>"},
                             {"extra_ids", 0}};
  return root.dump(2) + '\n';
}

}  // namespace

TokenizerFiles small_tokenizer() {
  TokenizerFiles files;
  files.vocabulary = make_vocabulary();
  files.spiece_model = tokenizer::write_model_proto(files.vocabulary);
  files.tokenizer_json = tokenizer_json(files.vocabulary);
  files.tokenizer_config_json = tokenizer_config_json();
  return files;
}

}  // namespace reel::synth
