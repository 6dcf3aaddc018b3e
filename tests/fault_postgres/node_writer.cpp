// One node of a database that several share, as a process of its own.
//
//   node_writer commits URL DIRECTORY NAME THREADS COMMITS
//
// Threads called NAMExNUMBER commit; what fails and may be sent again is sent again under the same key until it is
// answered. Beside them one thread contends for nodes with all others. Says "ready", then for each acknowledged commit
// "ack THREAD NUMBER LSN", for each failed attempt "fail CODE RETRY MESSAGE", then "finished", and waits for SIGUSR1.
// Then it brings its projections to the head of the log, compares them and says "graph DIGEST", "vectors DIGEST",
// "done". SIGUSR2: no further commits.
#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/try.h"
#include "fault/writer_output.h"
#include "fault_postgres/node_workload.h"

namespace triune::testing {
namespace {

constexpr auto most_patience = std::chrono::minutes(2);
constexpr auto pause = std::chrono::milliseconds(20);

/// Set by SIGUSR2.
std::atomic<bool> enough = false;
static_assert(std::atomic<bool>::is_always_lock_free);

/// Sends one commit until it is answered.
Receipt persist(Hive& hive, const Commit& commit) {
  const auto end = Deadline::after(most_patience);
  for (;;) {
    auto receipt = hive.commit(commit, {.deadline = Deadline::after(std::chrono::seconds(10))});
    if (receipt) return *receipt;
    const auto& error = receipt.error();
    if (error.retry == Retry::never || end.expired()) give_up("commit " + commit.idempotency_key, error);
    say(fmt::format("fail {} {} {}", to_string(error.code), to_string(error.retry), error.message));
    std::this_thread::sleep_for(pause);
  }
}

void write_commits(Hive& hive, const std::string& name, std::uint64_t count) {
  ThreadWorkload workload(name);
  while (workload.number() < count && !enough) {
    const auto number = workload.number();
    const auto receipt = persist(hive, workload.next());
    say_acknowledged(name, number, receipt.lsn);
  }
}

/// An edge to a node that another process has deleted is refused, and nothing else is.
void contend(Hive& hive, const std::string& name, const std::atomic<bool>& over) {
  Contention contention(workload_seed(name));
  while (!over) {
    const auto receipt = hive.commit(contention.next());
    if (receipt) continue;
    const auto& error = receipt.error();
    const bool end_is_gone = error.code == ErrorCode::not_found || error.code == ErrorCode::invalid_argument;
    if (!end_is_gone && error.retry == Retry::never) give_up("contention", error);
    say(fmt::format("{} {} {} {}", end_is_gone ? "refused" : "fail", to_string(error.code), to_string(error.retry),
                    error.message));
    if (!end_is_gone) std::this_thread::sleep_for(pause);
  }
}

Status settle(Hive& hive) {
  // After an outage the breaker of reads asks again in its own time.
  const auto end = Deadline::after(most_patience);
  auto answer = hive.receipt();
  while (!answer && answer.error().retry == Retry::safe && !end.expired()) {
    std::this_thread::sleep_for(pause);
    answer = hive.receipt();
  }
  TRIUNE_ASSIGN(const auto head, answer);
  TRIUNE_TRY(hive.wait(head.token(), Deadline::after(most_patience)));
  TRIUNE_ASSIGN(const auto report, hive.verify());
  for (const auto& one : report.projections)
    for (const auto& example : one.examples) say("error " + one.projection + ": " + example);
  for (const auto& example : report.blob_examples) say("error " + example);
  if (!report.ok) say("error verify found differences");
  TRIUNE_ASSIGN(const auto graph, graph_digest(hive));
  say("graph " + graph);
  TRIUNE_ASSIGN(const auto vectors, vector_digest(hive));
  say("vectors " + vectors);
  return hive.close();
}

Status run_commits(const std::vector<std::string>& arguments, const sigset_t& signals) {
  const auto& name = arguments.at(4);
  HiveOptions options;
  options.projections = arguments.at(3);
  TRIUNE_ASSIGN(const auto hive, Hive::open(arguments.at(2), options));
  TRIUNE_TRY(prepare_workload(*hive));
  say("ready");
  std::atomic<bool> over = false;
  std::thread contention([&] { contend(*hive, name, over); });
  std::vector<std::thread> threads;
  for (int number = 0; number < std::stoi(arguments.at(5)); ++number)
    threads.emplace_back(
        [&, number] { write_commits(*hive, fmt::format("{}x{}", name, number), std::stoull(arguments.at(6))); });
  for (auto& thread : threads) thread.join();
  over = true;
  contention.join();
  say("finished");
  int signal = 0;
  ::sigwait(&signals, &signal);
  return settle(*hive);
}

}  // namespace
}  // namespace triune::testing

int main(int count, char** arguments) {
  // Before there are threads, which inherit it.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGUSR2, [](int) { triune::testing::enough = true; });
  const auto done = triune::testing::run_commits(std::vector<std::string>(arguments, arguments + count), signals);
  if (!done) triune::testing::give_up("node", done.error());
  triune::testing::say("done");
  return 0;
}
