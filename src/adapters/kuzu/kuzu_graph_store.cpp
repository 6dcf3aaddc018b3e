#include "adapters/kuzu/kuzu_graph_store.h"

#include <fmt/format.h>

#include "adapters/kuzu/analysis.h"
#include "adapters/kuzu/apply.h"
#include "adapters/kuzu/batch.h"
#include "adapters/kuzu/bulk_load.h"
#include "adapters/kuzu/graph_reader.h"
#include "adapters/kuzu/guard.h"
#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/names.h"
#include "adapters/kuzu/schema.h"
#include "adapters/kuzu/schema_reader.h"
#include "adapters/kuzu/traversal.h"
#include "base/failpoint.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::EngineOptions;
using contract::GraphBatch;
using contract::GraphCapabilities;
using contract::GraphQueryOptions;
using contract::GraphSchema;
using contract::GraphStatistics;
using contract::GraphStore;
using contract::Position;

constexpr std::uint64_t default_buffer_pool = 192ULL << 20U;
constexpr std::uint64_t smallest_buffer_pool = 64ULL << 20U;
// Address space, not memory: each checkpoint uses some of it up until the database is opened again.
constexpr std::uint64_t maximum_database = 256ULL << 30U;
// A log of this size is moved into the file; one four times as long makes writers wait for readers.
constexpr std::uint64_t long_log = 64ULL << 20U;
constexpr std::chrono::milliseconds short_patience(100);
constexpr std::chrono::seconds long_patience(5);
// For the calls of the contract without a deadline.
constexpr std::chrono::minutes without_deadline(10);

RowVisitor collector(RowSet& rows, std::size_t max_rows, bool& full) {
  return [&rows, max_rows, &full](std::span<const Value> row) -> Status {
    if (rows.rows.size() >= max_rows) {
      rows.truncated = true;
      full = true;
      return failure(ErrorCode::cancelled, "enough rows");
    }
    rows.rows.emplace_back(row.begin(), row.end());
    return {};
  };
}

Result<contract::TypedRows> collect(Session& session, std::string_view cypher, const Arguments& arguments,
                                    std::size_t max_rows) {
  contract::TypedRows result;
  bool full = false;
  Columns columns;
  auto status = session.visit(cypher, arguments, collector(result.rows, max_rows, full), &columns);
  if (!status && !full) return failure_of(status);
  result.rows.columns = std::move(columns.names);
  result.types = std::move(columns.types);
  return result;
}

}  // namespace

Result<std::unique_ptr<GraphStore>> KuzuGraphStore::open(const EngineOptions& options) {
  TRIUNE_ASSIGN(auto files, StoreFiles::open(std::filesystem::absolute(options.path)));
  const auto memory = options.memory_bytes == 0 ? default_buffer_pool : options.memory_bytes;
  const EngineSettings settings{.buffer_pool_bytes = std::max(memory, smallest_buffer_pool),
                                .maximum_database_bytes = maximum_database,
                                .threads = std::max(options.threads, 1U)};
  auto engine = Engine::open(files.database(), settings);
  if (!engine) {
    // What Kuzu cannot open is damaged, whatever it calls it; only a lock or a lack of memory is not.
    auto& error = engine.error();
    if (error.code != ErrorCode::unavailable && error.code != ErrorCode::resource_exhausted)
      error.code = ErrorCode::corruption;
    return failure_of(engine);
  }
  std::unique_ptr<KuzuGraphStore> store(
      new KuzuGraphStore(std::move(files), std::move(*engine), std::max<std::size_t>(options.readers, 1)));
  TRIUNE_TRY(store->load_state());
  return store;
}

KuzuGraphStore::KuzuGraphStore(StoreFiles files, std::unique_ptr<Engine> engine, std::size_t readers)
    : files_(std::move(files)), engine_(std::move(engine)), sessions_(*engine_, readers) {}

KuzuGraphStore::~KuzuGraphStore() {
  // The log survives when this fails, so nothing is lost.
  if (files_.log_bytes() == 0) return;
  auto writer = sessions_.write(Deadline::after(without_deadline));
  if (writer) [[maybe_unused]]
    const auto done = checkpoint(**writer, long_patience);
}

Status KuzuGraphStore::load_state() {
  TRIUNE_ASSIGN(const auto writer, sessions_.write(Deadline::after(without_deadline)));
  TRIUNE_TRY(ensure_position_table(*writer));
  TRIUNE_ASSIGN(const auto position, read_position(*writer));
  remember_position(position);
  return reload_schema(*writer);
}

Status KuzuGraphStore::reload_schema(Session& session) {
  TRIUNE_ASSIGN(auto loaded, load_schema(session));
  const std::scoped_lock lock(mutex_);
  known_ = std::make_shared<const contract::KnownSchema>(std::move(loaded));
  return {};
}

std::shared_ptr<const contract::KnownSchema> KuzuGraphStore::known() const {
  const std::scoped_lock lock(mutex_);
  return known_;
}

