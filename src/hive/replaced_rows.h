// Rows that INSERT OR REPLACE and UPDATE OR REPLACE remove without telling a delete trigger (I2).
//
// Limits: unique indexes on expressions and partial ones are not looked at.
#pragma once

#include <string>
#include <vector>

#include "hive/schema_objects.h"
#include "hive/tables.h"

namespace triune::hive {

/// Columns that are unique together, with the collation that decides.
struct UniqueConstraint {
  struct Column {
    std::string name;
    std::string collation;
  };
  std::vector<Column> columns;
  bool primary = false;
};

/// The primary key first, when there is one.
Result<std::vector<UniqueConstraint>> unique_constraints(contract::RelationalSession& session, const TableShape& shape);

/// What must be forgotten when rows are replaced.
struct ReplacedRows {
  std::string capture;  ///< Names the triggers and their notes.
  std::string first;    ///< Expressions over `t`, the row that goes; noted as `first` and `second`.
  std::string second = "NULL";
  std::string condition;  ///< Over `t` and `new`: whether this row matters.
  std::string forget;     ///< Statements that read the notes by `notes()`.

  /// FROM-clause item `n` with the columns `first` and `second`.
  [[nodiscard]] std::string notes() const;
};

/// The four triggers, or none when nothing but the primary key is unique and `key_matters` is false: then whoever goes
/// has the same key as who comes.
std::vector<SchemaObject> replaced_row_triggers(const TableShape& shape,
                                                const std::vector<UniqueConstraint>& constraints,
                                                const ReplacedRows& rows, bool key_matters);

}  // namespace triune::hive
