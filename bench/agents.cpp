// Recall of memories by words and by vector, and messages from one agent to another.
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/modules/agents.h"
#include "triune/modules/memory.h"

namespace triune::bench {
namespace {

constexpr int agent_count = 50;
constexpr int vocabulary = 20'000;

std::string agent_id(int number) {
  return fmt::format("agent-{:02}", number);
}

/// Words as often as in a language: the n-th a share of 1 / n.
class Words {
 public:
  explicit Words(std::uint32_t seed) : random_(seed) {}

  std::string text(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("{}word{}", i == 0 ? "" : " ", next());
    return text;
  }
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

 private:
  int next() {
    const double uniform = std::uniform_real_distribution<double>(0, 1)(random_);
    return static_cast<int>(std::pow(static_cast<double>(vocabulary), uniform));
  }

  std::mt19937 random_;
};

void enroll_all(Agents& agents) {
  for (int i = 0; i < agent_count; ++i) must(agents.enroll({.id = agent_id(i)}));
}

std::filesystem::path many_memories(Bench& bench, int count) {
  return prepared(bench, fmt::format("memories_{}", count), [&](const std::filesystem::path& folder) {
    const auto hive = must(Hive::open((folder / "hive").string()));
    const auto agents = must(Agents::open(*hive));
    const auto memory = must(Memory::open(*hive));
    enroll_all(*agents);
    Words words(7);
    constexpr int at_once = 2'000;
    const Stopwatch watch;
    for (int begin = 0; begin < count; begin += at_once) {
      std::vector<NewMemory> some;
      for (int i = begin; i < begin + at_once; ++i)
        some.push_back({.id = fmt::format("m{}", i),
                        .agent = agent_id(i % agent_count),
                        .session = fmt::format("s{}", i / 100),
                        .kind = i % 10 == 0 ? "decision" : "note",
                        .content = words.text(10 + words.below(30))});
      must(memory->remember_many(some));
      bench.update("memories", static_cast<std::uint64_t>(begin + at_once), static_cast<std::uint64_t>(count));
    }
    bench.say(fmt::format("{} memories a second were kept", static_cast<int>(count / watch.seconds())));
    must(hive->wait(must(hive->receipt()).token(), Deadline::after(std::chrono::minutes(10))));
  });
}

/// The words of a question: some of a memory that exists, among others.
std::string question(Memory& memory, Words& words, int count) {
  const auto found = must(memory.memory(fmt::format("m{}", words.below(count))));
  return found.content.substr(0, found.content.find(' ', 40)) + " " + words.text(3);
}

void bench_recall(Bench& bench) {
  const int count = bench.sized(20'000, 100'000, 100'000);
  const auto folder = many_memories(bench, count);
  const auto hive = must(Hive::open((folder / "hive").string()));
  const auto memory = must(Memory::open(*hive));
  RawSqlite file(folder / "hive" / "hive.db", 256ULL << 20U);
  auto peer =
      file.prepare("SELECT rowid FROM triune_memory_words WHERE triune_memory_words MATCH ?1 ORDER BY rank LIMIT 10");
  Words words(11);
  Samples everyone;
  Samples one_agent;
  Samples words_alone;
  std::int64_t both_ways = 0;
  const int rounds = bench.sized(100, 400, 2'000);
  for (int i = -20; i < rounds; ++i) {
    const auto text = question(*memory, words, count);
    const Stopwatch of_all;
    const auto found = must(memory->recall({.text = text}));
    const double all_ms = of_all.milliseconds();
    const Stopwatch of_one;
    must(memory->recall({.text = text, .agent = agent_id(words.below(agent_count))}));
    const double one_ms = of_one.milliseconds();
    const Stopwatch bare;
    std::string any;
    for (const char c : text) any += c == ' ' ? std::string(" OR ") : std::string(1, c);
    peer.bind(1, any);
    while (peer.step()) {
    }
    peer.reset();
    if (i < 0) continue;  // the caches fill
    everyone.add(all_ms);
    one_agent.add(one_ms);
    words_alone.add(bare.milliseconds());
    if (!found.memories.empty() && found.memories[0].text_rank && found.memories[0].vector_rank) ++both_ways;
  }
  const auto add = [&](std::string name, const Samples& samples) {
    bench.add(measured(std::move(name), "ms", samples.percentile(95))
                  .against("FTS5 alone, any of the words", words_alone.percentile(95))
                  .at_most(20)
                  .detail("measure", std::string("p95"))
                  .detail("p50_ms", samples.percentile(50))
                  .detail("best_found_both_ways", both_ways)
                  .detail("rounds", std::int64_t{rounds})
                  .detail("memories", std::int64_t{count}));
  };
  add("recall", everyone);
  add("recall_of_one_agent", one_agent);
}

void bench_messages(Bench& bench) {
  const WorkFolder folder(bench.settings(), "messages");
  HiveOptions options;
  options.project_in_background = false;
  const auto hive = must(Hive::open((folder.path() / "hive").string(), options));
  const auto agents = must(Agents::open(*hive));
  enroll_all(*agents);
  Words words(3);
  Samples direct;
  Samples to_all;
  const int rounds = bench.sized(200, 1'000, 5'000);
  for (int i = 0; i < rounds; ++i) {
    const int from = words.below(agent_count);
    const int to = (from + 1 + words.below(agent_count - 1)) % agent_count;
    const Stopwatch watch;
    const auto id = must(agents->send({.from = agent_id(from), .to = agent_id(to), .content = words.text(20)}));
    if (must(agents->receive(agent_id(to), 100)).empty()) throw std::runtime_error("a message did not arrive");
    direct.add(watch.milliseconds());
    must(agents->acknowledge(agent_id(to), id));
    if (i % 10 != 0) continue;
    const Stopwatch all;
    must(agents->send({.from = agent_id(from), .content = words.text(20)}));
    if (must(agents->receive(agent_id(to), 100)).empty()) throw std::runtime_error("a message did not arrive");
    to_all.add(all.milliseconds());
  }
  const auto add = [&](std::string name, const Samples& samples) {
    bench.add(measured(std::move(name), "ms", samples.percentile(95))
                  .at_most(10)
                  .detail("measure", std::string("p95 from sending to having received, both durable"))
                  .detail("p50_ms", samples.percentile(50))
                  .detail("agents", std::int64_t{agent_count}));
  };
  add("message_to_one", direct);
  add("message_to_all", to_all);
}

}  // namespace

void bench_agents(Bench& bench) {
  bench_messages(bench);
  bench_recall(bench);
}

}  // namespace triune::bench
