// The audit log: complete, chained, and what was tampered with is found.
#include "triune/modules/audit.h"

#include <gmock/gmock.h>

#include "integration/hive_fixture.h"
#include "triune/modules/tasks.h"

namespace triune {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AuditTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    auto audit = Audit::open(*hive_);
    ASSERT_TRUE(audit) << audit.error().message;
    audit_ = std::move(*audit);
    tasks_ = Tasks::open(*hive_).value();
  }

  void TearDown() override {
    tasks_.reset();
    audit_.reset();
  }

  void make(int count) {
    std::vector<NewTask> some;
    for (int i = 0; i < count; ++i) some.push_back({.name = "task"});
    ASSERT_TRUE(tasks_->create_many(some, {.id = "ada", .type = ActorType::user}));
  }

  AuditReport verify(const AuditHead& known = {}) {
    auto report = audit_->verify(known);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : AuditReport{};
  }

  std::unique_ptr<Audit> audit_;
  std::unique_ptr<Tasks> tasks_;
};

TEST_F(AuditTest, SealsEverythingAndFindsItAsItWas) {
  make(50);
  EXPECT_EQ(verify().unsealed, 50);
  ASSERT_TRUE(audit_->seal());
  make(5'200);
  ASSERT_TRUE(audit_->seal());
  const auto report = verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.entries, 5'250);
  // A seal holds at most 5,000 entries; a write that comes a second after the last seal seals too.
  EXPECT_GE(report.seals, 3);
  EXPECT_EQ(report.unsealed, 0);
  const auto head = audit_->head().value();
  EXPECT_EQ(head.seal, report.seals);
  EXPECT_EQ(head.hash, report.head.hash);
  ASSERT_TRUE(audit_->seal());
  EXPECT_EQ(audit_->head()->seal, head.seal);
}

TEST_F(AuditTest, FindsEntriesByWhatTheyAreAbout) {
  ASSERT_TRUE(tasks_->create({.id = "a", .name = "first"}, {.id = "ada", .request_id = "r7"}));
  ASSERT_TRUE(tasks_->update("a", {.name = "second"}, {.id = "bob"}));
  EXPECT_EQ(audit_->entries({.record = "a"})->size(), 2U);
  EXPECT_EQ(audit_->entries({.actor = "ada"})->at(0).request_id, "r7");
  const auto second = audit_->entries({.table = "triune_tasks", .actor = "bob"})->at(0);
  EXPECT_EQ(second.operation, "update");
  EXPECT_THAT(second.before.text, HasSubstr("first"));
  EXPECT_THAT(audit_->entries({.record = "b"}).value(), IsEmpty());
  EXPECT_EQ(audit_->entries({.table = "triune_tasks", .record = "a"})->size(), 2U);
  EXPECT_THAT(audit_->entries({.table = "triune_queues", .record = "a"}).value(), IsEmpty());
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_EQ(audit_->entries({.record = "a", .from_ms = now.count() - 60'000})->size(), 2U);
  EXPECT_THAT(audit_->entries({.from_ms = now.count() + 600'000}).value(), IsEmpty());
  EXPECT_THAT(audit_->entries({.until_ms = now.count() - 600'000}).value(), IsEmpty());
}

TEST_F(AuditTest, IsReadInTheOrderOfItsEntriesPageByPage) {
  make(30);
  ASSERT_TRUE(tasks_->create({.id = "a", .name = "last"}, {.id = "bob"}));
  std::vector<std::int64_t> numbers;
  for (;;) {
    const auto page =
        audit_->entries({.table = "triune_tasks", .after_entry = numbers.empty() ? 0 : numbers.back(), .limit = 7});
    ASSERT_TRUE(page) << page.error().message;
    for (const auto& entry : *page) numbers.push_back(entry.entry);
    if (page->size() < 7) break;
  }
  EXPECT_EQ(numbers.size(), 31U);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_EQ(audit_->entries({.after_entry = numbers[29]})->at(0).actor, "bob");
}

TEST_F(AuditTest, UsersCannotWriteItThroughTheApi) {
  make(1);
  for (const auto* statement :
       {"DELETE FROM triune_audit_log", "UPDATE triune_audit_log SET actor = 'x'", "DROP TABLE triune_audit_log",
        "DELETE FROM triune_audit_seals", "INSERT INTO triune_audit_log (organization_id) VALUES (1)",
        "UPDATE triune_tasks SET name = 'x'", "DROP TABLE triune_tasks"})
    EXPECT_FALSE(hive_->sql(statement)) << statement;
}

TEST_F(AuditTest, ALogThatWasCutIsFoundByWhoKnewItsHead) {
  make(3);
  ASSERT_TRUE(audit_->seal());
  EXPECT_TRUE(verify(audit_->head().value()).ok);
  EXPECT_THAT(verify({.seal = 9, .hash = "x"}).problems, ::testing::Contains(HasSubstr("cut")));
  EXPECT_THAT(verify({.seal = 1, .hash = "x"}).problems, ::testing::Contains(HasSubstr("seen before")));
}

TEST_F(AuditTest, AnotherProgramsChangesAreRecordedAndItsTamperingIsFound) {
  make(3);
  ASSERT_TRUE(audit_->seal());
  tasks_.reset();
  audit_.reset();
  hive_.reset();
  place_.other_program("UPDATE triune_tasks SET name = 'by the shell'");
  reopen();
  audit_ = Audit::open(*hive_).value();
  const auto told = audit_->entries({.after_entry = 3}).value();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].actor_type, "sql");
  EXPECT_THAT(told[0].after.text, HasSubstr("by the shell"));
  audit_.reset();
  hive_.reset();
  place_.other_program(testing::on_postgres() ? "ALTER TABLE triune_audit_log DISABLE TRIGGER triune_audit_log_stays; "
                                                "UPDATE triune_audit_log SET actor = 'eve' WHERE entry = 2"
                                              : "DROP TRIGGER triune_audit_log_stays; "
                                                "UPDATE triune_audit_log SET actor = 'eve' WHERE entry = 2");
  reopen();
  audit_ = Audit::open(*hive_).value();
  const auto report = verify();
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.problems, ::testing::Contains(HasSubstr("seal 1")));
  EXPECT_THAT(report.problems, ::testing::Contains(HasSubstr("triune_audit_log_stays")));
}

}  // namespace
}  // namespace triune
