#include "federation/rank_fusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace triune::federation {
namespace {

constexpr double smoothing = 60;
constexpr std::size_t least_depth = 100;
constexpr std::size_t most_depth = 10'000;

struct Ranks {
  double score = 0;
  std::int64_t text = 0;  ///< From 1; 0: not in the ranking.
  std::int64_t vector = 0;
};

Value rank_value(std::int64_t rank) {
  return rank == 0 ? Value(Null{}) : Value(rank);
}

void add(const Answer& ranking, std::int64_t Ranks::* rank, std::map<std::string, Ranks>& all) {
  std::int64_t place = 0;
  for (const auto& row : ranking.rows) {
    auto& ranks = all[to_text(row.at(0))];
    ranks.*rank = ++place;
    ranks.score += 1 / (smoothing + static_cast<double>(place));
  }
}

}  // namespace

std::size_t fusion_depth(std::size_t wanted) {
  return std::min(std::max(4 * wanted, least_depth), most_depth);
}

Answer fuse(const Answer& texts, const Answer& vectors, std::size_t wanted) {
  std::map<std::string, Ranks> all;
  add(texts, &Ranks::text, all);
  add(vectors, &Ranks::vector, all);
  std::vector<std::pair<std::string, Ranks>> ranked(all.begin(), all.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& one, const auto& other) { return one.second.score > other.second.score; });
  if (ranked.size() > wanted) ranked.resize(wanted);
  Answer answer;
  for (const auto& [id, ranks] : ranked)
    answer.rows.push_back({id, ranks.score, rank_value(ranks.text), rank_value(ranks.vector)});
  answer.route = {.engine = texts.route.engine + " + " + vectors.route.engine,
                  .reason = fmt::format("text: {}; vectors: {}", texts.route.reason, vectors.route.reason),
                  .degraded = texts.route.degraded || vectors.route.degraded};
  return answer;
}

}  // namespace triune::federation
