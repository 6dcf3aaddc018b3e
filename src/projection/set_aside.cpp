#include "projection/set_aside.h"

#include <array>

#include "base/try.h"

namespace triune::projection {
namespace {

Deadline write_deadline() {
  return Deadline::after(std::chrono::minutes(1));
}

}  // namespace

Status SetAside::recount(contract::RelationalSession& session) {
  const std::array<Value, 2> parameters{organization_id_, projection_};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT count(*) FROM triune_set_aside WHERE organization_id = ?1 AND projection = ?2",
                              parameters, 1));
  count_ = static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
  return {};
}

Status SetAside::load(contract::RelationalSession& session) {
  return recount(session);
}

Result<std::vector<std::string>> SetAside::entities(contract::RelationalSession& session) const {
  const std::array<Value, 2> parameters{organization_id_, projection_};
  std::vector<std::string> names;
  TRIUNE_TRY(session.visit("SELECT entity FROM triune_set_aside WHERE organization_id = ?1 AND projection = ?2",
                           parameters, [&](std::span<const Value> row) -> Status {
                             names.push_back(std::get<std::string>(row[0]));
                             return {};
                           }));
  return names;
}

Status SetAside::add(const std::vector<Refused>& refused) {
  if (refused.empty()) return {};
  return canonical_.write(
      [&](contract::RelationalSession& session) -> Status {
        for (const auto& one : refused) {
          const std::array<Value, 4> parameters{organization_id_, projection_, one.entity, one.reason};
          TRIUNE_TRY(
              session.execute("INSERT INTO triune_set_aside (organization_id, projection, entity, reason) "
                              "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (organization_id, projection, entity) "
                              "DO UPDATE SET reason = excluded.reason",
                              parameters));
        }
        return recount(session);
      },
      write_deadline());
}

Status SetAside::remove(const std::vector<std::string>& entities) {
  if (count_ == 0 || entities.empty()) return {};
  return canonical_.write(
      [&](contract::RelationalSession& session) -> Status {
        for (const auto& entity : entities) {
          const std::array<Value, 3> parameters{organization_id_, projection_, entity};
          TRIUNE_TRY(
              session.execute("DELETE FROM triune_set_aside "
                              "WHERE organization_id = ?1 AND projection = ?2 AND entity = ?3",
                              parameters));
        }
        return recount(session);
      },
      write_deadline());
}

Status SetAside::remove_edges_at(const std::vector<std::string>& nodes) {
  if (nodes.empty()) return {};
  return canonical_.write(
      [&](contract::RelationalSession& session) -> Status {
        for (const auto& node : nodes) {
          const std::array<Value, 4> parameters{organization_id_, projection_, " " + node + " -> ", "-> " + node};
          TRIUNE_TRY(
              session.execute("DELETE FROM triune_set_aside WHERE organization_id = ?1 AND projection = ?2 "
                              "AND substr(entity, 1, 5) = 'edge ' "
                              "AND (replace(entity, ?3, '') <> entity "
                              "OR substr(entity, length(entity) - length(?4) + 1) = ?4)",
                              parameters));
        }
        return recount(session);
      },
      write_deadline());
}

Status SetAside::clear() {
  if (count_ == 0) return {};
  return canonical_.write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 2> parameters{organization_id_, projection_};
        TRIUNE_TRY(
            session.execute("DELETE FROM triune_set_aside WHERE organization_id = ?1 AND projection = ?2", parameters));
        return recount(session);
      },
      write_deadline());
}

}  // namespace triune::projection
