// What the bulk loads share: large batches, each one transaction.
//
// A batch that is large beside what is there already is logged by one 'load' entry instead of one entry for each row,
// and the projections then take the engine's bulk path.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/relational_store.h"
#include "hive/embeddings.h"
#include "projection/catalog.h"
#include "triune/hive.h"

namespace triune::hive {

/// What one job of a load changed.
struct Loaded {
  std::uint64_t changed = 0;
  std::uint64_t lsn = 0;
  bool catalog_changed = false;
};

/// What a loader works with; everything outlives it.
struct LoadContext {
  contract::RelationalStore& store;
  projection::Catalog& catalog;
  std::int64_t organization_id;
  std::function<void(const Loaded&)> committed;
  const Progress& progress;
  Embeddings& embeddings;
};

/// Each loads everything that `next` supplies and returns how many entities changed.
Result<std::uint64_t> load_all_nodes(const LoadContext& context, std::string_view label, const Supplier<PutNode>& next);
Result<std::uint64_t> load_all_edges(const LoadContext& context, std::string_view type, std::string_view from_label,
                                     std::string_view to_label, const Supplier<PutEdge>& next);
Result<std::uint64_t> load_all_vectors(const LoadContext& context, std::int64_t collection_id,
                                       std::string_view collection, const Supplier<PutVector>& next);

/// A load may take its time; other commits wait for a batch at most.
Deadline load_deadline();

/// Rows of the organization in one of Triune's tables.
Result<std::uint64_t> count_rows(contract::RelationalSession& session, std::string_view table,
                                 std::int64_t organization_id);

/// Runs `insert`, which returns how many rows changed; in bulk mode when `size` rows beside `existing` ones make that
/// pay.
Status insert_batch(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                    std::uint64_t size, std::uint64_t existing, Loaded& loaded,
                    const std::function<Result<std::uint64_t>()>& insert);

/// Adds the place to the error of one entity.
std::unexpected<Error> at_entity(Error error, std::uint64_t number);

/// Holds values until there are enough for one `execute_many`.
class ChunkedInsert {
 public:
  ChunkedInsert(contract::RelationalSession& session, std::string_view sql, std::size_t columns)
      : session_(session), sql_(sql), columns_(columns) {}

  template <class... Values>
  Status add(Values&&... values) {
    (values_.emplace_back(std::forward<Values>(values)), ...);
    return values_.size() < rows_at_a_time * columns_ ? Status() : flush();
  }
  Status flush();
  [[nodiscard]] std::uint64_t changed() const { return changed_; }

 private:
  static constexpr std::size_t rows_at_a_time = 10'000;

  contract::RelationalSession& session_;
  std::string_view sql_;
  std::size_t columns_;
  std::vector<Value> values_;
  std::uint64_t changed_ = 0;
};

}  // namespace triune::hive
