#include "triune/modules/agent_records.h"

#include <algorithm>
#include <array>

#include "base/try.h"
#include "modules/agents/definition.h"
#include "modules/agents/record_store.h"
#include "triune/ids.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::agents;
using contract::RelationalSession;

constexpr std::array<std::string_view, 5> feedback_types{"general", "accuracy", "speed", "quality", "usability"};
constexpr std::array<std::string_view, 4> outcomes{"open", "succeeded", "failed", "reverted"};

std::string id_or_new(const std::string& id) {
  return id.empty() ? new_id() : id;
}

class StoredRecords final : public AgentRecords {
 public:
  explicit StoredRecords(Module module) : module_(std::move(module)) {}

  Status set_absent(const AgentAbsence& absence, const Actor& actor) override {
    return write(actor, [&](const RecordStore& store) { return store.set_absent(absence); });
  }
  Status set_present(std::string_view agent, const Actor& actor) override {
    return write(actor, [&](const RecordStore& store) { return store.set_present(agent); });
  }
  Result<std::vector<AgentAbsence>> absences(std::string_view agent) override {
    return read([&](const RecordStore& store) { return store.absences(agent); });
  }
  Result<std::vector<FoundAgent>> find_agents(const AgentSearch& search) override {
    return read([&](const RecordStore& store) { return store.find_agents(search); });
  }

  Result<std::string> give_feedback(const AgentFeedback& feedback, const Actor& actor) override {
    auto id = id_or_new(feedback.id);
    TRIUNE_TRY(write(actor, [&](const RecordStore& store) { return store.give_feedback(feedback, id); }));
    return id;
  }
  Result<std::vector<AgentFeedback>> feedback(std::string_view agent, std::size_t limit) override {
    return read([&](const RecordStore& store) { return store.feedback(agent, limit); });
  }
  Result<std::vector<AgentRating>> ratings(std::string_view agent) override {
    return read([&](const RecordStore& store) { return store.ratings(agent); });
  }

  Result<std::string> decide(const AgentDecision& decision, const Actor& actor) override {
    auto id = id_or_new(decision.id);
    TRIUNE_TRY(write(actor, [&](const RecordStore& store) { return store.decide(decision, id); }));
    return id;
  }
  Status resolve(std::string_view decision, DecisionOutcome outcome, std::string_view note,
                 const Actor& actor) override {
    return write(actor, [&](const RecordStore& store) { return store.resolve(decision, outcome, note); });
  }
  Result<std::vector<AgentDecision>> decisions(const DecisionFilter& filter) override {
    return read([&](const RecordStore& store) { return store.decisions(filter); });
  }
  Result<DecisionOutcomes> decision_outcomes(std::string_view agent) override {
    return read([&](const RecordStore& store) { return store.decision_outcomes(agent); });
  }

  Result<std::vector<ContextPoint>> context_history(std::string_view session) override {
    return read([&](const RecordStore& store) { return store.context_history(session); });
  }
  Result<ContextForecast> context_forecast(std::string_view session) override {
    TRIUNE_ASSIGN(const auto points, context_history(session));
    return forecast_of(points);
  }

 private:
  template <class Job>
  Status write(const Actor& actor, const Job& job) {
    TRIUNE_TRY(module_.write(
        actor, [&](RelationalSession& session) { return job(RecordStore(session, module_.organization_id())); },
        patience()));
    return {};
  }
  template <class Question>
  auto read(const Question& question) -> decltype(question(std::declval<const RecordStore&>())) {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return question(RecordStore(*session, module_.organization_id()));
  }

  Module module_;
};

}  // namespace

std::string_view to_string(FeedbackType type) noexcept {
  return feedback_types[static_cast<std::size_t>(type)];
}

Result<FeedbackType> parse_feedback_type(std::string_view word) {
  const auto* const found = std::find(feedback_types.begin(), feedback_types.end(), word);
  if (found == feedback_types.end())
    return unknown_word("the type of feedback", word, "general, accuracy, speed, quality, usability");
  return static_cast<FeedbackType>(found - feedback_types.begin());
}

std::string_view to_string(DecisionOutcome outcome) noexcept {
  return outcomes[static_cast<std::size_t>(outcome)];
}

Result<DecisionOutcome> parse_decision_outcome(std::string_view word) {
  const auto* const found = std::find(outcomes.begin(), outcomes.end(), word);
  if (found == outcomes.end())
    return unknown_word("the outcome of a decision", word, "open, succeeded, failed, reverted");
  return static_cast<DecisionOutcome>(found - outcomes.begin());
}

Result<std::unique_ptr<AgentRecords>> AgentRecords::open(Hive& hive) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::agents::definition()));
  return std::unique_ptr<AgentRecords>(std::make_unique<StoredRecords>(std::move(module)));
}

}  // namespace triune
