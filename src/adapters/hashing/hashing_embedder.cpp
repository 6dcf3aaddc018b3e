#include "adapters/hashing/hashing_embedder.h"

#include <cmath>
#include <map>

#include "base/hash.h"

namespace triune::adapters::hashing {
namespace {

constexpr std::size_t part_length = 3;
constexpr float part_weight = 0.4F;

/// Letters and digits of ASCII, and everything of other alphabets.
bool is_word_byte(unsigned char byte) {
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

/// How often each word occurs.
std::map<std::string, int> words_of(std::string_view text) {
  std::map<std::string, int> words;
  std::string word;
  for (const char byte : text) {
    if (is_word_byte(static_cast<unsigned char>(byte))) {
      word += lower(byte);
      continue;
    }
    if (!word.empty()) ++words[word];
    word.clear();
  }
  if (!word.empty()) ++words[word];
  return words;
}

void add(std::vector<float>& vector, std::string_view feature, float weight) {
  const auto hash = base::hash64(feature);
  // The place by the low bits, the sign by the highest.
  vector[hash % vector.size()] += (hash >> 63U) == 0 ? weight : -weight;
}

void add_word(std::vector<float>& vector, const std::string& word, int count) {
  const float weight = 1.0F + std::log(static_cast<float>(count));
  add(vector, word, weight);
  const auto framed = '^' + word + '$';
  for (std::size_t at = 0; at + part_length <= framed.size(); ++at)
    add(vector, std::string_view(framed).substr(at, part_length), weight * part_weight);
}

std::vector<float> vector_of(std::string_view text, std::uint32_t dimension) {
  std::vector<float> vector(dimension);
  for (const auto& [word, count] : words_of(text)) add_word(vector, word, count);
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  // A text without a word has a direction too: the cosine metric knows no vector of length 0.
  if (squares == 0) {
    vector[0] = 1;
    return vector;
  }
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : vector) value *= scale;
  return vector;
}

}  // namespace

EmbedderDescription HashingEmbedder::description() const {
  return {.model = "hashing", .version = "1", .dimension = 0, .batch_size = 1'000, .token_limit = 0};
}

Result<std::vector<std::vector<float>>> HashingEmbedder::embed(std::span<const std::string> texts,
                                                               std::uint32_t dimension, Deadline) {
  std::vector<std::vector<float>> vectors;
  vectors.reserve(texts.size());
  for (const auto& text : texts) vectors.push_back(vector_of(text, dimension));
  return vectors;
}

}  // namespace triune::adapters::hashing
