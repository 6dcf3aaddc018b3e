// Changes of several columns, of a type, of a name, with NOT NULL at the end: on either store, while programs of before
// and after write side by side.
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <thread>

#include "migrate/change.h"
#include "schema/user_fixture.h"
#include "stress/settings.h"

namespace triune::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A name becomes two, and back.
std::string split_declaration() {
  const auto* const first = on_postgres() ? "split_part(name, ' ', 1)" : "substr(name, 1, instr(name || ' ', ' ') - 1)";
  const auto* const last = on_postgres() ? "substr(name, length(split_part(name, ' ', 1)) + 2)"
                                         : "substr(name, instr(name || ' ', ' ') + 1)";
  return fmt::format(R"json({{"table": "people",
    "columns": {{"first_name": {{"type": "TEXT", "up": "{}", "not_null": true}},
                 "last_name": {{"type": "TEXT", "up": "{}", "not_null": true}}}},
    "replaces": {{"name": {{"type": "TEXT", "down": "first_name || CASE WHEN last_name = '' THEN '' ELSE ' ' END || last_name"}}}},
    "batch": 7, "pause_ms": 0}})json",
                     first, last);
}

/// A text becomes a number; what is none makes the expression fail.
std::string number_declaration() {
  return fmt::format(R"json({{"table": "people",
    "columns": {{"cents": {{"type": "BIGINT", "up": "{}"}}}},
    "replaces": {{"amount": {{"type": "TEXT", "down": "CAST(cents AS TEXT)"}}}}, "batch": 7, "pause_ms": 0}})json",
                     on_postgres() ? "CAST(amount AS bigint)" : "json_extract(amount, '$')");
}

class WideChange : public UserFixture {
 protected:
  void SetUp() override {
    UserFixture::SetUp();
    pair("0001_people", "CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT, amount TEXT);", "DROP TABLE people;");
    ASSERT_TRUE(apply());
    for (int i = 0; i < 40; ++i)
      run(fmt::format("INSERT INTO people (id, name, amount) VALUES ({0}, 'first{0} last{0}', '{0}')", i));
  }

  void run(const std::string& sql) const {
    const auto done = hive().sql(sql);
    EXPECT_TRUE(done) << sql << ": " << done.error().message;
  }
  [[nodiscard]] std::string cell(const std::string& sql) const {
    const auto rows = hive().sql(sql);
    return rows && !rows->rows.empty() ? to_text(rows->rows[0][0]) : rows ? "nothing" : rows.error().message;
  }
  [[nodiscard]] Result<migrate::ChangeProgress> start(const std::string& declaration) const {
    write("0002_change.change.json", declaration);
    const auto given = files();
    return migrate::start_change(runner(), given.migrations, soon());
  }
  [[nodiscard]] Result<migrate::ChangeProgress> backfill(std::uint64_t batches = 0) const {
    return migrate::backfill_change(runner(), {.most_batches = batches, .pause = {}, .cancelled = {}, .progress = {}},
                                    soon());
  }
  [[nodiscard]] Result<migrate::Applied> contract() const { return migrate::contract_change(runner(), soon()); }
  /// "KIND KEY" of each.
  [[nodiscard]] std::vector<std::string> reported() const {
    std::vector<std::string> all;
    const auto reports = migrate::change_reports(runner().store, soon());
    EXPECT_TRUE(reports) << reports.error().message;
    if (!reports) return all;
    for (const auto& one : *reports) all.push_back(one.kind + " " + one.key);
    return all;
  }
  void go_through(const std::string& declaration) const {
    const auto started = start(declaration);
    ASSERT_TRUE(started) << started.error().message;
    const auto filled = backfill();
    ASSERT_TRUE(filled) << filled.error().message;
    const auto done = contract();
    ASSERT_TRUE(done) << done.error().message;
  }
  void expect_recorded_and_reversible() const {
    EXPECT_THAT(drift(), IsEmpty()) << "what was recorded makes what is there";
    const auto given = files();
    const auto tried = migrate::try_up_down_up(runner().store, given.migrations, 2, migrate::Owner::users, 100, soon());
    ASSERT_TRUE(tried) << tried.error().message;
    EXPECT_THAT(tried->wrong, IsEmpty());
    const auto reverted = migrate::revert(runner(), "user", 1, soon());
    ASSERT_TRUE(reverted) << reverted.error().message;
    EXPECT_THAT(drift(), IsEmpty());
  }
};

