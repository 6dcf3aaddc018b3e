#include "triune/modules/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/try.h"
#include "modules/kit/audit_chain.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"

namespace triune {
namespace {

using namespace modules;
using contract::RelationalSession;

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_problems = 100;
constexpr std::size_t most_seals = 10'000'000;

Deadline patience() {
  return Deadline::after(std::chrono::minutes(10));
}

AuditEntry entry_of(const std::vector<Value>& row) {
  const auto json = [](const Value& cell) { return Json{is_null(cell) ? "null" : text(cell)}; };
  return {integer(row[0]), integer(row[1]), text(row[2]), text(row[3]), text(row[4]), text(row[5]),
          text(row[6]),    text(row[7]),    text(row[8]), json(row[9]), json(row[10])};
}

/// Follows the chain seal by seal.
class Verification {
 public:
  Verification(RelationalSession& session, std::int64_t organization_id, AuditHead known)
      : session_(session), organization_id_(organization_id), known_(std::move(known)) {}

  Result<AuditReport> run() {
    TRIUNE_TRY(check_seals());
    TRIUNE_TRY(count_unsealed());
    TRIUNE_TRY(check_triggers());
    if (known_.seal > report_.head.seal)
      problem(fmt::format("seal {} was seen before and is gone: the log was cut", known_.seal));
    report_.ok = report_.problems.empty();
    return std::move(report_);
  }

 private:
  Status check_seals() {
    const std::array<Value, 1> key{organization_id_};
    TRIUNE_ASSIGN(const RowSet seals,
                  session_.query("SELECT seal, position, last_entry, entries, hash FROM triune_audit_seals WHERE "
                                 "organization_id = ?1 ORDER BY seal",
                                 key, most_seals));
    SealPoint before;
    for (const auto& row : seals.rows) {
      const SealPoint stored{integer(row[0]), integer(row[1]), integer(row[2]), integer(row[3]), text(row[4])};
      TRIUNE_ASSIGN(const SealPoint found, hash_stretch(session_, organization_id_, before, &stored));
      compare(before, stored, found);
      before = stored;
      ++report_.seals;
      report_.entries += stored.entries;
    }
    report_.head = {before.seal, before.hash};
    last_ = before;
    return {};
  }

  void compare(const SealPoint& before, const SealPoint& stored, const SealPoint& found) {
    if (stored.seal != before.seal + 1) problem(fmt::format("seal {} is missing", before.seal + 1));
    if (stored.seal == known_.seal && stored.hash != known_.hash)
      problem(fmt::format("seal {} is not the one that was seen before", stored.seal));
    if (found.entries != stored.entries)
      problem(fmt::format("seal {} covers {} entries (to entry {}), and {} are there", stored.seal, stored.entries,
                          stored.last_entry, found.entries));
    else if (found.hash != stored.hash)
      problem(fmt::format("an entry under seal {} (entries {} to {}) was changed", stored.seal, before.last_entry + 1,
                          stored.last_entry));
  }

  Status count_unsealed() {
    const std::array<Value, 3> parameters{organization_id_, last_.position, last_.last_entry};
    const auto dialect = session_.dialect();
    const std::string_view behind =
        dialect == contract::Dialect::sqlite ? "?2 IS NOT NULL AND entry > ?3" : "(position, entry) > (?2, ?3)";
    TRIUNE_ASSIGN(const RowSet rows,
                  session_.query(fmt::format("SELECT count(*) FROM {} WHERE organization_id = ?1 AND {}",
                                             log_in_order(dialect), behind),
                                 parameters, 1));
    report_.unsealed = integer(rows.rows.at(0).at(0));
    return {};
  }

  /// Every module recorded what it derived (kit/module.cpp).
  Status check_triggers() {
    TRIUNE_ASSIGN(const RowSet modules,
                  session_.query("SELECT DISTINCT value FROM triune_hive WHERE key LIKE 'module.%'", {}, most_rows));
    for (const auto& row : modules.rows) {
      std::istringstream lines(text(row[0]));
      std::string line;
      std::getline(lines, line);  // the digest
      while (std::getline(lines, line)) TRIUNE_TRY(check_trigger(line));
    }
    for (const auto* const name : {"triune_audit_log_stays"}) TRIUNE_TRY(check_trigger(name));
    return {};
  }

  Status check_trigger(const std::string& name) {
    const std::array<Value, 1> parameters{name};
    const bool sqlite = session_.dialect() == contract::Dialect::sqlite;
    TRIUNE_ASSIGN(const RowSet rows,
                  session_.query(sqlite ? "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?1"
                                        : "SELECT 1 FROM pg_trigger WHERE CAST(tgname AS text) = left(?1, 63) AND "
                                          "tgenabled <> 'D'",
                                 parameters, 1));
    if (rows.rows.empty())
      problem(fmt::format("the trigger {} is gone or switched off: what happened since was not recorded", name));
    return {};
  }

