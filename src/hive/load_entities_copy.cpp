#include "hive/load_entities_copy.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/try.h"
#include "hive/change_applier.h"
#include "hive/load_copy.h"
#include "model/json.h"

namespace triune::hive {
namespace {

Bytes bytes_of(const std::vector<float>& values) {
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// Whether one of some ids out of the batch is there: a batch that is loaded again is not worth trying as a new one.
Result<bool> looks_loaded(contract::RelationalSession& session, std::string_view table, std::string_view collection,
                          const std::array<Value, 2>& place, std::span<const std::string_view> ids) {
  const std::array<Value, 5> parameters{place[0], place[1], std::string(ids.front()), std::string(ids.back()),
                                        std::string(ids[ids.size() / 2])};
  TRIUNE_ASSIGN(const RowSet rows, session.query(fmt::format("SELECT 1 FROM {} WHERE organization_id = ?1 AND {} = ?2 "
                                                             "AND id IN (?3, ?4, ?5) LIMIT 1",
                                                             table, collection),
                                                 parameters, 1));
  return !rows.rows.empty();
}

/// One batch of nodes.
class NodeCopy {
 public:
  NodeCopy(contract::RelationalSession& session, std::int64_t organization, std::int64_t label,
           std::span<const Change> batch)
      : session_(session), organization_(organization), label_(label), batch_(batch) {
    for (const auto& change : batch) ids_.push_back(std::get<PutNode>(change).node.id);
  }

  Result<std::uint64_t> run() {
    const Rounds rounds(ids_);
    TRIUNE_ASSIGN(const bool loaded, looks_loaded(session_, "triune_nodes", "label_id", {organization_, label_}, ids_));
    if (rounds.count() == 1 && !loaded) {
      TRIUNE_ASSIGN(const bool copied, copy());
      if (copied) return batch_.size();
    }
    return merge(rounds);
  }

 private:
  [[nodiscard]] std::string properties(std::size_t row) const {
    return canonical_json(std::get<PutNode>(batch_[row]).properties);
  }

  Result<bool> copy() {
    return copy_new_rows(session_, "triune_nodes",
                         {.count = batch_.size(),
                          .columns = {"organization_id", "label_id", "id", "properties"},
                          .values = [this](std::size_t row, std::vector<Value>& values) {
                            values.emplace_back(organization_);
                            values.emplace_back(label_);
                            values.emplace_back(std::string(ids_[row]));
                            values.emplace_back(properties(row));
                          }});
  }

  Result<std::uint64_t> merge(const Rounds& rounds) {
    TRIUNE_TRY(stage_rows(session_, "id text, properties text, round bigint",
                          {.count = batch_.size(),
                           .columns = {"id", "properties", "round"},
                           .values = [&](std::size_t row, std::vector<Value>& values) {
                             values.emplace_back(std::string(ids_[row]));
                             values.emplace_back(properties(row));
                             values.emplace_back(rounds.of(row));
                           }}));
    static const auto sql = fmt::format(
        "INSERT INTO triune_nodes (organization_id, label_id, id, properties) "
        "SELECT ?1, ?2, l.id, l.properties FROM {} l WHERE l.round = ?3 "
        "ON CONFLICT (organization_id, label_id, id) DO UPDATE SET properties = excluded.properties "
        "WHERE triune_nodes.properties IS DISTINCT FROM excluded.properties",
        staging_table);
    std::uint64_t changed = 0;
    for (std::int64_t round = 0; round < rounds.count(); ++round) {
      const std::array<Value, 3> parameters{organization_, label_, round};
      TRIUNE_ASSIGN(const std::uint64_t count, session_.execute(sql, parameters));
      changed += count;
    }
    TRIUNE_TRY(drop_staged_rows(session_));
    return changed;
  }

  contract::RelationalSession& session_;
  const std::int64_t organization_;
  const std::int64_t label_;
  const std::span<const Change> batch_;
  std::vector<std::string_view> ids_;
};

/// One batch of vectors, which are two rows each.
class VectorCopy {
 public:
  VectorCopy(contract::RelationalSession& session, std::int64_t organization, std::int64_t collection,
             std::span<const Change> batch)
      : session_(session), organization_(organization), collection_(collection), batch_(batch) {
    for (const auto& change : batch) ids_.push_back(std::get<PutVector>(change).id);
  }

  Result<std::uint64_t> run() {
    const Rounds rounds(ids_);
    TRIUNE_ASSIGN(const bool loaded,
                  looks_loaded(session_, "triune_vectors", "collection_id", {organization_, collection_}, ids_));
    if (rounds.count() == 1 && !loaded) {
      TRIUNE_ASSIGN(const bool copied, copy());
      if (copied) return batch_.size();
    }
    return merge(rounds);
  }

 private:
  [[nodiscard]] const PutVector& vector(std::size_t row) const { return std::get<PutVector>(batch_[row]); }

  Result<bool> copy() {
    TRIUNE_ASSIGN(const bool copied, copy_new_rows(session_, "triune_vectors",
                                                   {.count = batch_.size(),
                                                    .columns = {"organization_id", "collection_id", "id", "metadata"},
                                                    .values = [this](std::size_t row, std::vector<Value>& values) {
                                                      values.emplace_back(organization_);
                                                      values.emplace_back(collection_);
                                                      values.emplace_back(vector(row).id);
                                                      values.emplace_back(canonical_json(vector(row).metadata));
                                                    }}));
    if (!copied) return false;
    TRIUNE_ASSIGN(const auto numbers, numbers_given());
    TRIUNE_TRY(copy_rows(session_, "triune_vector_values",
                         {.count = batch_.size(),
                          .columns = {"organization_id", "vector_key", "vector"},
                          .values = [&](std::size_t row, std::vector<Value>& values) {
                            values.emplace_back(organization_);
                            values.emplace_back(numbers[row]);
                            values.emplace_back(bytes_of(vector(row).values));
                          }}));
    return true;
  }

  /// The keys that the table gave to the vectors.
  Result<std::vector<std::int64_t>> numbers_given() {
    std::string list = "[";
    for (const auto id : ids_) {
      if (list.size() > 1) list += ',';
      model::append_json_string(list, id);
    }
    const std::array<Value, 3> parameters{organization_, collection_, list + "]"};
    static const contract::DialectText sql([](contract::Dialect dialect) {
      return fmt::format(
          "SELECT s.key, v.vector_key FROM {} s JOIN triune_vectors v ON v.organization_id = ?1 "
          "AND v.collection_id = ?2 AND v.id = s.value",
          contract::text_set(dialect, 3));
    });
    std::vector<std::int64_t> numbers(ids_.size());
    TRIUNE_ASSIGN(const RowSet rows, session_.query(sql.in(session_.dialect()), parameters, ids_.size()));
    for (const auto& row : rows.rows)
      numbers.at(static_cast<std::size_t>(std::get<std::int64_t>(row[0]))) = std::get<std::int64_t>(row[1]);
    return numbers;
  }

  Result<std::uint64_t> merge(const Rounds& rounds) {
    TRIUNE_TRY(stage_rows(session_, "id text, metadata text, vector bytea, round bigint",
                          {.count = batch_.size(),
                           .columns = {"id", "metadata", "vector", "round"},
                           .values = [&](std::size_t row, std::vector<Value>& values) {
                             values.emplace_back(vector(row).id);
                             values.emplace_back(canonical_json(vector(row).metadata));
                             values.emplace_back(bytes_of(vector(row).values));
                             values.emplace_back(rounds.of(row));
                           }}));
    static const auto put = fmt::format(
        "INSERT INTO triune_vectors (organization_id, collection_id, id, metadata) "
        "SELECT ?1, ?2, l.id, l.metadata FROM {} l WHERE l.round = ?3 "
        "ON CONFLICT (organization_id, collection_id, id) DO UPDATE SET metadata = excluded.metadata "
        "WHERE triune_vectors.metadata IS DISTINCT FROM excluded.metadata RETURNING vector_key",
        staging_table);
    static const auto put_values = fmt::format(
        "INSERT INTO triune_vector_values (organization_id, vector_key, vector) "
        "SELECT ?1, v.vector_key, l.vector FROM {} l JOIN triune_vectors v ON v.organization_id = ?1 "
        "AND v.collection_id = ?2 AND v.id = l.id WHERE l.round = ?3 "
        "ON CONFLICT (organization_id, vector_key) DO UPDATE SET vector = excluded.vector "
        "WHERE triune_vector_values.vector IS DISTINCT FROM excluded.vector RETURNING vector_key",
        staging_table);
    std::uint64_t changed = 0;
    for (std::int64_t round = 0; round < rounds.count(); ++round) {
      // A vector is one entity although it is two rows.
      std::set<std::int64_t> keys;
      TRIUNE_TRY(add_keys(put, round, keys));
      TRIUNE_TRY(add_keys(put_values, round, keys));
      changed += keys.size();
    }
    TRIUNE_TRY(drop_staged_rows(session_));
    return changed;
  }

  Status add_keys(const std::string& sql, std::int64_t round, std::set<std::int64_t>& keys) {
    const std::array<Value, 3> parameters{organization_, collection_, round};
    TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, parameters, batch_.size()));
    for (const auto& row : rows.rows) keys.insert(std::get<std::int64_t>(row[0]));
    return {};
  }

  contract::RelationalSession& session_;
  const std::int64_t organization_;
  const std::int64_t collection_;
  const std::span<const Change> batch_;
  std::vector<std::string_view> ids_;
};

}  // namespace

Result<std::uint64_t> copy_nodes(contract::RelationalSession& session, std::int64_t organization, std::int64_t label,
                                 std::span<const Change> batch) {
  return NodeCopy(session, organization, label, batch).run();
}

Result<std::uint64_t> copy_vectors(contract::RelationalSession& session, std::int64_t organization,
                                   std::int64_t collection, std::span<const Change> batch) {
  return VectorCopy(session, organization, collection, batch).run();
}

}  // namespace triune::hive
