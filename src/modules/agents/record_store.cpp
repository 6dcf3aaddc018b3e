#include "modules/agents/record_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "modules/agents/canonical_json.h"

namespace triune::modules::agents {
namespace {

constexpr double hour_ms = 3'600'000;

Status told(Result<std::uint64_t> written, std::string_view what) {
  if (written) return {};
  written.error().message = fmt::format("{}: {}", what, written.error().message);
  return std::unexpected<Error>(written.error());
}

Result<AgentDecision> decision_of(const std::vector<Value>& row) {
  AgentDecision decision{.id = text(row[0]), .agent = text(row[1]), .title = text(row[2]), .chosen = text(row[3])};
  decision.options = Json{text(row[4])};
  decision.reasons = text(row[5]);
  decision.confidence = real(row[6]);
  decision.review_confidence = optional_real(row[7]);
  decision.human_involved = integer(row[8]) == 1;
  decision.task = text(row[9]);
  decision.session = text(row[10]);
  TRIUNE_ASSIGN(decision.outcome, parse_decision_outcome(text(row[11])));
  decision.outcome_note = text(row[12]);
  decision.decided_at_ms = integer(row[13]);
  decision.resolved_at_ms = optional_integer(row[14]);
  return decision;
}

}  // namespace

Status RecordStore::set_absent(const AgentAbsence& absence) const {
  TRIUNE_TRY(expect_agent(absence.agent));
  const std::array<Value, 5> row{organization(), absence.agent, absence.from_ms == 0 ? now_ms() : absence.from_ms,
                                 or_null(absence.until_ms), absence.reason};
  return told(
      session_.execute(
          "INSERT INTO triune_agent_absences (organization_id, agent_id, from_ms, until_ms, reason) VALUES (?1, "
          "?2, ?3, ?4, ?5) ON CONFLICT (organization_id, agent_id, from_ms) DO UPDATE SET until_ms = "
          "excluded.until_ms, reason = excluded.reason",
          row),
      fmt::format("the absence of agent {}", absence.agent));
}

Status RecordStore::set_present(std::string_view agent) const {
  TRIUNE_TRY(expect_agent(agent));
  const std::array<Value, 3> row{organization(), std::string(agent), now_ms()};
  TRIUNE_TRY(session_.execute(
      "DELETE FROM triune_agent_absences WHERE organization_id = ?1 AND agent_id = ?2 AND from_ms >= ?3", row));
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_agent_absences SET until_ms = ?3 WHERE organization_id = ?1 AND agent_id = ?2 AND (until_ms IS "
      "NULL OR until_ms > ?3)",
      row));
  return {};
}

Result<std::vector<AgentAbsence>> RecordStore::absences(std::string_view agent) const {
  const std::array<Value, 2> key{organization(), std::string(agent)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT agent_id, from_ms, until_ms, reason FROM triune_agent_absences WHERE organization_id = ?1 "
                     "AND agent_id = ?2 ORDER BY from_ms DESC LIMIT 1000",
                     key));
  std::vector<AgentAbsence> absences;
  for (const auto& row : found.rows)
    absences.push_back({text(row[0]), integer(row[1]), optional_integer(row[2]), text(row[3])});
  return absences;
}

// Those who are away are told by the time of the caller, to the millisecond; the view triune_available_agents says the
// same in SQL.
Result<std::vector<FoundAgent>> RecordStore::find_agents(const AgentSearch& search) const {
  const std::array<Value, 6> parameters{organization(),         now_ms(),          search.capability,
                                        search.min_proficiency, search.agent_type, limited(search.limit)};
  TRIUNE_ASSIGN(
      const RowSet found,
      rows(
          "SELECT f.id, f.name, f.agent_type, f.status, f.free_tasks, f.proficiency, f.success_rate, f.rating FROM ("
          "SELECT a.id, a.name, a.agent_type, a.status, a.max_concurrent_tasks - (SELECT count(*) FROM triune_tasks t "
          "WHERE t.organization_id = a.organization_id AND t.assigned_to = a.id AND t.status IN ('assigned', "
          "'in_progress')) AS free_tasks, c.proficiency, CASE WHEN c.uses > 0 THEN CAST(c.successes AS double "
          "precision) / c.uses END AS "
          "success_rate, (SELECT avg(CAST(b.rating AS double precision)) FROM triune_agent_feedback b WHERE "
          "b.organization_id = "
          "a.organization_id AND b.agent_id = a.id) AS rating FROM triune_agents a LEFT JOIN triune_agent_capabilities "
          "c ON c.organization_id = a.organization_id AND c.agent_id = a.id AND c.capability = ?3 WHERE "
          "a.organization_id = ?1 AND a.status IN ('idle', 'active', 'degraded') AND (?3 = '' OR c.proficiency >= ?4) "
          "AND (?5 = '' OR a.agent_type = ?5) AND NOT EXISTS (SELECT 1 FROM triune_agent_absences w WHERE "
          "w.organization_id = a.organization_id AND w.agent_id = a.id AND w.from_ms <= ?2 AND (w.until_ms IS NULL OR "
          "w.until_ms > ?2))) f WHERE f.free_tasks > 0 ORDER BY coalesce(f.proficiency, 0) DESC, "
          "coalesce(f.success_rate, 0.5) DESC, coalesce(f.rating, 3) DESC, f.free_tasks DESC, f.id LIMIT ?6",
          parameters));
  std::vector<FoundAgent> agents;
  for (const auto& row : found.rows) {
    FoundAgent agent{.id = text(row[0]), .name = text(row[1]), .agent_type = text(row[2])};
    TRIUNE_ASSIGN(agent.status, parse_agent_status(text(row[3])));
    agent.free_tasks = integer(row[4]);
    agent.proficiency = optional_real(row[5]);
    agent.success_rate = optional_real(row[6]);
    agent.average_rating = optional_real(row[7]);
    agents.push_back(std::move(agent));
  }
  return agents;
}