TEST_F(WideChange, OneColumnBecomesTwoAndTheyAreNeverNullAgain) {
  ASSERT_TRUE(start(split_declaration()));
  run("INSERT INTO people (id, name) VALUES (100, 'Ada Lovelace')");
  EXPECT_EQ(cell("SELECT first_name || '|' || last_name FROM people WHERE id = 100"), "Ada|Lovelace");
  run("INSERT INTO people (id, first_name, last_name) VALUES (101, 'Grace', 'Hopper')");
  EXPECT_EQ(cell("SELECT name FROM people WHERE id = 101"), "Grace Hopper");
  run("UPDATE people SET last_name = 'King' WHERE id = 100");
  EXPECT_EQ(cell("SELECT name FROM people WHERE id = 100"), "Ada King");
  run("UPDATE people SET name = 'Plato' WHERE id = 100");
  EXPECT_EQ(cell("SELECT first_name || '|' || last_name FROM people WHERE id = 100"), "Plato|");
  ASSERT_TRUE(backfill());
  EXPECT_THAT(reported(), IsEmpty());
  const auto done = contract();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(cell("SELECT count(*) FROM people WHERE first_name = 'first' || id AND last_name = 'last' || id"), "40");
  EXPECT_FALSE(hive().sql("SELECT name FROM people"));
  EXPECT_FALSE(hive().sql("INSERT INTO people (id, first_name) VALUES (200, 'no last name')"));
  EXPECT_FALSE(hive().sql("UPDATE people SET first_name = NULL WHERE id = 1"));
  run("INSERT INTO people (id, first_name, last_name) VALUES (200, 'a', 'b')");
  expect_recorded_and_reversible();
  EXPECT_EQ(cell("SELECT name FROM people WHERE id = 7"), "first7 last7");
}

TEST_F(WideChange, TwoColumnsBecomeOne) {
  go_through(R"json({"table": "people",
    "columns": {"label": {"type": "TEXT", "up": "coalesce(name, '') || ':' || coalesce(amount, '')"}},
    "replaces": {"name": {"type": "TEXT", "down": "CASE WHEN label LIKE 'f%' THEN 'f' ELSE 'g' END"},
                 "amount": {"type": "TEXT", "down": "label"}}})json");
  EXPECT_EQ(cell("SELECT label FROM people WHERE id = 3"), "first3 last3:3");
  EXPECT_FALSE(hive().sql("SELECT name FROM people"));
  EXPECT_FALSE(hive().sql("SELECT amount FROM people"));
  expect_recorded_and_reversible();
}

TEST_F(WideChange, AColumnGetsAnotherName) {
  go_through(R"json({"table": "people", "columns": {"called": {"type": "TEXT", "up": "name", "not_null": true}},
                     "replaces": {"name": {"type": "TEXT", "down": "called"}}})json");
  EXPECT_EQ(cell("SELECT called FROM people WHERE id = 3"), "first3 last3");
  expect_recorded_and_reversible();
}

TEST_F(WideChange, ARowThatCannotBeConvertedIsReportedByItsKeyAndStopsNothingElse) {
  run("UPDATE people SET amount = 'many' WHERE id = 13");
  ASSERT_TRUE(start(number_declaration()));
  const auto filled = backfill();
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(filled->phase, "backfilled");
  EXPECT_EQ(cell("SELECT count(*) FROM people WHERE cents = id"), "39");
  EXPECT_THAT(reported(), ::testing::ElementsAre(R"(failed {"id":13})"));
  const auto refused = contract();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr(R"({"id":13})"));
  EXPECT_EQ(cell("SELECT amount FROM people WHERE id = 13"), "many") << "nothing is lost";
  // An old program mends it.
  run("UPDATE people SET amount = '1300' WHERE id = 13");
  EXPECT_EQ(cell("SELECT cents FROM people WHERE id = 13"), "1300");
  ASSERT_TRUE(backfill());
  EXPECT_THAT(reported(), IsEmpty());
  ASSERT_TRUE(contract());
  EXPECT_EQ(cell("SELECT count(*) FROM people WHERE cents IS NULL"), "0");
}

