// SQL, Cypher and point reads.
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/try.h"
#include "federation/query.h"
#include "hive/implementation.h"
#include "hive/statement_shape.h"
#include "hive/tables.h"
#include "model/json.h"
#include "model/sql_text.h"
#include "projection/canonical_sql.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

Deadline point_deadline() {
  return Deadline::after(std::chrono::seconds(10));
}

std::unexpected<Error> absent(std::string_view what) {
  return failure(ErrorCode::not_found, fmt::format("there is no {}", what));
}

}  // namespace

Result<std::unique_ptr<contract::RelationalSession>> Implementation::reader(const ReadOptions& options) {
  return store_->read(contract::ReadScope::internal, options.deadline);
}

Result<RowSet> Implementation::sql(std::string_view statement, std::span<const Value> parameters,
                                   const ReadOptions& options) {
  TRIUNE_ASSIGN(SqlResult result, execute(statement, parameters, options));
  return std::move(result.rows);
}

Result<SqlResult> Implementation::execute(std::string_view statement, std::span<const Value> parameters,
                                          const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(auto plan, explain_as_rows(statement, parameters, options));
  if (plan) return std::move(*plan);
  const auto began = Deadline::Clock::now();
  if (federation::is_federated(statement, spelling())) {
    TRIUNE_ASSIGN(SqlResult result, run_federated(statement, parameters, options));
    note_read(statement, began, result.rows.rows.size());
    return result;
  }
  TRIUNE_ASSIGN(const bool reads, store_->is_read_only(statement, options.deadline));
  if (!reads) return write_sql(statement, parameters, options);
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::user, options.deadline));
  SqlResult result;
  TRIUNE_ASSIGN(result.rows, session->query(statement, parameters, options.max_rows));
  note_read(statement, began, result.rows.rows.size());
  return result;
}

void Implementation::note_read(std::string_view statement, Deadline::Clock::time_point began, std::size_t rows) {
  const std::chrono::duration<double, std::micro> took = Deadline::Clock::now() - began;
  learned_->workload().record(statement, took.count(), rows, [this](std::string_view text) {
    return statement_shape(store_->capabilities().dialect, text);
  });
  learned_->keep(false);
}

void Implementation::report(projection::ProjectionWorker& worker, const Error& error) {
  if (error.code == ErrorCode::corruption || error.code == ErrorCode::internal) worker.report_failure(error);
}

Status Implementation::wait_or_give_way(projection::ProjectionWorker& worker, std::uint64_t lsn, Deadline deadline) {
  const auto half = deadline.is_bounded() ? Deadline::after(deadline.remaining() / 2) : deadline;
  auto waited = worker.wait_for(lsn, half, Patience::until_out_of_service);
  if (!waited && waited.error().code == ErrorCode::deadline_exceeded) waited.error().code = ErrorCode::unavailable;
  return waited;
}

Result<std::shared_ptr<contract::GraphStore>> Implementation::graph_store(const ReadOptions& options,
                                                                          Patience patience) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const std::uint64_t lsn, required_lsn(options.consistency));
  const auto driven = projections_->graph();
  TRIUNE_TRY(patience == Patience::until_out_of_service ? wait_or_give_way(*driven.worker, lsn, options.deadline)
                                                        : driven.worker->wait_for(lsn, options.deadline));
  auto store = driven.projection->store();
  if (store) return store;
  Error error{.code = ErrorCode::unavailable,
              .message = "the graph is being rebuilt; ask again in a moment",
              .engine = driven.projection->engine(),
              .native_code = {}};
  error.retry = Retry::safe;
  return std::unexpected<Error>(std::move(error));
}

Result<RowSet> Implementation::cypher(std::string_view statement, const Record& parameters,
                                      const ReadOptions& options) {
  TRIUNE_ASSIGN(auto answer, typed_cypher(statement, parameters, options));
  return std::move(answer.rows);
}

Result<contract::TypedRows> Implementation::typed_cypher(std::string_view statement, const Record& parameters,
                                                         const ReadOptions& options) {
  TRIUNE_ASSIGN(const auto store, graph_store(options, Patience::until_given_up));
  const auto began = Deadline::Clock::now();
  auto rows = store->query(statement, parameters,
                           {.deadline = options.deadline, .read_only = true, .max_rows = options.max_rows});
  if (!rows) report(*projections_->graph().worker, rows.error());
  const std::chrono::duration<double, std::micro> took = Deadline::Clock::now() - began;
  if (rows) learned_->graph().record("cypher", {.side = placement::Side::engine, .microseconds = took.count()});
  return rows;
}

