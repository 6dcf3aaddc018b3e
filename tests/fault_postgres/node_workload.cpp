#include "fault_postgres/node_workload.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/try.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t contended_nodes = 12;

/// Rows in any order, as one number.
std::string digest_of(const RowSet& rows, std::uint64_t& sum) {
  for (const auto& row : rows.rows) {
    std::uint64_t hash = 0;
    for (const auto& cell : row) hash = base::hash64(to_text(cell), hash);
    sum += hash;
  }
  return std::to_string(rows.rows.size());
}

Result<ReadOptions> at_head(Hive& hive) {
  TRIUNE_ASSIGN(const auto head, hive.receipt());
  ReadOptions options;
  options.consistency = Consistency::at_least(head.token());
  options.max_rows = 10'000'000;
  options.deadline = Deadline::after(std::chrono::minutes(1));
  return options;
}

}  // namespace

NodeReference Contention::node() {
  return {"Shared", fmt::format("shared {}", random_() % contended_nodes)};
}

Commit Contention::next() {
  Commit commit;
  switch (random_() % 4) {
    case 0: commit.changes.emplace_back(DeleteNode{node()}); break;
    case 1:
      commit.changes.emplace_back(PutNode{node(), {{"turn", static_cast<std::int64_t>(random_() % 1000)}}});
      break;
    default:
      commit.changes.emplace_back(
          PutEdge{{"LINKS", node(), node()}, {{"turn", static_cast<std::int64_t>(random_() % 1000)}}});
  }
  return commit;
}

Result<std::string> graph_digest(Hive& hive) {
  TRIUNE_ASSIGN(const auto options, at_head(hive));
  std::string counts;
  std::uint64_t sum = 0;
  for (const std::string_view cypher :
       {"MATCH (n:Agent) RETURN n.id, n.name, n.rank", "MATCH (n:Task) RETURN n.id, n.title",
        "MATCH (n:Hub) RETURN n.id", "MATCH (n:Shared) RETURN n.id, n.turn",
        "MATCH (a)-[e:WORKS_ON]->(b) RETURN a.id, b.id, e.since", "MATCH (a)-[e:PART_OF]->(b) RETURN a.id, b.id",
        "MATCH (a)-[e:KNOWS]->(b) RETURN a.id, b.id, e.weight", "MATCH (a)-[e:LINKS]->(b) RETURN a.id, b.id, e.turn"}) {
    TRIUNE_ASSIGN(const RowSet rows, hive.cypher(cypher, {}, options));
    counts += digest_of(rows, sum) + "/";
  }
  return fmt::format("{}{:016x}", counts, sum);
}

Result<std::string> vector_digest(Hive& hive) {
  TRIUNE_ASSIGN(const auto options, at_head(hive));
  std::uint64_t hash = 0;
  std::size_t hits = 0;
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    const VectorSearch search{.collection = std::string(workload_collection), .query = workload_vector(seed)};
    TRIUNE_ASSIGN(const auto found, hive.search(search, options));
    for (const auto& hit : found.hits) hash = base::hash64(hit.id, hash);
    hits += found.hits.size();
  }
  return fmt::format("{}/{:016x}", hits, hash);
}

}  // namespace triune::testing
