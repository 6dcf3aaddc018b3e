// A hive that pg_dump wrote and psql read back is whole, and knows that it is another history.
#include <gtest/gtest.h>

#include <string>

#include "support/child_process.h"
#include "support/postgres_server.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

class Restore : public ::testing::Test {
 protected:
  void TearDown() override {
    server_.drop_database(from_);
    server_.drop_database(to_);
  }
  std::unique_ptr<Hive> open(const std::string& database) {
    auto opened = Hive::open(server_.url(database), {.projections = directory_.path() / database});
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  PostgresServer& server_ = shared_postgres_server();
  const std::string from_ = server_.create_database();
  const std::string to_ = server_.create_database();
  TemporaryDirectory directory_;
};

TEST_F(Restore, ADumpedHiveIsWholeAndAnotherHistory) {
  std::string before;
  {
    const auto hive = open(from_);
    ASSERT_TRUE(hive);
    ASSERT_TRUE(hive->sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text)"));
    ASSERT_TRUE(hive->map_nodes({.table = "notes", .label = "Note"}));
    ASSERT_TRUE(hive->create_text_index({.name = "bodies", .table = "notes", .columns = {"body"}}));
    ASSERT_TRUE(hive->sql("INSERT INTO notes VALUES (1, 'a caf\u00e9 in the rain')"));
    before = hive->status().value().incarnation;
  }
  const auto file = (directory_.path() / "dump.sql").string();
  const auto dumped = run_program({"pg_dump", "--no-owner", "--file=" + file, server_.url(from_)});
  ASSERT_EQ(dumped.exit_code, 0) << dumped.text;
  const auto restored =
      run_program({"psql", "-qX", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", file, server_.url(to_)});
  ASSERT_EQ(restored.exit_code, 0) << restored.text;

  const auto hive = open(to_);
  ASSERT_TRUE(hive);
  const auto found = hive->text({.query = "cafe", .collection = "bodies"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), 1U);
  const auto written = hive->execute("INSERT INTO notes VALUES (2, 'after')");
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_TRUE(hive->get_node({"Note", "2"}));
  EXPECT_NE(hive->status().value().incarnation, before);
  const auto report = hive->verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->ok);
}

}  // namespace
}  // namespace triune::testing