Result<Record> Implementation::get_row(std::string_view table, const Record& key) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(check_user_table(table));
  TRIUNE_ASSIGN(auto session, store_->read(contract::ReadScope::internal, point_deadline()));
  if (key.empty()) return failure(ErrorCode::invalid_argument, "a point read needs the primary key");
  std::string condition;
  std::vector<Value> values;
  for (const auto& field : key) {
    values.push_back(field.value);
    condition +=
        fmt::format("{}{} = ?{}", condition.empty() ? "" : " AND ", model::quote_identifier(field.name), values.size());
  }
  auto rows =
      session->query(fmt::format("SELECT * FROM {} WHERE {}", model::quote_identifier(table), condition), values, 2);
  if (!rows) {
    // `not_found` when that is why; asked in a session of its own, since the statement may have ended this one.
    session.reset();
    TRIUNE_ASSIGN(session, store_->read(contract::ReadScope::internal, point_deadline()));
    TRIUNE_TRY(describe_table(*session, table));
    return failure_of(rows);
  }
  if (rows->rows.empty()) return absent(fmt::format("row {} in {}", to_json(key), table));
  Record record;
  for (std::size_t i = 0; i < rows->columns.size(); ++i) record.push_back({rows->columns[i], rows->rows[0][i]});
  return record;
}

Result<Record> Implementation::get_node(const NodeReference& node) {
  TRIUNE_TRY(check_open());
  const auto label =
      catalog_with(CollectionKind::label, node.label)->collection(organization_id_, CollectionKind::label, node.label);
  if (!label) return absent("label " + node.label);
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, point_deadline()));
  const std::array<Value, 3> parameters{organization_id_, *label, node.id};
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT properties FROM triune_nodes "
                                                  "WHERE organization_id = ?1 AND label_id = ?2 AND id = ?3",
                                                  parameters, 1));
  if (rows.rows.empty()) return absent(projection::describe(node));
  return model::parse_json_object(std::get<std::string>(rows.rows[0][0]));
}

Result<Record> Implementation::get_edge(const EdgeReference& edge) {
  TRIUNE_TRY(check_open());
  const auto catalog = catalog_with(CollectionKind::type, edge.type);
  const auto type = catalog->collection(organization_id_, CollectionKind::type, edge.type);
  const auto from = catalog->collection(organization_id_, CollectionKind::label, edge.from.label);
  const auto to = catalog->collection(organization_id_, CollectionKind::label, edge.to.label);
  if (!type || !from || !to) return absent(projection::describe(edge));
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, point_deadline()));
  const std::array<Value, 6> parameters{organization_id_, *type, *from, edge.from.id, *to, edge.to.id};
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT e.properties FROM triune_nodes f JOIN triune_nodes t ON true "
                                                  "JOIN triune_edges e ON e.organization_id = ?1 AND e.type_id = ?2 "
                                                  "AND e.from_node = f.node_id AND e.to_node = t.node_id "
                                                  "WHERE f.organization_id = ?1 AND f.label_id = ?3 AND f.id = ?4 "
                                                  "AND t.organization_id = ?1 AND t.label_id = ?5 AND t.id = ?6",
                                                  parameters, 1));
  if (rows.rows.empty()) return absent(projection::describe(edge));
  return model::parse_json_object(std::get<std::string>(rows.rows[0][0]));
}

Result<PutVector> Implementation::get_vector(std::string_view collection, std::string_view id) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, point_deadline()));
  const std::array<Value, 3> parameters{organization_id_, std::string(collection), std::string(id)};
  // By name: another node may have given it to vectors that were made anew.
  TRIUNE_ASSIGN(
      const RowSet rows,
      session->query(fmt::format("SELECT x.vector, v.metadata FROM triune_collections c JOIN triune_vectors v ON "
                                 "v.organization_id = c.organization_id AND v.collection_id = c.collection_id "
                                 "JOIN triune_vector_values x ON {} "
                                 "WHERE c.organization_id = ?1 AND c.kind = 'vector' AND c.name = ?2 AND v.id = ?3",
                                 projection::vector_value_is(session->dialect(), "v.organization_id", "v.vector_key")),
                     parameters, 1));
  if (rows.rows.empty()) return absent(fmt::format("vector {} in {}", id, collection));
  const auto& bytes = std::get<Bytes>(rows.rows[0][0]);
  PutVector vector{.collection = std::string(collection),
                   .id = std::string(id),
                   .values = std::vector<float>(bytes.size() / sizeof(float)),
                   .metadata = {}};
  std::memcpy(vector.values.data(), bytes.data(), vector.values.size() * sizeof(float));
  TRIUNE_ASSIGN(vector.metadata, model::parse_json_object(std::get<std::string>(rows.rows[0][1])));
  return vector;
}

Result<Bytes> Implementation::get_blob(std::string_view owner, std::string_view name) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, point_deadline()));
  const std::array<Value, 3> parameters{organization_id_, std::string(owner), std::string(name)};
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT sha256 FROM triune_blob_references "
                                                  "WHERE organization_id = ?1 AND owner = ?2 AND name = ?3",
                                                  parameters, 1));
  if (rows.rows.empty()) return absent(fmt::format("blob {} of {}", name, owner));
  auto bytes = blobs_->get(std::get<std::string>(rows.rows[0][0]));
  // The reference is there and the bytes are not: that is damage, not absence (I8).
  if (!bytes && bytes.error().code == ErrorCode::not_found) bytes.error().code = ErrorCode::corruption;
  return bytes;
}

}  // namespace triune::hive
