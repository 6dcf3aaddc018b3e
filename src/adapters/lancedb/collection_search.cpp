// How a collection answers: the table and the buffers, joined.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "adapters/lancedb/collection.h"
#include "adapters/lancedb/labels.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::lancedb {
namespace {

// Of an index of one byte a value: more find hardly more and cost, see the README's figures.
constexpr std::size_t fewest_probes = 24;
constexpr std::size_t rows_for_a_probe = 8'192;  // an eighth of the partitions
// Candidates that another index keeps to find as much as these probes do: what `effort` counts.
constexpr std::size_t usual_effort = 128;
// So many times as many as are asked for are compared exactly: a byte a value hardly changes their order.
constexpr std::uint32_t refine = 2;
constexpr std::uint32_t refine_quantised = 10;
constexpr std::size_t growth = 4;
constexpr std::size_t spare = 32;
// Sending a key costs as much as a few more candidates: fewer keys than these are always sent,
constexpr std::size_t few_keys = 2'000;
constexpr std::size_t exact_keys = 64;  // and the vectors of so few are compared sooner than found in an index.
constexpr std::size_t keys_for_a_candidate = 4;

bool is_nearer(const contract::VectorMatch& left, const contract::VectorMatch& right) {
  return left.distance != right.distance ? left.distance < right.distance : left.key < right.key;
}

std::uint32_t probes_of(std::size_t rows, std::uint32_t effort) {
  const auto usual = std::max<std::size_t>(fewest_probes, rows / rows_for_a_probe);
  const auto probes = effort == 0 ? usual : usual * effort / usual_effort;
  return static_cast<std::uint32_t>(std::max<std::size_t>(probes, 1));
}

/// The nearest of one in `share` lie in so many more partitions than the nearest of all.
std::uint32_t probes_among(std::size_t rows, std::size_t admitted, std::uint32_t effort) {
  const double share = static_cast<double>(rows) / static_cast<double>(std::max<std::size_t>(admitted, 1));
  return static_cast<std::uint32_t>(std::ceil(probes_of(rows, effort) * std::sqrt(std::max(share, 1.0))));
}

bool has_key(const std::vector<contract::VectorKey>& keys, contract::VectorKey key) {
  return std::ranges::binary_search(keys, key);
}

}  // namespace

// What the table is asked for, in turns: more each time, until enough of it counts.
struct Collection::Found {
  std::optional<std::vector<contract::VectorKey>> keys;         ///< Sent to LanceDB.
  const std::vector<contract::VectorKey>* looked_up = nullptr;  ///< Too many to send.
  std::size_t limit = 0;
  bool exact = false;

  [[nodiscard]] bool counts(const View& view, contract::VectorKey key) const {
    return (looked_up == nullptr || has_key(*looked_up, key)) && !view.hides(key);
  }
};

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

Result<std::vector<contract::VectorMatch>> Collection::search_table(const View& view, std::span<const float> query,
                                                                    const contract::VectorQueryOptions& options,
                                                                    std::string& strategy) {
  Found asked;
  const std::size_t hidden = view.open->size() + (view.frozen ? view.frozen->size() : 0);
  asked.exact = options.exact || !view.indexed;
  asked.limit = options.count + std::min(hidden, options.count + spare);
  const auto& keys = options.filter.keys;
  const std::uint32_t usual_refine = is_quantised(view.rows) ? refine_quantised : refine;
  std::uint32_t refined = usual_refine;
  const bool can_send = keys && keys->size() <= settings_.most_filter_keys;
  const auto send_keys = [&] {
    asked.looked_up = nullptr;
    asked.keys.emplace();
    for (const auto key : *keys)
      if (!view.hides(key)) asked.keys->push_back(key);
    asked.limit = options.count;
    asked.exact = !view.indexed || asked.keys->size() <= exact_keys;
  };
  if (keys) {
    const auto enough =
        std::min<std::size_t>(view.rows, asked.limit * view.rows / std::max<std::size_t>(keys->size(), 1) * 2) + spare;
    asked.looked_up = &*keys;
    if (can_send && (keys->size() <= few_keys || keys->size() < keys_for_a_candidate * enough))
      send_keys();
    else {
      asked.limit = enough;
      refined = 1;  // so many are compared anyway
    }
    if (asked.keys && asked.keys->empty()) return std::vector<contract::VectorMatch>();
  }
  TableQuery table_query{.values = query,
                         .metric = metric_name(),
                         .exact = asked.exact,
                         .probes = 0,
                         .refine = refined,
                         .where = condition_of(options.filter.equals),
                         .version = {},
                         .deadline = options.deadline};
  // What labels leave may lie anywhere, and how much it is is not known here.
  if (table_query.where.empty())
    table_query.probes = probes_among(view.rows, keys ? keys->size() : view.rows, options.effort);
  while (true) {
    table_query.count = std::max<std::size_t>(asked.limit, 1);
    table_query.exact = asked.exact;
    table_query.keys = asked.keys ? &*asked.keys : nullptr;
    TRIUNE_ASSIGN(auto found, view.table->search(table_query));
    const bool is_all = found.size() < table_query.count;
    std::erase_if(found, [&](const auto& match) { return !asked.counts(view, match.key); });
    const bool is_enough = found.size() >= options.count || (is_all && asked.exact);
    if (is_enough || (asked.exact && asked.limit > view.rows + hidden)) {
      const bool is_filtered = keys || !options.filter.equals.empty();
      strategy = asked.exact ? fmt::format("scan of {}", asked.keys ? asked.keys->size() : view.rows)
                             : (is_filtered ? "index with filter" : "index");
      return found;
    }
    if (can_send && !asked.keys) {
      send_keys();  // they do not lie where the query is
      table_query.refine = usual_refine;
      if (asked.keys->empty()) return std::vector<contract::VectorMatch>();
    } else {
      if (!is_all)
        asked.limit *= growth;
      else if (table_query.probes == 0)
        asked.exact = true;  // the index knows no more
      table_query.probes = 0;
    }
  }
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
    TRIUNE_ASSIGN(const auto found, search_table(now, probe, options, answer.strategy));
    answer.matches.insert(answer.matches.end(), found.begin(), found.end());
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
                         .refine = refine,
                         .where = condition_of(options.filter.equals),
                         .keys = options.filter.keys ? &*options.filter.keys : nullptr,
                         .version = version,
                         .deadline = options.deadline};
  ++scans_;  // the version must not be pruned meanwhile
  auto found = now.table->search(table_query);
  --scans_;
  TRIUNE_TRY(found);
  contract::VectorAnswer answer;
  answer.matches = std::move(*found);
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
