// Holds the schema to what Citus can distribute, and to what a stranger in the same database must not be able to do.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "postgres/schema_rules.h"
#include "support/postgres_server.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

/// A database with everything a hive makes in it: its own tables, and what definitions add to users' tables.
class SchemaLint : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Hive::open(server_.url(database_), {.projections = directory_.path()});
    ASSERT_TRUE(opened) << opened.error().message;
    auto& hive = **opened;
    ASSERT_TRUE(hive.sql("CREATE TABLE people (id bigint PRIMARY KEY, boss bigint, about text)"));
    ASSERT_TRUE(hive.map_nodes({.table = "people", .label = "Person"}));
    ASSERT_TRUE(hive.map_edges({.table = "people",
                                .type = "REPORTS_TO",
                                .from_column = "id",
                                .from_label = "Person",
                                .to_column = "boss",
                                .to_label = "Person"}));
    ASSERT_TRUE(hive.create_text_index({.name = "about", .table = "people", .columns = {"about"}}));
    ASSERT_TRUE(hive.close());
  }
  void TearDown() override { server_.drop_database(database_); }

  PostgresServer& server_ = shared_postgres_server();
  const std::string database_ = server_.create_database();
  TemporaryDirectory directory_;
};

TEST_F(SchemaLint, FindsNothingInTheSchema) {
  for (const auto& rule : schema_rules()) EXPECT_EQ(server_.execute(statement_of(rule), database_), "") << rule.name;
}

TEST_F(SchemaLint, FindsWhatEachRuleForbids) {
  for (const auto& rule : schema_rules()) {
    const auto bad = server_.create_database();
    server_.drop_database(bad);
    server_.execute("CREATE DATABASE " + bad + " TEMPLATE " + database_);
    server_.execute(std::string(rule.bad), bad);
    const auto found = server_.execute(statement_of(rule), bad);
    EXPECT_TRUE(found.starts_with(rule.breach)) << rule.name << ": found '" << found << "'";
    server_.drop_database(bad);
  }
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Locks and channels of a session, which poolers and distributed servers do not carry.
bool needs_a_session(const std::string& text) {
  static const std::regex words("pg_(try_)?advisory_[a-z_]*\\(|\"\\s*(UN)?LISTEN\\b|^\\s*(UN)?LISTEN\\b",
                                std::regex::ECMAScript | std::regex::multiline);
  return std::regex_search(text, words);
}

TEST(Sources, UseNoAdvisoryLocksAndListenInOnePlaceOnly) {
  const std::filesystem::path root = TRIUNE_SOURCE;
  std::size_t read = 0;
  for (const auto* const folder : {"src", "schema"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      static const std::set<std::string> kinds{".cpp", ".h", ".sql", ".in"};
      if (!kinds.contains(entry.path().extension())) continue;
      ++read;
      // A hint on a connection of its own, which does without where there is a pooler.
      const bool may_listen = entry.path().filename() == "change_signal.cpp";
      EXPECT_EQ(needs_a_session(text_of(entry.path())), may_listen) << entry.path();
    }
  EXPECT_GT(read, 100U) << "looked at the wrong place";
}

TEST(Sources, AreFoundWhenTheyDo) {
  EXPECT_TRUE(needs_a_session("session.query(\"SELECT pg_advisory_xact_lock(1)\")"));
  EXPECT_TRUE(needs_a_session("session.query(\"SELECT pg_try_advisory_lock(1)\")"));
  EXPECT_TRUE(needs_a_session("session.execute(\"LISTEN changes\")"));
  EXPECT_FALSE(needs_a_session("// we do not listen; \"listen load\" is refused"));
}

}  // namespace
}  // namespace triune::testing
