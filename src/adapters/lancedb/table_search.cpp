#include "adapters/lancedb/table_search.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/lancedb/labels.h"
#include "base/try.h"

namespace triune::adapters::lancedb {
namespace {

// Candidates that a graph keeps to find as much as partitions do in as many probes as are enough: what `effort` counts.
constexpr std::uint32_t usual_effort = 128;
// A search of a graph takes 3 ms before it takes its first step: without an effort it may as well look about.
constexpr std::uint32_t usual_candidates = 256;
// And in more partitions: what was enough for rows of the table is not for queries unlike them (docs/decisions/0026).
constexpr std::uint32_t usual_probes = 8;
constexpr std::size_t growth = 4;
constexpr std::size_t walked_share = 16;  // A walk that keeps so many of the rows compares nearly all.
constexpr std::size_t spare = 32;
// A key that is sent costs as much as a candidate without its vector, and fewer than these are always sent:
constexpr std::size_t few_keys = 1'000;
// the vectors of so few are compared sooner than found in an index.
constexpr std::size_t exact_keys = 64;
// More bytes of vectors are not read with the keys, but those of the nearest afterwards.
constexpr std::size_t most_bytes_compared_at_once = 256U << 10U;

std::uint32_t probes_for(const View& view, std::size_t admitted, const contract::VectorQueryOptions& options) {
  const std::uint32_t probes = probes_among(view.trial, {view.rows, admitted, options.count});
  if (options.effort == 0) return std::max(probes, usual_probes);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(std::uint64_t{probes} * options.effort / usual_effort, 1));
}

}  // namespace

TableSearch::TableSearch(const View& view, std::span<const float> query, const contract::VectorQueryOptions& options,
                         const std::string& metric, std::size_t most_keys)
    : view_(view),
      options_(options),
      can_send_(options.filter.keys && options.filter.keys->size() <= most_keys),
      usual_refine_(std::max(view.trial.refine, least_refine(view.index.value_or(IndexKind::ivf_sq)))),
      query_{.values = query,
             .metric = metric,
             .count = options.count + std::min(view.hidden(), options.count + spare),
             .exact = options.exact || !view.index,
             .probes = 0,
             .candidates = options.effort == 0 ? usual_candidates : options.effort,
             .refine = usual_refine_,
             .where = condition_of(options.filter.equals),
             .version = {},
             .deadline = options.deadline} {
  const auto& keys = options.filter.keys;
  const std::size_t admitted = keys ? keys->size() : view.rows;
  // What labels leave may lie anywhere, and how much it is is not known here. A graph is one partition.
  if (query_.where.empty() && view.index != IndexKind::hnsw) query_.probes = probes_for(view, admitted, options);
  if (!keys) return;
  const std::size_t share = query_.count * view.rows / std::max<std::size_t>(admitted, 1);
  const std::size_t among = std::min<std::size_t>(view.rows, share * usual_refine_) + spare;
  if (can_send_ && admitted <= std::max(few_keys, among))
    send_keys();
  else
    look_keys_up(among);
}

void TableSearch::send_keys() {
  looked_up_ = nullptr;
  sent_.emplace();
  for (const auto key : *options_.filter.keys)
    if (!view_.hides(key)) sent_->push_back(key);
  query_.keys = &*sent_;
  query_.count = options_.count;
  query_.refine = usual_refine_;
  query_.exact = options_.exact || !view_.index || sent_->size() <= exact_keys;
}

void TableSearch::look_keys_up(std::size_t among) {
  looked_up_ = &*options_.filter.keys;
  ask_for(among);
}

void TableSearch::ask_for(std::size_t among) {
  query_.count = among;
  if (looked_up_ != nullptr)
    query_.refine = among * query_.values.size() * sizeof(float) <= most_bytes_compared_at_once ? 1 : 0;
}

bool TableSearch::counts(contract::VectorKey key) const {
  return (looked_up_ == nullptr || std::ranges::binary_search(*looked_up_, key)) && !view_.hides(key);
}

Result<std::vector<contract::VectorMatch>> TableSearch::run() {
  TRIUNE_ASSIGN(const auto found, find());
  return std::vector<contract::VectorMatch>(found.begin(), found.end());
}

Result<TableSearch::Matches> TableSearch::find() {
  while (true) {
    if (sent_ && sent_->empty()) return Matches();
    TRIUNE_ASSIGN(auto found, view_.table->search(query_));
    const bool is_all = found.size() < query_.count;
    std::erase_if(found, [&](const auto& match) { return !counts(match.key); });
    const bool is_enough = found.size() >= options_.count || (query_.exact && is_all);
    if (is_enough || (query_.exact && query_.count > view_.rows + view_.hidden()))
      return query_.exact || query_.refine > 0 ? found : compare(std::move(found));
    if (can_send_ && !sent_)
      send_keys();  // they do not lie where the query is
    else
      ask_for_more(is_all);
  }
}

void TableSearch::ask_for_more(bool is_all) {
  const bool knows_no_more = is_all && query_.probes == 0;
  if (!is_all) ask_for(query_.count * growth);
  if (knows_no_more || (view_.index == IndexKind::hnsw && query_.count > view_.rows / walked_share))
    query_.exact = true;
  query_.probes = 0;
}

// By codes the order is nearly right: the nearest are among the first of them.
Result<TableSearch::Matches> TableSearch::compare(Matches approximate) const {
  std::ranges::sort(approximate, {}, &TableMatch::distance);
  if (approximate.size() > options_.count * usual_refine_) approximate.resize(options_.count * usual_refine_);
  std::vector<std::uint64_t> rows;
  for (const auto& match : approximate) rows.push_back(match.row);
  TableQuery exactly = query_;
  exactly.count = options_.count;
  TRIUNE_ASSIGN(auto compared, view_.table->compare(exactly, rows));
  if (compared.size() == std::min(options_.count, approximate.size())) return compared;
  // The table was compacted meanwhile, and rows were moved.
  std::vector<contract::VectorKey> keys;
  for (const auto& match : approximate) keys.push_back(match.key);
  exactly.keys = &keys;
  exactly.exact = true;
  return view_.table->search(exactly);
}

std::string TableSearch::strategy() const {
  if (query_.exact) return fmt::format("scan of {}", sent_ ? sent_->size() : view_.rows);
  return options_.filter.keys || !options_.filter.equals.empty() ? "index with filter" : "index";
}

}  // namespace triune::adapters::lancedb
