// The plan of a migration: where each part of a foreign database goes. A file that people read and edit.
//
// A plan is what `propose` suggests from an assessment and what `apply` carries out. docs/migration.md explains each
// member. Everything that changes more than the place of the data has `apply`, which a person may turn on or off.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::intake::legacy {

/// What the source was when the plan was made, to notice that it is another now.
struct SourceStamp {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint64_t log_bytes = 0;
  std::int64_t modified_ns = 0;
  std::string schema_hash;  ///< SHA-256 of all definitions.
};

/// A column on a server; a directory keeps what is declared.
struct ColumnType {
  std::string column;
  std::string type;                ///< "bigint", "double precision", "text", "bytea".
  std::vector<std::string> holds;  ///< Classes of its cells in SQLite: "integer", "real", "text", "blob".
};

struct TablePlan {
  std::string name;
  bool copy = true;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> engines;
  std::string primary;
  double confidence = 0;
  std::vector<std::string> reasons;
  std::vector<ColumnType> types;  ///< For a server.
  std::string definition;         ///< For a server: its CREATE TABLE.
};

struct NodePlan {
  std::string label;
  bool apply = true;
  std::string table;
  std::vector<std::string> properties;
  std::vector<std::string> values_of;  ///< Columns whose values are the nodes, where no table holds them.
  std::string reason;
};

struct EdgePlan {
  std::string type;
  bool apply = true;
  std::string kind;  ///< "columns": rows are edges. "json list", "text list": elements of a cell are.
  std::string table;
  std::string from_column;
  std::string from_label;
  std::string to_column;
  std::string to_label;
  std::vector<std::string> properties;
  std::uint64_t edges = 0;
  double complexity = 0;
  double promised_gain = 0;  ///< Of queries that follow the edges; 0: none is promised.
  std::string reason;
};

struct VectorPlan {
  std::string collection;
  bool apply = true;
  std::string table;
  std::string column;
  std::string form;  ///< "json", "float32 blob", "float64 blob".
  std::uint64_t dimension = 0;
  std::string metric;
  std::string reason;
};

struct BlobPlan {
  std::string table;
  bool apply = false;
  std::string column;
  std::uint64_t larger_than = 0;  ///< Bytes.
  std::string reason;
};

struct TextPlan {
  std::string name;
  bool apply = true;
  std::string table;
  std::vector<std::string> columns;
  std::string reason;
};

struct IndexPlan {
  std::string name;
  bool apply = true;
  std::string table;
  std::vector<std::string> columns;
  double measured_gain = 0;  ///< 0: not measured.
  std::string reason;
};

/// A view or a trigger, carried over as it is.
struct ObjectPlan {
  std::string name;
  bool apply = true;
  std::string reason;
};

/// What makes an index, a constraint or a view on a server, after the rows.
struct StatementPlan {
  std::string name;
  bool apply = true;
  std::string sql;
  std::string reason;
};

struct LeftOut {
  std::string name;
  std::string kind;
  std::string reason;
};

/// Where a plan leads.
inline constexpr std::string_view to_directory = "directory";
inline constexpr std::string_view to_server = "postgresql";

struct Plan {
  SourceStamp source;
  std::string target{to_directory};  ///< Or "postgresql".
  std::vector<TablePlan> tables;
  std::vector<NodePlan> nodes;
  std::vector<EdgePlan> edges;
  std::vector<VectorPlan> vectors;
  std::vector<BlobPlan> blobs;
  std::vector<TextPlan> texts;
  std::vector<IndexPlan> indexes;
  std::vector<ObjectPlan> views;
  std::vector<ObjectPlan> triggers;
  std::vector<StatementPlan> statements;  ///< For a server.
  std::vector<LeftOut> left_out;
};

/// The version that files say.
inline constexpr std::int64_t plan_version = 1;

/// The file. The same plan has the same text.
std::string plan_text(const Plan& plan);

/// Reads a file. `invalid_argument` names the place as a JSON pointer ("/edges/2/type") and how to mend it: for what is
/// no JSON, a member that is missing, unknown or of another type, and a version this program does not know.
Result<Plan> parse_plan(std::string_view text);

/// SHA-256 of the plan, by which a migration is known again.
std::string plan_hash(const Plan& plan);

}  // namespace triune::intake::legacy
