// What is read: consistency, searches, traversals and their answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "triune/change.h"
#include "triune/deadline.h"
#include "triune/value.h"

namespace triune {

/// How new a read must be (I5). Reads of the canonical store are always current; this concerns projections.
struct Consistency {
  enum class Level : std::uint8_t { eventual, session, at_least };
  Level level = Level::session;
  Token token;  ///< For `at_least`.

  /// Whatever the projection holds now.
  static Consistency eventual() { return {Level::eventual, {}}; }
  /// Everything this hive had when it was opened or has committed since: the default, "reads its own writes".
  static Consistency session() { return {Level::session, {}}; }
  /// At least `token`; a token of another incarnation fails with `conflict`.
  static Consistency at_least(Token token) { return {Level::at_least, std::move(token)}; }
};

/// Options of every read.
struct ReadOptions {
  Consistency consistency;
  Deadline deadline = Deadline::after(std::chrono::seconds(30));
  std::size_t max_rows = 100'000;  ///< More rows than this are cut off and the result says so.
};

/// A text to be made a vector by the collection's embedder.
struct EmbeddedText {
  std::string text;
};

/// A vector, the id of a stored one, or a text.
using VectorQuery = std::variant<std::vector<float>, std::string, EmbeddedText>;

/// A search for the nearest vectors.
struct VectorSearch {
  std::string collection;
  VectorQuery query;
  std::size_t count = 10;  ///< k, 1 to 10,000. Exactly k are returned, or all that qualify when there are fewer.
  /// SQL predicate over the collection's metadata keys and, when the collection has an owner table, the columns of the
  /// owner row (the row whose primary key equals the vector's id). Empty: all. `parameters` bind its `?1`, `?2`, ….
  std::string where;
  std::vector<Value> parameters;
  bool exact = false;  ///< True: compare with every qualifying vector instead of asking the index.
  /// How many candidates are kept while the index is searched, up to 10,000: fewer are faster and miss more. 0: as many
  /// as the engine finds good, which misses about one in a hundred.
  std::uint32_t effort = 0;
};

/// One vector found.
struct VectorHit {
  std::string id;
  double distance = 0;  ///< In the collection's metric, computed on the stored f32 values; smaller is nearer.
  Record metadata;
};

/// What a vector search returns, nearest first, and how it was answered.
struct VectorSearchResult {
  std::vector<VectorHit> hits;
  /// "index", "index with filter", "index, then the predicate: N of M", "scan of N", "canonical scan": for EXPLAIN and
  /// for tests.
  std::string strategy;
  std::string engine;  ///< Which found them: "usearch", "lancedb"; that of the canonical store for a canonical scan.
  std::chrono::nanoseconds filter_time{0};  ///< Spent on finding all vectors that satisfy `where`, where that was done.
  std::uint64_t watermark = 0;
  bool degraded = false;      ///< The vector engine was not available, and the canonical store answered (I4).
  std::uint64_t pending = 0;  ///< Texts of the collection that are no vectors yet, and that no search can find.
};

/// A full-text search.
struct TextSearch {
  std::string
      query;  ///< Words; all must occur. "quoted words" are a phrase, a trailing * is a prefix, OR and NOT work.
  std::string collection;  ///< A text index; empty: all of them.
  std::size_t count = 10;  ///< At most so many hits, 1 to 10,000.
  /// SQL predicate over the columns of the table that is indexed; then `collection` must name the index. Empty: all.
  /// `parameters` bind its `?1`, `?2`, ….
  std::string where;
  std::vector<Value> parameters;
};

/// One text found.
struct TextHit {
  std::string collection;
  std::string id;       ///< Primary key of the row the text belongs to.
  double score = 0;     ///< BM25; larger is better.
  std::string snippet;  ///< The best passage with matches in [brackets].
};

/// Which way edges are followed.
enum class Direction : std::uint8_t { out, in, both };

/// "The nodes within `depth` steps of a node."
struct NeighborsQuery {
  NodeReference node;
  std::string type;  ///< Edge type; empty: any.
  Direction direction = Direction::out;
  std::uint32_t depth = 1;      ///< 1 to 10.
  std::size_t count = 100'000;  ///< At most so many nodes.
};

/// The distinct nodes found (never the start itself) with the number of steps of the shortest way there.
struct Neighbor {
  NodeReference node;
  std::uint32_t distance = 0;
  bool operator==(const Neighbor&) const = default;
};

/// "A shortest path between two nodes", or "how many walks of exactly `length` steps there are".
struct PathQuery {
  NodeReference from;
  NodeReference to;
  std::string type;  ///< Edge type; empty: any.
  Direction direction = Direction::out;
  std::uint32_t max_length = 10;  ///< Steps, 1 to 30.
};

/// A shortest path: its nodes from first to last; empty when there is none.
struct Path {
  std::vector<NodeReference> nodes;
};

/// Counts the walks of exactly `length` edges of one type over the whole graph or from one node.
struct PathCountQuery {
  std::string type;          ///< Edge type; empty: any.
  std::uint32_t length = 2;  ///< 1 to 5.
  std::optional<NodeReference> from;
};

/// Which engine answered a graph call, and why (EXPLAIN).
struct Route {
  std::string engine;     ///< "sqlite" or "kuzu".
  std::string reason;     ///< One sentence with the figures that decided.
  bool degraded = false;  ///< The better engine was not available (I4).
};

/// One step of how a query is answered (EXPLAIN), fed by its inputs. What is not known is absent.
struct PlanNode {
  std::string operation;  ///< "SCAN v (vector_search)", in the words of the engine that plans.
  std::string engine;     ///< That answers it.
  std::string reason;     ///< Why it does, or how it did.
  std::optional<double> estimated_rows;
  // The rest is measured, by EXPLAIN ANALYZE.
  std::optional<std::uint64_t> rows;
  std::optional<std::uint64_t> calls;
  std::optional<std::uint64_t> bytes;  ///< That came from another engine.
  std::optional<double> milliseconds;
  bool degraded = false;  ///< The better engine was not available (I4).
  std::vector<PlanNode> inputs;
};

/// As a tree for a terminal, one line for each node; every line ends with a line break.
std::string to_text(const PlanNode& plan);

/// As a JSON object: operation, engine, reason, estimated_rows, rows, calls, bytes, milliseconds, degraded, inputs.
std::string to_json(const PlanNode& plan);

/// An answer with its route.
template <class T>
struct Routed {
  T value;
  Route route;
};

}  // namespace triune
