// How a collection answers: the table and the buffers, joined.
#include <fmt/format.h>

#include <algorithm>

#include "adapters/lancedb/collection.h"
#include "adapters/lancedb/labels.h"
#include "adapters/lancedb/table_search.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::lancedb {
namespace {

bool is_nearer(const contract::VectorMatch& left, const contract::VectorMatch& right) {
  return left.distance != right.distance ? left.distance < right.distance : left.key < right.key;
}

bool has_key(const std::vector<contract::VectorKey>& keys, contract::VectorKey key) {
  return std::ranges::binary_search(keys, key);
}

}  // namespace

void Collection::search_buffers(const View& view, std::span<const float> query,
                                const contract::VectorQueryOptions& options,
                                std::vector<contract::VectorMatch>& matches) const {
  const auto metric = specification_.metric == Metric::cosine ? Metric::dot : specification_.metric;
  view.each_row([&](const BufferedRow& row) {
    if (options.filter.keys && !has_key(*options.filter.keys, row.stored.key)) return;
    if (!contract::metadata_matches(row.metadata, options.filter.equals)) return;
    matches.push_back({row.stored.key, static_cast<float>(contract::exact_distance(metric, query, row.stored.values))});
  });
}

Result<contract::VectorAnswer> Collection::search(std::span<const float> query,
                                                  const contract::VectorQueryOptions& options) {
  TRIUNE_TRY(contract::check_query(query, options, specification_.dimension));
  float length = 1;
  const auto probe = scaled(query, length);
  TRIUNE_ASSIGN(const auto now, view());
  contract::VectorAnswer answer;
  search_buffers(now, probe, options, answer.matches);
  answer.strategy = fmt::format("scan of {}", answer.matches.size());
  if (now.table) {
    TableSearch table(now, probe, options, metric_name(), settings_.most_filter_keys);
    if (table.uses_index()) ++searches_;
    TRIUNE_ASSIGN(const auto found, table.run());
    answer.matches.insert(answer.matches.end(), found.begin(), found.end());
    answer.strategy = table.strategy();
  }
  std::ranges::sort(answer.matches, is_nearer);
  if (answer.matches.size() > options.count) answer.matches.resize(options.count);
  if (options.deadline.expired())
    return failure(ErrorCode::deadline_exceeded, "the vector search reached its deadline; search again");
  return answer;
}

Result<contract::VectorAnswer> Collection::search_version(std::uint64_t version, std::span<const float> query,
                                                          const contract::VectorQueryOptions& options) {
  TRIUNE_TRY(contract::check_query(query, options, specification_.dimension));
  float length = 1;
  const auto probe = scaled(query, length);
  TRIUNE_ASSIGN(const auto now, view());
  if (!now.table)
    return failure(ErrorCode::not_found,
                   fmt::format("vector collection '{}' has no versions yet", specification_.collection));
  TableQuery table_query{.values = probe,
                         .metric = metric_name(),
                         .count = options.count,
                         .exact = true,
                         .probes = 0,
                         .where = condition_of(options.filter.equals),
                         .keys = options.filter.keys ? &*options.filter.keys : nullptr,
                         .version = version,
                         .deadline = options.deadline};
  ++scans_;  // the version must not be pruned meanwhile
  auto found = now.table->search(table_query);
  --scans_;
  TRIUNE_TRY(found);
  contract::VectorAnswer answer;
  answer.matches.assign(found->begin(), found->end());
  answer.strategy = fmt::format("scan of version {}", version);
  return answer;
}

Result<std::vector<contract::VectorMatch>> Collection::search_text(std::string_view text, std::size_t count,
                                                                   Deadline deadline) {
  {
    // The index of words is LanceDB's alone, so it is given everything first. Making it writes, too.
    const std::scoped_lock writing(writing_);
    if (was_dropped_) return std::unexpected(gone());
    TRIUNE_TRY(flush());
    if (!state_.table) return std::vector<contract::VectorMatch>();
    TRIUNE_ASSIGN(const auto indexed, state_.table->ensure_text_index());
    table_version_ = indexed.version;
  }
  TRIUNE_ASSIGN(const auto now, view());
  TRIUNE_ASSIGN(auto matches, now.table->search_text(text, count + now.open->size(), deadline));
  std::erase_if(matches, [&](const auto& match) { return now.hides(match.key); });
  if (matches.size() > count) matches.resize(count);
  return matches;
}

}  // namespace triune::adapters::lancedb
