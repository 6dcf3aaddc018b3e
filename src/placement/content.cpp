#include "placement/content.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

#include "model/json.h"

namespace triune::placement {
namespace {

using Numbers = std::vector<double>;
using Form = VectorContent::Form;

constexpr std::size_t fewest_numbers = 8;
constexpr std::size_t most_numbers = 65'536;
constexpr double most_cells = 0.9;
constexpr std::size_t longest_element = 64;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_array(std::string_view text) {
  const auto inner = trimmed(text);
  return inner.size() > 1 && inner.front() == '[' && inner.back() == ']';
}

std::optional<Numbers> json_numbers(const Value& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  if (text == nullptr || !is_array(*text)) return {};
  const auto parsed = model::parse_json_vector(*text);
  if (!parsed) return {};
  return Numbers(parsed->begin(), parsed->end());
}

/// Whether a float looks like one that somebody computed: bytes of other origin have exponents of any size.
bool is_sensible(double number) {
  const double size = std::fabs(number);
  return number == 0 || (size > 1e-9 && size < 1e5);
}

template <class Float>
std::optional<Numbers> blob_numbers(const Value& cell) {
  const auto* bytes = std::get_if<Bytes>(&cell);
  if (bytes == nullptr || bytes->empty() || bytes->size() % sizeof(Float) != 0) return {};
  Numbers numbers(bytes->size() / sizeof(Float));
  bool zero = true;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    Float number = 0;
    std::memcpy(&number, bytes->data() + i * sizeof(Float), sizeof(Float));
    numbers[i] = number;
    if (!is_sensible(numbers[i])) return {};
    zero = zero && number == 0;
  }
  return zero ? std::optional<Numbers>() : std::optional(std::move(numbers));
}

double norm_of(const Numbers& numbers) {
  double squares = 0;
  for (const double number : numbers) squares += number * number;
  return std::sqrt(squares);
}

/// The vectors among `cells` as `read` sees them.
VectorContent judge(std::span<const Value> cells, Form form, std::optional<Numbers> (*read)(const Value&)) {
  std::map<std::size_t, std::vector<double>> norms;
  bool fractions = false;
  std::size_t there = 0;
  for (const auto& cell : cells) {
    if (is_null(cell)) continue;
    ++there;
    const auto numbers = read(cell);
    if (!numbers || numbers->size() < fewest_numbers || numbers->size() > most_numbers) continue;
    fractions = fractions || std::any_of(numbers->begin(), numbers->end(),
                                         [](double number) { return number != std::floor(number); });
    norms[numbers->size()].push_back(norm_of(*numbers));
  }
  const auto most = std::max_element(norms.begin(), norms.end(), [](const auto& left, const auto& right) {
    return left.second.size() < right.second.size();
  });
  if (most == norms.end() || !fractions) return {};
  if (static_cast<double>(most->second.size()) < most_cells * static_cast<double>(there)) return {};
  VectorContent content{.form = form, .dimension = most->first, .vectors = most->second.size()};
  const auto [smallest, largest] = std::minmax_element(most->second.begin(), most->second.end());
  content.smallest_norm = *smallest;
  content.largest_norm = *largest;
  for (const double norm : most->second) content.mean_norm += norm / static_cast<double>(most->second.size());
  return content;
}

std::vector<Value> json_elements(std::string_view text) {
  if (!is_array(text)) return {};
  auto object = model::parse_json_object("{\"list\":" + std::string(text) + "}");
  if (!object || object->size() != 1) return {};
  // An array is kept as its text: its elements are parsed one by one, as members would be.
  const auto* list = std::get_if<Json>(&object->front().value);
  if (list == nullptr) return {};
  std::vector<Value> elements;
  std::string_view rest = std::string_view(list->text).substr(1, list->text.size() - 2);
  while (!rest.empty()) {
    std::size_t end = 0;
    bool quoted = false;
    for (; end < rest.size() && (quoted || rest[end] != ','); ++end) {
      if (rest[end] == '\\')
        ++end;
      else if (rest[end] == '"')
        quoted = !quoted;
    }
    end = std::min(end, rest.size());
    auto element = model::parse_json(rest.substr(0, end));
    const bool key =
        element &&
        (std::holds_alternative<std::int64_t>(*element) ||
         (std::holds_alternative<std::string>(*element) && std::get<std::string>(*element).size() <= longest_element));
    if (!key) return {};
    elements.push_back(std::move(*element));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return elements;
}

std::vector<Value> text_elements(std::string_view text) {
  std::vector<Value> elements;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of(",;|"), rest.size());
    const auto element = trimmed(rest.substr(0, end));
    const bool key = !element.empty() && element.size() <= longest_element &&
                     element.find_first_of(" \t\r\n{}[]\"'") == std::string_view::npos;
    if (!key) return {};
    elements.emplace_back(std::string(element));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return elements;
}

}  // namespace

VectorContent vectors_in(std::span<const Value> cells) {
  if (auto content = judge(cells, Form::json, &json_numbers); content.form != Form::none) return content;
  if (auto content = judge(cells, Form::float32, &blob_numbers<float>); content.form != Form::none) return content;
  return judge(cells, Form::float64, &blob_numbers<double>);
}

std::vector<Value> list_elements(const Value& cell, bool json) {
  const auto* text = std::get_if<std::string>(&cell);
  if (text == nullptr || text->empty()) return {};
  return json ? json_elements(*text) : text_elements(*text);
}

bool holds_lists(std::span<const Value> cells, bool json) {
  std::size_t there = 0;
  std::size_t lists = 0;
  bool several = false;
  for (const auto& cell : cells) {
    const auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr || text->empty() ||
        (json && is_array(*text) && trimmed(trimmed(*text).substr(1, trimmed(*text).size() - 2)).empty()))
      continue;  // NULL, "" and [] say nothing
    ++there;
    const auto elements = list_elements(cell, json);
    lists += elements.empty() ? 0 : 1;
    several = several || elements.size() > 1;
  }
  return several && static_cast<double>(lists) >= most_cells * static_cast<double>(there);
}

}  // namespace triune::placement
