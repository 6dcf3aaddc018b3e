#include "front/cli/agent_records_commands.h"

#include "base/try.h"
#include "front/cli/work_answers.h"
#include "triune/modules/agent_records.h"

namespace triune::front {
namespace {

struct RecordArguments {
  AgentAbsence absence;
  AgentSearch search;
  AgentFeedback feedback;
  AgentDecision decision;
  DecisionFilter filter;
  std::string id;
  std::string word;
  std::string note;
  std::string options;
};

template <class Work>
Result<ExitCode> with_records(const CommandLine& line, const Work& work) {
  return with_hive(line.settings, module_opening(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto records, AgentRecords::open(hive));
    return work(*records);
  });
}

std::string copy(std::string_view text) {
  return std::string(text);
}

Result<ExitCode> run_absent(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    TRIUNE_TRY(records.set_absent(arguments.absence));
    return answer_done(line);
  });
}

Result<ExitCode> run_present(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    TRIUNE_TRY(records.set_present(arguments.id));
    return answer_done(line);
  });
}

Result<ExitCode> run_find(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, records.find_agents(arguments.search));
    RowSet rows{
        .columns = {"id", "name", "agent_type", "status", "free_tasks", "proficiency", "success_rate", "rating"}};
    for (const auto& one : found)
      rows.rows.push_back({one.id, one.name, one.agent_type, copy(to_string(one.status)), one.free_tasks,
                           cell_of(one.proficiency), cell_of(one.success_rate), cell_of(one.average_rating)});
    return answer_rows(line, "agents", rows);
  });
}

Result<ExitCode> run_feedback(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    auto feedback = arguments.feedback;
    TRIUNE_ASSIGN(feedback.type, parse_feedback_type(arguments.word));
    TRIUNE_ASSIGN(const auto id, records.give_feedback(feedback));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_ratings(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, records.ratings(arguments.id));
    RowSet rows{.columns = {"feedback_type", "ratings", "average", "lowest", "highest"}};
    for (const auto& one : found)
      rows.rows.push_back({copy(to_string(one.type)), one.ratings, one.average, one.lowest, one.highest});
    return answer_rows(line, "ratings", rows);
  });
}

Result<ExitCode> run_decide(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    auto decision = arguments.decision;
    if (!arguments.options.empty()) decision.options = Json{arguments.options};
    TRIUNE_ASSIGN(const auto id, records.decide(decision));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_resolve(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto outcome, parse_decision_outcome(arguments.word));
    TRIUNE_TRY(records.resolve(arguments.id, outcome, arguments.note));
    return answer_done(line);
  });
}

Result<ExitCode> run_decisions(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    auto filter = arguments.filter;
    if (!arguments.word.empty()) {
      TRIUNE_ASSIGN(filter.outcome, parse_decision_outcome(arguments.word));
    }
    TRIUNE_ASSIGN(const auto found, records.decisions(filter));
    RowSet rows{.columns = {"id", "agent", "title", "chosen", "confidence", "review_confidence", "human_involved",
                            "outcome", "outcome_note", "decided_at_ms", "resolved_at_ms"}};
    for (const auto& one : found)
      rows.rows.push_back({one.id, one.agent, one.title, one.chosen, one.confidence, cell_of(one.review_confidence),
                           std::int64_t{one.human_involved}, copy(to_string(one.outcome)), one.outcome_note,
                           one.decided_at_ms, cell_of(one.resolved_at_ms)});
    return answer_rows(line, "decisions", rows);
  });
}

Result<ExitCode> run_context(const RecordArguments& arguments, const CommandLine& line) {
  return with_records(line, [&](AgentRecords& records) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto points, records.context_history(arguments.id));
    TRIUNE_ASSIGN(const auto forecast, records.context_forecast(arguments.id));
    RowSet rows{.columns = {"at_ms", "tokens", "usage_percent"}};
    for (const auto& one : points) rows.rows.push_back({one.at_ms, one.tokens, one.usage_percent});
    const Record ahead{{"usage_percent", forecast.usage_percent},
                       {"percent_per_hour", forecast.percent_per_hour},
                       {"points", forecast.points},
                       {"light_at_ms", cell_of(forecast.light_at_ms)},
                       {"consolidate_at_ms", cell_of(forecast.consolidate_at_ms)},
                       {"emergency_at_ms", cell_of(forecast.emergency_at_ms)}};
    if (!line.settings.json) {
      static_cast<void>(answer_record(line, ahead));
      return answer_rows(line, "history", rows);
    }
    JsonWriter to;
    to.begin_object().key("forecast").value(ahead).key("history").begin_array();
    for (const auto& row : rows.rows)
      to.value(Record{{rows.columns[0], row[0]}, {rows.columns[1], row[1]}, {rows.columns[2], row[2]}});
    return answer(line, to.end_array().end_object(), {});
  });
}

using Arguments = std::shared_ptr<RecordArguments>;

