// What is written: changes, commits, and the receipt a commit returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "triune/value.h"

namespace triune {

/// A node by its label and its id, which is unique within the label.
struct NodeReference {
  std::string label;
  std::string id;
  bool operator==(const NodeReference&) const = default;
};

/// An edge by its type and its two ends; there is at most one edge of a type from one node to another.
struct EdgeReference {
  std::string type;
  NodeReference from;
  NodeReference to;
  bool operator==(const EdgeReference&) const = default;
};

/// Inserts a row, or updates the named columns of the row with the same primary key.
struct PutRow {
  std::string table;
  Record values;
};

/// Deletes the row with this primary key; deleting what is not there is no error.
struct DeleteRow {
  std::string table;
  Record key;
};

/// Inserts a node, or replaces the properties of the one with the same label and id.
struct PutNode {
  NodeReference node;
  Record properties;
};

/// Deletes a node and the edges at it.
struct DeleteNode {
  NodeReference node;
};

/// Inserts an edge, or replaces the properties of the same edge. Both ends must exist when the commit is applied; they
/// may be put by an earlier change of the same commit.
struct PutEdge {
  EdgeReference edge;
  Record properties;
};

/// Deletes an edge.
struct DeleteEdge {
  EdgeReference edge;
};

/// Stores a vector under an id with metadata, replacing what the id held. The collection must exist (see
/// `Hive::create_collection`) and the number of values must be its dimension; none may be NaN or infinite. With a text
/// instead of values the collection's embedder makes them; when it fails, the commit does not: the vector is pending
/// (`Receipt::pending_embeddings`), is tried again in the background, and until then no search finds it.
struct PutVector {
  std::string collection;
  std::string id;
  std::vector<float> values;
  Record metadata;
  std::string text;  ///< Kept with the vector, so that another model can embed it later; at most 256 KiB.
};

/// Deletes a vector.
struct DeleteVector {
  std::string collection;
  std::string id;
};

/// Keeps bytes outside the database under the name (owner, name), replacing what the name held. The bytes are durable
/// before the reference commits (I8); equal bytes are kept once.
struct PutBlob {
  std::string owner;
  std::string name;
  Bytes bytes;
};

/// Drops the reference; the bytes go with the last reference, after a time of grace.
struct DeleteBlob {
  std::string owner;
  std::string name;
};

/// One mutation of one entity.
using Change = std::variant<PutRow, DeleteRow, PutNode, DeleteNode, PutEdge, DeleteEdge, PutVector, DeleteVector,
                            PutBlob, DeleteBlob>;

/// An atomic set of changes, applied in the order given.
struct Commit {
  std::vector<Change> changes;
  /// Chosen by the caller, at most 200 bytes. A second commit under the same key has no further effect and returns the
  /// first one's receipt (I11); under the same key with other changes it fails with `conflict`. Empty: none, and a
  /// commit with an unknown outcome cannot be retried safely.
  std::string idempotency_key;
};

/// A position in one history: what a read can ask for.
struct Token {
  std::string incarnation;
  std::uint64_t lsn = 0;
  bool operator==(const Token&) const = default;
};

/// "INCARNATION:LSN", the form for the command line and for clients.
std::string to_string(const Token& token);

/// How a projection stands to the canonical store.
enum class ProjectionState : std::uint8_t {
  current,      ///< It holds everything up to the head of the log.
  behind,       ///< It works, and changes are on their way to it.
  rebuilding,   ///< It is being made anew from the canonical store.
  quarantined,  ///< It failed and was set aside; a rebuild follows by itself or was given up (see its error).
};

/// The word for a state ("current").
std::string_view to_string(ProjectionState state) noexcept;

/// One projection as of a receipt or a status.
struct ProjectionStatus {
  std::string name;             ///< "graph", "vector:COLLECTION".
  std::string organization;     ///< The tenant whose data it holds.
  std::string engine;           ///< "kuzu", "usearch", …: the one that answers here.
  std::string moving_to;        ///< The engine its collection is on the way to; empty when it moves nowhere.
  std::uint64_t watermark = 0;  ///< The last lsn it holds (I3).
  ProjectionState state = ProjectionState::behind;
  std::uint64_t entities = 0;   ///< Nodes and edges, or vectors, it holds.
  std::uint64_t set_aside = 0;  ///< Poison entities that it refused and that were put aside.
  std::string error;            ///< Why it is quarantined; empty otherwise.
};

/// What a commit returns.
struct Receipt {
  std::string incarnation;
  std::uint64_t lsn = 0;      ///< The commit's position. A commit that changed nothing returns the head of the log.
  std::uint64_t changes = 0;  ///< Entities that really changed.
  bool replayed = false;      ///< True when the idempotency key was known and nothing was done.
  std::uint64_t pending_embeddings = 0;  ///< Texts of this commit that are no vectors yet, because the embedder failed.
  std::vector<ProjectionStatus> projections;  ///< What each has reached at the moment the receipt was written.

  [[nodiscard]] Token token() const { return {incarnation, lsn}; }
};

}  // namespace triune
