#include "modules/kit/audit_chain.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"

namespace triune::modules {
namespace {

using contract::Dialect;

constexpr std::chrono::seconds seal_interval{1};

Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

/// Field by field with its length, so that no two entries spell alike.
void spell(std::string& to, const Value& cell) {
  const auto add = [&to](std::string_view text) {
    to += fmt::format_int(text.size()).c_str();
    to += ':';
    to += text;
    to += ';';
  };
  if (is_null(cell)) {
    to += "-;";
  } else if (const auto* const words = std::get_if<std::string>(&cell)) {
    add(*words);
  } else {
    add(to_text(cell));
  }
}

/// Entries behind (?2, ?3), as far as (?4, ?5) or as is settled. SQLite numbers entries in the order of their commits:
/// position is the same for all.
const std::string& entries_sql(Dialect dialect, bool bounded) {
  const auto make = [&](bool upto) {
    const bool sqlite = dialect == Dialect::sqlite;
    std::string_view end;
    if (upto)
      end = sqlite ? " AND ?4 IS NOT NULL AND entry <= ?5" : " AND (position, entry) <= (?4, ?5)";
    else if (!sqlite)
      end = " AND position < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)";
    return fmt::format(
        "SELECT position, entry, at_ms, actor, actor_type, reason, request_id, table_name, record_id, operation, "
        "before, after FROM {} WHERE organization_id = ?1 AND {}{} ORDER BY {} LIMIT {}",
        log_in_order(dialect), sqlite ? "?2 IS NOT NULL AND entry > ?3" : "(position, entry) > (?2, ?3)", end,
        sqlite ? "entry" : "position, entry", upto ? 1'000'000 : stretch_limit);
  };
  static const std::array<std::string, 2> sqlite{make(false), make(true)};
  static const std::array<std::string, 2> postgres{make(false), make(true)};
  return (dialect == Dialect::sqlite ? sqlite : postgres)[bounded ? 1 : 0];
}

Status store_seal(const hive::ModuleAccess& access, const SealPoint& made) {
  const std::array<Value, 7> row{access.organization_id(), made.seal, made.position, made.entries,
                                 made.last_entry,          now_ms(),  made.hash};
  TRIUNE_TRY(access.write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(session.execute(
            "INSERT INTO triune_audit_seals (organization_id, seal, position, entries, last_entry, sealed_at_ms, hash) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (organization_id, seal) DO NOTHING",
            row));
        return {};
      },
      patience()));
  return {};
}

}  // namespace

std::string_view log_in_order(Dialect dialect) {
  return dialect == Dialect::sqlite ? "triune_audit_log NOT INDEXED" : "triune_audit_log";
}

Result<SealPoint> hash_stretch(contract::RelationalSession& session, std::int64_t organization_id,
                               const SealPoint& before, const SealPoint* upto) {
  std::vector<Value> parameters{organization_id, before.position, before.last_entry};
  if (upto != nullptr) {
    parameters.emplace_back(upto->position);
    parameters.emplace_back(upto->last_entry);
  }
  SealPoint end{.seal = before.seal + 1, .position = before.position, .last_entry = before.last_entry};
  std::string spelled = before.hash;
  TRIUNE_TRY(session.visit(entries_sql(session.dialect(), upto != nullptr), parameters,
                           [&](std::span<const Value> row) -> Status {
                             for (const auto& cell : row) spell(spelled, cell);
                             // The hash goes on from itself: memory stays bounded whatever a stretch holds.
                             if (spelled.size() > (1U << 20U))
                               spelled = base::sha256_hex(std::as_bytes(std::span(spelled)));
                             end.position = integer(row[0]);
                             end.last_entry = integer(row[1]);
                             ++end.entries;
                             return {};
                           }));
  end.hash = base::sha256_hex(std::as_bytes(std::span(spelled)));
  return end;
}

Result<SealPoint> last_seal(contract::RelationalSession& session, std::int64_t organization_id) {
  const std::array<Value, 1> key{organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT seal, position, last_entry, entries, hash FROM triune_audit_seals WHERE "
                              "organization_id = ?1 ORDER BY seal DESC LIMIT 1",
                              key, 1));
  if (rows.rows.empty()) return SealPoint{};
  const auto& row = rows.rows[0];
  return SealPoint{integer(row[0]), integer(row[1]), integer(row[2]), integer(row[3]), text(row[4])};
}

Status seal_all(const hive::ModuleAccess& access) {
  for (;;) {
    SealPoint made;
    {
      TRIUNE_ASSIGN(const auto session, access.read(patience()));
      TRIUNE_ASSIGN(const SealPoint last, last_seal(*session, access.organization_id()));
      TRIUNE_ASSIGN(made, hash_stretch(*session, access.organization_id(), last, nullptr));
    }
    if (made.entries == 0) return {};
    TRIUNE_TRY(store_seal(access, made));
    if (made.entries < stretch_limit) return {};
  }
}

void Sealer::wrote(const hive::ModuleAccess& access) {
  const auto now = Clock::now().time_since_epoch().count();
  auto next = next_.load(std::memory_order_relaxed);
  if (now < next) return;
  const auto later = now + std::chrono::duration_cast<Clock::duration>(seal_interval).count();
  if (!next_.compare_exchange_strong(next, later)) return;
  // The first write of a process is no reason yet: it would make every short command pay.
  if (next != 0) static_cast<void>(seal_all(access));
}

}  // namespace triune::modules
