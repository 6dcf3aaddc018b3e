// Advice from the recorded workload.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "integration/hive_fixture.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Advising : public HiveTest {
 protected:
  void make_orders(int rows) {
    ASSERT_TRUE(
        hive_->sql(in_dialect("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, state TEXT NOT "
                              "NULL, note TEXT) STRICT")));
    const auto numbers = on_postgres() ? fmt::format("generate_series(1, {}) AS n (value)", rows)
                                       : fmt::format(
                                             "(WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 "
                                             "FROM n WHERE value < {}) SELECT value FROM n) AS n",
                                             rows);
    const auto filled = hive_->sql(
        "INSERT INTO orders (id, customer, state, note) SELECT value, value % 997, "
        "'state' || value % 4, 'a note of some length that fills the row a little' FROM " +
        numbers);
    ASSERT_TRUE(filled) << filled.error().message;
  }

  void ask(int times, std::string_view statement = "SELECT note FROM orders WHERE customer = ?1") {
    for (int i = 0; i < times; ++i) {
      const std::vector<Value> parameters{std::int64_t{i}};
      const auto rows = hive_->sql(statement, parameters);
      ASSERT_TRUE(rows) << rows.error().message;
    }
  }

  AdviceReport advise() {
    auto report = hive_->advise(Deadline::after(std::chrono::seconds(60)));
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : AdviceReport{};
  }

  static const Advice* advice_of(const AdviceReport& report, std::string_view kind, std::string_view part) {
    for (const auto& one : report.advice)
      if (one.kind == kind && (one.statement + one.subject).find(part) != std::string::npos) return &one;
    return nullptr;
  }

  std::string schema() {
    const auto* const sql =
        on_postgres() ? "SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE tablename "
                        "= 'orders'"
                      : "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master ORDER BY name)";
    return place_.other_program(sql);
  }
};

