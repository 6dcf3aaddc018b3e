// Zero-downtime change: programs of before and after it write side by side, on either store.
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <thread>

#include "migrate/change.h"
#include "schema/user_fixture.h"

namespace triune::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Words become numbers, and back.
constexpr const char* declaration = R"json({
  "table": "tasks", "column": "level", "type": "BIGINT",
  "up": "CASE priority WHEN 'high' THEN 3 WHEN 'low' THEN 1 ELSE 2 END",
  "replaces": "priority", "replaced_type": "TEXT",
  "down": "CASE WHEN level >= 3 THEN 'high' WHEN level <= 1 THEN 'low' ELSE 'medium' END",
  "batch": 10, "pause_ms": 0
})json";

class SchemaChange : public UserFixture {
 protected:
  void SetUp() override {
    UserFixture::SetUp();
    pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, priority TEXT);", "DROP TABLE tasks;");
    ASSERT_TRUE(apply());
    for (int i = 0; i < 95; ++i)
      ASSERT_TRUE(run(fmt::format("INSERT INTO tasks (id, priority) VALUES ({}, '{}')", i,
                                  i % 3 == 0   ? "high"
                                  : i % 3 == 1 ? "low"
                                               : "medium")));
    write("0002_level.change.json", declaration);
  }

  [[nodiscard]] Result<RowSet> run(const std::string& sql) const { return hive().sql(sql); }
  [[nodiscard]] std::string cell(const std::string& sql) const {
    const auto rows = run(sql);
    return rows && !rows->rows.empty() ? to_text(rows->rows[0][0]) : rows ? "nothing" : rows.error().message;
  }
  [[nodiscard]] Result<migrate::ChangeProgress> start() const {
    const auto given = files();
    return migrate::start_change(runner(), given.migrations, soon());
  }
  [[nodiscard]] Result<migrate::ChangeProgress> backfill(std::uint64_t batches = 0) const {
    return migrate::backfill_change(runner(), {.most_batches = batches, .pause = {}, .cancelled = {}, .progress = {}},
                                    soon());
  }
  /// Rows where old and new are out of step.
  [[nodiscard]] std::string out_of_step() const {
    return cell(
        "SELECT count(*) FROM tasks WHERE level IS NULL OR level <> CASE priority WHEN 'high' THEN 3 WHEN 'low' "
        "THEN 1 ELSE 2 END");
  }
};

TEST_F(SchemaChange, GoesThroughItsPhasesAndIsRecorded) {
  const auto started = start();
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(started->phase, "expanded");
  EXPECT_EQ(migrate::contract_change(runner(), soon()).error().code, ErrorCode::conflict) << "not filled yet";
  const auto filled = backfill();
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(filled->phase, "backfilled");
  EXPECT_EQ(filled->rows_done, 95U);
  EXPECT_EQ(out_of_step(), "0");
  const auto done = migrate::contract_change(runner(), soon());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(run("SELECT priority FROM tasks"));
  EXPECT_EQ(cell("SELECT count(*) FROM tasks WHERE level = 3"), "32");
  EXPECT_THAT(drift(), IsEmpty()) << "the migration is recorded as what it did";
  EXPECT_EQ(apply().value().size(), 0U);
  ASSERT_EQ(migrate::revert(runner(), "user", 1, soon()).value().size(), 1U);
  EXPECT_EQ(cell("SELECT count(*) FROM tasks WHERE priority = 'high'"), "32");
}

TEST_F(SchemaChange, KeepsOldAndNewInStepWhoeverWrites) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(run("INSERT INTO tasks (id, priority) VALUES (1001, 'high')"));
  EXPECT_EQ(cell("SELECT level FROM tasks WHERE id = 1001"), "3");
  ASSERT_TRUE(run("INSERT INTO tasks (id, level) VALUES (1002, 1)"));
  EXPECT_EQ(cell("SELECT priority FROM tasks WHERE id = 1002"), "low");
  ASSERT_TRUE(run("UPDATE tasks SET priority = 'medium' WHERE id = 1001"));
  EXPECT_EQ(cell("SELECT level FROM tasks WHERE id = 1001"), "2");
  ASSERT_TRUE(run("UPDATE tasks SET level = 3 WHERE id = 1002"));
  EXPECT_EQ(cell("SELECT priority FROM tasks WHERE id = 1002"), "high");
  ASSERT_TRUE(run("UPDATE tasks SET level = 9 WHERE id = 1002"));
  EXPECT_EQ(cell("SELECT level FROM tasks WHERE id = 1002"), "9") << "what the way back cannot tell is kept";
  ASSERT_TRUE(run("UPDATE tasks SET priority = 'low', level = 3 WHERE id = 1001"));
  EXPECT_EQ(cell("SELECT priority FROM tasks WHERE id = 1001"), "high") << "where both were written the new one counts";
}

