// The process that the crash tests kill.
//
//   crash_writer commits DIRECTORY ROUND COMMITS          16 threads, so many commits each, and maintenance beside them
//   crash_writer commits DIRECTORY ROUND COMMITS load     the same, and a bulk load beside them
//   crash_writer load DIRECTORY                           rows, nodes, edges and vectors through the bulk paths
//   crash_writer rebuild DIRECTORY                        every projection anew
//   crash_writer open DIRECTORY                           migrates, opens and closes
//
// Each acknowledged commit is one line, "ack THREAD NUMBER LSN", written after the acknowledgement with one write(2):
// what the parent has read was acknowledged.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/try.h"
#include "fault/load_source.h"
#include "fault/workload.h"

namespace triune::testing {
namespace {

constexpr unsigned writers = 16;

void say(const std::string& line) {
  const auto text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::_Exit(3);
}

/// Ends the process: the test must see that something failed which is no crash.
void give_up(std::string_view what, const Error& error) {
  say(fmt::format("error {}: {} ({} {})", what, error.message, to_string(error.code), error.native_code));
  std::_Exit(2);
}

void write_commits(Hive& hive, const std::string& name, std::uint64_t count) {
  ThreadWorkload workload(name);
  while (workload.number() < count) {
    const auto number = workload.number();
    const auto receipt = hive.commit(workload.next());
    if (!receipt) give_up("commit", receipt.error());
    say(fmt::format("ack {} {} {}", name, number, receipt->lsn));
  }
}

/// Rebuilds, compares and searches while others write.
void maintain(Hive& hive, const std::atomic<bool>& over) {
  for (int turn = 0; !over; ++turn) {
    Status done;
    switch (turn % 4) {
      case 0: done = hive.rebuild("vector:" + std::string(workload_collection)); break;
      case 1: done = hive.rebuild("graph"); break;
      case 2: {
        auto report = hive.verify();
        if (!report) done = failure_of(report);
        if (report && !report->ok) say("error verify found differences");
        break;
      }
      default: {
        auto swept = hive.sweep(std::chrono::hours(1));
        if (!swept) done = failure_of(swept);
      }
    }
    if (!done) give_up("maintenance", done.error());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// The bulk load beside the writers; what was loaded before the last kill is skipped by the hive itself.
void load_beside(Hive& hive, const std::string& directory) {
  const auto loaded = load_everything(hive, directory, load_size);
  if (!loaded) give_up("load", loaded.error());
  say("loaded");
}

Status run_commits(const std::string& directory, const std::string& round, std::uint64_t count, bool with_load) {
  TRIUNE_ASSIGN(const auto hive, Hive::open(directory));
  TRIUNE_TRY(prepare_workload(*hive));
  say("ready");
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < writers; ++number)
    threads.emplace_back([&, number] { write_commits(*hive, fmt::format("{}x{}", round, number), count); });
  if (with_load) threads.emplace_back([&] { load_beside(*hive, directory); });
  std::atomic<bool> over = false;
  std::thread maintenance([&] { maintain(*hive, over); });
  for (auto& thread : threads) thread.join();
  over = true;
  maintenance.join();
  return hive->close();
}

Status run_load(const std::string& directory) {
  TRIUNE_ASSIGN(const auto hive, Hive::open(directory));
  say("ready");
  TRIUNE_TRY(load_everything(*hive, directory, load_size));
  TRIUNE_ASSIGN(const auto receipt, hive->receipt());
  TRIUNE_TRY(hive->wait(receipt.token(), Deadline::after(std::chrono::minutes(5))));
  return hive->close();
}

Status run_rebuild(const std::string& directory) {
  TRIUNE_ASSIGN(const auto hive, Hive::open(directory));
  TRIUNE_TRY(hive->status());
  say("ready");
  TRIUNE_TRY(hive->rebuild(""));
  return hive->close();
}

Status run_open(const std::string& directory) {
  TRIUNE_ASSIGN(const auto hive, Hive::open(directory));
  say("ready");
  return hive->close();
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Status run(const std::vector<std::string>& arguments) {
  const auto& mode = arguments.at(1);
  if (mode == "commits")
    return run_commits(arguments.at(2), arguments.at(3), number(arguments.at(4)), arguments.size() > 5);
  if (mode == "load") return run_load(arguments.at(2));
  if (mode == "rebuild") return run_rebuild(arguments.at(2));
  if (mode == "open") return run_open(arguments.at(2));
  return failure(ErrorCode::invalid_argument, "unknown mode " + mode);
}

}  // namespace
}  // namespace triune::testing

int main(int count, char** arguments) {
  const auto done = triune::testing::run(std::vector<std::string>(arguments, arguments + count));
  if (!done) triune::testing::give_up(arguments[1], done.error());
  triune::testing::say("done");
  return 0;
}