TEST_F(Advising, AMissingIndexIsAdvisedWithTheGainMeasuredOnACopy) {
  make_orders(30'000);
  ask(40);
  const auto before = schema();
  const auto report = advise();
  EXPECT_EQ(report.statements, 40U);
  EXPECT_EQ(report.shapes, 1U);
  const auto* const advice = advice_of(report, "add_index", "customer");
  ASSERT_NE(advice, nullptr);
  EXPECT_EQ(advice->statement, "CREATE INDEX \"orders_customer\" ON \"orders\" (\"customer\")");
  EXPECT_TRUE(advice->measured) << advice->not_measured;
  EXPECT_EQ(advice->rows, 30'000U);
  EXPECT_EQ(advice->calls, 40U);
  EXPECT_GT(advice->before_us, 1.5 * advice->after_us);
  EXPECT_EQ(schema(), before) << "advice changes nothing";
  ASSERT_TRUE(hive_->sql(advice->statement));
  EXPECT_EQ(advice_of(advise(), "add_index", "customer"), nullptr) << "once followed, it is not given again";
}

TEST_F(Advising, JoinsAndSeveralConditionsAreAdvisedToo) {
  make_orders(20'000);
  ASSERT_TRUE(hive_->sql(in_dialect("CREATE TABLE customers (number INTEGER PRIMARY KEY, city TEXT) STRICT")));
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(hive_->sql(fmt::format("INSERT INTO customers (number, city) VALUES ({}, 'city{}')", i, i % 5)));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(hive_->sql(
        fmt::format("SELECT o.id FROM customers c JOIN orders o ON o.customer = c.number WHERE c.number = {}", i)));
    ASSERT_TRUE(hive_->sql(
        fmt::format("SELECT note FROM orders WHERE state = 'state{}' AND customer = {} LIMIT 20", i % 4, i)));
  }
  const auto report = advise();
  EXPECT_NE(advice_of(report, "add_index", "orders_customer\""), nullptr) << "of the join";
  EXPECT_NE(advice_of(report, "add_index", "(\"state\", \"customer\")"), nullptr) << "of both conditions";
}

TEST_F(Advising, AnIndexThatAnotherServesOrNobodyUsesIsToBeDropped) {
  make_orders(3'000);
  ASSERT_TRUE(hive_->sql("CREATE INDEX by_customer_state ON orders (customer, state)"));
  ASSERT_TRUE(hive_->sql("CREATE INDEX by_customer ON orders (customer)"));
  ASSERT_TRUE(hive_->sql("CREATE INDEX by_note ON orders (note)"));
  ask(150);
  const auto report = advise();
  const auto* const prefix = advice_of(report, "drop_index", "by_customer\"");
  ASSERT_NE(prefix, nullptr);
  EXPECT_THAT(prefix->reason, HasSubstr("by_customer_state serves all"));
  EXPECT_TRUE(prefix->measured) << prefix->not_measured;
  EXPECT_GT(prefix->before_us, 0);
  const auto* const unused = advice_of(report, "drop_index", "by_note\"");
  ASSERT_NE(unused, nullptr);
  EXPECT_THAT(unused->reason, HasSubstr("none of 150 recorded reads"));
  EXPECT_TRUE(unused->measured) << unused->not_measured;
  EXPECT_EQ(advice_of(report, "drop_index", "by_customer_state\""), nullptr);
}

TEST_F(Advising, AProjectionThatNobodyAsksIsNamed) {
  ASSERT_TRUE(hive_->create_collection({.name = "asked", .dimension = 4}));
  ASSERT_TRUE(hive_->create_collection({.name = "forgotten", .dimension = 4}));
  commit({PutVector{"asked", "a", {1, 2, 3, 4}, {}}, PutVector{"forgotten", "a", {1, 2, 3, 4}, {}}});
  for (int i = 0; i < 120; ++i)
    ASSERT_TRUE(hive_->search({.collection = "asked", .query = std::vector<float>{1, 2, 3, 4}, .count = 1}));
  const auto report = advise();
  ASSERT_NE(advice_of(report, "drop_projection", "vector:forgotten"), nullptr);
  EXPECT_EQ(advice_of(report, "drop_projection", "vector:asked"), nullptr);
  EXPECT_FALSE(advice_of(report, "drop_projection", "vector:forgotten")->not_measured.empty());
}

TEST_F(Advising, AWalkWrittenInSqlIsToBeAGraphWhereThatMeasuresFaster) {
  ASSERT_TRUE(hive_->sql(
      in_dialect("CREATE TABLE follows (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b)) STRICT")));
  std::vector<Change> changes;
  for (std::int64_t i = 0; i < 600; ++i)
    for (std::int64_t k = 1; k <= 12; ++k)
      changes.push_back(PutRow{"follows", {{"a", i}, {"b", (i * 31 + k * k * 17) % 600}}});
  ASSERT_TRUE(hive_->commit({.changes = changes}));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(
        hive_->sql(fmt::format("SELECT DISTINCT f4.b FROM follows f1 JOIN follows f2 ON f2.a = f1.b JOIN follows f3 ON "
                               "f3.a = f2.b JOIN follows f4 ON f4.a = f3.b WHERE f1.a = {}",
                               i)));
  const auto report = advise();
  const auto* const advice = advice_of(report, "add_graph", "follows");
  ASSERT_NE(advice, nullptr);
  EXPECT_THAT(advice->statement, HasSubstr("--from a:LABEL --to b:LABEL"));
  if (on_postgres()) {
    EXPECT_FALSE(advice->not_measured.empty());
    return;
  }
  EXPECT_TRUE(advice->measured) << advice->not_measured;
  EXPECT_EQ(advice->rows, 7200U);
  EXPECT_GT(advice->before_us, 1.5 * advice->after_us);
}

TEST_F(Advising, VectorsThatAreReadAllAreToBeACollection) {
  ASSERT_TRUE(hive_->sql(in_dialect("CREATE TABLE memories (id INTEGER PRIMARY KEY, embedding TEXT) STRICT")));
  std::vector<Change> changes;
  for (std::int64_t i = 0; i < 1500; ++i) {
    std::string vector = "[";
    for (int k = 0; k < 96; ++k)
      vector += fmt::format("{}{:.4f}", k == 0 ? "" : ",", std::sin(static_cast<double>(i * 7 + k * 3)));
    changes.push_back(PutRow{"memories", {{"id", i}, {"embedding", vector + "]"}}});
  }
  ASSERT_TRUE(hive_->commit({.changes = changes}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(hive_->sql("SELECT id, embedding FROM memories"));
  const auto report = advise();
  const auto* const advice = advice_of(report, "add_vectors", "memories");
  ASSERT_NE(advice, nullptr);
  EXPECT_THAT(advice->statement, HasSubstr("--dimension 96"));
  if (on_postgres()) return;
  EXPECT_TRUE(advice->measured) << advice->not_measured;
  EXPECT_GT(advice->before_us, 1.5 * advice->after_us);
}

TEST_F(Advising, NothingIsAdvisedOfFewReads) {
  make_orders(200);
  EXPECT_THAT(advise().advice, IsEmpty());
}

TEST_F(Advising, TheWorkloadIsKeptOverAReopenWithoutAnyValue) {
  make_orders(20'000);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(
        hive_->sql(fmt::format("SELECT id FROM orders WHERE note = 'zebra-{}' AND customer = 4711{} -- zebra", i, i)));
  reopen();
  const auto report = advise();
  EXPECT_EQ(report.statements, 10U);
  EXPECT_EQ(report.shapes, 1U);
  for (const auto& one : report.advice) EXPECT_THAT(one.shape + one.reason, Not(HasSubstr("zebra")));
  hive_.reset();
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place_.files())) {
    if (entry.path().filename() != "learned") continue;
    ++files;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(text, HasSubstr("WHERE note = ?"));
    EXPECT_THAT(text, Not(HasSubstr("zebra")));
    EXPECT_THAT(text, Not(HasSubstr("4711")));
  }
  EXPECT_EQ(files, 1);
}

TEST_F(Advising, WhatCannotBeRunSaysWhy) {
  make_orders(20'000);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(hive_->sql("SELECT id FROM orders WHERE customer = 7 AND length(note) > 12"));
  const auto* const advice = advice_of(advise(), "add_index", "customer");
  ASSERT_NE(advice, nullptr);
  EXPECT_FALSE(advice->measured);
  EXPECT_THAT(advice->not_measured, HasSubstr("cannot be told"));
}

}  // namespace
}  // namespace triune::testing
