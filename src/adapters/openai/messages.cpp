#include "adapters/openai/messages.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::openai {
namespace {

using simdjson::dom::element;

constexpr std::size_t complaint_limit = 300;

std::unexpected<Error> no_answer(std::string_view what) {
  return failure(ErrorCode::unavailable, fmt::format("the endpoint's answer is not one of embeddings: {}", what));
}

/// Only these models take `dimensions`; others refuse a request that names it.
bool shortens(std::string_view model) {
  return model.starts_with("text-embedding-3");
}

Result<std::vector<float>> vector_of(const element& item) {
  simdjson::dom::array numbers;
  if (item["embedding"].get(numbers) != simdjson::SUCCESS) return no_answer("an item has no array \"embedding\"");
  std::vector<float> vector;
  vector.reserve(numbers.size());
  for (const auto& number : numbers) {
    double value = 0;
    if (number.get(value) != simdjson::SUCCESS) return no_answer("an embedding holds something that is no number");
    vector.push_back(static_cast<float>(value));
  }
  if (vector.empty()) return no_answer("an embedding is empty");
  return vector;
}

void strike_out(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "***");
}

/// `{"error": {"message": …}}`, `{"error": "…"}`, `{"message": …}` or `{"detail": …}`; failing these, the text itself.
std::string complaint_of(std::string_view body) {
  simdjson::dom::parser parser;
  element answer;
  if (parser.parse(body.data(), body.size()).get(answer) != simdjson::SUCCESS) return std::string(body);
  std::string_view text;
  for (const auto* const pointer : {"/error/message", "/error", "/message", "/detail"})
    if (answer.at_pointer(pointer).get(text) == simdjson::SUCCESS) return std::string(text);
  return std::string(body);
}

}  // namespace

std::string request_body(const std::string& model, std::span<const std::string> texts, std::uint32_t dimension) {
  std::string body = "{\"model\":";
  model::append_json_string(body, model);
  body += ",\"encoding_format\":\"float\",\"input\":[";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) body += ',';
    model::append_json_string(body, texts[i]);
  }
  body += ']';
  if (dimension > 0 && shortens(model)) body += fmt::format(",\"dimensions\":{}", dimension);
  return body + '}';
}

Result<std::vector<std::vector<float>>> read_vectors(std::string_view body, std::size_t texts) {
  simdjson::dom::parser parser;
  element answer;
  if (parser.parse(body.data(), body.size()).get(answer) != simdjson::SUCCESS) return no_answer("it is no JSON");
  simdjson::dom::array items;
  if (answer["data"].get(items) != simdjson::SUCCESS) return no_answer("it has no array \"data\"");
  std::vector<std::vector<float>> vectors(texts);
  std::uint64_t position = 0;
  for (const auto& item : items) {
    std::uint64_t index = position++;
    // Some servers leave the index out and answer in order.
    if (item["index"].get(index) != simdjson::SUCCESS) index = position - 1;
    if (index >= texts || !vectors[index].empty())
      return no_answer(fmt::format("index {} is repeated or beyond the {} texts", index, texts));
    TRIUNE_ASSIGN(vectors[index], vector_of(item));
  }
  if (position != texts) return no_answer(fmt::format("{} vectors for {} texts", position, texts));
  return vectors;
}

std::string read_complaint(std::string_view body, const std::string& secret) {
  auto text = complaint_of(body);
  strike_out(text, secret);
  if (text.size() > complaint_limit) {
    auto end = complaint_limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    text += "…";
  }
  return text;
}

}  // namespace triune::adapters::openai
