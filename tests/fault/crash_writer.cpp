// The process that the crash tests kill.
//
//   crash_writer commits HIVE FILES ROUND COMMITS        16 threads, so many commits each, and maintenance beside them
//   crash_writer commits HIVE FILES ROUND COMMITS load   the same, and a bulk load beside them
//   crash_writer commits HIVE FILES ROUND COMMITS moves  a collection moved between vector engines beside them
//   crash_writer load HIVE FILES                         rows, nodes, edges and vectors through the bulk paths
//   crash_writer rebuild HIVE FILES                      every projection anew
//   crash_writer open HIVE FILES                         migrates, opens and closes
//
// HIVE is a directory or a URL; FILES is where the node of a URL keeps its own.
#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

#include "base/try.h"
#include "fault/load_source.h"
#include "fault/workload.h"
#include "fault/writer_output.h"

namespace triune::testing {
namespace {

constexpr unsigned writers = 16;

struct Where {
  std::string hive;
  std::string files;
  [[nodiscard]] Result<std::unique_ptr<Hive>> open() const {
    HiveOptions options;
    options.projections = files;  // of no effect in a directory
    return Hive::open(hive, options);
  }
};

void write_commits(Hive& hive, const std::string& name, std::uint64_t count) {
  ThreadWorkload workload(name);
  while (workload.number() < count) {
    const auto number = workload.number();
    const auto receipt = hive.commit(workload.next());
    if (!receipt) give_up("commit", receipt.error());
    say_acknowledged(name, number, receipt->lsn);
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
void load_beside(Hive& hive, const Where& where) {
  const auto loaded = load_everything(hive, where.files, load_size);
  if (!loaded) give_up("load", loaded.error());
  say("loaded");
}

/// The collection goes to another vector engine and back while others write. What an earlier life left goes on.
void move_about(Hive& hive, const std::atomic<bool>& over) {
  while (!over) {
    const auto receipt = hive.receipt();
    if (!receipt) give_up("receipt", receipt.error());
    std::string engine = "memory";
    for (const auto& projection : receipt->projections)
      if (projection.name == "vector:" + std::string(workload_collection) && projection.engine == engine)
        engine = "usearch";
    const auto moved = hive.move_vectors(workload_collection, engine, Deadline::after(std::chrono::minutes(2)));
    if (!moved && moved.error().retry != Retry::safe) give_up("move", moved.error());
  }
}

Status run_commits(const Where& where, const std::string& round, std::uint64_t count, const std::string& beside) {
  TRIUNE_ASSIGN(const auto hive, where.open());
  TRIUNE_TRY(prepare_workload(*hive));
  say("ready");
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < writers; ++number)
    threads.emplace_back([&, number] { write_commits(*hive, fmt::format("{}x{}", round, number), count); });
  if (beside == "load") threads.emplace_back([&] { load_beside(*hive, where); });
  std::atomic<bool> over = false;
  std::thread maintenance([&] { beside == "moves" ? move_about(*hive, over) : maintain(*hive, over); });
  for (auto& thread : threads) thread.join();
  over = true;
  maintenance.join();
  return hive->close();
}

Status run_load(const Where& where) {
  TRIUNE_ASSIGN(const auto hive, where.open());
  say("ready");
  TRIUNE_TRY(load_everything(*hive, where.files, load_size));
  TRIUNE_ASSIGN(const auto receipt, hive->receipt());
  TRIUNE_TRY(hive->wait(receipt.token(), Deadline::after(std::chrono::minutes(5))));
  return hive->close();
}

Status run_rebuild(const Where& where) {
  TRIUNE_ASSIGN(const auto hive, where.open());
  TRIUNE_TRY(hive->status());
  say("ready");
  TRIUNE_TRY(hive->rebuild(""));
  return hive->close();
}

Status run_open(const Where& where) {
  TRIUNE_ASSIGN(const auto hive, where.open());
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
  const Where where{arguments.at(2), arguments.at(3)};
  if (mode == "commits")
    return run_commits(where, arguments.at(4), number(arguments.at(5)), arguments.size() > 6 ? arguments[6] : "");
  if (mode == "load") return run_load(where);
  if (mode == "rebuild") return run_rebuild(where);
  if (mode == "open") return run_open(where);
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
