// queue: durable work that is claimed, completed, tried again or set aside.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/work_answers.h"
#include "triune/modules/queue.h"

namespace triune::front {
namespace {

/// The options of all commands of the group; each takes those that it declares.
struct QueueArguments {
  std::string queue;
  std::string worker;
  std::string priority;
  std::string payload;
  std::string result;
  std::size_t count = 1;
  std::int64_t lease_ms = 0;
  std::int64_t in_ms = 0;
  QueueSettings settings;
  NewQueueItem item;
  QueueFailure failed;  ///< Its id and claim serve all commands on one item.
  Actor actor;
};

template <class Use>
Result<ExitCode> with_queues(const CommandLine& line, const Use& use) {
  return with_hive(line.settings, module_opening(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto queues, Queues::open(hive));
    return use(*queues);
  });
}

RowSet table_of(const std::vector<QueueItem>& items) {
  RowSet rows{.columns = {"id", "claim", "state", "priority", "attempts", "lane", "task", "worker", "lease_until_ms",
                          "payload", "result", "last_error"}};
  for (const auto& item : items)
    rows.rows.push_back({item.id, item.claim, item.state, std::string(to_string(item.priority)), item.attempts,
                         item.lane, item.task, item.worker, cell_of(item.lease_until_ms), item.payload, item.result,
                         item.last_error});
  return rows;
}

Result<ExitCode> run_create(const QueueArguments& arguments, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_TRY(queues.configure(arguments.settings, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_list(const QueueArguments&, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, queues.list());
    RowSet rows{.columns = {"name", "paused", "lease_ms", "max_attempts", "backoff_ms", "longest_backoff_ms"}};
    for (const auto& queue : found)
      rows.rows.push_back(
          {queue.name, queue.paused, queue.lease_ms, queue.max_attempts, queue.backoff_ms, queue.longest_backoff_ms});
    return answer_rows(line, "queues", rows);
  });
}

std::int64_t in_future(std::int64_t milliseconds) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + milliseconds;
}

Result<ExitCode> run_put(const QueueArguments& arguments, const CommandLine& line) {
  auto item = arguments.item;
  if (!arguments.priority.empty()) {
    TRIUNE_ASSIGN(item.priority, parse_task_priority(arguments.priority));
  }
  if (!arguments.payload.empty()) item.payload = Json{arguments.payload};
  if (arguments.in_ms > 0) item.due_at_ms = in_future(arguments.in_ms);
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto ids, queues.put(arguments.queue, std::span(&item, 1), arguments.actor));
    return answer_id(line, ids.front());
  });
}

Result<ExitCode> run_claim(const QueueArguments& arguments, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto items, queues.claim(arguments.queue, arguments.worker, arguments.count, arguments.lease_ms,
                                                 arguments.actor));
    return answer_rows(line, "items", table_of(items));
  });
}

