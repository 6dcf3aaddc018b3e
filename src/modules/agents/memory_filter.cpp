#include "modules/agents/memory_filter.h"

#include <fmt/format.h>

namespace triune::modules::agents {

MemoryFilter::MemoryFilter(const RecallQuery& query, std::int64_t now, std::size_t first, Expired expired)
    : first_(first) {
  if (expired == Expired::by_row) add(" AND (m.expires_at_ms IS NULL OR m.expires_at_ms > ?{})", now);
  if (expired == Expired::by_index)
    add(" AND m.id NOT IN (SELECT x.id FROM triune_memories x WHERE x.organization_id = ?1 AND x.expires_at_ms IS NOT "
        "NULL AND x.expires_at_ms <= ?{})",
        now);
  if (!query.agent.empty()) add(" AND m.agent_id = ?{}", query.agent);
  if (!query.session.empty()) add(" AND m.session_id = ?{} AND m.session_id <> ''", query.session);
  if (query.since_ms) add(" AND m.created_at_ms >= ?{}", *query.since_ms);
  if (query.until_ms) add(" AND m.created_at_ms < ?{}", *query.until_ms);
  std::string kinds;
  for (const auto& kind : query.kinds) {
    values_.emplace_back(kind);
    kinds += fmt::format("{}?{}", kinds.empty() ? "" : ", ", first_ + values_.size());
  }
  if (!kinds.empty()) sql_ += fmt::format(" AND m.kind IN ({})", kinds);
}

void MemoryFilter::add(std::string_view condition, Value value) {
  values_.push_back(std::move(value));
  sql_ += fmt::format(fmt::runtime(condition), first_ + values_.size());
}

}  // namespace triune::modules::agents
