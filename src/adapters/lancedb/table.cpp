#include "adapters/lancedb/table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "adapters/lancedb/arrow_message.h"
#include "base/file.h"
#include "base/try.h"
#include "contract/vector_rules.h"
#include "model/json.h"

namespace triune::adapters::lancedb {
namespace {

constexpr auto patience_for_reads = std::chrono::minutes(2);
constexpr auto patience_for_writes = std::chrono::minutes(5);
constexpr auto patience_for_upkeep = std::chrono::hours(2);
// Up to so many bytes of vectors come with their keys and are compared here: LanceDB reads a row's vector to compare it
// and then, half a millisecond later, its key.
constexpr std::size_t most_bytes_compared_here = 1U << 20U;

std::string keys_message(const std::vector<contract::VectorKey>& keys) {
  MessageWriter writer(keys.size());
  writer.column(std::span<const contract::VectorKey>(keys));  // the same bits as Arrow's int64
  return writer.finish();
}

const StoredRow* address_of(const StoredRow& row) {
  return &row;
}

const StoredRow* address_of(const StoredRow* row) {
  return row;
}

// The columns of worker.py's `rows_schema`.
template <class Rows>
std::string rows_message(const Rows& rows, std::uint32_t dimension) {
  std::vector<contract::VectorKey> keys;
  std::vector<float> values;
  std::vector<float> lengths;
  std::vector<std::int32_t> label_ends{0};
  std::vector<std::string_view> labels;
  std::vector<std::string_view> texts;
  std::vector<bool> no_text;
  values.reserve(rows.size() * dimension);
  for (const auto& each : rows) {
    const StoredRow& row = *address_of(each);
    keys.push_back(row.key);
    values.insert(values.end(), row.values.begin(), row.values.end());
    lengths.push_back(row.length);
    labels.insert(labels.end(), row.labels.begin(), row.labels.end());
    label_ends.push_back(static_cast<std::int32_t>(labels.size()));
    texts.emplace_back(row.text);
    no_text.push_back(row.text.empty());
  }
  MessageWriter writer(rows.size());
  writer.column(std::span<const contract::VectorKey>(keys));
  writer.node(rows.size());
  writer.no_nulls();
  writer.column(std::span<const float>(values));
  writer.column(std::span<const float>(lengths));
  writer.node(rows.size());
  writer.no_nulls();
  writer.numbers(std::span<const std::int32_t>(label_ends));
  writer.texts(labels);
  writer.texts(texts, no_text);
  return writer.finish();
}

// Key, number and, where it was asked for, row, as `search` and `search_text` answer.
Result<std::vector<TableMatch>> matches_of(const Answer& answer, bool with_rows) {
  std::vector<TableMatch> matches;
  if (answer.batch.empty()) return matches;
  TRIUNE_ASSIGN(const auto batch, MessageReader::parse(base::as_bytes(answer.batch)));
  TRIUNE_ASSIGN(const auto keys, batch.numbers<std::uint64_t>(1, batch.rows()));
  TRIUNE_ASSIGN(const auto distances, batch.numbers<float>(3, batch.rows()));
  std::vector<std::uint64_t> rows(batch.rows());
  if (with_rows) {
    TRIUNE_ASSIGN(rows, batch.numbers<std::uint64_t>(5, batch.rows()));
  }
  matches.reserve(keys.size());
  for (std::size_t at = 0; at < keys.size(); ++at) matches.push_back({{keys[at], distances[at]}, rows[at]});
  return matches;
}

// The nearest `count` by the vectors that came with the keys.
Result<std::vector<TableMatch>> compared(const Answer& answer, const TableQuery& query) {
  std::vector<TableMatch> matches;
  if (answer.batch.empty()) return matches;
  TRIUNE_ASSIGN(const auto batch, MessageReader::parse(base::as_bytes(answer.batch)));
  TRIUNE_ASSIGN(const auto keys, batch.numbers<std::uint64_t>(1, batch.rows()));
  const std::size_t dimension = query.values.size();
  TRIUNE_ASSIGN(const auto values, batch.numbers<float>(4, batch.rows() * dimension));
  const auto metric = query.metric == "l2" ? Metric::l2 : Metric::dot;
  matches.reserve(keys.size());
  for (std::size_t at = 0; at < keys.size(); ++at) {
    const auto stored = std::span(values).subspan(at * dimension, dimension);
    const auto distance = static_cast<float>(contract::exact_distance(metric, query.values, stored));
    matches.push_back({{keys[at], distance}});
  }
  std::ranges::sort(matches, {}, [](const auto& match) { return std::pair(match.distance, match.key); });
  if (matches.size() > query.count) matches.resize(query.count);
  return matches;
}

TableState state_of(const Answer& answer) {
  return {.version = answer.number("version"), .rows = answer.number("rows")};
}

// As worker.py calls them.
constexpr std::array<std::pair<IndexKind, std::string_view>, 5> index_names{{{IndexKind::key, "key"},
                                                                             {IndexKind::labels, "labels"},
                                                                             {IndexKind::ivf_sq, "ivf_sq"},
                                                                             {IndexKind::ivf_pq, "ivf_pq"},
                                                                             {IndexKind::hnsw, "hnsw"}}};

std::string_view name_of(IndexKind kind) {
  return std::ranges::find(index_names, kind, &std::pair<IndexKind, std::string_view>::first)->second;
}

std::optional<IndexKind> index_named(std::string_view name) {
  const auto* const at = std::ranges::find(index_names, name, &std::pair<IndexKind, std::string_view>::second);
  return at == index_names.end() ? std::nullopt : std::optional(at->first);
}

Field number(std::string name, std::uint64_t value) {
  return {std::move(name), static_cast<std::int64_t>(value)};
}

}  // namespace

Table::Table(std::shared_ptr<Worker> worker, TableAddress address)
    : worker_(std::move(worker)), address_(std::move(address)) {}

Result<Answer> Table::ask(std::string_view operation, Record fields, const std::vector<std::string>& parts,
                          Deadline deadline) {
  fields.push_back({"op", std::string(operation)});
  fields.push_back({"uri", address_.database});
  fields.push_back({"table", address_.name});
  fields.push_back(number("dimension", address_.dimension));
  auto answer = worker_->call(fields, parts, deadline);
  // The process ended. Asking twice has the effect of asking once, except where rows are added without a look.
  if (!answer && answer.error().retry == Retry::outcome_unknown && operation != "append" && operation != "create")
    answer = worker_->call(std::move(fields), parts, deadline);
  return answer;
}

Status Table::create() {
  TRIUNE_TRY(ask("create", {}, {}, Deadline::after(patience_for_writes)));
  return {};
}

Result<TableState> Table::open(bool fresh) {
  TRIUNE_ASSIGN(const auto answer, ask("open", {{"fresh", fresh}}, {}, Deadline::after(patience_for_reads)));
  return state_of(answer);
}

Result<TableState> Table::restore(std::uint64_t version) {
  TRIUNE_ASSIGN(const auto answer,
                ask("restore", {number("version", version)}, {}, Deadline::after(patience_for_writes)));
  return state_of(answer);
}

Status Table::forget(bool drop) {
  TRIUNE_TRY(ask("forget", {{"drop", drop}}, {}, Deadline::after(patience_for_writes)));
  return {};
}

Status Table::append(const std::vector<StoredRow>& rows) {
  TRIUNE_TRY(ask("append", {}, {rows_message(rows, address_.dimension)}, Deadline::after(patience_for_writes)));
  return {};
}

Result<TableState> Table::flush(const std::vector<const StoredRow*>& puts,
                                const std::vector<contract::VectorKey>& deletes) {
  TRIUNE_ASSIGN(const auto answer, ask("flush", {}, {rows_message(puts, address_.dimension), keys_message(deletes)},
                                       Deadline::after(patience_for_writes)));
  return state_of(answer);
}

Result<std::vector<TableMatch>> Table::search(const TableQuery& query) {
  MessageWriter writer(query.values.size());
  writer.column(query.values);
  std::vector<std::string> parts{writer.finish()};
  if (query.keys != nullptr) parts.push_back(keys_message(*query.keys));
  const std::size_t all = query.count * std::max(query.refine, 1U);
  const bool is_compared_here =
      !query.exact && query.refine > 0 && all * query.values.size() * sizeof(float) <= most_bytes_compared_here;
  const bool is_without_refining = !query.exact && query.refine == 0;
  Record fields{{"metric", query.metric},
                number("count", is_compared_here ? all : query.count),
                {"exact", query.exact},
                {"vectors", is_compared_here},
                {"rows", is_without_refining},
                number("probes", query.probes),
                number("candidates", std::max<std::size_t>(query.candidates, all)),
                number("refine", is_compared_here ? 0 : query.refine),
                {"where", query.where}};
  if (query.version) fields.push_back(number("at_version", *query.version));
  TRIUNE_ASSIGN(const auto answer, ask("search", std::move(fields), parts, query.deadline));
  return is_compared_here ? compared(answer, query) : matches_of(answer, is_without_refining);
}

Result<std::vector<TableMatch>> Table::compare(const TableQuery& query, const std::vector<std::uint64_t>& rows) {
  TRIUNE_ASSIGN(const auto answer, ask("take", {}, {keys_message(rows)}, query.deadline));
  return compared(answer, query);
}

Result<TableState> Table::ensure_text_index() {
  TRIUNE_ASSIGN(const auto answer, ask("text_index", {}, {}, Deadline::after(patience_for_upkeep)));
  return state_of(answer);
}

Result<std::vector<contract::VectorMatch>> Table::search_text(std::string_view text, std::size_t count,
                                                              Deadline deadline) {
  TRIUNE_ASSIGN(const auto answer,
                ask("search_text", {{"text", std::string(text)}, number("count", count)}, {}, deadline));
  TRIUNE_ASSIGN(const auto matches, matches_of(answer, false));
  return std::vector<contract::VectorMatch>(matches.begin(), matches.end());
}

Result<std::uint64_t> Table::count_without(const std::vector<contract::VectorKey>& keys) {
  std::vector<std::string> parts;
  if (!keys.empty()) parts.push_back(keys_message(keys));
  TRIUNE_ASSIGN(const auto answer, ask("count_without", {}, parts, Deadline::after(patience_for_reads)));
  return answer.number("rows");
}

Result<std::uint64_t> Table::begin_scan() {
  TRIUNE_ASSIGN(const auto answer, ask("scan", {}, {}, Deadline::after(patience_for_reads)));
  return answer.number("reader");
}

Status Table::read_pages(std::uint64_t reader, const Visitor& visitor) {
  while (true) {
    TRIUNE_ASSIGN(const auto answer, ask("page", {number("reader", reader)}, {}, Deadline::after(patience_for_reads)));
    if (!answer.flag("more")) return {};
    TRIUNE_ASSIGN(const auto batch, MessageReader::parse(base::as_bytes(answer.batch)));
    TRIUNE_ASSIGN(const auto keys, batch.numbers<std::uint64_t>(1, batch.rows()));
    TRIUNE_ASSIGN(const auto values, batch.numbers<float>(4, batch.rows() * address_.dimension));
    TRIUNE_ASSIGN(const auto lengths, batch.numbers<float>(6, batch.rows()));
    for (std::size_t at = 0; at < keys.size(); ++at)
      TRIUNE_TRY(
          visitor(keys[at], std::span(values).subspan(at * address_.dimension, address_.dimension), lengths[at]));
  }
}

void Table::end_scan(std::uint64_t reader) {
  (void)ask("end_scan", {number("reader", reader)}, {}, Deadline::after(patience_for_reads));
}

Result<TableState> Table::compact() {
  TRIUNE_ASSIGN(const auto answer, ask("compact", {}, {}, Deadline::after(patience_for_upkeep)));
  return state_of(answer);
}

Result<std::uint64_t> Table::prune(std::uint32_t keep) {
  TRIUNE_ASSIGN(const auto answer, ask("prune", {number("keep", keep)}, {}, Deadline::after(patience_for_upkeep)));
  return answer.number("versions");
}

Status Table::build_index(IndexKind kind, std::string_view metric) {
  Record fields{{"kind", std::string(name_of(kind))},
                {"metric", std::string(metric)},
                number("partition_rows", rows_in_partition)};
  TRIUNE_TRY(ask("index", std::move(fields), {}, Deadline::after(patience_for_upkeep)));
  return {};
}

Result<Trial> Table::try_index(std::string_view metric, const Trial& most, std::uint32_t least) {
  Record fields{{"metric", std::string(metric)},
                number("probes", most.probes),
                number("refine", most.refine),
                number("least_refine", least),
                number("count", tried_count)};
  TRIUNE_ASSIGN(const auto answer, ask("try_index", std::move(fields), {}, Deadline::after(patience_for_upkeep)));
  return Trial{.probes = static_cast<std::uint32_t>(answer.number("probes")),
               .refine = static_cast<std::uint32_t>(answer.number("refine")),
               .rows = answer.number("rows")};
}

Result<TableStatistics> Table::statistics() {
  TRIUNE_ASSIGN(const auto answer, ask("statistics", {}, {}, Deadline::after(patience_for_reads)));
  TableStatistics statistics{.rows = answer.number("rows"),
                             .unindexed = answer.number("unindexed"),
                             .bytes = answer.number("bytes"),
                             .fragments = answer.number("fragments"),
                             .small_fragments = answer.number("small"),
                             .versions = answer.number("versions")};
  statistics.segments = answer.number("segments");
  statistics.vector_index = index_named(answer.text("vector_index"));
  statistics.has_key_index = answer.flag("key_index");
  statistics.has_labels_index = answer.flag("labels_index");
  return statistics;
}

Result<TableDigest> Table::digest() {
  TRIUNE_ASSIGN(const auto answer, ask("digest", {}, {}, Deadline::after(patience_for_reads)));
  return TableDigest{
      .rows = answer.number("rows"), .different = answer.number("different"), .keys = answer.text("digest")};
}

Result<std::vector<TableVersion>> Table::versions() {
  TRIUNE_ASSIGN(const auto answer, ask("versions", {}, {}, Deadline::after(patience_for_reads)));
  TRIUNE_ASSIGN(const auto batch, MessageReader::parse(base::as_bytes(answer.batch)));
  TRIUNE_ASSIGN(const auto numbers, batch.numbers<std::uint64_t>(1, batch.rows()));
  TRIUNE_ASSIGN(const auto times, batch.numbers<std::int64_t>(3, batch.rows()));
  TRIUNE_ASSIGN(const auto rows, batch.numbers<std::uint64_t>(5, batch.rows()));
  std::vector<TableVersion> versions;
  for (std::size_t at = 0; at < numbers.size(); ++at) versions.push_back({numbers[at], times[at], rows[at]});
  return versions;
}

}  // namespace triune::adapters::lancedb
