#include "fault/crash_rig.h"

#include <fmt/format.h>

#include <gtest/gtest.h>
#include <thread>

#include <algorithm>

#include "fault/load_source.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t without_end = 1'000'000;

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

std::vector<std::string> crash_writer(const std::string& mode, const std::string& location,
                                      const std::filesystem::path& files, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{TRIUNE_CRASH_WRITER, mode, location, files.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> crash_writer(const std::string& mode, const HivePlace& place) {
  return crash_writer(mode, place.location(), place.directory());
}

std::unique_ptr<Hive> open_hive(const std::string& location, HiveOptions options) {
  auto hive = Hive::open(location, std::move(options));
  EXPECT_TRUE(hive) << hive.error().message;
  return hive ? std::move(*hive) : nullptr;
}

std::unique_ptr<Hive> open_hive(const HivePlace& place, HiveOptions options) {
  return open_hive(place.location(), place.options(std::move(options)));
}

std::unique_ptr<WriterProcess> CrashRig::start(const std::string& failpoint, Beside beside) {
  ChildProcess::Environment environment;
  if (!failpoint.empty()) environment.push_back("TRIUNE_FAILPOINT=" + failpoint);
  next_round();
  std::vector<std::string> more{std::to_string(round_), std::to_string(without_end)};
  if (beside == Beside::maintenance_and_load) more.emplace_back("load");
  if (beside == Beside::moves) more.emplace_back("moves");
  return std::make_unique<WriterProcess>(crash_writer("commits", location_, files_, more), environment);
}

std::unique_ptr<Hive> CrashRig::open() const {
  return place_ != nullptr ? open_hive(*place_) : open_hive(location_);
}

std::string CrashRig::thread_name(unsigned number) const {
  return fmt::format("{}x{}", round_, number);
}

void expect_current(Hive& hive, std::chrono::milliseconds patience) {
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

bool expect_acknowledged(Hive& hive, ThreadWorkload& workload, const Acknowledged& acknowledged,
                         const Contents& found) {
  SCOPED_TRACE(fmt::format("thread {}, {} commits acknowledged", workload.name(), acknowledged.commits));
  Commit last;
  while (workload.number() < acknowledged.commits) last = workload.next();
  if (acknowledged.commits > 0) {
    const auto again = hive.commit(last);
    EXPECT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again && again->replayed) << "an acknowledged commit had a second effect";
    EXPECT_TRUE(again && again->lsn == acknowledged.lsn) << "another answer than the first";
  }
  if (workload.contents() == found) return false;
  const auto difference = describe_difference(workload.contents(), found);
  workload.next();
  EXPECT_TRUE(workload.contents() == found)
      << difference << "or with the one that was under way: " << describe_difference(workload.contents(), found);
  return true;
}

void CrashRig::settle(Hive& hive, const std::string& thread, const Acknowledged& acknowledged, const Contents& found) {
  ThreadWorkload workload(thread);
  const bool one_more = expect_acknowledged(hive, workload, acknowledged, found);
  EXPECT_FALSE(acknowledged.nothing_besides && one_more) << "a commit that was said to have done nothing is there";
  ThreadWorkload under_way(thread);
  Commit commit = under_way.next();
  while (under_way.number() <= acknowledged.commits) commit = under_way.next();
  const auto sent = hive.commit(commit);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->replayed, one_more) << "thread " << thread;
  settled_[thread] = under_way.contents();
  commits_checked_ += acknowledged.commits;
}

void CrashRig::check(const WriterRun& run) {
  for (const auto& error : run.errors) ADD_FAILURE() << error;
  if (place_ != nullptr) place_->wait_until_alone();
  const auto hive = open();
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
  const auto hive = open();
  ASSERT_NE(hive, nullptr);
  const auto loaded = load_everything(*hive, files_, load_size);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto digest = load_digest(*hive);
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(*digest, undisturbed_load(place_ != nullptr && on_postgres()));
  expect_current(*hive);
  expect_equal_everywhere(*hive);
}

}  // namespace triune::testing
