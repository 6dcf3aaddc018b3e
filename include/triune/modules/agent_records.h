// What is known of agents' work: when they are away, who could do something, what people think of what they did, what
// they decided and how it went, and how fast their contexts fill.
//
//   auto records = triune::AgentRecords::open(*hive);
//   (*records)->set_absent({.agent = "ada", .until_ms = tomorrow, .reason = "upgrade"});
//   auto best = (*records)->find_agents({.capability = "review"});       // ada is not among them
//   (*records)->give_feedback({.agent = "bob", .type = FeedbackType::speed, .rating = 4});
//   auto id = (*records)->decide({.agent = "bob", .title = "split the parser", .confidence = 0.7});
//   (*records)->resolve(*id, DecisionOutcome::succeeded, "the build is twice as fast");
//   auto forecast = (*records)->context_forecast("session-1");           // full in 40 minutes
//
// The tables are those of triune/modules/agents.h, and go with their agents; every change is in the audit log. Times
// are milliseconds since 1970. Thread rule: every method may be called from any thread. Methods that write block until
// the change is durable (I1), at most 30 s.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"
#include "triune/modules/agents.h"

namespace triune {

/// An agent is away, and given no work.
struct AgentAbsence {
  std::string agent;
  std::int64_t from_ms = 0;              ///< 0: from now.
  std::optional<std::int64_t> until_ms;  ///< Later than `from_ms`; nothing: until further notice.
  std::string reason;                    ///< At most 1,000 characters.
};

/// Who is looked for; what is empty does not restrict.
struct AgentSearch {
  std::string capability;
  double min_proficiency = 0;  ///< 0 to 1; of the capability.
  std::string agent_type;
  std::size_t limit = 10;  ///< At most 10,000.
};

/// Someone who could do it now.
struct FoundAgent {
  std::string id;
  std::string name;
  std::string agent_type;
  AgentStatus status = AgentStatus::idle;
  std::int64_t free_tasks = 0;           ///< How many more it may have at once.
  std::optional<double> proficiency;     ///< Of the capability asked for.
  std::optional<double> success_rate;    ///< Of its uses, 0 to 1; nothing: it was never used.
  std::optional<double> average_rating;  ///< 1 to 5, of all feedback.
};

enum class FeedbackType : std::uint8_t { general, accuracy, speed, quality, usability };
std::string_view to_string(FeedbackType type) noexcept;
/// Error: `invalid_argument`.
Result<FeedbackType> parse_feedback_type(std::string_view word);

struct AgentFeedback {
  std::string id;  ///< Empty: a new UUIDv7.
  std::string agent;
  std::string task;  ///< Of what; may be empty.
  FeedbackType type = FeedbackType::general;
  std::int64_t rating = 0;  ///< 1 (worst) to 5.
  std::string comment;      ///< At most 10,000 characters.
  std::string given_by;
  std::int64_t given_at_ms = 0;  ///< 0: now.
};

/// What all feedback of a type comes to.
struct AgentRating {
  FeedbackType type = FeedbackType::general;
  std::int64_t ratings = 0;
  double average = 0;  ///< 1 to 5.
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
};

enum class DecisionOutcome : std::uint8_t { open, succeeded, failed, reverted };
std::string_view to_string(DecisionOutcome outcome) noexcept;
/// Error: `invalid_argument`.
Result<DecisionOutcome> parse_decision_outcome(std::string_view word);

/// A decision. In the graph a node Decision, with an edge DECIDED from its agent.
struct AgentDecision {
  std::string id;  ///< Empty: a new UUIDv7.
  std::string agent;
  std::string title;                        ///< 1 to 1,000 characters.
  std::string chosen;                       ///< What was decided.
  Json options{"[]"};                       ///< Between what.
  std::string reasons;                      ///< At most 100,000 characters.
  double confidence = 0.5;                  ///< 0 to 1.
  std::optional<double> review_confidence;  ///< 0 to 1, of a second opinion.
  bool human_involved = false;
  std::string task;
  std::string session;
  DecisionOutcome outcome = DecisionOutcome::open;  ///< Told, not given: see `resolve`.
  std::string outcome_note;                         ///< Told, not given.
  std::int64_t decided_at_ms = 0;                   ///< 0: now.
  std::optional<std::int64_t> resolved_at_ms;       ///< Told, not given.
};

/// Which decisions; what is empty does not restrict.
struct DecisionFilter {
  std::string agent;
  std::optional<DecisionOutcome> outcome;
  std::optional<bool> human_involved;
  std::size_t limit = 100;  ///< At most 10,000.
};

/// How an agent's decisions went.
struct DecisionOutcomes {
  std::int64_t decisions = 0;
  std::int64_t open = 0;
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;
  std::int64_t reverted = 0;
  std::int64_t with_humans = 0;
  double average_confidence = 0;
  /// Mean squared difference of confidence and outcome (succeeded 1, otherwise 0) of those that are resolved: 0 is
  /// perfect, 0.25 what always saying 0.5 gives. Nothing: none is resolved.
  std::optional<double> brier_score;
};

/// How full a context was.
struct ContextPoint {
  std::int64_t at_ms = 0;
  std::int64_t tokens = 0;
  double usage_percent = 0;
};

/// When a context reaches its bounds, when it goes on as since it was last made shorter.
struct ContextForecast {
  double usage_percent = 0;
  double percent_per_hour = 0;              ///< Least squares over the points since then; 0: too few, or no growth.
  std::int64_t points = 0;                  ///< So many the rate stands on.
  std::optional<std::int64_t> light_at_ms;  ///< 75 %. Nothing: reached already, or never at this rate.
  std::optional<std::int64_t> consolidate_at_ms;  ///< 85 %.
  std::optional<std::int64_t> emergency_at_ms;    ///< 95 %.
};

class AgentRecords {
 public:
  /// Makes the tables of agents in the hive, or follows them. The hive outlives it.
  static Result<std::unique_ptr<AgentRecords>> open(Hive& hive);
  virtual ~AgentRecords() = default;

