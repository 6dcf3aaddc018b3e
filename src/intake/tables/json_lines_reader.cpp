#include "intake/tables/json_lines_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/try.h"
#include "intake/line_reader.h"
#include "intake/tables/column_inference.h"

namespace triune::intake {
namespace {

using JsonElement = simdjson::dom::element;

static_assert(LineReader::slack_bytes >= simdjson::SIMDJSON_PADDING);

void set_value(JsonElement element, Value& value) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::NULL_VALUE: value = Null{}; return;
    case element_type::BOOL: value = element.get_bool().value_unsafe(); return;
    case element_type::INT64: value = element.get_int64().value_unsafe(); return;
    case element_type::UINT64: value = static_cast<double>(element.get_uint64().value_unsafe()); return;
    case element_type::DOUBLE: value = element.get_double().value_unsafe(); return;
    case element_type::STRING: {
      const std::string_view text = element.get_string().value_unsafe();
      if (auto* const held = std::get_if<std::string>(&value))
        held->assign(text);
      else
        value.emplace<std::string>(text);
      return;
    }
    default: value = Json{simdjson::minify(element)};
  }
}

class JsonLinesReader final : public TableReader {
 public:
  JsonLinesReader(InputFile file, TableReaderOptions options) : file_(std::move(file)), options_(std::move(options)) {}

  Status rewind() override {
    TRIUNE_ASSIGN(LineReader reader, LineReader::open(file_.path(), 0, 1, options_.max_record_bytes));
    reader_.emplace(std::move(reader));
    line_ = {};
    return {};
  }

  Result<bool> next(Record& record) override {
    do {
      TRIUNE_ASSIGN(const bool more, reader_->next(line_));
      if (!more) return false;
    } while (line_.text.find_first_not_of(" \t") == std::string_view::npos);
    if (line_.oversized)
      return bad(fmt::format("{} bytes long; {} is the limit", line_.size, options_.max_record_bytes));
    simdjson::dom::object object;
    if (const auto code = parser_.parse(line_.text.data(), line_.text.size(), false).get(object))
      return bad(fmt::format("not a JSON object: {}", simdjson::error_message(code)));
    return options_.columns.empty() ? read_all(object, record) : read_chosen(object, record);
  }

  [[nodiscard]] const std::string& name() const override { return file_.name(); }
  [[nodiscard]] std::vector<std::string> header() const override { return options_.columns; }
  [[nodiscard]] std::uint64_t line() const override { return line_.number; }

  Result<std::vector<TableColumn>> columns() override {
    std::vector<TableColumn> found;
    std::map<std::string, std::size_t, std::less<>> places;
    Record record;
    for (;;) {
      const auto more = next(record);
      if (!more.has_value() && more.error().code != ErrorCode::invalid_argument) return std::unexpected(more.error());
      if (!more.has_value()) continue;
      if (!*more) break;
      for (const auto& field : record) {
        const auto [place, made] = places.try_emplace(field.name, found.size());
        if (made) found.push_back({field.name, ColumnType::null});
        found[place->second].type = widened(found[place->second].type, type_of(field.value));
      }
    }
    TRIUNE_TRY(rewind());
    return found;
  }

  [[nodiscard]] std::uint64_t bytes_done() const override { return line_.end; }
  [[nodiscard]] std::uint64_t bytes_total() const override { return file_.size(); }

 private:
  std::unexpected<Error> bad(std::string_view reason) const {
    return failure(ErrorCode::invalid_argument, fmt::format("{}:{}: {}", file_.name(), line_.number, reason));
  }

  Result<bool> read_all(simdjson::dom::object object, Record& record) const {
    std::size_t used = 0;
    for (const auto [name, value] : object) {
      if (name.empty()) return bad("a member has an empty name");
      std::size_t place = 0;
      while (place < used && record[place].name != name) ++place;  // of a repeated name the last value wins
      if (place == record.size()) record.emplace_back();
      if (record[place].name != name) record[place].name = name;
      set_value(value, record[place].value);
      used = std::max(used, place + 1);
    }
    record.resize(used);
    return true;
  }

  Result<bool> read_chosen(simdjson::dom::object object, Record& record) const {
    record.resize(options_.columns.size());
    for (std::size_t i = 0; i < record.size(); ++i) {
      if (record[i].name != options_.columns[i]) record[i].name = options_.columns[i];
      JsonElement element;
      if (object[options_.columns[i]].get(element) == simdjson::SUCCESS)
        set_value(element, record[i].value);
      else
        record[i].value = Null{};
    }
    return true;
  }

  InputFile file_;
  TableReaderOptions options_;
  std::optional<LineReader> reader_;
  Line line_;
  simdjson::dom::parser parser_;
};

}  // namespace

Result<std::unique_ptr<TableReader>> open_json_lines(InputFile file, TableReaderOptions options) {
  auto reader = std::make_unique<JsonLinesReader>(std::move(file), std::move(options));
  TRIUNE_TRY(reader->rewind());
  return std::unique_ptr<TableReader>(std::move(reader));
}

}  // namespace triune::intake