Status RecordStore::give_feedback(const AgentFeedback& feedback, const std::string& id) const {
  TRIUNE_TRY(expect_agent(feedback.agent));
  const std::array<Value, 9> row{organization(),
                                 id,
                                 feedback.agent,
                                 feedback.task,
                                 std::string(to_string(feedback.type)),
                                 feedback.rating,
                                 feedback.comment,
                                 feedback.given_by,
                                 feedback.given_at_ms == 0 ? now_ms() : feedback.given_at_ms};
  return told(session_.execute("INSERT INTO triune_agent_feedback (organization_id, id, agent_id, task_id, "
                               "feedback_type, rating, comment, given_by, given_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                               "?7, ?8, ?9)",
                               row),
              fmt::format("feedback to agent {} (a rating is 1 to 5)", feedback.agent));
}

Result<std::vector<AgentFeedback>> RecordStore::feedback(std::string_view agent, std::size_t limit) const {
  const std::array<Value, 3> parameters{organization(), std::string(agent), limited(limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT id, agent_id, task_id, feedback_type, rating, comment, given_by, given_at_ms FROM "
                     "triune_agent_feedback WHERE organization_id = ?1 AND agent_id = ?2 ORDER BY given_at_ms DESC, id "
                     "DESC LIMIT ?3",
                     parameters));
  std::vector<AgentFeedback> feedback;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(const auto type, parse_feedback_type(text(row[3])));
    feedback.push_back(
        {text(row[0]), text(row[1]), text(row[2]), type, integer(row[4]), text(row[5]), text(row[6]), integer(row[7])});
  }
  return feedback;
}

Result<std::vector<AgentRating>> RecordStore::ratings(std::string_view agent) const {
  const std::array<Value, 2> key{organization(), std::string(agent)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT feedback_type, ratings, average_rating, lowest, highest FROM triune_agent_ratings WHERE "
                     "organization_id = ?1 AND agent_id = ?2 ORDER BY feedback_type",
                     key));
  std::vector<AgentRating> ratings;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(const auto type, parse_feedback_type(text(row[0])));
    ratings.push_back({type, integer(row[1]), real(row[2]), integer(row[3]), integer(row[4])});
  }
  return ratings;
}

