#include "stress/holder.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/try.h"
#include "fault/workload.h"
#include "support/hive_place.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t versions_each_item = 5;
constexpr std::uint64_t other_vectors = 12'000;
constexpr float spread = 0.01F;

std::uint64_t number_behind(std::string_view text, std::string_view mark) {
  std::uint64_t value = 0;
  const auto at = text.rfind(mark) + mark.size();
  std::from_chars(text.data() + at, text.data() + text.size(), value);
  return value;
}

Seen exactly(const Value& version) {
  const auto value = static_cast<std::uint64_t>(std::get<std::int64_t>(version));
  return {value, value};
}

Result<std::vector<Seen>> first_column(Result<RowSet> rows) {
  if (!rows) return failure_of(rows);
  std::vector<Seen> seen;
  for (const auto& row : rows->rows) seen.push_back(exactly(row.at(0)));
  return seen;
}

Result<std::vector<Seen>> ask_rows(Hive& hive, const Holder& holder, const ReadOptions& options) {
  const std::array<Value, 1> parameters{holder.name()};
  return first_column(hive.sql("SELECT version FROM items WHERE holder = ?1", parameters, options));
}

Result<std::vector<Seen>> ask_edges(Hive& hive, const Holder& holder, const ReadOptions& options) {
  return first_column(hive.cypher("MATCH (h:Holder)-[:HAS]->(i:Item) WHERE h.id = $holder RETURN i.version",
                                  {{"holder", holder.name()}}, options));
}

Result<std::vector<Seen>> ask_nodes(Hive& hive, const Holder& holder, const ReadOptions& options) {
  return first_column(
      hive.cypher("MATCH (i:Item) WHERE i.holder = $holder RETURN i.version", {{"holder", holder.name()}}, options));
}

Result<std::vector<Seen>> ask_neighbors(Hive& hive, const Holder& holder, const ReadOptions& options) {
  TRIUNE_ASSIGN(const auto found, hive.neighbors({.node = {"Holder", holder.name()}, .type = "HAS"}, options));
  std::vector<Seen> seen;
  for (const auto& neighbor : found.value) seen.push_back(Holder::versions_of_item(neighbor.node.id));
  return seen;
}

Result<std::vector<Seen>> hits_of(const Holder& holder, Result<VectorSearchResult> found) {
  if (!found) return failure_of(found);
  std::vector<Seen> seen;
  for (const auto& hit : found->hits) {
    const auto* const owner = find(hit.metadata, "holder");
    if (owner != nullptr && to_text(*owner) == holder.name()) seen.push_back(exactly(*find(hit.metadata, "version")));
  }
  return seen;
}

VectorSearch near(const Holder& holder) {
  return {.collection = std::string(item_collection),
          .query = holder.vector(holder.acknowledged()),
          .where = {},
          .parameters = {}};
}

Result<std::vector<Seen>> ask_index(Hive& hive, const Holder& holder, const ReadOptions& options) {
  return hits_of(holder, hive.search(near(holder), options));
}

Result<std::vector<Seen>> ask_filtered(Hive& hive, const Holder& holder, const ReadOptions& options) {
  auto search = near(holder);
  search.where = "holder = ?1";
  search.parameters = {holder.name()};
  return hits_of(holder, hive.search(search, options));
}

Result<std::vector<Seen>> ask_text(Hive& hive, const Holder& holder, const ReadOptions& options) {
  TRIUNE_ASSIGN(const auto hits,
                hive.text({.query = holder.name(), .collection = std::string(item_collection)}, options));
  std::vector<Seen> seen;
  for (const auto& hit : hits) {
    // PostgreSQL's snippet is a few words around the match, without the version: there the item tells least and most.
    const bool whole = hit.snippet.find("version ") != std::string::npos;
    const auto version = whole ? number_behind(hit.snippet, "version ") : 0;
    seen.push_back(whole ? Seen{version, version} : Holder::versions_of_item(hit.id));
  }
  return seen;
}

}  // namespace

std::string Holder::item(std::uint64_t version) const {
  return fmt::format("{}-{}", name_, version / versions_each_item);
}

Seen Holder::versions_of_item(std::string_view id) {
  const auto first = number_behind(id, "-") * versions_each_item;
  return {first, first + versions_each_item - 1};
}

std::vector<float> Holder::vector(std::uint64_t version) const {
  auto values = workload_vector(workload_seed(name_));
  const auto noise = workload_vector(workload_seed(fmt::format("{} {}", name_, version)));
  for (std::size_t at = 0; at < values.size(); ++at) values[at] += spread * noise[at];
  return values;
}

void Holder::delete_item(Commit& commit, std::uint64_t version) const {
  const auto id = item(version);
  commit.changes.emplace_back(DeleteRow{"items", {{"id", id}}});
  commit.changes.emplace_back(DeleteNode{{"Item", id}});
  commit.changes.emplace_back(DeleteVector{std::string(item_collection), id});
}

void Holder::put_item(Commit& commit, std::uint64_t version) const {
  const auto id = item(version);
  const auto number = static_cast<std::int64_t>(version);
  const Record properties{{"holder", name_}, {"version", number}};
  commit.changes.emplace_back(PutRow{"items",
                                     {{"id", id},
                                      {"holder", name_},
                                      {"version", number},
                                      {"title", fmt::format("{} is at version {}", name_, version)}}});
  commit.changes.emplace_back(PutNode{{"Holder", name_}, {}});
  commit.changes.emplace_back(PutNode{{"Item", id}, properties});
  commit.changes.emplace_back(PutEdge{{"HAS", {"Holder", name_}, {"Item", id}}, {}});
  commit.changes.emplace_back(PutVector{std::string(item_collection), id, vector(version), properties});
}

Commit Holder::begin() {
  const std::uint64_t version = begun_++;
  Commit commit{.changes = {}, .idempotency_key = fmt::format("{} {}", name_, version)};
  if (version > 0 && version % versions_each_item == 0) delete_item(commit, version - 1);
  put_item(commit, version);
  return commit;
}

void Holder::acknowledge(const Receipt& receipt) {
  lsn_ = receipt.lsn;  // first: who reads the version afterwards finds a position that holds it
  acknowledged_ = begun();
}

Status prepare_holders(Hive& hive) {
  TRIUNE_TRY(hive.sql(
      in_dialect("CREATE TABLE items (id TEXT PRIMARY KEY, holder TEXT, version INTEGER, title TEXT) STRICT")));
  TRIUNE_TRY(hive.create_text_index({.name = std::string(item_collection), .table = "items", .columns = {"title"}}));
  TRIUNE_TRY(hive.create_collection({.name = std::string(item_collection), .dimension = workload_dimension}));
  std::uint64_t made = 0;
  TRIUNE_TRY(hive.load_vectors(item_collection, [&](PutVector& vector) -> Result<bool> {
    vector.id = fmt::format("other {}", made);
    vector.values = workload_vector(made);
    vector.metadata = {{"holder", "nobody"}, {"version", std::int64_t{0}}};
    return made++ < other_vectors;
  }));
  return {};
}

const std::vector<Question>& questions() {
  static const std::vector<Question> all{
      {"rows", ask_rows},
      {"edges", ask_edges},
      {"nodes", ask_nodes},
      {"neighbors", ask_neighbors},
      {"vectors by filter", ask_filtered},
      {"vectors by index", ask_index, false},
      {"text", ask_text},
  };
  return all;
}

}  // namespace triune::testing
