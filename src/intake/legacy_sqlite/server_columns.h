// Cells of SQLite in the typed columns of a server, so that each comes back as what it was.
//
// A column of SQLite may hold cells of any storage class; one of PostgreSQL has a type. What a column holds decides the
// type, and a cell is put there only when reading it gives the same class and the same bits again:
//
//   bigint             integers                        double precision   reals; with integers, when no real is whole
//   text               texts; with numbers and blobs, when no text is spelled like one
//   bytea              blobs; or texts that are no UTF-8 or hold NUL, as their bytes
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/row_layout.h"

namespace triune::intake::legacy {

/// What the cells of one column are, counted.
class ColumnCensus {
 public:
  void add(const Cell& cell);
  [[nodiscard]] std::uint64_t nulls() const { return nulls_; }
  [[nodiscard]] std::uint64_t largest_bytes() const { return largest_bytes_; }
  /// The type that keeps every cell; nothing when there is none. `affinity` decides for a column without values.
  [[nodiscard]] std::optional<ColumnType> type(const std::string& column, std::string_view declared_type,
                                               std::string_view affinity) const;
  /// Why there is no type, and how to mend it.
  [[nodiscard]] std::string refusal() const;

 private:
  [[nodiscard]] std::vector<std::string> classes() const;

  std::uint64_t nulls_ = 0;
  std::uint64_t integers_ = 0;
  std::uint64_t reals_ = 0;
  std::uint64_t texts_ = 0;
  std::uint64_t blobs_ = 0;
  std::uint64_t odd_texts_ = 0;       ///< That are no UTF-8 or hold NUL.
  std::uint64_t whole_reals_ = 0;     ///< Which a column of integers and reals would take for integers.
  std::uint64_t large_integers_ = 0;  ///< That a double cannot hold.
  std::uint64_t like_integers_ = 0;   ///< Texts that are spelled like one.
  std::uint64_t like_reals_ = 0;
  std::uint64_t like_blobs_ = 0;
  std::uint64_t largest_bytes_ = 0;
};

/// The columns of a copied table on the server.
class ServerColumns {
 public:
  /// `invalid_argument` for types or classes that nobody knows.
  static Result<ServerColumns> make(const TablePlan& table);

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// Rows in any order, for `take`.
  [[nodiscard]] std::string select() const;
  /// Appends what the server gets for a row. `invalid_argument` names the column of a cell that it cannot give back.
  Status put(std::span<const Cell> row, std::vector<Value>& values) const;
  /// A row as it was.
  void take(std::span<const Value> selected, std::vector<Cell>& row) const;

 private:
  struct Column {
    enum class Type : std::uint8_t { bigint, real, text, bytes };
    Type type = Type::text;
    bool integers = false;
    bool reals = false;
    bool texts = false;
    bool blobs = false;
    /// Cells of one class are known by the type alone.
    [[nodiscard]] bool is_plain() const { return int{integers} + int{reals} + int{texts} + int{blobs} == 1; }
    /// Whether cells of this class were there when the plan was made.
    [[nodiscard]] bool expects(const Cell& cell) const;
  };
  static Result<Column> column_of(const TablePlan& table, const ColumnType& type);
  static std::optional<Value> put(const Column& column, const Cell& cell);
  static Cell take(const Column& column, const Value& value);
  static Cell from_text(const Column& column, const std::string& text);
  static Cell from_bytes(const Column& column, const Bytes& bytes);

  std::string table_;
  std::vector<std::string> names_;
  std::vector<Column> columns_;
};

}  // namespace triune::intake::legacy
