// A user's predicate over the vectors of a collection.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "contract/vector_store.h"
#include "hive/tables.h"
#include "triune/query.h"
#include "triune/schema.h"

namespace triune::hive {

/// The predicate of a search. Names in it are `id`, `metadata`, the columns of the owner table, and any key of the
/// metadata. `session` has the scope of a user; it and `definition` and `search` outlive the predicate. In the use of
/// one thread.
class VectorPredicate {
 public:
  static Result<VectorPredicate> of(contract::RelationalSession& session, std::int64_t organization_id,
                                    std::int64_t collection_id, const VectorCollection& definition,
                                    const VectorSearch& search);

  /// The keys of all vectors that satisfy it, ascending. Errors: `invalid_argument` for SQL that does not parse and for
  /// a name that is none of the above in any vector of the collection.
  Result<std::vector<contract::VectorKey>> all();
  /// Those among `keys`. Errors as of `all`.
  Result<std::vector<contract::VectorKey>> among(std::span<const contract::VectorKey> keys);
  /// Whether `among` can be asked: a predicate whose parameters are not those given is left to `all` to refuse.
  [[nodiscard]] bool takes_keys() const;

 private:
  VectorPredicate(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                  const VectorCollection& definition, const VectorSearch& search)
      : session_(session),
        organization_id_(organization_id),
        collection_id_(collection_id),
        definition_(definition),
        search_(search) {}
  /// Finds out which names are keys of the metadata by asking. `vectors`: what comes after FROM, with the table as v.
  Result<std::vector<contract::VectorKey>> evaluate(std::string_view vectors, std::span<const Value> parameters);

  contract::RelationalSession& session_;
  const std::int64_t organization_id_;
  const std::int64_t collection_id_;
  const VectorCollection& definition_;
  const VectorSearch& search_;
  std::optional<TableShape> owner_;
  std::map<std::string, std::string> metadata_columns_;  ///< By the names met in the predicate.
};

/// A JSON array of keys, as `integer_set` takes it.
std::string json_keys(std::span<const contract::VectorKey> keys);

}  // namespace triune::hive