void add_availability(CLI::App& agents, CommandLine& line) {
  const Arguments away = std::make_shared<RecordArguments>();
  auto* absent = add_command(agents, "absent", "Say that an agent is away, and to be given no work",
                             "triune agents absent ada --until-ms 1790000000000 --reason upgrade");
  absent->add_option("agent", away->absence.agent, "Its id")->required()->type_name("ID");
  absent->add_option("--from-ms", away->absence.from_ms, "In milliseconds since 1970; none: now")->type_name("MS");
  absent->add_option("--until-ms", away->absence.until_ms, "None: until further notice")->type_name("MS");
  absent->add_option("--reason", away->absence.reason, "Why")->type_name("TEXT");
  when_chosen(absent, line, away, run_absent);

  const Arguments back = std::make_shared<RecordArguments>();
  auto* present = add_command(agents, "present", "Say that an agent is back", "triune agents present ada");
  present->add_option("agent", back->id, "Its id")->required()->type_name("ID");
  when_chosen(present, line, back, run_present);

  const Arguments wanted = std::make_shared<RecordArguments>();
  auto* find = add_command(agents, "find", "Who could do something now, the best first",
                           "triune agents find --capability review --min 0.5 --json");
  find->add_option("--capability", wanted->search.capability, "That can do this")->type_name("NAME");
  find->add_option("--min", wanted->search.min_proficiency, "At least so well, 0 to 1")->type_name("P");
  find->add_option("--type", wanted->search.agent_type, "Of one type")->type_name("WORD");
  find->add_option("-n,--limit", wanted->search.limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(find, line, wanted, run_find);
}

void add_feedback(CLI::App& agents, CommandLine& line) {
  const Arguments given = std::make_shared<RecordArguments>();
  given->word = "general";
  auto* feedback = add_command(agents, "feedback", "Rate what an agent did; prints the feedback's id",
                               "triune agents feedback ada --rating 4 --type speed --comment 'quick'");
  feedback->add_option("agent", given->feedback.agent, "Its id")->required()->type_name("ID");
  feedback->add_option("--rating", given->feedback.rating, "1 (worst) to 5")->required()->type_name("N");
  feedback->add_option("--type", given->word, "general, accuracy, speed, quality, usability")
      ->capture_default_str()
      ->type_name("TYPE");
  feedback->add_option("--task", given->feedback.task, "Of which task")->type_name("ID");
  feedback->add_option("--comment", given->feedback.comment, "In words")->type_name("TEXT");
  feedback->add_option("--by", given->feedback.given_by, "Who says so")->type_name("ID");
  when_chosen(feedback, line, given, run_feedback);

  const Arguments one = std::make_shared<RecordArguments>();
  auto* ratings = add_command(agents, "ratings", "What all feedback to an agent comes to", "triune agents ratings ada");
  ratings->add_option("agent", one->id, "Its id")->required()->type_name("ID");
  when_chosen(ratings, line, one, run_ratings);
}

void add_decisions(CLI::App& agents, CommandLine& line) {
  const Arguments made = std::make_shared<RecordArguments>();
  auto* decide = add_command(agents, "decide", "Record a decision of an agent; prints its id",
                             "triune agents decide ada 'split the parser' --chosen two --confidence 0.7 --human");
  decide->add_option("agent", made->decision.agent, "Its id")->required()->type_name("ID");
  decide->add_option("title", made->decision.title, "What was to be decided")->required()->type_name("TEXT");
  decide->add_option("--chosen", made->decision.chosen, "What was decided")->type_name("TEXT");
  decide->add_option("--options", made->options, "Between what, as JSON")->type_name("JSON");
  decide->add_option("--reasons", made->decision.reasons, "Why")->type_name("TEXT");
  decide->add_option("--confidence", made->decision.confidence, "0 to 1")->capture_default_str()->type_name("P");
  decide->add_option("--review", made->decision.review_confidence, "Of a second opinion, 0 to 1")->type_name("P");
  decide->add_flag("--human", made->decision.human_involved, "A person had a part in it");
  decide->add_option("--task", made->decision.task, "Of which task")->type_name("ID");
  decide->add_option("--session", made->decision.session, "In which session")->type_name("ID");
  when_chosen(decide, line, made, run_decide);

  const Arguments ended = std::make_shared<RecordArguments>();
  auto* resolve = add_command(agents, "resolve", "Say how a decision went",
                              "triune agents resolve 0199… succeeded --note 'twice as fast'");
  resolve->add_option("decision", ended->id, "Its id")->required()->type_name("ID");
  resolve->add_option("outcome", ended->word, "succeeded, failed, reverted, open")->required()->type_name("OUTCOME");
  resolve->add_option("--note", ended->note, "In words")->type_name("TEXT");
  when_chosen(resolve, line, ended, run_resolve);

  const Arguments wanted = std::make_shared<RecordArguments>();
  auto* decisions =
      add_command(agents, "decisions", "List decisions, the newest first", "triune agents decisions --outcome open");
  decisions->add_option("--agent", wanted->filter.agent, "Of one agent")->type_name("ID");
  decisions->add_option("--outcome", wanted->word, "That went so")->type_name("OUTCOME");
  decisions->add_option("-n,--limit", wanted->filter.limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(decisions, line, wanted, run_decisions);
}

}  // namespace

void add_agent_record_commands(CLI::App& agents, CommandLine& line) {
  add_availability(agents, line);
  add_feedback(agents, line);
  add_decisions(agents, line);
  const Arguments session = std::make_shared<RecordArguments>();
  auto* context = add_command(agents, "context", "How a context filled, and when it will be full",
                              "triune agents context 0199… --json");
  context->add_option("session", session->id, "The id of the context")->required()->type_name("ID");
  when_chosen(context, line, session, run_context);
}

}  // namespace triune::front
