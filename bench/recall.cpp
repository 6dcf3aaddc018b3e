// Recall of memories by words and by vector, of all of them and of what filters leave, on both stores.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>

#include "module_place.h"
#include "raw_postgres.h"
#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/modules/agents.h"
#include "triune/modules/memory.h"
#include "words.h"

namespace triune::bench {
namespace {

constexpr int agent_count = 50;
constexpr int of_a_session = 100;
constexpr std::int64_t day_ms = 86'400'000;
constexpr int days = 100;

std::string agent_id(int number) {
  return fmt::format("agent-{:02}", number);
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// One in fifty of each agent, a hundred of each session, one in ten a decision, spread over a hundred days.
void fill(Bench& bench, Hive& hive, int count) {
  const auto agents = must(Agents::open(hive));
  const auto memory = must(Memory::open(hive));
  for (int i = 0; i < agent_count; ++i) must(agents->enroll({.id = agent_id(i)}));
  Words words(7);
  constexpr int at_once = 1'000;
  const auto start = now_ms() - days * day_ms;
  const Stopwatch watch;
  for (int begin = 0; begin < count; begin += at_once) {
    std::vector<NewMemory> some;
    for (int i = begin; i < std::min(begin + at_once, count); ++i)
      some.push_back({.id = fmt::format("m{}", i),
                      .agent = agent_id(i % agent_count),
                      .session = fmt::format("s{}", i / of_a_session),
                      .kind = i % 10 == 0 ? "decision" : "note",
                      .content = words.text(10 + words.below(30)),
                      .created_at_ms = start + static_cast<std::int64_t>(i) * days * day_ms / count});
    must(memory->remember_many(some));
    bench.update("memories", static_cast<std::uint64_t>(begin) + std::uint64_t{at_once},
                 static_cast<std::uint64_t>(count));
  }
  bench.say(fmt::format("  {} memories a second were kept", static_cast<int>(count / watch.seconds())));
  must(hive.wait(must(hive.receipt()).token(), Deadline::after(std::chrono::minutes(10))));
}

struct Question {
  std::string text;
  std::string about;  ///< The memory that some of its words are from.
};

/// Some words of a memory that exists, and others.
Question question(Memory& memory, Words& words, int count) {
  const auto found = must(memory.memory(fmt::format("m{}", words.below(count))));
  return {found.content.substr(0, found.content.find(' ', 40)) + " " + words.text(3), found.id};
}

bool is_among(const Recall& recall, const std::string& id) {
  return std::any_of(recall.memories.begin(), recall.memories.end(),
                     [&](const Recalled& one) { return one.memory.id == id; });
}

/// The store's own index of words, asked for any of them.
class BareWords {
 public:
  explicit BareWords(const ModulePlace& place) {
    if (place.store() == Store::postgres) {
      server_.emplace(place.raw());
      return;
    }
    file_.emplace(place.raw(), 256ULL << 20U);
    select_.emplace(file_->prepare(
        "SELECT rowid FROM triune_memory_words WHERE triune_memory_words MATCH ?1 ORDER BY rank LIMIT 10"));
  }
  void ask(const std::string& text) {
    std::string any;
    for (const char c : text) any += c != ' ' ? std::string(1, c) : server_ ? " | " : " OR ";
    if (server_)
      return server_->run_parameters(
          "SELECT memory_id FROM triune_memory_texts WHERE organization_id = 1 AND words @@ to_tsquery('simple', $1) "
          "ORDER BY ts_rank(words, to_tsquery('simple', $1)) DESC LIMIT 10",
          {any});
    select_->bind(1, std::string_view(any));
    while (select_->step()) {
    }
    select_->reset();
  }

 private:
  std::optional<RawPostgres> server_;
  std::optional<RawSqlite> file_;
  std::optional<RawStatement> select_;
};

/// What each way of asking restricts a query to.
RecallQuery restricted(std::string_view way, RecallQuery query, Words& words, int count) {
  if (way == "recall_of_one_agent") query.agent = agent_id(words.below(agent_count));
  if (way == "recall_of_one_session") query.session = fmt::format("s{}", words.below(count / of_a_session));
  if (way == "recall_of_one_kind") query.kinds = {"decision"};
  if (way == "recall_of_the_last_days") query.since_ms = now_ms() - 5 * day_ms;
  if (way == "recall_of_older_half") query.until_ms = now_ms() - days / 2 * day_ms;
  return query;
}

constexpr std::array<std::string_view, 6> ways{"recall",
                                               "recall_of_one_agent",
                                               "recall_of_one_session",
                                               "recall_of_one_kind",
                                               "recall_of_the_last_days",
                                               "recall_of_older_half"};

void measure(Bench& bench, ModulePlace& place, int count) {
  const auto memory = must(Memory::open(place.hive()));
  must(place.hive().wait(must(place.hive().receipt()).token(), Deadline::after(std::chrono::minutes(10))));
  wait_until_idle();
  BareWords bare(place);
  Words words(11);
  std::map<std::string_view, Samples> times;
  std::map<std::string_view, Samples> processor;  // of this process: on a busy machine it tells more than the clock
  std::map<std::string_view, std::string> strategies;
  std::map<std::string_view, int> recalled;
  Samples words_alone;
  const int rounds = bench.sized(60, 150, 1'500);
  for (int i = -20; i < rounds; ++i) {
    const auto [text, about] = question(*memory, words, count);
    for (const auto way : ways) {
      const auto query = restricted(way, {.text = text}, words, count);
      const double began = processor_seconds();
      const Stopwatch watch;
      const auto found = must(memory->recall(query));
      if (i >= 0) times[way].add(watch.milliseconds());
      if (i >= 0) processor[way].add(1'000 * (processor_seconds() - began));
      if (i >= 0 && is_among(found, about)) ++recalled[way];
      strategies[way] = found.degraded.empty() ? found.strategy : found.degraded;
    }
    const Stopwatch watch;
    bare.ask(text);
    if (i >= 0) words_alone.add(watch.milliseconds());
  }
  for (const auto way : ways)
    bench.add(measured(row_name(way, place.store()), "ms", times[way].percentile(95))
                  .against("the store's index of words, any of them", words_alone.percentile(95))
                  .at_most(20)
                  .detail("measure", std::string("p95"))
                  .detail("p50_ms", times[way].percentile(50))
                  .detail("processor_p95_ms", processor[way].percentile(95))
                  .detail("strategy", strategies[way])
                  .detail("recalled_what_was_asked_about", std::int64_t{recalled[way]})
                  .detail("rounds", std::int64_t{rounds})
                  .detail("memories", std::int64_t{count}));
}

void bench_store(Bench& bench, Store store) {
  const int count = bench.sized(20'000, 100'000, 100'000);
  if (store == Store::sqlite) {
    const auto made = prepared(bench, fmt::format("memories_{}", count), [&](const std::filesystem::path& folder) {
      ModulePlace place(store, folder / "hive", true);
      fill(bench, place.hive(), count);
    });
    ModulePlace place(store, made / "hive", true);
    return measure(bench, place, count);
  }
  const WorkFolder folder(bench.settings(), "recall");
  ModulePlace place(store, folder.path() / "nodes", true);
  fill(bench, place.hive(), count);
  RawPostgres(place.raw()).run("VACUUM ANALYZE");
  measure(bench, place, count);
}

}  // namespace

void bench_recall(Bench& bench) {
  bench_store(bench, Store::sqlite);
}

void bench_recall_postgres(Bench& bench) {
  bench_store(bench, Store::postgres);
}

}  // namespace triune::bench
