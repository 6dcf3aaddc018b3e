#include "hive/placement_record.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/try.h"
#include "model/json.h"
#include "placement/decide.h"
#include "placement/json_list.h"

namespace triune::hive {
namespace {

constexpr std::size_t most_collections = 100'000;
constexpr std::string_view columns =
    "p.kind, p.name, p.revision, p.decided_at_ms, p.cause, p.decided_by, p.decision, p.figures";

std::string this_process() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return fmt::format("{}/{}", host.data(), ::getpid());
}

std::string decision_json(const Placement& placement) {
  const Record decision{{"engines", Json{placement::json_texts(placement.engines)}},
                        {"primary", placement.primary},
                        {"confidence", placement.confidence},
                        {"parameters", Json{to_json(placement.parameters)}},
                        {"reasons", Json{placement::json_texts(placement.reasons)}}};
  return to_json(decision);
}

double as_number(const Value* value) {
  if (value == nullptr) return 0;
  if (const auto* const whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  const auto* const real = std::get_if<double>(value);
  return real == nullptr ? 0 : *real;
}

Status read_decision(const std::string& json, Placement& placement) {
  TRIUNE_ASSIGN(const Record decision, model::parse_json_object(json));
  placement.confidence = as_number(find(decision, "confidence"));
  if (const auto* const primary = find(decision, "primary")) placement.primary = to_text(*primary);
  if (const auto* const engines = find(decision, "engines")) {
    TRIUNE_ASSIGN(placement.engines, placement::texts_in(*engines));
  }
  if (const auto* const reasons = find(decision, "reasons")) {
    TRIUNE_ASSIGN(placement.reasons, placement::texts_in(*reasons));
  }
  if (const auto* const parameters = find(decision, "parameters")) {
    TRIUNE_ASSIGN(placement.parameters, model::parse_json_object(to_text(*parameters)));
  }
  return {};
}

Result<std::vector<Placement>> read_rows(const RowSet& rows) {
  std::vector<Placement> placements;
  for (const auto& row : rows.rows) {
    auto& one = placements.emplace_back();
    one.kind = to_text(row[0]);
    one.name = to_text(row[1]);
    one.revision = static_cast<std::uint64_t>(std::get<std::int64_t>(row[2]));
    one.decided_at_ms = std::get<std::int64_t>(row[3]);
    one.cause = to_text(row[4]);
    one.decided_by = to_text(row[5]);
    TRIUNE_TRY(read_decision(to_text(row[6]), one));
    TRIUNE_ASSIGN(one.figures, model::parse_json_object(to_text(row[7])));
  }
  return placements;
}

}  // namespace

Status record_placement(contract::RelationalSession& session, std::int64_t organization_id, Placement placement,
                        bool only_first) {
  TRIUNE_ASSIGN(const auto before, placements_of(session, organization_id, placement.kind, placement.name));
  if (!before.empty() && (only_first || placement::same_decision(before.back(), placement))) return {};
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto revision = before.empty() ? 1 : static_cast<std::int64_t>(before.back().revision) + 1;
  const std::array<Value, 9> parameters{
      organization_id,           placement.kind,  placement.name, revision,
      std::int64_t{now.count()}, placement.cause, this_process(), decision_json(placement),
      to_json(placement.figures)};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_placements (organization_id, kind, name, revision, decided_at_ms, cause, "
                      "decided_by, decision, figures) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                      parameters));
  if (revision <= most_revisions) return {};
  const std::array<Value, 4> old{organization_id, placement.kind, placement.name, revision - most_revisions};
  TRIUNE_TRY(
      session.execute("DELETE FROM triune_placements WHERE organization_id = ?1 AND kind = ?2 AND name = ?3 "
                      "AND revision <= ?4",
                      old));
  return {};
}

Result<std::vector<Placement>> newest_placements(contract::RelationalSession& session, std::int64_t organization_id) {
  const std::array<Value, 1> parameters{organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT {} FROM triune_placements p WHERE p.organization_id = ?1 AND "
                                          "p.revision = (SELECT max(q.revision) FROM triune_placements q WHERE "
                                          "q.organization_id = ?1 AND q.kind = p.kind AND q.name = p.name) "
                                          "ORDER BY p.kind, p.name",
                                          columns),
                              parameters, most_collections));
  return read_rows(rows);
}

Result<std::vector<Placement>> placements_of(contract::RelationalSession& session, std::int64_t organization_id,
                                             const std::string& kind, const std::string& name) {
  const std::array<Value, 3> parameters{organization_id, kind, name};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT {} FROM triune_placements p WHERE p.organization_id = ?1 AND "
                                          "p.kind = ?2 AND p.name = ?3 ORDER BY p.revision",
                                          columns),
                              parameters, static_cast<std::size_t>(most_revisions)));
  return read_rows(rows);
}

Result<std::uint64_t> decisions_recorded(contract::RelationalSession& session, std::int64_t organization_id) {
  const std::array<Value, 1> parameters{organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT CAST(coalesce(sum(n.newest), 0) AS bigint) FROM (SELECT max(revision) AS newest "
                              "FROM triune_placements WHERE organization_id = ?1 GROUP BY kind, name) AS n",
                              parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

}  // namespace triune::hive
