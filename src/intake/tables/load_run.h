// What the four loads share: reading rows, setting bad ones aside, progress, the report.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "intake/tables/load.h"

namespace triune::intake {

class LoadRun {
 public:
  LoadRun(TableReader& reader, const LoadOptions& options, const Progress& progress)
      : reader_(reader), options_(options), progress_(progress) {}

  /// The next row that can be read, or false at the end. Sets bad ones aside.
  Result<bool> next(Record& record);
  /// Sets the row last read aside; with `strict` this is the error that ends the load.
  Status set_aside(std::string_view reason) { return set_aside(reader_.line(), reason); }
  Status set_aside(std::uint64_t line, std::string_view reason);
  /// Refuses a file whose rows all lack a column that the load needs.
  Status need(std::initializer_list<std::string_view> columns) const;
  /// "FILE:LINE: REASON" for the row last read.
  [[nodiscard]] std::string at_row(std::string_view reason) const;
  /// Starts over: the file is read again from its first row.
  Status restart();

  [[nodiscard]] TableReader& reader() const { return reader_; }
  [[nodiscard]] LoadReport& report() { return report_; }
  [[nodiscard]] bool strict() const { return options_.strict; }
  void show_progress();

 private:
  TableReader& reader_;
  const LoadOptions& options_;
  const Progress& progress_;
  LoadReport report_;
  std::uint64_t read_ = 0;
};

/// Takes the field `name` out of the record as an id: text, a number or a boolean as text. Error: `invalid_argument`
/// when it is missing, empty, longer than 1,024 bytes or no UTF-8.
Result<std::string> take_id(Record& record, std::string_view name);

/// A refusal of the hive, which counts entities and changes, without its number: people look for lines.
std::string_view without_number(std::string_view message);

/// Whether names and values can be stored at all. Error: `invalid_argument`.
Status check_text(const Record& record);

/// Whether they can be properties or metadata. Error: `invalid_argument`.
Status check_properties(const Record& record);

}  // namespace triune::intake