TEST_F(WideChange, AnOldProgramMayWriteWhatCannotBeConverted) {
  if (!on_postgres()) GTEST_SKIP() << "a trigger of SQLite cannot catch an error";
  ASSERT_TRUE(start(number_declaration()));
  ASSERT_TRUE(backfill());
  run("UPDATE people SET amount = 'some' WHERE id = 5");
  run("INSERT INTO people (id, amount) VALUES (300, 'few')");
  EXPECT_EQ(cell("SELECT count(*) FROM people WHERE cents IS NULL"), "2");
  EXPECT_EQ(contract().error().code, ErrorCode::conflict);
  EXPECT_THAT(reported(), Contains(R"(failed {"id":300})"));
  // A new program gives it a value.
  run("UPDATE people SET cents = 3 WHERE id = 300");
  run("UPDATE people SET cents = 5 WHERE id = 5");
  EXPECT_EQ(cell("SELECT amount FROM people WHERE id = 5"), "5");
  EXPECT_TRUE(contract());
}

TEST_F(WideChange, AConversionThatLosesSomethingIsReported) {
  run("UPDATE people SET name = 'one  two' WHERE id = 8");
  run("UPDATE people SET name = ' ' WHERE id = 9");
  ASSERT_TRUE(start(split_declaration()));
  ASSERT_TRUE(backfill());
  EXPECT_THAT(reported(), ::testing::ElementsAre(R"(lossy {"id":9})"));
  EXPECT_TRUE(contract()) << "which is for the one who declared it to judge";
}

TEST_F(WideChange, RowsWithoutAValueKeepAColumnFromBecomingNotNull) {
  run("UPDATE people SET name = NULL WHERE id = 21");
  ASSERT_TRUE(start(split_declaration()));
  ASSERT_TRUE(backfill());
  const auto refused = contract();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(R"({"id":21})"));
  run("UPDATE people SET first_name = 'x', last_name = 'y' WHERE id = 21");
  EXPECT_TRUE(contract());
}

TEST_F(WideChange, AnAbortAtAnyPhaseLeavesReadersAndWritersOfBeforeAsTheyWere) {
  for (const int batches : {0, 2, 1'000}) {
    SCOPED_TRACE(batches);
    ASSERT_TRUE(start(split_declaration()));
    if (batches > 0) {
      ASSERT_TRUE(backfill(static_cast<std::uint64_t>(batches)));
    }
    run("UPDATE people SET first_name = 'new', last_name = 'program' WHERE id = 1");
    ASSERT_TRUE(migrate::abort_change(runner(), soon()));
    EXPECT_THAT(drift(), IsEmpty());
    EXPECT_EQ(cell("SELECT name FROM people WHERE id = 1"), "new program");
    EXPECT_EQ(cell("SELECT count(*) FROM people WHERE name = 'first' || id || ' last' || id"), "39");
    run("UPDATE people SET name = NULL WHERE id = 1");
  }
}

TEST_F(WideChange, TellsWhatOfADeclarationIsWrong) {
  for (const auto& [declaration, word] : std::vector<std::pair<std::string, std::string>>{
           {R"({"table":"t","columns":{}})", "columns"},
           {R"({"table":"t","columns":{"a":{"type":"TEXT"}}})", "\"up\" is missing"},
           {R"({"table":"t","columns":{"a":{"type":"TEXT","up":"b","never":1}}})", "never"},
           {R"({"table":"t","columns":{"a":{"type":"TEXT","up":"b","not_null":"x"}}})", "not_null"},
           {R"({"table":"t","columns":{"a":{"type":"TEXT","up":"b"}},"column":"c"})", "column"},
           {R"({"table":"t","columns":{"a":{"type":"TEXT","up":"b"}},"replaces":{"b":{"type":"TEXT"}}})", "down"},
           {R"({"table":"t","columns":"a"})", "columns"}}) {
    const auto refused = migrate::parse_change(declaration);
    ASSERT_FALSE(refused) << declaration;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().message, HasSubstr(word));
  }
}

/// Programs of before and after at random, through all phases, some of which are taken back.
class SideBySide : public WideChange {
 protected:
  static std::string name_of(unsigned number) { return fmt::format("first{0} last{0}", number); }

