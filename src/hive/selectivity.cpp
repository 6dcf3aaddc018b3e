#include "hive/selectivity.h"

namespace triune::hive {
namespace {

std::string key_of(std::int64_t collection_id, const std::string& predicate) {
  return std::to_string(collection_id) + ' ' + predicate;
}

// What was found last counts for half: the values of parameters may differ from one search to the next.
constexpr double weight_of_last = 0.5;

}  // namespace

std::optional<double> Selectivity::expected(std::int64_t collection_id, const std::string& predicate) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key_of(collection_id, predicate));
  if (found == by_key_.end()) return std::nullopt;
  used_.splice(used_.begin(), used_, found->second);
  return found->second->share;
}

void Selectivity::note(std::int64_t collection_id, const std::string& predicate, const Selected& found) {
  if (found.looked_at == 0) return;
  auto key = key_of(collection_id, predicate);
  const std::scoped_lock lock(mutex_);
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    auto& share = known->second->share;
    share += weight_of_last * (found.share() - share);
    used_.splice(used_.begin(), used_, known->second);
    return;
  }
  used_.push_front({key, found.share()});
  by_key_.emplace(std::move(key), used_.begin());
  if (used_.size() <= most_entries) return;
  by_key_.erase(used_.back().key);
  used_.pop_back();
}

}  // namespace triune::hive
