#include "modules/access/usage.h"

#include <algorithm>
#include <array>

#include "base/try.h"
#include "modules/access/policy_store.h"

namespace triune::modules::access {
namespace {

constexpr std::int64_t write_every_ms = 60'000;

}  // namespace

void KeyUsage::note(const std::string& key, std::int64_t now_ms) {
  Entry entry;
  {
    const std::scoped_lock lock(mutex_);
    if (counts_.size() >= most_ && !counts_.contains(key)) {
      // The counts of many keys are only worth memory while they are used.
      std::erase_if(counts_, [](const auto& one) { return one.second.uses == 0; });
    }
    auto& count = counts_[key];
    ++count.uses;
    count.last_used_at_ms = std::max(count.last_used_at_ms, now_ms);
    if (now_ms - count.written_at_ms < write_every_ms) return;
    entry = {key, count.uses, count.last_used_at_ms};
    count.uses = 0;
    count.written_at_ms = now_ms;
  }
  if (!write({entry})) take_back(entry);
}

void KeyUsage::take_back(const Entry& entry) {
  const std::scoped_lock lock(mutex_);
  counts_[entry.key].uses += entry.uses;
}

void KeyUsage::flush() {
  std::vector<Entry> entries;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [key, count] : counts_) {
      if (count.uses == 0) continue;
      entries.push_back({key, count.uses, count.last_used_at_ms});
      count.uses = 0;
    }
  }
  if (entries.empty() || write(entries)) return;
  for (const auto& entry : entries) take_back(entry);
}

Status KeyUsage::write(const std::vector<Entry>& entries) const {
  TRIUNE_TRY(module_.write(
      {.type = ActorType::system},
      [&](contract::RelationalSession& session) -> Status {
        for (const auto& entry : entries) {
          const std::array<Value, 4> row{module_.organization_id(), entry.key, entry.uses, entry.last_used_at_ms};
          // Of a key that was deleted meanwhile nothing is to be kept.
          TRIUNE_TRY(session.execute(
              "INSERT INTO triune_api_key_usage (organization_id, key_id, usage_count, last_used_at_ms) SELECT "
              "k.organization_id, k.id, CAST(?3 AS bigint), CAST(?4 AS bigint) FROM triune_api_keys k WHERE "
              "k.organization_id = ?1 AND k.id = ?2 ON CONFLICT (organization_id, key_id) DO UPDATE SET usage_count = "
              "triune_api_key_usage.usage_count + excluded.usage_count, last_used_at_ms = CASE WHEN "
              "excluded.last_used_at_ms > triune_api_key_usage.last_used_at_ms THEN excluded.last_used_at_ms ELSE "
              "triune_api_key_usage.last_used_at_ms END",
              row));
        }
        return {};
      },
      patience()));
  return {};
}

}  // namespace triune::modules::access