  void write_old(std::minstd_rand& random) {
    const auto id = random() % 60;
    const auto number = random() % 1'000;
    attempt(random() % 4 == 0 ? fmt::format("INSERT INTO people (id, name) VALUES ({}, '{}') ON CONFLICT DO NOTHING",
                                            id, name_of(number))
                              : fmt::format("UPDATE people SET name = '{}' WHERE id = {}", name_of(number), id));
  }
  void write_new(std::minstd_rand& random) {
    const auto id = random() % 60;
    const auto number = random() % 1'000;
    attempt(
        random() % 4 == 0
            ? fmt::format("INSERT INTO people (id, first_name, last_name) VALUES ({}, 'first{}', 'last{}') ON CONFLICT "
                          "DO NOTHING",
                          id, number, number)
            : fmt::format("UPDATE people SET first_name = 'first{0}', last_name = 'last{0}' WHERE id = {1}", number,
                          id));
  }
  void attempt(const std::string& sql) {
    const auto wrote = hive().sql(sql);
    if (!wrote && wrote.error().retry == Retry::never) ADD_FAILURE() << sql << ": " << wrote.error().message;
  }

  /// Each row tells one number, in whichever columns it is read.
  void read_old() {
    const auto torn = cell(
        "SELECT count(*) FROM people WHERE name IS NULL OR name NOT LIKE 'first% last%' OR "
        "substr(name, 6, length(name) / 2 - 5) <> substr(name, length(name) / 2 + 6)");
    EXPECT_EQ(torn, "0");
  }
  void read_both(bool filled) {
    const auto torn = cell(std::string("SELECT count(*) FROM people WHERE ") +
                           (filled ? "first_name IS NULL OR last_name IS NULL OR" : "first_name IS NOT NULL AND") +
                           " name <> first_name || ' ' || last_name");
    EXPECT_EQ(torn, "0");
  }

  /// Runs `work` while `programs` go on.
  template <class Work>
  void beside(const std::vector<std::function<void(std::minstd_rand&)>>& programs, unsigned seed, const Work& work) {
    std::atomic<bool> stop = false;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < programs.size(); ++i)
      threads.emplace_back([&, i] {
        std::minstd_rand random(seed + static_cast<unsigned>(i));
        while (!stop) programs[i](random);
      });
    work();
    stop = true;
  }
};

TEST_F(SideBySide, OldAndNewProgramsAlwaysReadAConsistentPicture) {
  const auto seed = static_cast<unsigned>(stress_seed());
  SCOPED_TRACE(seed);
  std::minstd_rand random(seed);
  const auto old_program = [this](std::minstd_rand& r) { r() % 3 == 0 ? read_old() : write_old(r); };
  const auto new_program = [this](std::minstd_rand& r) { r() % 3 == 0 ? read_both(false) : write_new(r); };
  const auto filled_program = [this](std::minstd_rand& r) { r() % 3 == 0 ? read_both(true) : write_new(r); };
  const auto rounds = stress_size("TRIUNE_STRESS_ROUNDS", 3, 40);
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    beside({old_program, old_program}, random(), [&] {
      const auto started = start(split_declaration());
      ASSERT_TRUE(started) << started.error().message;
    });
    beside({old_program, new_program}, random(), [&] {
      for (int batches = 1 + static_cast<int>(random() % 9); batches > 0; --batches) EXPECT_TRUE(backfill(1));
    });
    if (random() % 2 == 0) {
      beside({old_program, old_program}, random(), [&] { EXPECT_TRUE(migrate::abort_change(runner(), soon())); });
      continue;
    }
    EXPECT_EQ(backfill().value().phase, "backfilled");
    beside({old_program, filled_program}, random(), [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      EXPECT_THAT(reported(), IsEmpty());
    });
    // The old ones have gone.
    beside({[this](std::minstd_rand& r) { write_new(r); }}, random(), [&] {
      const auto done = contract();
      EXPECT_TRUE(done) << done.error().message;
    });
    EXPECT_EQ(cell("SELECT count(*) FROM people WHERE substr(first_name, 6) <> substr(last_name, 5)"), "0");
    const auto reverted = migrate::revert(runner(), "user", 1, soon());
    ASSERT_TRUE(reverted) << reverted.error().message;
    read_old();
  }
}

}  // namespace
}  // namespace triune::testing
