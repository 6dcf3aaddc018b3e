// Where data is placed and why: recorded decisions, routes taken, ready-made stores, advice (docs/placement.md).
//
//   auto made = triune::create_optimal_storage(hive, {.name = "notes", .vectors = {{.dimension = 384}}});
//   auto why = hive.explain_placement("notes");
//
// Plain values, and one function that belongs to any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/schema.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune {

class Hive;

/// A decision about one collection: which engines serve it, why, and on which figures.
struct Placement {
  std::string kind;                  ///< "label", "type", "vector", "text" (an index), "store" (of the factory).
  std::string name;                  ///< Of the collection.
  std::uint64_t revision = 0;        ///< 1 for the first decision about it.
  std::int64_t decided_at_ms = 0;    ///< Milliseconds since 1970.
  std::string cause;                 ///< "create_collection", "map_nodes", …, "create_optimal_storage", "review".
  std::string decided_by;            ///< The process: "HOST/PID".
  std::vector<std::string> engines;  ///< "relational" always; "graph", "vector", "text" where they serve too.
  std::string primary;               ///< The one that the typical query asks.
  double confidence = 0;             ///< 0 to 1.
  std::vector<std::string> reasons;  ///< Sentences with the figures that a person can check.
  Record parameters;                 ///< What was decided besides: metric, index, ends, ….
  Record figures;                    ///< What was known: rows, edges, complexity, ….
};

/// What one engine did for one shape of query. Latencies are of the last calls; older ones fade.
struct RouteFigures {
  std::string shape;   ///< "neighbors out depth 2 edges 64..255 KNOWS".
  std::string engine;  ///< "sqlite", "kuzu", "usearch", ….
  std::uint64_t calls = 0;
  std::uint64_t explorations = 0;  ///< Of them, tried to learn.
  std::uint64_t degraded = 0;      ///< Of them, since the better engine was not available (I4).
  double p50_us = 0;
  double p95_us = 0;
};

/// All routes taken, together.
struct RouteCounts {
  std::uint64_t calls = 0;
  std::uint64_t explorations = 0;
  std::uint64_t degraded = 0;
  std::uint64_t learned = 0;  ///< Answered by the engine that measured figures chose against the estimate.
  std::uint64_t moves = 0;    ///< How often a shape went over to the other engine.
  std::uint64_t shapes = 0;   ///< Kept now.
  std::string trouble;        ///< Why what was learned could not be kept or read; empty when nothing.
};

/// The newest decision on everything, and the routes taken.
struct PlacementList {
  std::vector<Placement> placements;  ///< By kind and name.
  std::uint64_t decisions = 0;        ///< Ever recorded, with their history.
  RouteCounts totals;
  std::vector<RouteFigures> routes;  ///< Most calls first.
};

/// One collection: what holds now, what held before, and how it is used.
struct PlacementExplanation {
  Placement current;
  std::vector<Placement> history;    ///< Oldest first, with the current one; the last 100.
  std::vector<RouteFigures> routes;  ///< Of queries that name the collection.
};

/// A column of a store to be made.
struct ColumnCharacteristics {
  std::string name;
  std::string type = "text";  ///< "text", "integer", "real", "boolean", "blob".
  bool not_null = false;
  bool searched = false;  ///< Rows are looked up by it: it gets an index.
  bool prose = false;     ///< Texts that are searched by their words: they get a text index.
};

/// Relationships of its rows with each other, or with rows of another table.
struct TieCharacteristics {
  std::string type;         ///< Of the edges: "KNOWS".
  std::string to;           ///< Table of the other end, with a single-column key; empty: the store itself.
  double complexity = 0;    ///< Network complexity, 0 to 1 (docs/assessment.md).
  std::uint64_t edges = 0;  ///< Expected; 0: not known.
};

/// An embedding of each row.
struct EmbeddingCharacteristics {
  std::string name;             ///< Of the collection is STORE, or STORE_NAME where this is given.
  std::uint32_t dimension = 0;  ///< 1 to 8,192.
  std::uint64_t count = 0;      ///< Expected; 0: not known.
  std::optional<Metric> metric;
};

/// What is known of the data a store is to be made for.
struct DataCharacteristics {
  std::string name;  ///< Of the table: 1 to 48 letters, digits or _, beginning with a letter.
  std::uint64_t rows = 0;
  std::vector<ColumnCharacteristics> columns;  ///< Besides `id`, which is its key.
  std::vector<TieCharacteristics> relationships;
  std::vector<EmbeddingCharacteristics> vectors;
  std::optional<double> multi_hop_share;  ///< Of the queries, 0 to 1.
  std::optional<double> write_share;      ///< Of the statements, 0 to 1.
  bool append_only = false;
};

/// The same from JSON, by these names, or the seeds' (hasRelationships, networkComplexity, hasVectors, dimensionality).
/// Error: `invalid_argument` that names the member.
Result<DataCharacteristics> parse_data_characteristics(std::string_view json);

/// A store that is ready to be used.
struct OptimalStorage {
  std::string name;
  bool created = false;             ///< False: it was there already, just so.
  Placement placement;              ///< The recorded decision.
  std::vector<std::string> made;    ///< "table notes", "label notes", "collection notes", ….
  std::vector<std::string> how_to;  ///< Calls and statements to use it with.
};

/// Makes what the characteristics ask for: table, indexes, edge tables, mappings, vector collections, text index; and
/// records the decision. All or nothing. The same characteristics again change nothing; others under the name, or a
/// table of that name that was made otherwise, are `conflict`; bad ones `invalid_argument` (I10). Blocks until durable.
Result<OptimalStorage> create_optimal_storage(Hive& hive, const DataCharacteristics& characteristics);

/// Something to add or to drop, with what it would bring.
struct Advice {
  std::string kind;         ///< "add_index", "drop_index", "add_graph", "add_vectors", "drop_projection".
  std::string subject;      ///< The table, index or projection.
  std::string statement;    ///< SQL or a command that does it; empty where there is none.
  std::string reason;       ///< With figures.
  std::string shape;        ///< The recorded query that it is for; empty when it is for none.
  std::uint64_t calls = 0;  ///< Recorded of that shape.
  // What was measured on a copy: medians of the same statement; of a drop, of writing.
  bool measured = false;
  double before_us = 0;
  double after_us = 0;
  std::uint64_t rows = 0;    ///< In the copy.
  std::string not_measured;  ///< Why it was not.
};

struct AdviceReport {
  std::uint64_t statements = 0;  ///< Recorded reads that it rests on.
  std::uint64_t shapes = 0;      ///< Of them, different ones.
  std::int64_t since_ms = 0;     ///< When recording began; milliseconds since 1970.
  std::vector<Advice> advice;    ///< Largest gain first.
};

}  // namespace triune
