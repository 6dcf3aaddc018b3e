#include "intake/tables/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "intake/tables/csv_reader.h"
#include "intake/tables/json_lines_reader.h"
#include "model/json.h"

namespace triune::intake {
namespace {

TableFormat format_of(const std::filesystem::path& path, TableReaderOptions& options) {
  if (options.format != TableFormat::automatic) return options.format;
  const std::string extension = path.extension().string();
  if (extension == ".tsv" && options.delimiter == ',') options.delimiter = '\t';
  const bool json = extension == ".jsonl" || extension == ".ndjson" || extension == ".json";
  return json ? TableFormat::json_lines : TableFormat::csv;
}

std::unexpected<Error> not_a_vector(std::string_view text) {
  return failure(ErrorCode::invalid_argument, fmt::format("'{}…' is no list of numbers", readable_beginning(text)));
}

Result<std::vector<float>> parse_numbers(std::string_view text) {
  constexpr std::string_view separators = " \t\r\n,;[]";
  std::vector<float> numbers;
  std::string_view rest = text;
  for (;;) {
    const auto begin = rest.find_first_not_of(separators);
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    float number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    const auto used = static_cast<std::size_t>(end - rest.data());
    const bool whole = used == rest.size() || separators.find(*end) != std::string_view::npos;
    if (error != std::errc() || !whole) return not_a_vector(text);
    numbers.push_back(number);
    rest.remove_prefix(used);
  }
  if (numbers.empty()) return not_a_vector(text);
  return numbers;
}

}  // namespace

std::string readable_beginning(std::string_view text) {
  constexpr std::size_t shown = 40;
  std::string result;
  for (const char character : text.substr(0, shown))
    result +=
        static_cast<unsigned char>(character) < 0x20 || static_cast<unsigned char>(character) > 0x7E ? '?' : character;
  return result;
}

Status TableReader::rewind() {
  return failure(ErrorCode::unsupported, "this reader cannot go back");
}

Result<std::unique_ptr<TableReader>> TableReader::open(const std::filesystem::path& path, TableReaderOptions options) {
  TRIUNE_ASSIGN(InputFile file, InputFile::open(path));
  const TableFormat format = format_of(path, options);
  for (std::size_t i = 0; i < options.columns.size(); ++i) {
    const auto& name = options.columns[i];
    const auto end = options.columns.begin() + static_cast<std::ptrdiff_t>(i);
    if (name.empty() || std::find(options.columns.begin(), end, name) != end)
      return failure(ErrorCode::invalid_argument, fmt::format("column name '{}' is empty or given twice", name));
  }
  if (format == TableFormat::json_lines) return open_json_lines(std::move(file), std::move(options));
  return open_csv(std::move(file), std::move(options));
}

Result<std::vector<float>> parse_vector(const Value& value) {
  if (const auto* const json = std::get_if<Json>(&value)) return model::parse_json_vector(json->text);
  if (const auto* const text = std::get_if<std::string>(&value)) return parse_numbers(*text);
  if (const auto* const number = std::get_if<double>(&value)) return std::vector<float>{static_cast<float>(*number)};
  if (const auto* const number = std::get_if<std::int64_t>(&value))
    return std::vector<float>{static_cast<float>(*number)};
  return failure(ErrorCode::invalid_argument, "there is no vector");
}

}  // namespace triune::intake
