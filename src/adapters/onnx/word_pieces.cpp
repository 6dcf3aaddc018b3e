#include "adapters/onnx/word_pieces.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "adapters/onnx/characters.h"
#include "base/try.h"

namespace triune::adapters::onnx {
namespace {

using simdjson::dom::element;

constexpr const char* begin_mark = "[CLS]";
constexpr const char* end_mark = "[SEP]";
constexpr const char* padding_mark = "[PAD]";

std::string text_or(const element& parent, std::string_view pointer, std::string otherwise) {
  std::string_view text;
  return parent.at_pointer(pointer).get(text) == simdjson::SUCCESS ? std::string(text) : std::move(otherwise);
}

bool flag_or(const element& parent, std::string_view pointer, bool otherwise) {
  bool flag = otherwise;
  return parent.at_pointer(pointer).get(flag) == simdjson::SUCCESS ? flag : otherwise;
}

std::size_t number_or(const element& parent, std::string_view pointer, std::size_t otherwise) {
  std::uint64_t number = 0;
  return parent.at_pointer(pointer).get(number) == simdjson::SUCCESS ? number : otherwise;
}

Status check_kind(const element& file) {
  const auto model = text_or(file, "/model/type", "none");
  const auto normalizer = text_or(file, "/normalizer/type", "none");
  const auto splitter = text_or(file, "/pre_tokenizer/type", "none");
  if (model == "WordPiece" && normalizer == "BertNormalizer" && splitter == "BertPreTokenizer") return {};
  return failure(ErrorCode::unsupported,
                 fmt::format("the tokenizer is {} with {} and {}; only WordPiece with BertNormalizer and "
                             "BertPreTokenizer is read (BERT, MiniLM, BGE, E5 and the like)",
                             model, normalizer, splitter));
}

}  // namespace

Result<WordPieces> WordPieces::from_json(std::string_view json) {
  simdjson::dom::parser parser;
  element file;
  if (const auto error = parser.parse(json.data(), json.size()).get(file); error != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("tokenizer.json is no JSON: {}", simdjson::error_message(error)));
  TRIUNE_TRY(check_kind(file));
  Settings settings;
  settings.lower_case = flag_or(file, "/normalizer/lowercase", true);
  settings.strip_accents = flag_or(file, "/normalizer/strip_accents", settings.lower_case);
  settings.split_chinese = flag_or(file, "/normalizer/handle_chinese_chars", true);
  settings.continuation = text_or(file, "/model/continuing_subword_prefix", settings.continuation);
  settings.unknown = text_or(file, "/model/unk_token", settings.unknown);
  settings.longest_word = number_or(file, "/model/max_input_chars_per_word", settings.longest_word);
  settings.token_limit = number_or(file, "/truncation/max_length", 0);
  simdjson::dom::object pieces;
  if (file.at_pointer("/model/vocab").get(pieces) != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument, "tokenizer.json has no object /model/vocab");
  Vocabulary vocabulary;
  for (const auto& [piece, number] : pieces) {
    std::int64_t value = 0;
    if (number.get(value) != simdjson::SUCCESS)
      return failure(ErrorCode::invalid_argument, fmt::format("tokenizer.json: \"{}\" has no number", piece));
    vocabulary.emplace(std::string(piece), value);
  }
  return make(std::move(vocabulary), std::move(settings));
}

Result<WordPieces> WordPieces::from_vocabulary(std::string_view lines) {
  Vocabulary vocabulary;
  std::int64_t number = 0;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    auto piece = lines.substr(0, end);
    if (piece.ends_with('\r')) piece.remove_suffix(1);
    vocabulary.emplace(std::string(piece), number++);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return make(std::move(vocabulary), {});
}

Result<WordPieces> WordPieces::make(Vocabulary vocabulary, Settings settings) {
  WordPieces pieces;
  pieces.vocabulary_ = std::move(vocabulary);
  pieces.settings_ = std::move(settings);
  TRIUNE_ASSIGN(pieces.begin_, pieces.number_of(begin_mark));
  TRIUNE_ASSIGN(pieces.end_, pieces.number_of(end_mark));
  TRIUNE_ASSIGN(pieces.padding_, pieces.number_of(padding_mark));
  TRIUNE_ASSIGN(pieces.unknown_, pieces.number_of(pieces.settings_.unknown));
  return pieces;
}

Result<std::int64_t> WordPieces::number_of(const std::string& piece) const {
  if (const auto found = vocabulary_.find(piece); found != vocabulary_.end()) return found->second;
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the vocabulary of {} pieces has no {}", vocabulary_.size(), piece));
}

std::vector<std::int64_t> WordPieces::encode(std::string_view text, std::size_t limit) const {
  std::vector<std::int64_t> numbers{begin_};
  for (const auto& word : words_of(text)) {
    if (numbers.size() + 1 >= limit) break;
    append_pieces(word, numbers);
  }
  if (numbers.size() + 1 > limit) numbers.resize(limit - 1);
  numbers.push_back(end_);
  return numbers;
}

std::vector<std::string> WordPieces::words_of(std::string_view text) const {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  const auto take = [&](char32_t character) {
    if (settings_.lower_case) character = lower_case(character);
    const bool alone = is_punctuation(character) || (settings_.split_chinese && is_chinese(character));
    if (alone) finish();
    append_character(word, character);
    if (alone) finish();
  };
  for (const char32_t character : characters_of(text)) {
    if (is_dropped(character)) continue;
    if (is_space(character)) {
      finish();
    } else {
      for (const char32_t part : settings_.strip_accents ? without_accents(character) : std::u32string{character})
        take(part);
    }
  }
  finish();
  return words;
}

void WordPieces::append_pieces(const std::string& word, std::vector<std::int64_t>& to) const {
  // Where each character begins, and the end.
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < word.size(); ++i)
    if ((static_cast<unsigned char>(word[i]) & 0xC0U) != 0x80U) starts.push_back(i);
  const auto count = starts.size();
  starts.push_back(word.size());
  if (count > settings_.longest_word) return to.push_back(unknown_);
  const auto before = to.size();
  for (std::size_t first = 0; first < count;) {
    auto last = count;
    for (; last > first; --last) {
      auto piece = word.substr(starts[first], starts[last] - starts[first]);
      if (first > 0) piece.insert(0, settings_.continuation);
      if (const auto found = vocabulary_.find(piece); found != vocabulary_.end()) {
        to.push_back(found->second);
        break;
      }
    }
    if (last == first) {  // no piece begins here: the whole word is unknown
      to.resize(before);
      return to.push_back(unknown_);
    }
    first = last;
  }
}

}  // namespace triune::adapters::onnx
