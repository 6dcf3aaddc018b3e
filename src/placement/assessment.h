// What an assessment of a foreign database found. Plain values; docs/assessment.md explains each figure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "contract/foreign_database.h"
#include "placement/network.h"

namespace triune::placement {

/// A column and what its cells really are.
struct ColumnReport {
  std::string name;
  std::string declared_type;
  std::string affinity;                    ///< "integer", "text", "blob", "real", "numeric".
  std::uint32_t primary_key_position = 0;  ///< 1-based; 0: not part of the key.
  bool not_null = false;
  bool generated = false;
  std::uint64_t nulls = 0;  ///< These five add up to the rows.
  std::uint64_t integers = 0;
  std::uint64_t reals = 0;
  std::uint64_t texts = 0;
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;                  ///< Of texts and blobs.
  std::uint64_t largest_bytes = 0;          ///< Of one text or blob.
  std::uint64_t large_json = 0;             ///< Documents of more than `large_json_bytes`.
  std::string expected;                     ///< What the declared type promises; empty: anything.
  std::uint64_t violations = 0;             ///< Cells that are something else.
  std::vector<std::string> violating_rows;  ///< Keys of some of them.
};

struct IndexReport {
  std::string name;
  std::vector<std::string> columns;  ///< Empty names stand for expressions.
  std::vector<std::string> rules;    ///< Of each column: collation and direction.
  bool unique = false;
  bool partial = false;
  std::string origin;  ///< "created", "unique", "primary key".
  std::optional<std::uint64_t> bytes;
  std::string redundant_with;  ///< The index, or "the primary key", that serves all this one serves.
  std::string redundancy;      ///< "duplicate" or "prefix".
  std::string drop;            ///< The statement that removes a redundant index that was made with CREATE INDEX.
};

/// What an index does for a foreign key, measured on a copy.
struct IndexGain {
  std::uint64_t rows = 0;  ///< Copied.
  bool sampled = false;    ///< The table has more.
  double before_us = 0;    ///< Median time to find the rows of one parent.
  double after_us = 0;
  double build_ms = 0;
  [[nodiscard]] double ratio() const { return after_us > 0 ? before_us / after_us : 0; }
};

struct ForeignKeyReport {
  std::vector<std::string> columns;
  std::string parent;
  std::vector<std::string> parent_columns;
  bool declared = true;      ///< False: concluded from names and confirmed by the values.
  bool indexed = false;      ///< An index or key of the table begins with the columns.
  std::string create_index;  ///< The statement that mends a missing index.
  std::optional<IndexGain> gain;
  std::string not_measured;              ///< Why there is no gain; empty otherwise.
  std::optional<std::uint64_t> orphans;  ///< Rows whose parent is not there; absent: not looked for.
  std::vector<std::string> orphan_rows;  ///< Keys of some of them.
};

struct TableReport {
  enum class Kind : std::uint8_t { table, view, virtual_table, shadow };
  std::string name;
  Kind kind = Kind::table;
  bool without_rowid = false;
  bool strict = false;
  std::vector<std::string>
      key;  ///< The columns that name a row; a rowid that is no column is "rowid", "_rowid_" or "oid".
  std::vector<ColumnReport> columns;
  std::vector<IndexReport> indexes;
  std::vector<ForeignKeyReport> foreign_keys;
  std::uint64_t rows = 0;
  std::uint64_t rows_looked_at = 0;  ///< Fewer than `rows` when the assessment was bounded or the file is damaged.
  std::uint64_t bytes = 0;           ///< Of the table without its indexes.
  bool bytes_measured = false;       ///< By the pages it has; otherwise concluded from its cells.
};

/// Rows that are edges.
struct RelationshipReport {
  enum class Kind : std::uint8_t {
    join_table,      ///< Each row ties two rows of other tables.
    self_reference,  ///< A column names another row of the same table.
    edge_list,       ///< Two columns name nodes that no table holds.
    json_list,       ///< A cell is a JSON array of keys.
    text_list,       ///< A cell is a text of keys between commas.
  };
  Kind kind = Kind::join_table;
  std::string table;
  std::string from_column;  ///< The table's key for self references and lists.
  std::string to_column;
  std::string from_table;  ///< Where the nodes are; empty: in no table.
  std::string to_table;
  std::string edge_type;  ///< A name for the edges, such as WORKS_ON.
  NetworkMeasure network;
};

struct VectorReport {
  std::string table;
  std::string column;
  std::string form;  ///< "json", "float32 blob", "float64 blob".
  std::uint64_t dimension = 0;
  std::uint64_t count = 0;
  std::uint64_t sampled = 0;  ///< Values looked at for the dimension and the norms.
  double smallest_norm = 0;
  double mean_norm = 0;
  double largest_norm = 0;
  [[nodiscard]] bool normalized() const { return smallest_norm > 0.99 && largest_norm < 1.01; }
};

/// How long a typical query takes on the file as it is.
struct LatencyReport {
  std::string table;
  std::string query;   ///< "by key", "by foreign key", "count", "two hops".
  std::string detail;  ///< The columns concerned.
  std::uint64_t samples = 0;
  double median_us = 0;
  double slowest_us = 0;
  bool stopped = false;  ///< Took longer than a statement may.
};

/// What could not be looked at, and why.
struct ProblemReport {
  std::string where;
  std::string message;
};

struct Assessment {
  std::string path;
  contract::ForeignDescription file;
  std::vector<TableReport> tables;
  std::vector<RelationshipReport> relationships;
  std::vector<VectorReport> vectors;
  std::vector<LatencyReport> baseline;
  std::vector<ProblemReport> problems;
  double seconds = 0;
  std::uint64_t memory_bytes = 0;  ///< Most that the process held so far.
};

/// JSON documents of more bytes than this are reported.
inline constexpr std::uint64_t large_json_bytes = 100ULL * 1024;

/// The words for kinds, as documents hold them.
std::string_view to_string(TableReport::Kind kind) noexcept;
std::string_view to_string(RelationshipReport::Kind kind) noexcept;

}  // namespace triune::placement
