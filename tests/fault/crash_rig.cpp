#include "fault/crash_rig.h"

#include <fmt/format.h>

#include <gtest/gtest.h>
#include <thread>

#include <algorithm>
#include <sstream>

#include "fault/load_source.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t without_end = 1'000'000;
constexpr auto patience = std::chrono::minutes(2);

Result<std::string> scalar(Result<RowSet> rows) {
  if (!rows) return failure_of(rows);
  return rows->rows.empty() ? std::string() : to_text(rows->rows[0][0]);
}

/// The number that SQL and Cypher must agree on.
void expect_same_count(Hive& hive, std::string_view sql, std::string_view cypher) {
  const auto canonical = scalar(hive.sql(sql));
  const auto projected = scalar(hive.cypher(cypher));
  ASSERT_TRUE(canonical) << canonical.error().message;
  ASSERT_TRUE(projected) << projected.error().message;
  EXPECT_EQ(*canonical, *projected) << cypher;
}

}  // namespace

std::uint64_t WriterRun::commits() const {
  std::uint64_t sum = 0;
  for (const auto& [name, thread] : threads) sum += thread.commits;
  return sum;
}

std::uint64_t WriterRun::lsn() const {
  std::uint64_t highest = 0;
  for (const auto& [name, thread] : threads) highest = std::max(highest, thread.lsn);
  return highest;
}

std::vector<std::string> crash_writer(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TRIUNE_CRASH_WRITER);
  return arguments;
}

std::unique_ptr<Hive> open_hive(const std::filesystem::path& directory, HiveOptions options) {
  auto hive = Hive::open(directory, std::move(options));
  EXPECT_TRUE(hive) << hive.error().message;
  return hive ? std::move(*hive) : nullptr;
}

WriterProcess::WriterProcess(const std::vector<std::string>& arguments, const ChildProcess::Environment& environment)
    : child_(arguments, environment) {}

void WriterProcess::note(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  if (word == "ready") ready_ = true;
  if (word == "loaded") run_.loaded = true;
  if (word == "error") run_.errors.push_back(line);
  if (word != "ack") return;
  std::string thread;
  std::uint64_t number = 0;
  std::uint64_t lsn = 0;
  words >> thread >> number >> lsn;
  auto& known = run_.threads[thread];
  if (number != known.commits) run_.errors.push_back("out of order: " + line);
  if (lsn <= known.lsn) run_.errors.push_back("an lsn that does not grow: " + line);
  known = {.commits = number + 1, .lsn = lsn};
}

bool WriterProcess::collect(std::chrono::milliseconds time) {
  return child_.read_lines(time, [this](const std::string& line) {
    note(line);
    return true;
  });
}

bool WriterProcess::wait_until_ready() {
  return child_.read_lines(patience, [this](const std::string& line) {
    note(line);
    return !ready_;
  });
}

WriterRun WriterProcess::finish() {
  if (collect(patience)) {
    run_.errors.push_back("the writer does not end");
    child_.send(SIGKILL);
    collect(patience);
  }
  run_.ending = child_.wait();
  return run_;
}

std::unique_ptr<WriterProcess> CrashRig::start(const std::string& failpoint, Beside beside) {
  ChildProcess::Environment environment;
  if (!failpoint.empty()) environment.push_back("TRIUNE_FAILPOINT=" + failpoint);
  next_round();
  std::vector<std::string> arguments{"commits", directory_.string(), std::to_string(round_),
                                     std::to_string(without_end)};
  if (beside == Beside::maintenance_and_load) arguments.emplace_back("load");
  return std::make_unique<WriterProcess>(crash_writer(std::move(arguments)), environment);
}

std::string CrashRig::thread_name(unsigned number) const {
  return fmt::format("{}x{}", round_, number);
}