void KuzuGraphStore::remember_position(const std::optional<Position>& position) {
  const std::scoped_lock lock(mutex_);
  position_ = position;
}

GraphCapabilities KuzuGraphStore::capabilities() const {
  return {
      .engine = "kuzu", .query_language = true, .analytics = true, .persistent = true, .max_text_bytes = longest_text};
}

Status KuzuGraphStore::ensure_schema(const GraphSchema& schema) {
  {
    TRIUNE_ASSIGN(const auto nothing_missing, missing_statements(*known(), schema));
    if (nothing_missing.empty()) return {};
  }
  TRIUNE_ASSIGN(const auto writer, sessions_.write(Deadline::after(without_deadline)));
  TRIUNE_ASSIGN(const auto statements, missing_statements(*known(), schema));
  TRIUNE_TRY(in_transaction(*writer, [&]() -> Status {
    for (const auto& statement : statements) TRIUNE_TRY(writer->execute(statement));
    return {};
  }));
  return reload_schema(*writer);
}

Status KuzuGraphStore::apply(const GraphBatch& batch, Deadline deadline) {
  TRIUNE_ASSIGN(const auto writer, sessions_.write(deadline));
  const auto schema = known();
  TRIUNE_TRY(contract::check_batch(batch, *schema, longest_text));
  TRIUNE_TRY(apply_batch(*writer, batch, sort_batch(batch, *schema)));
  if (batch.position) remember_position(batch.position);
  checkpoint_if_due(*writer);
  return {};
}

Status KuzuGraphStore::check_empty(Session& session, const GraphSchema& schema) {
  if (position_)
    return kuzu_failure(ErrorCode::conflict, "the graph has a position already; bulk_load needs a new one");
  for (const auto& label : schema.labels) {
    if (known()->label(label.name) == nullptr) continue;
    TRIUNE_ASSIGN(const auto nodes,
                  session.integer(fmt::format("MATCH (n:{}) RETURN count(*)", in_backticks(label.name)), {}));
    if (nodes > 0)
      return kuzu_failure(ErrorCode::conflict,
                          fmt::format("label '{}' has nodes already; bulk_load needs an empty graph", label.name));
  }
  return {};
}

Status KuzuGraphStore::bulk_load(const GraphSchema& schema, contract::GraphSource& source, const Position& position) {
  TRIUNE_TRY(ensure_schema(schema));
  TRIUNE_ASSIGN(const auto writer, sessions_.write(Deadline::after(without_deadline)));
  writer->set_deadline(Deadline::never());
  TRIUNE_TRY(check_empty(*writer, schema));
  TRIUNE_TRY(copy_everything(*writer, sessions_, *known(), files_.load_folder(), schema, source));
  TRIUNE_TRY(in_transaction(*writer, [&] { return write_position(*writer, position); }));
  remember_position(position);
  [[maybe_unused]] const auto checkpointed = checkpoint(*writer, long_patience);  // the log is short anyway
  return {};
}

Result<std::optional<Position>> KuzuGraphStore::position() {
  const std::scoped_lock lock(mutex_);
  return position_;
}

void KuzuGraphStore::checkpoint_if_due(Session& session) {
  const auto bytes = files_.log_bytes();
  if (bytes < long_log) return;
  [[maybe_unused]] const auto done =
      checkpoint(session, bytes < 4 * long_log ? short_patience : std::chrono::milliseconds(long_patience));
}

Status KuzuGraphStore::checkpoint(Session& session, std::chrono::milliseconds patience) {
  TRIUNE_ASSIGN(const auto alone, sessions_.quiesce(Deadline::after(patience)));
  session.set_deadline(Deadline::never());
  base::failpoint("kuzu.checkpoint");
  return session.execute("CHECKPOINT");
}

Result<contract::TypedRows> KuzuGraphStore::query(std::string_view cypher, const Record& parameters,
                                                  const GraphQueryOptions& options) {
  TRIUNE_ASSIGN(const auto inspection, inspect(cypher));
  Arguments arguments;
  for (const auto& parameter : parameters) arguments.emplace_back(parameter.name, parameter.value);
  if (options.read_only) return run_reading(cypher, arguments, inspection.may_write, options);
  return run_writing(cypher, arguments, options);
}

// Binding a statement that writes begins a write transaction, and Kuzu has one at a time: so what may write is bound in
// the writer's turn.
Result<contract::TypedRows> KuzuGraphStore::run_reading(std::string_view cypher, const Arguments& arguments,
                                                        bool may_write, const GraphQueryOptions& options) {
  TRIUNE_ASSIGN(const auto session, may_write ? sessions_.write(options.deadline) : sessions_.read(options.deadline));
  TRIUNE_ASSIGN(const bool read_only, session->is_read_only(cypher, arguments));
  if (!read_only)
    return kuzu_failure(ErrorCode::permission_denied, "the statement writes, and only reading was allowed");
  return collect(*session, cypher, arguments, options.max_rows);
}