TEST_F(SchemaChange, AnAbortAtAnyPhaseLeavesTheSchemaAsItWas) {
  for (const int batches : {0, 3, 1000}) {
    SCOPED_TRACE(batches);
    ASSERT_TRUE(start());
    if (batches > 0) {
      ASSERT_TRUE(backfill(static_cast<std::uint64_t>(batches)));
    }
    EXPECT_THAT(drift(), ElementsAre("extra column tasks.level"));
    const auto aborted = migrate::abort_change(runner(), soon());
    ASSERT_TRUE(aborted) << aborted.error().message;
    EXPECT_THAT(drift(), IsEmpty());
    ASSERT_TRUE(run(fmt::format("INSERT INTO tasks (id, priority) VALUES ({}, 'low')", 2000 + batches)));
  }
  EXPECT_FALSE(migrate::change_under_way(runner().store, soon()).value().has_value());
}

TEST_F(SchemaChange, StopsAndGoesOnWhereItWas) {
  ASSERT_TRUE(start());
  EXPECT_EQ(backfill(4).value().rows_done, 40U);
  EXPECT_EQ(migrate::change_under_way(runner().store, soon()).value()->rows_done, 40U);
  EXPECT_EQ(cell("SELECT count(*) FROM tasks WHERE level IS NULL"), "55");
  EXPECT_EQ(backfill().value().rows_done, 95U);
}

TEST_F(SchemaChange, NoOtherMigrationRunsMeanwhile) {
  ASSERT_TRUE(start());
  EXPECT_EQ(start().error().code, ErrorCode::conflict);
  EXPECT_EQ(apply().error().code, ErrorCode::conflict);
  EXPECT_EQ(migrate::revert(runner(), "user", 0, soon()).error().code, ErrorCode::conflict);
}

TEST_F(SchemaChange, IsAppliedAtOnceToATableWithFewRows) {
  ASSERT_EQ(apply().value().size(), 1U);
  EXPECT_EQ(cell("SELECT count(*) FROM tasks WHERE level = 3"), "32");
  EXPECT_FALSE(run("SELECT priority FROM tasks"));
}

TEST_F(SchemaChange, TakesExpressionsAndNothingMore) {
  for (const auto* const bad : {"1) , priority = ('x'", "1; DROP TABLE tasks", "1 -- no end", "nobody_knows_it",
                                "(SELECT count(*) FROM nothing_there)"}) {
    write("0002_level.change.json",
          fmt::format(R"json({{"table":"tasks","column":"level","type":"BIGINT","up":"{}"}})json", bad));
    const auto refused = start();
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(drift(), IsEmpty()) << bad;
  }
  write("0002_level.change.json", R"json({"table":"tasks","column":"level","type":"BIGINT"})json");
  const auto read = migrate::read_files(directory(), dialect());
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("0002_level.change.json: \"up\" is missing"));
}

/// Old programs write words, new ones numbers, readers of both look, while the backfill runs.
TEST_F(SchemaChange, OldAndNewProgramsWorkSideBySideDuringTheBackfill) {
  ASSERT_TRUE(start());
  std::atomic<bool> stop = false;
  std::atomic<int> failures = 0;
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  const auto writer = [&](bool old, unsigned number) {
    std::minstd_rand random(seed + number);
    while (!stop) {
      const auto id = random() % 120;
      const auto value = random() % 3;
      const std::array<const char*, 3> words{"low", "medium", "high"};
      const auto sql = old ? fmt::format("UPDATE tasks SET priority = '{}' WHERE id = {}", words.at(value), id)
                           : fmt::format("UPDATE tasks SET level = {} WHERE id = {}", value + 1, id);
      const auto wrote = run(sql);
      if (!wrote && wrote.error().retry == Retry::never) ++failures;
    }
  };
  {
    std::jthread first([&] { writer(true, 1); });
    std::jthread second([&] { writer(false, 2); });
    std::jthread reader([&] {
      while (!stop)
        if (!run("SELECT count(*) FROM tasks WHERE priority = 'high' OR level = 3")) ++failures;
    });
    for (int batch = 0; batch < 20; ++batch) {
      const auto filled = backfill(1);
      EXPECT_TRUE(filled) << filled.error().message;
    }
    stop = true;
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(backfill().value().phase, "backfilled");
  EXPECT_EQ(out_of_step(), "0");
  EXPECT_TRUE(migrate::contract_change(runner(), soon()));
}

}  // namespace
}  // namespace triune::testing
