// Applies changes within one write job: what each means in SQL, and what is refused (I10).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>

#include "contract/relational_store.h"
#include "hive/put_group.h"
#include "hive/tables.h"
#include "projection/catalog.h"
#include "triune/change.h"

namespace triune::hive {

/// A blob whose bytes are durable already (I8).
struct StagedBlob {
  std::string sha256;
  std::uint64_t size_bytes = 0;
};

/// Limits on what one commit may hold; more is `resource_exhausted`.
inline constexpr std::size_t commit_change_limit = 100'000;
inline constexpr std::size_t commit_byte_limit = 64U << 20U;
/// Of the properties of one node or edge, as JSON; larger contents belong into blobs.
inline constexpr std::size_t properties_byte_limit = 256U << 10U;

/// Everything about changes that can be refused without the database: sizes, names, text, NaN. The message names the
/// change by its place, starting at 1.
Status check_changes(std::span<const Change> changes);

/// Properties in the order of their names, without NULLs, as JSON: equal properties give equal text.
std::string canonical_json(const Record& properties);

class ChangeApplier {
 public:
  /// How statements are sent: each awaited, so that an error names its change; or together, which over a network saves
  /// the way there and back, and the error comes with the session's next answer.
  enum class Pace : std::uint8_t { each, together };

  ChangeApplier(contract::RelationalSession& session, projection::CatalogWriter& catalog,
                const projection::CatalogSnapshot& snapshot, std::int64_t organization_id)
      : session_(session),
        catalog_(catalog),
        snapshot_(snapshot),
        organization_id_(organization_id),
        group_(session, &changed_) {}
  ChangeApplier(const ChangeApplier&) = delete;
  ChangeApplier& operator=(const ChangeApplier&) = delete;
  ~ChangeApplier() = default;

  /// Sends together, and knows tables from earlier commits. `shapes` may be null and outlives this.
  void hurry(TableShapes* shapes) {
    pace_ = Pace::together;
    remembered_ = shapes;
  }

  /// Texts without a vector are pending because of this (E1 of embeddings.h).
  void note_embedding_trouble(std::string trouble) { embedding_trouble_ = std::move(trouble); }

  /// Applies all in order. `blobs` holds one staged blob for each PutBlob, in order. An error names the change; the
  /// caller undoes the job.
  Status apply(std::span<const Change> changes, std::span<const StagedBlob> blobs);
  /// Entities that really changed; when sent together, once the session has had the answers.
  [[nodiscard]] std::uint64_t changed() const;

 private:
  Status apply_one(const PutRow& change);
  Status apply_one(const DeleteRow& change);
  Status apply_one(const PutNode& change);
  Status apply_one(const DeleteNode& change);
  Status apply_one(const PutEdge& change);
  Status apply_one(const DeleteEdge& change);
  Status apply_one(const PutVector& change);
  Status apply_one(const DeleteVector& change);
  Status apply_one(const PutBlob& change);
  Status apply_one(const DeleteBlob& change);

  Result<const TableShape*> shape_of(const std::string& table);
  Status update_row(const TableShape& shape, const PutRow& change);
  Result<bool> row_exists(const TableShape& shape, const Record& values);
  /// The number of a node, or `not_found` with how to mend it.
  Result<std::int64_t> node_number(const NodeReference& node, std::string_view role);
  /// Labels and types are registered once for each job, then looked up here.
  Result<std::int64_t> collection(projection::CollectionKind kind, const std::string& name);
  /// An edge whose ends the server looks up itself; where one does not exist, the statement fails.
  Status put_edge(const PutEdge& change, std::int64_t type, std::int64_t from_label, std::int64_t to_label);
  /// A put of a row, together with those that are like it where nobody waits for each.
  Status put(RowPut row);
  /// The text that a vector is made of, and whether it is made of it already.
  Status put_text(const PutVector& change, std::int64_t collection_id, std::uint64_t& rows);
  Status write(std::string_view sql, std::span<const Value> parameters);
  Status write(std::string_view sql, std::span<const Value> parameters, std::uint64_t& changed);

  contract::RelationalSession& session_;
  projection::CatalogWriter& catalog_;
  const projection::CatalogSnapshot& snapshot_;
  std::int64_t organization_id_;
  std::map<std::string, TableShape> shapes_;
  std::map<std::pair<std::string, std::string>, bool> writable_;  // (kind, name) checked against mappings
  std::span<const StagedBlob> blobs_;
  std::uint64_t changed_ = 0;
  std::deque<std::uint64_t> vectors_;  ///< Rows changed of each; their places are written to later.
  std::string embedding_trouble_;
  Pace pace_ = Pace::each;
  TableShapes* remembered_ = nullptr;
  PutGroup group_;  ///< Of what is sent together; everything else comes after it.
};

}  // namespace triune::hive