Status RecordStore::decide(const AgentDecision& decision, const std::string& id) const {
  TRIUNE_TRY(expect_agent(decision.agent));
  TRIUNE_ASSIGN(const auto options, canonical_json(decision.options.text));
  const std::array<Value, 13> row{organization(),
                                  id,
                                  decision.agent,
                                  decision.title,
                                  decision.chosen,
                                  options,
                                  decision.reasons,
                                  decision.confidence,
                                  or_null(decision.review_confidence),
                                  std::int64_t{decision.human_involved},
                                  decision.task,
                                  decision.session,
                                  decision.decided_at_ms == 0 ? now_ms() : decision.decided_at_ms};
  return told(session_.execute("INSERT INTO triune_decisions (organization_id, id, agent_id, title, chosen, options, "
                               "reasons, confidence, review_confidence, human_involved, task_id, session_id, "
                               "decided_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                               row),
              fmt::format("decision {} (confidences are 0 to 1)", id));
}

Status RecordStore::resolve(std::string_view decision, DecisionOutcome outcome, std::string_view note) const {
  Value at;
  if (outcome != DecisionOutcome::open) at = now_ms();
  const std::array<Value, 5> row{organization(), std::string(decision), std::string(to_string(outcome)),
                                 std::string(note), at};
  TRIUNE_ASSIGN(const auto changed,
                session_.execute("UPDATE triune_decisions SET outcome = ?3, outcome_note = ?4, resolved_at_ms = ?5 "
                                 "WHERE organization_id = ?1 AND id = ?2",
                                 row));
  if (changed > 0) return {};
  return failure(ErrorCode::not_found,
                 fmt::format("there is no decision {}; `triune agents decisions` shows them", decision));
}

Result<std::vector<AgentDecision>> RecordStore::decisions(const DecisionFilter& filter) const {
  const std::array<Value, 5> parameters{
      organization(), filter.agent, filter.outcome ? std::string(to_string(*filter.outcome)) : std::string(),
      filter.human_involved ? std::int64_t{*filter.human_involved} : std::int64_t{-1}, limited(filter.limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT id, agent_id, title, chosen, options, reasons, confidence, review_confidence, "
                     "human_involved, task_id, session_id, outcome, outcome_note, decided_at_ms, resolved_at_ms FROM "
                     "triune_decisions WHERE organization_id = ?1 AND (?2 = '' OR agent_id = ?2) AND (?3 = '' OR "
                     "outcome = ?3) AND (?4 = -1 OR human_involved = ?4) ORDER BY decided_at_ms DESC, id DESC LIMIT ?5",
                     parameters));
  std::vector<AgentDecision> decisions;
  for (const auto& row : found.rows) {
    TRIUNE_ASSIGN(auto decision, decision_of(row));
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

Result<DecisionOutcomes> RecordStore::decision_outcomes(std::string_view agent) const {
  const std::array<Value, 2> key{organization(), std::string(agent)};
  TRIUNE_ASSIGN(
      const RowSet found,
      rows("SELECT decisions, open, succeeded, failed, reverted, with_humans, average_confidence, brier_score "
           "FROM triune_decision_outcomes WHERE organization_id = ?1 AND agent_id = ?2",
           key));
  DecisionOutcomes outcomes;
  if (found.rows.empty()) return outcomes;
  const auto& row = found.rows[0];
  outcomes = {integer(row[0]), integer(row[1]), integer(row[2]), integer(row[3]),
              integer(row[4]), integer(row[5]), real(row[6]),    optional_real(row[7])};
  return outcomes;
}

Result<std::vector<ContextPoint>> RecordStore::context_history(std::string_view session) const {
  const std::array<Value, 2> key{organization(), std::string(session)};
  TRIUNE_ASSIGN(const RowSet known,
                rows("SELECT 1 FROM triune_context_sessions WHERE organization_id = ?1 AND id = ?2", key));
  if (known.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no context {}", session));
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT at_ms, token_count, usage_percent FROM triune_context_history WHERE organization_id = ?1 "
                     "AND session_id = ?2 ORDER BY number LIMIT 1000",
                     key));
  std::vector<ContextPoint> points;
  for (const auto& row : found.rows) points.push_back({integer(row[0]), integer(row[1]), real(row[2])});
  return points;
}

ContextForecast forecast_of(const std::vector<ContextPoint>& points) {
  ContextForecast forecast;
  if (points.empty()) return forecast;
  // What was made shorter begins anew.
  std::size_t first = points.size() - 1;
  while (first > 0 && points[first - 1].tokens <= points[first].tokens) --first;
  const auto& last = points.back();
  forecast.usage_percent = last.usage_percent;
  forecast.points = static_cast<std::int64_t>(points.size() - first);
  double hours = 0;
  double usage = 0;
  for (std::size_t i = first; i < points.size(); ++i) {
    hours += static_cast<double>(points[i].at_ms - last.at_ms) / hour_ms;
    usage += points[i].usage_percent;
  }
  hours /= static_cast<double>(forecast.points);
  usage /= static_cast<double>(forecast.points);
  double together = 0;
  double spread = 0;
  for (std::size_t i = first; i < points.size(); ++i) {
    const double x = static_cast<double>(points[i].at_ms - last.at_ms) / hour_ms - hours;
    together += x * (points[i].usage_percent - usage);
    spread += x * x;
  }
  if (spread <= 0 || together <= 0) return forecast;
  forecast.percent_per_hour = together / spread;
  const auto reached = [&](double bound) -> std::optional<std::int64_t> {
    if (last.usage_percent >= bound) return std::nullopt;
    const double ahead = (bound - last.usage_percent) / forecast.percent_per_hour * hour_ms;
    constexpr double furthest = 1e15;  // some thirty thousand years
    if (ahead > furthest) return std::nullopt;
    return last.at_ms + static_cast<std::int64_t>(ahead);
  };
  forecast.light_at_ms = reached(75);
  forecast.consolidate_at_ms = reached(85);
  forecast.emergency_at_ms = reached(95);
  return forecast;
}

}  // namespace triune::modules::agents