  void problem(std::string text) {
    if (report_.problems.size() < most_problems) report_.problems.push_back(std::move(text));
  }

  RelationalSession& session_;
  const std::int64_t organization_id_;
  const AuditHead known_;
  AuditReport report_;
  SealPoint last_;
};

/// How far entries may be from the order of their times: clocks are set, and transactions overlap.
constexpr std::int64_t clock_margin_ms = 300'000;

/// An entry before all that were written at `from_ms` or later. Times grow with the numbers of entries, so that no
/// index on them is needed, which every change would pay for.
Result<std::int64_t> entry_before(RelationalSession& session, std::int64_t organization_id, std::int64_t from_ms) {
  const std::array<Value, 1> key{organization_id};
  const auto log = log_in_order(session.dialect());
  const auto outermost = [&](std::string_view direction) {
    return fmt::format("coalesce((SELECT entry FROM {} WHERE organization_id = ?1 ORDER BY entry{} LIMIT 1), 0)", log,
                       direction);
  };
  TRIUNE_ASSIGN(const RowSet bounds,
                session.query(fmt::format("SELECT {}, {}", outermost(""), outermost(" DESC")), key, 1));
  auto low = integer(bounds.rows.at(0).at(0)) - 1;
  auto high = integer(bounds.rows.at(0).at(1));
  while (low + 1 < high) {
    const auto middle = low + (high - low) / 2;
    const std::array<Value, 2> place{organization_id, middle};
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query(fmt::format("SELECT at_ms FROM {} WHERE organization_id = ?1 AND entry >= ?2 ORDER BY "
                                            "entry LIMIT 1",
                                            log),
                                place, 1));
    const bool earlier = !rows.rows.empty() && integer(rows.rows[0][0]) < from_ms - clock_margin_ms;
    (earlier ? low : high) = middle;
  }
  return low;
}

class StoredAudit final : public Audit {
 public:
  explicit StoredAudit(Module module) : module_(std::move(module)) {}

  Result<std::vector<AuditEntry>> entries(const AuditFilter& filter) override {
    std::vector<Value> parameters{module_.organization_id(), filter.after_entry, filter.from_ms,
                                  filter.until_ms == 0 ? now_ms() + 60'000 : filter.until_ms,
                                  static_cast<std::int64_t>(std::min(filter.limit, most_rows))};
    std::string where;
    const auto add = [&](std::string_view column, const std::string& value) {
      if (value.empty()) return;
      parameters.emplace_back(value);
      where += fmt::format(" AND {} = ?{}", column, parameters.size());
    };
    add("table_name", filter.table);
    add("record_id", filter.record);
    add("actor", filter.actor);
    add("request_id", filter.request_id);
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    if (filter.from_ms > 0) {
      TRIUNE_ASSIGN(const auto before, entry_before(*session, module_.organization_id(), filter.from_ms));
      parameters[1] = std::max(filter.after_entry, before);
    }
    const bool has_index = !filter.record.empty() || !filter.actor.empty();
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query(fmt::format("SELECT entry, at_ms, actor, actor_type, reason, request_id, table_name, record_id, "
                                   "operation, before, after FROM {} WHERE organization_id = ?1 AND entry > "
                                   "?2 AND at_ms >= ?3 AND at_ms <= ?4{} ORDER BY entry LIMIT ?5",
                                   has_index ? "triune_audit_log" : log_in_order(module_.dialect()), where),
                       parameters, most_rows));
    std::vector<AuditEntry> found;
    for (const auto& row : rows.rows) found.push_back(entry_of(row));
    return found;
  }

  Status seal() override { return seal_all(module_.access()); }

  Result<AuditHead> head() override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    TRIUNE_ASSIGN(const SealPoint last, last_seal(*session, module_.organization_id()));
    return AuditHead{last.seal, last.hash};
  }

  Result<AuditReport> verify(const AuditHead& known) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return Verification(*session, module_.organization_id(), known).run();
  }

 private:
  Module module_;
};

}  // namespace

Result<std::unique_ptr<Audit>> Audit::open(Hive& hive) {
  static const ModuleDefinition definition{.series = "audit", .needs = {}, .audited = {}, .nodes = {}, .edges = {}};
  TRIUNE_ASSIGN(auto module, Module::open(hive, definition));
  return std::unique_ptr<Audit>(std::make_unique<StoredAudit>(std::move(module)));
}

}  // namespace triune
