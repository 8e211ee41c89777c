// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace reel::tokenizer {
namespace {

constexpr double kUnknownPenalty = 10.0;

std::string byte_piece(int byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

}  // namespace

PieceIndex::PieceIndex(const std::vector<Piece>& pieces)
    : pieces_(pieces), ids_by_text_(pieces.size()) {
  std::iota(ids_by_text_.begin(), ids_by_text_.end(), 0);
  std::sort(ids_by_text_.begin(), ids_by_text_.end(), [&](int32_t left, int32_t right) {
    const int order = text_of(left).compare(text_of(right));
    return order != 0 ? order < 0 : left > right;
  });
  const auto is_same = [&](int32_t left, int32_t right) { return text_of(left) == text_of(right); };
  ids_by_text_.erase(std::unique(ids_by_text_.begin(), ids_by_text_.end(), is_same),
                     ids_by_text_.end());
}

int32_t PieceIndex::find(std::string_view text) const {
  const auto found =
      std::lower_bound(ids_by_text_.begin(), ids_by_text_.end(), text,
                       [&](int32_t id, std::string_view wanted) { return text_of(id) < wanted; });
  return found != ids_by_text_.end() && text_of(*found) == text ? *found : -1;
}

// The first piece of the range whose byte at `depth` is `byte` or above; all are longer than that.
const int32_t* PieceIndex::narrow(const int32_t* first, const int32_t* last, size_t depth,
                                  int byte) const {
  return std::lower_bound(first, last, byte, [&](int32_t id, int wanted) {
    return static_cast<uint8_t>(text_of(id)[depth]) < wanted;
  });
}

template <typename Visit>
void PieceIndex::for_each_prefix(std::string_view text, const Visit& visit) const {
  const int32_t* first = ids_by_text_.data();
  const int32_t* last = first + ids_by_text_.size();
  for (size_t depth = 0; depth < text.size(); ++depth) {
    const int byte = static_cast<uint8_t>(text[depth]);
    first = narrow(first, last, depth, byte);
    last = narrow(first, last, depth, byte + 1);
    if (first == last) return;
    // A text sorts before those that continue it.
    if (text_of(*first).size() == depth + 1) {
      visit(depth + 1, *first);
      ++first;
    }
  }
}

Unigram::Unigram(const UnigramModel& model) : model_(model), index_(model.pieces) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const Piece& piece : model.pieces) lowest = std::min(lowest, piece.score);
  unknown_score_ = lowest - kUnknownPenalty;

  for (int byte = 0; byte < 256; ++byte) byte_ids_.push_back(index_.find(byte_piece(byte)));
}

void Unigram::encode(std::string_view word, std::vector<int32_t>& ids) const {
  const std::vector<Node> best = search(word);
  // Back from the end; pieces and runs of unknown characters, last first.
  std::vector<std::pair<size_t, size_t>> unknown_runs;  // start and end of each id -1 below
  std::vector<int32_t> reversed;
  size_t end = word.size();
  while (end > 0) {
    const Node& node = best[end];
    if (node.id != model_.unk_id) {
      reversed.push_back(node.id);
    } else if (!reversed.empty() && reversed.back() < 0) {
      unknown_runs.back().first = node.start;
    } else {
      reversed.push_back(-1);
      unknown_runs.emplace_back(node.start, end);
    }
    end = node.start;
  }
  for (; !reversed.empty(); reversed.pop_back()) {
    if (reversed.back() >= 0) {
      ids.push_back(reversed.back());
      continue;
    }
    const auto [start, stop] = unknown_runs.back();
    unknown_runs.pop_back();
    append_unknown(word.substr(start, stop - start), ids);
  }
}

std::vector<Unigram::Node> Unigram::search(std::string_view word) const {
  std::vector<Node> best(word.size() + 1);
  const auto offer = [&](size_t start, size_t end, double score, int32_t id) {
    Node& node = best[end];
    const double sum = best[start].score + score;
    if (!node.is_reached || sum > node.score) node = {sum, id, start, true};
  };
  size_t start = 0;
  while (start < word.size()) {
    const size_t char_bytes = first_utf8(word.substr(start)).length_bytes;
    bool has_char_piece = false;
    index_.for_each_prefix(word.substr(start), [&](size_t length_bytes, int32_t id) {
      offer(start, start + length_bytes, model_.pieces[static_cast<size_t>(id)].score, id);
      has_char_piece = has_char_piece || length_bytes == char_bytes;
    });
    if (!has_char_piece) offer(start, start + char_bytes, unknown_score_, model_.unk_id);
    start += char_bytes;
  }
  return best;
}

// A run that reads like a piece (unk_id's own text, above all) is that piece.
void Unigram::append_unknown(std::string_view text, std::vector<int32_t>& ids) const {
  const int32_t piece_id = index_.find(text);
  if (piece_id >= 0) {
    ids.push_back(piece_id);
    return;
  }
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
  const bool has_bytes =
      std::all_of(text.begin(), text.end(), [&](char c) { return id_of(c) >= 0; });
  if (!model_.byte_fallback || !has_bytes) {
    ids.push_back(model_.unk_id);
    return;
  }
  for (const char byte : text) ids.push_back(id_of(byte));
}

}  // namespace reel::tokenizer
