#include "hive/node_index.h"

#include <array>
#include <bit>

#include "base/hash.h"
#include "base/try.h"

namespace triune::hive {

std::string_view NodeIndex::text(const Slot& slot) const noexcept {
  const auto offset = (static_cast<std::uint64_t>(slot.offset_high) << 32U) | slot.offset_low;
  return std::string_view(arena_).substr(offset, slot.length);
}

void NodeIndex::reserve(std::size_t count) {
  slots_.assign(std::bit_ceil(count + count / 2 + 16), {});
}

void NodeIndex::insert(std::int64_t node_id, std::string_view id) {
  const auto hash = base::hash64(id);
  const auto mask = slots_.size() - 1;
  auto at = static_cast<std::size_t>(hash) & mask;
  while (slots_[at].node_id != 0) at = (at + 1) & mask;
  const std::uint64_t offset = arena_.size();
  slots_[at] = {.node_id = node_id,
                .offset_high = static_cast<std::uint32_t>(offset >> 32U),
                .offset_low = static_cast<std::uint32_t>(offset),
                .length = static_cast<std::uint32_t>(id.size()),
                .hash = static_cast<std::uint32_t>(hash >> 32U)};
  arena_ += id;
}

Status NodeIndex::load(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t label_id) {
  const std::array<Value, 2> parameters{organization_id, label_id};
  TRIUNE_ASSIGN(
      const RowSet counted,
      session.query("SELECT count(*) FROM triune_nodes WHERE organization_id = ?1 AND label_id = ?2", parameters, 1));
  reserve(static_cast<std::size_t>(std::get<std::int64_t>(counted.rows.at(0).at(0))));
  arena_.clear();
  return session.visit("SELECT node_id, id FROM triune_nodes WHERE organization_id = ?1 AND label_id = ?2", parameters,
                       [&](std::span<const Value> row) -> Status {
                         insert(std::get<std::int64_t>(row[0]), std::get<std::string>(row[1]));
                         return {};
                       });
}

std::int64_t NodeIndex::find(std::string_view id) const noexcept {
  if (slots_.empty()) return 0;
  const auto hash = base::hash64(id);
  const auto mask = slots_.size() - 1;
  for (auto at = static_cast<std::size_t>(hash) & mask; slots_[at].node_id != 0; at = (at + 1) & mask)
    if (slots_[at].hash == static_cast<std::uint32_t>(hash >> 32U) && text(slots_[at]) == id) return slots_[at].node_id;
  return 0;
}

}  // namespace triune::hive
