// kill -9 at any moment: what was acknowledged is there, and the data equal the position (I3).
//
// The victim is this program again, called with --victim ENGINE DIRECTORY: it applies the batches of a fixed history
// and prints each position once it is acknowledged.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "conformance/graph/engines.h"
#include "conformance/graph/truth.h"
#include "triune/ids.h"

namespace triune::conformance {
namespace {

using contract::GraphBatch;
using contract::GraphSchema;
using contract::Position;
using contract::PropertyType;

constexpr std::uint64_t longest_history = 400;

GraphSchema schema() {
  return {.labels = {{"Person", {{"age", PropertyType::int64}, {"name", PropertyType::text}}}},
          .types = {{"KNOWS", {{"Person", "Person"}}, {{"since", PropertyType::int64}}}}};
}

NodeReference person(std::uint64_t id) {
  return {"Person", std::to_string(id % 40)};
}

// The batch with that position: puts, replacements and deletes, the same in every run.
GraphBatch batch_at(std::uint64_t lsn) {
  GraphBatch batch;
  const auto value = static_cast<std::int64_t>(lsn);
  batch.put_nodes = {{person(lsn), {{"age", value}, {"name", std::string(lsn * 37 % 6000, 'n')}}},
                     {person(lsn + 1), {{"age", value}}}};
  batch.put_edges = {{{"KNOWS", person(lsn), person(lsn + 1)}, {{"since", value}}},
                     {{"KNOWS", person(lsn), person(lsn)}, {}}};
  if (lsn % 5 == 0) batch.delete_edges = {{"KNOWS", person(lsn + 20), person(lsn + 21)}};
  if (lsn % 3 == 0) batch.delete_nodes = {person(lsn + 30)};
  batch.position = Position{"history", lsn};
  return batch;
}

int run_victim(const std::string& engine, const std::filesystem::path& directory) {
  auto store = open_engine({.name = engine}, directory);
  if (!store || !(*store)->ensure_schema(schema())) return 1;
  const auto position = (*store)->position();
  if (!position) return 1;
  for (auto lsn = *position ? (*position)->lsn + 1 : 1; lsn <= longest_history; ++lsn) {
    if (!(*store)->apply(batch_at(lsn), Deadline::never())) return 1;
    std::printf("%llu\n", static_cast<unsigned long long>(lsn));
    std::fflush(stdout);
  }
  return 0;
}

struct Outcome {
  std::uint64_t acknowledged = 0;
  int status = 0;
};

// Runs the victim and kills it after that time; a failpoint may kill it earlier.
Outcome run_and_kill(const std::string& engine, const std::filesystem::path& directory, std::chrono::milliseconds after,
                     const std::string& failpoint) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const auto child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    if (!failpoint.empty()) ::setenv("TRIUNE_FAILPOINT", failpoint.c_str(), 1);
    ::execl("/proc/self/exe", "graph_crash_test", "--victim", engine.c_str(), directory.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::mutex mutex;
  std::condition_variable ended;
  bool over = false;
  std::thread killer([&] {
    std::unique_lock lock(mutex);
    if (!ended.wait_for(lock, after, [&] { return over; })) ::kill(child, SIGKILL);
  });
  Outcome outcome;
  std::FILE* output = ::fdopen(ends[0], "r");
  unsigned long long lsn = 0;
  while (std::fscanf(output, "%llu", &lsn) == 1) outcome.acknowledged = lsn;
  std::fclose(output);
  {
    const std::scoped_lock lock(mutex);
    over = true;
  }
  ended.notify_all();
  killer.join();
  ::waitpid(child, &outcome.status, 0);
  return outcome;
}

class Crash : public testing::TestWithParam<GraphEngine> {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("triune-crash-" + new_id());
    auto store = open_engine(GetParam(), directory_);
    ASSERT_TRUE(store.has_value());
    if (!(*store)->capabilities().persistent) GTEST_SKIP() << "the engine keeps nothing";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // The store opens, holds at least what was acknowledged, and exactly what its position says.
  std::uint64_t check(std::uint64_t acknowledged) {
    auto store = open_engine(GetParam(), directory_);
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().message);
    if (!store) return 0;
    const auto position = (*store)->position();
    const auto lsn = position && *position ? (*position)->lsn : 0;
    EXPECT_GE(lsn, acknowledged) << "an acknowledged batch is gone";
    Truth truth(schema());
    for (std::uint64_t at = 1; at <= lsn; ++at) truth.apply(batch_at(at));
    EXPECT_EQ(Truth::text_of(**store, schema()), truth.text()) << "the data are not those of position " << lsn;
    return lsn;
  }

  std::filesystem::path directory_;
};

TEST_P(Crash, Kills_at_random_moments_lose_nothing) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uint64_t reached = 0;
  for (int round = 0; round < 12 && reached < longest_history; ++round) {
    const auto outcome = run_and_kill(GetParam().name, directory_, std::chrono::milliseconds(20 + random() % 400), "");
    reached = check(std::max(outcome.acknowledged, reached));
    if (HasFailure()) return;
  }
  EXPECT_GT(reached, 0U) << "no batch was ever applied";
}

TEST_P(Crash, Kills_at_every_step_of_a_batch_lose_nothing) {
  std::uint64_t reached = 0;
  for (const auto* failpoint : {"kuzu.apply.before_commit:5", "kuzu.apply.after_commit:5", "kuzu.apply.before_commit:1",
                                "kuzu.apply.after_commit:1", "kuzu.apply.after_commit:30"}) {
    SCOPED_TRACE(failpoint);
    const auto outcome = run_and_kill(GetParam().name, directory_, std::chrono::seconds(20), failpoint);
    EXPECT_TRUE(WIFSIGNALED(outcome.status)) << "the failpoint was not reached";
    const auto before = reached;
    reached = check(std::max(outcome.acknowledged, before));
    if (std::string_view(failpoint).find("after") != std::string_view::npos) {
      EXPECT_EQ(reached, std::max(outcome.acknowledged, before) + 1) << "committed, not acknowledged";
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Crash, testing::ValuesIn(graph_engines()),
                         [](const auto& information) { return information.param.name; });

}  // namespace
}  // namespace triune::conformance

int main(int count, char** arguments) {
  if (count == 4 && std::strcmp(arguments[1], "--victim") == 0)
    return triune::conformance::run_victim(arguments[2], arguments[3]);
  testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}
