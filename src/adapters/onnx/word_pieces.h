// Texts to the numbers of word pieces, as BERT's models read them.
//
// Algorithm: Schuster and Nakajima, "Japanese and Korean Voice Search" (2012), greedy longest match; normalisation as
// published with BERT (Devlin et al., 2018): control characters out, spaces around Chinese characters, accents
// stripped, lower case, punctuation split off.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "triune/status.h"

namespace triune::adapters::onnx {

/// Thread rule: immutable once made; any thread.
class WordPieces {
 public:
  struct Settings {
    bool lower_case = true;
    bool strip_accents = true;
    bool split_chinese = true;
    std::string continuation = "##";
    std::string unknown = "[UNK]";
    std::size_t longest_word = 100;  ///< In characters; a longer word is unknown.
    std::size_t token_limit = 0;     ///< What the file cuts texts to; 0: it does not say.
  };

  /// From `tokenizer.json`. Errors: `unsupported` for another kind of tokenizer, `invalid_argument` for a broken file.
  static Result<WordPieces> from_json(std::string_view json);
  /// From `vocab.txt`: one piece in a line, whose number is the line's.
  static Result<WordPieces> from_vocabulary(std::string_view lines);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] std::int64_t padding() const { return padding_; }
  /// The pieces of `text` between the marks of its begin and its end; at most `limit` with them, the rest is cut off.
  /// Marks written in a text are text. Does not block.
  [[nodiscard]] std::vector<std::int64_t> encode(std::string_view text, std::size_t limit) const;

 private:
  struct TextHash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard looks for this name
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Vocabulary = std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>>;

  WordPieces() = default;
  static Result<WordPieces> make(Vocabulary vocabulary, Settings settings);
  [[nodiscard]] Result<std::int64_t> number_of(const std::string& piece) const;
  [[nodiscard]] std::vector<std::string> words_of(std::string_view text) const;
  void append_pieces(const std::string& word, std::vector<std::int64_t>& to) const;

  Settings settings_;
  Vocabulary vocabulary_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::int64_t unknown_ = 0;
  std::int64_t padding_ = 0;
};

}  // namespace triune::adapters::onnx