Result<contract::TypedRows> KuzuGraphStore::run_writing(std::string_view cypher, const Arguments& arguments,
                                                        const GraphQueryOptions& options) {
  TRIUNE_ASSIGN(const auto writer, sessions_.write(options.deadline));
  auto rows = collect(*writer, cypher, arguments, options.max_rows);
  if (!rows) return rows;
  writer->set_deadline(Deadline::never());
  TRIUNE_TRY(reload_schema(*writer));  // the statement may have been DDL
  checkpoint_if_due(*writer);
  return rows;
}

Result<GraphStatistics> KuzuGraphStore::statistics() {
  TRIUNE_ASSIGN(const auto session, sessions_.read(Deadline::after(without_deadline)));
  GraphStatistics statistics;
  const auto schema = known();
  for (const auto& [name, label] : schema->labels) {
    TRIUNE_ASSIGN(const auto count,
                  session->integer(fmt::format("MATCH (n:{}) RETURN count(*)", in_backticks(name)), {}));
    statistics.nodes_by_label.emplace_back(name, count);
    statistics.nodes += static_cast<std::uint64_t>(count);
  }
  for (const auto& [name, type] : schema->types) {
    TRIUNE_ASSIGN(const auto count,
                  session->integer(fmt::format("MATCH ()-[e:{}]->() RETURN count(*)", in_backticks(name)), {}));
    statistics.edges_by_type.emplace_back(name, count);
    statistics.edges += static_cast<std::uint64_t>(count);
  }
  statistics.file_bytes = files_.bytes();
  return statistics;
}

template <class Answer>
Result<Answer> KuzuGraphStore::read(Deadline deadline, const std::function<Result<Answer>(GraphReader&)>& question) {
  TRIUNE_ASSIGN(const auto session, sessions_.read(deadline));
  TRIUNE_ASSIGN(const auto reader, GraphReader::begin(*session, *known()));
  return question(*reader);
}

Result<std::vector<Neighbor>> KuzuGraphStore::neighbors(const NeighborsQuery& query, Deadline deadline) {
  TRIUNE_TRY(contract::check_query(query));
  return read<std::vector<Neighbor>>(deadline, [&](GraphReader& reader) { return find_neighbors(reader, query); });
}

Result<Path> KuzuGraphStore::shortest_path(const PathQuery& query, Deadline deadline) {
  TRIUNE_TRY(contract::check_query(query));
  return read<Path>(deadline, [&](GraphReader& reader) { return find_shortest_path(reader, query); });
}

Result<std::uint64_t> KuzuGraphStore::count_paths(const PathCountQuery& query, Deadline deadline) {
  TRIUNE_TRY(contract::check_query(query));
  if (!query.from && query.length <= 2) return count_short_walks(query, deadline);
  return read<std::uint64_t>(deadline, [&](GraphReader& reader) { return count_walks(reader, query); });
}

// Kuzu counts these without listing them: it multiplies the numbers of edges into and out of each node.
Result<std::uint64_t> KuzuGraphStore::count_short_walks(const PathCountQuery& query, Deadline deadline) {
  const auto schema = known();
  if (query.type.empty() ? schema->types.empty() : schema->type(query.type) == nullptr) return 0;
  const auto edge = query.type.empty() ? std::string("[]") : "[:" + in_backticks(query.type) + "]";
  TRIUNE_ASSIGN(const auto session, sessions_.read(deadline));
  TRIUNE_ASSIGN(const auto count,
                session->integer(fmt::format("MATCH ()-{0}->(){1} RETURN count(*)", edge,
                                             query.length == 2 ? fmt::format("-{}->()", edge) : std::string()),
                                 {}));
  return static_cast<std::uint64_t>(count);
}

Result<std::vector<contract::NodeScore>> KuzuGraphStore::analyze(const contract::GraphAnalysis& analysis,
                                                                 Deadline deadline) {
  TRIUNE_TRY(contract::check_analysis(analysis, *known()));
  return read<std::vector<contract::NodeScore>>(
      deadline, [&](GraphReader& reader) { return kuzu::analyze(reader, analysis, deadline); });
}

Status KuzuGraphStore::scan(const GraphSchema& schema, const contract::GraphVisitor& visitor) {
  TRIUNE_ASSIGN(const auto session, sessions_.read(Deadline::after(without_deadline)));
  session->set_deadline(Deadline::never());  // the visitor's own work counts
  const auto tables = known();
  TRIUNE_ASSIGN(const auto reader, GraphReader::begin(*session, *tables));
  for (const auto& label : schema.labels)
    if (const auto* table = tables->label(label.name)) TRIUNE_TRY(reader->scan_nodes(*table, visitor.node));
  for (const auto& type : schema.types)
    if (const auto* table = tables->type(type.name)) TRIUNE_TRY(reader->scan_edges(*table, visitor.edge));
  return {};
}

}  // namespace triune::adapters::kuzu
