#include "intake/tables/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "intake/tables/column_inference.h"
#include "intake/tables/csv_scanner.h"
#include "model/json.h"

namespace triune::intake {
namespace {

class CsvReader final : public TableReader {
 public:
  CsvReader(InputFile file, TableReaderOptions options)
      : file_(std::move(file)),
        options_(std::move(options)),
        scanner_(file_.name(), options_.delimiter, options_.max_record_bytes) {}

  Status start() {
    TRIUNE_TRY(scanner_.open(file_.path()));
    TRIUNE_TRY(read_header());
    types_known_ =
        std::all_of(columns_.begin(), columns_.end(), [&](const TableColumn& column) { return is_text(column); });
    for (auto& column : columns_) column.type = is_text(column) ? ColumnType::text : ColumnType::null;
    return {};
  }

  Result<bool> next(Record& record) override {
    if (!types_known_) TRIUNE_TRY(infer());
    TRIUNE_ASSIGN(const bool more, scanner_.next(cells_));
    if (!more) return false;
    if (cells_.size() != columns_.size())
      return failure(ErrorCode::invalid_argument, fmt::format("{}:{}: {} cells, but there are {} columns", file_.name(),
                                                              line(), cells_.size(), columns_.size()));
    record.resize(cells_.size());
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (record[i].name != columns_[i].name) record[i].name = columns_[i].name;
      set_cell(cells_[i], columns_[i].type, record[i].value);
    }
    return true;
  }

  [[nodiscard]] const std::string& name() const override { return file_.name(); }
  [[nodiscard]] std::vector<std::string> header() const override {
    std::vector<std::string> names;
    for (const auto& column : columns_) names.push_back(column.name);
    return names;
  }
  [[nodiscard]] std::uint64_t line() const override { return scanner_.line(); }

  Result<std::vector<TableColumn>> columns() override {
    if (!types_known_) TRIUNE_TRY(infer());
    return columns_;
  }

  Status rewind() override {
    TRIUNE_TRY(scanner_.open(file_.path()));
    return skip_header();
  }

  [[nodiscard]] std::uint64_t bytes_done() const override { return scanner_.offset(); }
  [[nodiscard]] std::uint64_t bytes_total() const override { return file_.size(); }

 private:
  [[nodiscard]] bool is_text(const TableColumn& column) const {
    const auto& names = options_.text_columns;
    return std::find(names.begin(), names.end(), column.name) != names.end();
  }

  Status read_header() {
    for (const auto& name : options_.columns) columns_.push_back({name, ColumnType::null});
    if (!columns_.empty()) return {};
    TRIUNE_ASSIGN(const bool more, scanner_.next(cells_));
    if (!more)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{} is empty: it needs a line with the names of the columns", file_.name()));
    for (const auto& cell : cells_) {
      const auto same = [&](const TableColumn& column) { return column.name == cell.text; };
      if (cell.text.empty() || std::any_of(columns_.begin(), columns_.end(), same))
        return failure(ErrorCode::invalid_argument,
                       fmt::format("{}:{}: column name '{}' is empty or occurs twice; give the names of a file without "
                                   "header",
                                   file_.name(), line(), readable_beginning(cell.text)));
      if (!model::is_storable_text(cell.text))
        return failure(ErrorCode::invalid_argument,
                       fmt::format("{}:{}: column name '{}' is not UTF-8 text; is this a CSV file?", file_.name(),
                                   line(), readable_beginning(cell.text)));
      columns_.push_back({std::string(cell.text), ColumnType::null});
    }
    return {};
  }

  Status skip_header() {
    if (!options_.columns.empty()) return {};
    TRIUNE_TRY(scanner_.next(cells_));
    return {};
  }

  // Reads the file through once. Rows that cannot be read do not count; `next` reports them.
  Status infer() {
    TRIUNE_TRY(rewind());
    std::vector<ColumnInference> inferences(columns_.size());
    for (;;) {
      const auto more = scanner_.next(cells_);
      if (!more.has_value() && more.error().code != ErrorCode::invalid_argument) return std::unexpected(more.error());
      if (!more.has_value()) continue;
      if (!*more) break;
      if (cells_.size() != columns_.size()) continue;
      for (std::size_t i = 0; i < cells_.size(); ++i) inferences[i].add(cells_[i]);
    }
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (!is_text(columns_[i])) columns_[i].type = inferences[i].type();
    types_known_ = true;
    return rewind();
  }

  InputFile file_;
  TableReaderOptions options_;
  CsvScanner scanner_;
  std::vector<TableColumn> columns_;
  std::vector<CsvCell> cells_;
  bool types_known_ = false;
};

}  // namespace

Result<std::unique_ptr<TableReader>> open_csv(InputFile file, TableReaderOptions options) {
  auto reader = std::make_unique<CsvReader>(std::move(file), std::move(options));
  TRIUNE_TRY(reader->start());
  return std::unique_ptr<TableReader>(std::move(reader));
}

}  // namespace triune::intake