void expect_current(Hive& hive) {
  // After an outage a breaker lets nobody through for a moment.
  const auto over = Deadline::after(patience);
  auto head = hive.receipt();
  while (!head && head.error().retry == Retry::safe && !over.expired()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    head = hive.receipt();
  }
  ASSERT_TRUE(head) << head.error().message;
  const auto waited = hive.wait(head->token(), Deadline::after(patience));
  ASSERT_TRUE(waited) << waited.error().message;
  const auto status = hive.status();
  ASSERT_TRUE(status) << status.error().message;
  for (const auto& projection : status->projections) {
    EXPECT_EQ(projection.state, ProjectionState::current) << projection.name << ": " << projection.error;
    EXPECT_GE(projection.watermark, head->lsn) << projection.name;
    EXPECT_EQ(projection.set_aside, 0U) << projection.name;
  }
}

void expect_equal_everywhere(Hive& hive) {
  const auto report = hive.verify();
  ASSERT_TRUE(report) << report.error().message;
  for (const auto& one : report->projections)
    for (const auto& example : one.examples) ADD_FAILURE() << one.projection << ": " << example;
  for (const auto& example : report->blob_examples) ADD_FAILURE() << example;
  EXPECT_TRUE(report->ok);
  EXPECT_EQ(report->blobs_missing, 0U);
  expect_same_count(hive, "SELECT count(*) FROM triune_graph_nodes", "MATCH (n) RETURN count(*)");
  expect_same_count(hive, "SELECT count(*) FROM triune_graph_edges", "MATCH ()-[e]->() RETURN count(*)");
}

void CrashRig::settle(Hive& hive, const std::string& thread, const Acknowledged& acknowledged, const Contents& found) {
  SCOPED_TRACE(fmt::format("thread {}, {} commits acknowledged", thread, acknowledged.commits));
  ThreadWorkload workload(thread);
  Commit last;
  while (workload.number() < acknowledged.commits) last = workload.next();
  const bool exactly = workload.contents() == found;
  const auto difference = describe_difference(workload.contents(), found);
  const auto under_way = workload.next();
  const bool one_more = workload.contents() == found;
  EXPECT_FALSE(acknowledged.nothing_besides && one_more) << "a commit that was said to have done nothing is there";
  EXPECT_TRUE(exactly || one_more) << difference << "or with the one that was under way: "
                                   << describe_difference(workload.contents(), found);
  if (acknowledged.commits > 0) {
    const auto again = hive.commit(last);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->replayed) << "an acknowledged commit had a second effect";
    EXPECT_EQ(again->lsn, acknowledged.lsn);
  }
  const auto sent = hive.commit(under_way);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->replayed, one_more);
  settled_[thread] = workload.contents();
  commits_checked_ += acknowledged.commits;
}

void CrashRig::check(const WriterRun& run) {
  for (const auto& error : run.errors) ADD_FAILURE() << error;
  const auto hive = open_hive(directory_);
  ASSERT_NE(hive, nullptr);
  const auto head = hive->receipt();
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_GE(head->lsn, run.lsn()) << "the log lost acknowledged entries";
  const auto prepared = prepare_workload(*hive);  // a process that died early may not have come so far
  ASSERT_TRUE(prepared) << prepared.error().message;
  auto contents = read_contents(*hive);
  ASSERT_TRUE(contents) << contents.error().message;
  for (const auto& [thread, expected] : settled_)
    EXPECT_EQ(describe_difference(expected, (*contents)[thread]), "") << "of the earlier thread " << thread;
  for (unsigned number = 0; number < writers_; ++number) {
    const auto thread = thread_name(number);
    const auto known = run.threads.find(thread);
    settle(*hive, thread, known == run.threads.end() ? Acknowledged{} : known->second, (*contents)[thread]);
  }
  expect_current(*hive);
  expect_equal_everywhere(*hive);
  const auto closed = hive->close();
  EXPECT_TRUE(closed) << closed.error().message;
}

void CrashRig::finish_load() {
  const auto hive = open_hive(directory_);
  ASSERT_NE(hive, nullptr);
  const auto loaded = load_everything(*hive, directory_, load_size);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto digest = load_digest(*hive);
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(*digest, undisturbed_load());
  expect_current(*hive);
  expect_equal_everywhere(*hive);
}

}  // namespace triune::testing
