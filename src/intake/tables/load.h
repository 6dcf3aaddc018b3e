// Files into a hive: what `triune load` does.
//
// A bad line (a row that cannot be read, an id that is missing, an end of an edge that does not exist, a vector of
// another dimension) is counted, reported with its line number and left out; with `strict` the first one ends the load
// with its error, and what was committed before stays. Loading the same file again changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "intake/tables/table_reader.h"
#include "triune/change.h"
#include "triune/hive.h"
#include "triune/schema.h"
#include "triune/status.h"

namespace triune::intake {

struct BadRow {
  std::uint64_t line = 0;
  std::string reason;
};

struct LoadReport {
  std::uint64_t rows = 0;     ///< Rows read and taken.
  std::uint64_t changed = 0;  ///< Entities that changed in the hive.
  std::uint64_t bad = 0;
  std::vector<BadRow> bad_rows;  ///< The first of them, see `LoadOptions::reported_bad_rows`.
  Receipt receipt;               ///< Of the last commit, or of the head of the log when nothing was committed.
};

struct LoadOptions {
  bool strict = false;
  std::uint32_t reported_bad_rows = 100;
};

struct RowLoad {
  std::string table;
  std::string key;  ///< Primary key of a table that is made; empty: the column `id`, or else the first one.
  LoadOptions options;
};

struct EdgeLoad {
  std::string type;
  std::string from_label;
  std::string to_label;
  LoadOptions options;
};

struct VectorLoad {
  std::string collection;
  /// Of a collection that is made (cosine when not given); one that exists must have it. Its dimension is that of the
  /// first vector.
  std::optional<Metric> metric;
  std::string owner_table;  ///< Of a collection that is made.
  LoadOptions options;
};

/// Rows into `table`, which is made (STRICT on SQLite, with the columns and types of the file) when absent. Every
/// column of the file must be one of an existing table's. Errors: `invalid_argument` for a column that is missing, and
/// what the hive returns.
Result<LoadReport> load_rows(Hive& hive, TableReader& reader, const RowLoad& load, const Progress& progress = {});

/// Nodes: column `id`; every other column is a property.
Result<LoadReport> load_nodes(Hive& hive, TableReader& reader, std::string_view label, const LoadOptions& options = {},
                              const Progress& progress = {});

/// Edges: columns `from` and `to`; every other column is a property.
Result<LoadReport> load_edges(Hive& hive, TableReader& reader, const EdgeLoad& load, const Progress& progress = {});

/// Vectors: columns `id` and `vector`; every other column is metadata.
Result<LoadReport> load_vectors(Hive& hive, TableReader& reader, const VectorLoad& load, const Progress& progress = {});

}  // namespace triune::intake