  /// One that begins at the same time is replaced. Errors: `not_found` for the agent, `conflict` for the times.
  virtual Status set_absent(const AgentAbsence& absence, const Actor& actor = {}) = 0;
  /// Ends absences that last, and takes away those to come. None is no error. Error: `not_found` for the agent.
  virtual Status set_present(std::string_view agent, const Actor& actor = {}) = 0;
  /// The newest first; at most 1,000.
  virtual Result<std::vector<AgentAbsence>> absences(std::string_view agent) = 0;
  /// Agents that are idle, active or degraded, not away, and free for one more task: the most proficient first, then by
  /// success, rating and free tasks.
  virtual Result<std::vector<FoundAgent>> find_agents(const AgentSearch& search = {}) = 0;

  /// Returns the id. Errors: `not_found` for the agent; `conflict` for a rating beyond 1 to 5, or the id.
  virtual Result<std::string> give_feedback(const AgentFeedback& feedback, const Actor& actor = {}) = 0;
  /// The newest first; at most 10,000.
  virtual Result<std::vector<AgentFeedback>> feedback(std::string_view agent, std::size_t limit = 100) = 0;
  virtual Result<std::vector<AgentRating>> ratings(std::string_view agent) = 0;

  /// Returns the id. Errors: `not_found` for the agent; `conflict` for a confidence beyond 0 to 1, or the id;
  /// `invalid_argument` for options that are no JSON.
  virtual Result<std::string> decide(const AgentDecision& decision, const Actor& actor = {}) = 0;
  /// How it went; `open` takes it back. Error: `not_found`.
  virtual Status resolve(std::string_view decision, DecisionOutcome outcome, std::string_view note = {},
                         const Actor& actor = {}) = 0;
  /// The newest first.
  virtual Result<std::vector<AgentDecision>> decisions(const DecisionFilter& filter = {}) = 0;
  virtual Result<DecisionOutcomes> decision_outcomes(std::string_view agent) = 0;

  /// How full a context was, from change to change: the oldest first, the last 1,000 are kept. Error: `not_found`.
  virtual Result<std::vector<ContextPoint>> context_history(std::string_view session) = 0;
  /// Error: `not_found`.
  virtual Result<ContextForecast> context_forecast(std::string_view session) = 0;
};

}  // namespace triune