Result<ExitCode> run_complete(const QueueArguments& arguments, const CommandLine& line) {
  QueueCompletion completion{.id = arguments.failed.id, .claim = arguments.failed.claim};
  if (!arguments.result.empty()) completion.result = Json{arguments.result};
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_TRY(queues.complete(std::span(&completion, 1), arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_fail(const QueueArguments& arguments, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_TRY(queues.fail(std::span(&arguments.failed, 1), arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_extend(const QueueArguments& arguments, const CommandLine& line) {
  const auto& held = arguments.failed;
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_TRY(queues.extend(held.id, held.claim, arguments.lease_ms, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_release(const QueueArguments& arguments, const CommandLine& line) {
  const auto& held = arguments.failed;
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_TRY(queues.release(held.id, held.claim, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_stats(const QueueArguments& arguments, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto counts, queues.statistics(arguments.queue));
    return answer_record(line, {{"blocked", counts.blocked},
                                {"waiting", counts.waiting},
                                {"ready", counts.ready},
                                {"claimed", counts.claimed},
                                {"completed", counts.completed},
                                {"dead", counts.dead},
                                {"cancelled", counts.cancelled},
                                {"oldest_ready_ms", counts.oldest_ready_ms}});
  });
}

Result<ExitCode> run_dead(const QueueArguments& arguments, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto items, queues.items(arguments.queue, "dead", arguments.count));
    return answer_rows(line, "items", table_of(items));
  });
}

Result<ExitCode> run_revive(const QueueArguments& arguments, const CommandLine& line) {
  return with_queues(line, [&](Queues& queues) -> Result<ExitCode> {
    TRIUNE_TRY(queues.revive(arguments.failed.id, arguments.actor));
    return answer_done(line);
  });
}

using Arguments = std::shared_ptr<QueueArguments>;

void add_queues(CLI::App& queue, CommandLine& line) {
  Arguments with = std::make_shared<QueueArguments>();
  auto* create = add_command(queue, "create", "Make a queue, or change one", "triune queue create work --lease 60000");
  auto& settings = with->settings;
  create->add_option("name", settings.name, "Of the queue")->required()->type_name("NAME");
  create->add_flag("--paused", settings.paused, "Gives out nothing");
  create->add_option("--lease", settings.lease_ms, "How long a claim holds")->capture_default_str()->type_name("MS");
  create->add_option("--attempts", settings.max_attempts, "Claims of an item before it is dead")
      ->capture_default_str()
      ->type_name("N");
  create->add_option("--backoff", settings.backoff_ms, "Pause before the second attempt; it doubles")
      ->capture_default_str()
      ->type_name("MS");
  create->add_option("--longest-backoff", settings.longest_backoff_ms, "The longest pause")
      ->capture_default_str()
      ->type_name("MS");
  add_actor(create, with->actor);
  when_chosen(create, line, with, run_create);

  auto* list = add_command(queue, "list", "List the queues", "triune queue list");
  when_chosen(list, line, std::make_shared<QueueArguments>(), run_list);

  with = std::make_shared<QueueArguments>();
  auto* stats = add_command(queue, "stats", "Count the items of a queue by their state", "triune queue stats work");
  stats->add_option("queue", with->queue, "Its name")->required()->type_name("NAME");
  when_chosen(stats, line, with, run_stats);

  with = std::make_shared<QueueArguments>();
  with->count = 100;
  auto* dead = add_command(queue, "dead", "List the items that no attempt is left for", "triune queue dead work");
  dead->add_option("queue", with->queue, "Its name")->required()->type_name("NAME");
  dead->add_option("--limit", with->count, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(dead, line, with, run_dead);
}

void add_items(CLI::App& queue, CommandLine& line) {
  Arguments with = std::make_shared<QueueArguments>();
  auto* put = add_command(queue, "put", "Put an item in", "triune queue put work --payload '{\"file\":\"a.c\"}'");
  put->add_option("queue", with->queue, "Its name")->required()->type_name("NAME");
  put->add_option("--id", with->item.id, "One that is there already is not put in twice")->type_name("ID");
  put->add_option("--payload", with->payload, "What the worker gets")->type_name("JSON");
  put->add_option("--lane", with->item.lane, "Whose work it is; lanes take turns")->type_name("NAME");
  put->add_option("--priority", with->priority, "low, normal, high, urgent or critical")->type_name("WORD");
  put->add_option("--in", with->in_ms, "Not before so much time has passed")->type_name("MS");
  put->add_option("--task", with->item.task, "The task that it stands for")->type_name("ID");
  add_actor(put, with->actor);
  when_chosen(put, line, with, run_put);

  with = std::make_shared<QueueArguments>();
  auto* claim = add_command(queue, "claim", "Claim items for a worker", "triune queue claim work ada --json");
  claim->add_option("queue", with->queue, "Its name")->required()->type_name("NAME");
  claim->add_option("worker", with->worker, "Who does them")->required()->type_name("NAME");
  claim->add_option("--count", with->count, "At most so many")->capture_default_str()->type_name("N");
  claim->add_option("--lease", with->lease_ms, "How long the claim holds; default: the queue's")->type_name("MS");
  add_actor(claim, with->actor);
  when_chosen(claim, line, with, run_claim);

  with = std::make_shared<QueueArguments>();
  auto* revive = add_command(queue, "revive", "Have a dead item tried again", "triune queue revive ID");
  revive->add_option("id", with->failed.id, "Of the item")->required()->type_name("ID");
  add_actor(revive, with->actor);
  when_chosen(revive, line, with, run_revive);
}

/// A command on an item that is claimed.
CLI::App* add_held(CLI::App& queue, const std::string& name, const std::string& purpose, QueueArguments& with) {
  auto* command = add_command(queue, name, purpose, fmt::format("triune queue {} ID CLAIM", name));
  command->add_option("id", with.failed.id, "Of the item")->required()->type_name("ID");
  command->add_option("claim", with.failed.claim, "The number of the claim")->required()->type_name("CLAIM");
  add_actor(command, with.actor);
  return command;
}

void add_ends(CLI::App& queue, CommandLine& line) {
  Arguments with = std::make_shared<QueueArguments>();
  auto* complete = add_held(queue, "complete", "End a claim well", *with);
  complete->add_option("--result", with->result, "What came of it")->type_name("JSON");
  when_chosen(complete, line, with, run_complete);

  with = std::make_shared<QueueArguments>();
  auto* fail = add_held(queue, "fail", "End a claim badly: it is tried again while attempts are left", *with);
  fail->add_option("--error", with->failed.error, "What went wrong")->type_name("TEXT");
  fail->add_flag("--final", with->failed.final, "It is dead at once");
  when_chosen(fail, line, with, run_fail);

  with = std::make_shared<QueueArguments>();
  auto* extend = add_held(queue, "extend", "Keep a claim for longer", *with);
  extend->add_option("--lease", with->lease_ms, "From now on; default: the queue's")->type_name("MS");
  when_chosen(extend, line, with, run_extend);

  with = std::make_shared<QueueArguments>();
  when_chosen(add_held(queue, "release", "Give an item back; the attempt does not count", *with), line, with,
              run_release);
}

}  // namespace

void add_queue_command(CLI::App& root, CommandLine& line) {
  auto* queue = add_command(root, "queue", "Queues: claim work and complete it once", "triune queue stats work");
  queue->require_subcommand(1);
  add_queues(*queue, line);
  add_items(*queue, line);
  add_ends(*queue, line);
}

}  // namespace triune::front
