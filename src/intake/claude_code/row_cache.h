// The rows of one table that a batch works on: read from the hive, changed in memory, written back where they differ.
//
// Thread rule: one thread.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "intake/claude_code/tables.h"
#include "triune/change.h"
#include "triune/hive.h"

namespace triune::intake::claude {

/// One row, as it is stored and as it shall be.
class Row {
 public:
  Row(const Table& table, std::string key);
  Row(const Table& table, std::vector<Value> stored);

  [[nodiscard]] const std::string& key() const { return std::get<std::string>(values_.front()); }
  [[nodiscard]] const Table& table() const { return *table_; }
  [[nodiscard]] bool is_stored() const { return !stored_.empty(); }
  [[nodiscard]] bool is_changed() const { return values_ != stored_; }

  [[nodiscard]] const Value& get(std::string_view column) const { return values_[table_->position(column)]; }
  /// What the hive holds of a column; NULL when the row is new.
  [[nodiscard]] Value stored(std::string_view column) const;
  /// The text of a column; empty when NULL.
  [[nodiscard]] std::string_view text(std::string_view column) const;
  [[nodiscard]] std::int64_t integer(std::string_view column) const;  ///< 0 when NULL.
  [[nodiscard]] bool is_null(std::string_view column) const { return triune::is_null(get(column)); }

  void set(std::string_view column, Value value) { values_[table_->position(column)] = std::move(value); }
  /// Sets a text; an empty one is NULL.
  void set_text(std::string_view column, std::string_view value);
  /// Sets a text unless it is empty or the column has one.
  void set_text_once(std::string_view column, std::string_view value);
  void set_flag(std::string_view column, bool value) { set(column, static_cast<std::int64_t>(value)); }

  /// The change that stores it: the whole new row, or the key with the columns that differ.
  [[nodiscard]] PutRow change() const;

 private:
  const Table* table_;
  std::vector<Value> values_;
  std::vector<Value> stored_;  // empty: not in the hive
};

class RowCache {
 public:
  explicit RowCache(const Table& table) : table_(&table) {}

  /// Reads the rows whose `column` is one of `keys`. Rows known already stay as they are.
  Status fetch(Hive& hive, std::string_view column, const std::set<std::string>& keys);
  /// The row with this key if it is held, or nullptr. Pointers and references stay valid.
  [[nodiscard]] Row* find(std::string_view key);
  /// The row with this key, asking the hive when it was not asked yet; nullptr when there is none.
  Result<Row*> load(Hive& hive, const std::string& key);
  /// The row with this key, made when it is not there.
  Row& at(const std::string& key);
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  /// All rows held, by key.
  [[nodiscard]] std::map<std::string, Row, std::less<>>& rows() { return rows_; }

  /// Appends a change for every row that differs from what is stored. Returns how many of them are new rows.
  std::uint64_t append_changes(std::vector<Change>& changes) const;

 private:
  const Table* table_;
  std::map<std::string, Row, std::less<>> rows_;
  std::set<std::string> asked_;  // keys that were fetched, found or not
};

}  // namespace triune::intake::claude
