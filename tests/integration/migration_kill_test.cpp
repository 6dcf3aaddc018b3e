// A migration that is killed anywhere and started again ends as if nothing had happened.
#include <csignal>
#include <random>
#include <thread>

#include "base/file.h"
#include "integration/migration_fixture.h"
#include "support/child_process.h"

namespace triune::testing {
namespace {

class MigrationKill : public MigrationTest {
 protected:
  void SetUp() override {
    make(
        "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, a INT, b REAL, c TEXT, d BLOB);"
        "CREATE TABLE knows(one INTEGER REFERENCES people(id), other INTEGER REFERENCES people(id), v BLOB);"
        "CREATE TABLE keys(k TEXT PRIMARY KEY, friends TEXT, vector TEXT) WITHOUT ROWID; CREATE VIEW w AS SELECT 1;" +
        numbers(20'000) + "INSERT INTO people SELECT i, 'person ' || i, i, i / 3.0, 'text', x'00ff' FROM n;" +
        numbers(3'000) + "INSERT INTO knows SELECT 1 + i * 7919 % 20000, 1 + i * 104729 % 20000, x'00' FROM n;" +
        numbers(300) +
        "INSERT INTO keys SELECT 'key number ' || i, '[\"key number ' || (1 + i * 7 % 300) || '\"]', (WITH RECURSIVE "
        "d(e) AS "
        "(SELECT 1 UNION ALL SELECT e + 1 FROM d WHERE e < 64) SELECT json_group_array(0.5 + i * e % 97 / 100.0) FROM "
        "d) FROM "
        "n;"
        "CREATE INDEX by_name ON people(name)");
    ASSERT_TRUE(base::write_durably(plan_file(), base::as_bytes(legacy::plan_text(planned()))));
    before_ = bytes();
  }

  [[nodiscard]] std::filesystem::path plan_file() const { return directory_.path() / "plan.json"; }

  /// Applies the plan in a process of its own, which is killed at the failpoint, or after a time. Whether it was.
  [[nodiscard]] bool apply_and_kill(const std::string& failpoint, std::chrono::milliseconds after) const {
    std::vector<std::string> words{TRIUNE_BINARY, "migrate",       "apply", "--plan",       plan_file(), "--hive",
                                   location(),    "--approved-by", "ada",   "--no-measure", "--json"};
    if (on_postgres()) words.insert(words.end(), {"--projections", place()});
    ChildProcess child(words, {"TRIUNE_FAILPOINT=" + failpoint});
    if (after.count() > 0) {
      child.read_lines(after, [](const std::string&) { return true; });
      child.send(SIGKILL);
    }
    const bool killed = child.wait().signal == SIGKILL;
    place_->wait_until_alone();
    return killed;
  }

  void expect_whole(const std::string& killed_at) {
    const auto plan = legacy::parse_plan(legacy::plan_text(planned()));
    ASSERT_TRUE(plan);
    const auto report = applied(*plan);
    EXPECT_EQ(report.state, "finished") << killed_at << "\n" << differences(report.verification);
    EXPECT_EQ(rows("SELECT count(*), sum(id) FROM people"), "20000|200010000\n") << killed_at;
    EXPECT_EQ(rows("SELECT count(*) FROM knows"), "3000\n") << killed_at;
    const auto again = legacy::verify_again(hive(), adapters::builtin(), {}, approved());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(differences(*again), "") << killed_at;
    EXPECT_EQ(bytes(), before_) << killed_at;
    EXPECT_EQ(rows("SELECT count(*) FROM triune_relocations"), "1\n") << killed_at;
    for (const auto& entry : std::filesystem::directory_iterator(place_->files()))
      EXPECT_NE(entry.path().extension(), ".db-journal") << entry.path();
    EXPECT_EQ(rows("SELECT count(*) FROM triune_relocation_steps WHERE state <> 'done'"), "0\n") << killed_at;
    make_place();
  }

  std::string before_;
};

TEST_F(MigrationKill, AtEveryStepItGoesOnAndEndsTheSame) {
  for (const char* failpoint :
       {"migrate.snapshot.done:1", "migrate.begun:1", "migrate.copy.created:1", "migrate.copy.created:3",
        "migrate.copy.batch:1", "migrate.copy.done:1", "migrate.graph.done:1", "migrate.graph.done:2",
        "migrate.vectors.done:1", "migrate.indexes.done:1", "migrate.verify.done:1", "migrate.finished:1"}) {
    EXPECT_TRUE(apply_and_kill(failpoint, {})) << failpoint;
    expect_whole(failpoint);
  }
}

TEST_F(MigrationKill, AtAnyMomentItGoesOnAndEndsTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int kill = 0; kill < 6; ++kill)
    static_cast<void>(apply_and_kill("", std::chrono::milliseconds(20 + random() % 400)));
  expect_whole("any moment");
}

}  // namespace
}  // namespace triune::testing
