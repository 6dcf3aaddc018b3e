// Who may connect, and what a role needs: encrypted connections, several hosts, and roles with few rights.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "support/child_process.h"
#include "support/postgres_server.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

constexpr std::string_view secret = "hush4711";

void run(const std::vector<std::string>& command) {
  const auto done = run_program(command);
  if (done.exit_code != 0) throw std::runtime_error(done.text);
}

/// A certificate authority of the test's own, and a certificate of it for the server "localhost".
class Certificates {
 public:
  Certificates() {
    const auto file = [this](const char* name) { return (path() / name).string(); };
    make_authority("authority");
    make_authority("stranger");
    run({"openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout",
         file("server.key"), "-out", file("server.request")});
    std::ofstream(path() / "names") << "subjectAltName = DNS:localhost\n";
    run({"openssl", "x509", "-req", "-days", "2", "-in", file("server.request"), "-CA", file("authority.crt"), "-CAkey",
         file("authority.key"), "-CAcreateserial", "-extfile", file("names"), "-out", file("server.crt")});
    // The server refuses a key that others may read.
    std::filesystem::permissions(path() / "server.key", std::filesystem::perms::owner_read);
    std::filesystem::permissions(path(), std::filesystem::perms::all);
    give_to_server(path() / "server.key");
  }
  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
  [[nodiscard]] std::string authority(const char* name) const { return (path() / name).string() + ".crt"; }

 private:
  void make_authority(const std::string& name) const {
    run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test " + name,
         "-keyout", (path() / (name + ".key")).string(), "-out", (path() / (name + ".crt")).string()});
  }
  TemporaryDirectory directory_;
};

/// A server that takes encrypted connections with a password only.
class Encrypted : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(certificates_.path() / "access") << "local all all trust\nhostssl all all all scram-sha-256\n";
    const auto file = [this](const char* name) { return (certificates_.path() / name).string(); };
    server_ = std::make_unique<PostgresServer>(PostgresOptions{.settings = {{"ssl", "on"},
                                                                            {"ssl_cert_file", file("server.crt")},
                                                                            {"ssl_key_file", file("server.key")},
                                                                            {"hba_file", file("access")}}});
    server_->execute(fmt::format("ALTER ROLE triune PASSWORD '{}'", secret));
  }
  Result<std::unique_ptr<Hive>> open(const std::string& host, const std::string& settings) {
    return Hive::open(fmt::format("postgresql://triune:{}@{}:{}/postgres?{}", secret, host, server_->port(), settings),
                      {.projections = directory_.path()});
  }
  void expect_refused(const std::string& host, const std::string& settings, std::string_view why) {
    const auto refused = open(host, settings);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(why), std::string::npos) << refused.error().message;
    EXPECT_EQ(refused.error().message.find(secret), std::string::npos) << refused.error().message;
  }

  Certificates certificates_;
  TemporaryDirectory directory_;
  std::unique_ptr<PostgresServer> server_;
};

TEST_F(Encrypted, AServerThatIsWhoItSaysIsTrusted) {
  const auto opened = open("localhost", "sslmode=verify-full&sslrootcert=" + certificates_.authority("authority"));
  ASSERT_TRUE(opened) << opened.error().message;
  const auto rows = (*opened)->sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0][0], Value(true));
}

TEST_F(Encrypted, AnotherNameOrAuthorityOrNoEncryptionIsRefused) {
  expect_refused("127.0.0.1", "sslmode=verify-full&sslrootcert=" + certificates_.authority("authority"),
                 "does not match host name");
  expect_refused("localhost", "sslmode=verify-full&sslrootcert=" + certificates_.authority("stranger"),
                 "certificate verify failed");
  expect_refused("localhost", "sslmode=disable", "no encryption");
}

TEST(SeveralHosts, TheOneThatTakesWritesIsFound) {
  const PostgresServer primary;
  const PostgresServer standby({.settings = {{"default_transaction_read_only", "on"}}});
  const TemporaryDirectory directory;
  const auto url =
      fmt::format("postgresql://triune@127.0.0.1:{},127.0.0.1:{},127.0.0.1:{}/postgres?target_session_attrs=read-write",
                  free_port(), standby.port(), primary.port());
  const auto opened = Hive::open(url, {.projections = directory.path()});
  ASSERT_TRUE(opened) << opened.error().message;
  const auto receipt = (*opened)->commit({.changes = {PutNode{{"Agent", "ada"}, {}}}, .idempotency_key = {}});
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(primary.execute("SELECT id FROM triune_nodes"), "ada");
}

/// The grants that docs/postgresql.md names, for `role` on a hive that another role owns.
std::string documented_grants(const std::string& role) {
  return fmt::format(
      "GRANT USAGE ON SCHEMA public TO {0}; "
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {0}; "
      "GRANT TRUNCATE ON triune_change_log TO {0}; "
      "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {0}; "
      "REVOKE INSERT, UPDATE, DELETE ON triune_schema_history, triune_schema_lease, "
      "triune_schema_objects FROM {0}",
      role);
}

/// A database whose hive belongs to the role "keeper"; "worker" has the documented grants, "writer" may only insert
/// into one of the users' tables.
class FewRights : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.execute("CREATE ROLE keeper LOGIN; CREATE ROLE worker LOGIN; CREATE ROLE writer LOGIN;");
    server_.execute("GRANT CREATE, USAGE ON SCHEMA public TO keeper", database_);
    auto opened = open_as("keeper");
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE((*opened)->sql("CREATE TABLE tasks (id bigint PRIMARY KEY, title text)"));
    ASSERT_TRUE((*opened)->map_nodes({.table = "tasks", .label = "Task"}));
    ASSERT_TRUE((*opened)->commit({.changes = {PutNode{{"Agent", "ada"}, {}}}, .idempotency_key = {}}));
    ASSERT_TRUE((*opened)->close());
    server_.execute(documented_grants("worker"), database_);
    server_.execute("GRANT USAGE ON SCHEMA public TO writer; GRANT INSERT ON tasks TO writer", database_);
  }
  void TearDown() override {
    server_.drop_database(database_);
    for (const auto* const role : {"keeper", "worker", "writer"}) server_.execute(fmt::format("DROP ROLE {}", role));
  }
  [[nodiscard]] std::string url_of(const std::string& role) const {
    return fmt::format("postgresql://{}@127.0.0.1:{}/{}", role, server_.port(), database_);
  }
  Result<std::unique_ptr<Hive>> open_as(const std::string& role) {
    return Hive::open(url_of(role), {.projections = directory_.path()});
  }
  [[nodiscard]] Output psql(const std::string& role, const std::string& statements) const {
    return run_program({"psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", url_of(role), "-c", statements});
  }

  PostgresServer server_;
  const std::string database_ = server_.create_database();
  TemporaryDirectory directory_;
};

TEST_F(FewRights, ARoleWithTheDocumentedGrantsRunsTheHive) {
  auto opened = open_as("worker");
  ASSERT_TRUE(opened) << opened.error().message;
  auto& hive = **opened;
  const auto receipt =
      hive.commit({.changes = {PutNode{{"Agent", "bob"}, {}}, PutRow{"tasks", {{"id", 1}, {"title", "sweep"}}},
                               PutEdge{{"DOES", {"Agent", "bob"}, {"Task", "1"}}, {}},
                               PutBlob{"bob", "note", Bytes(5, std::byte{7})}},
                   .idempotency_key = "once"},
                  {.wait_for_projections = std::chrono::seconds(30)});
  ASSERT_TRUE(receipt) << receipt.error().message;
  const auto rows = hive.cypher("MATCH (:Agent {id: 'bob'})-[:DOES]->(t:Task) RETURN t.id");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows.size(), 1U);
  const auto swept = hive.sweep(std::chrono::seconds(0));
  EXPECT_TRUE(swept) << swept.error().message;
  const auto report = hive.verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->ok);
  const auto status = hive.status();
  ASSERT_TRUE(status) << status.error().message;
  for (const auto& chore : status->chores) EXPECT_EQ(chore.last_error, "") << chore.name;
  EXPECT_FALSE(hive.sql("CREATE TABLE more (id bigint PRIMARY KEY)")) << "definitions are the owner's";
}

TEST_F(FewRights, ARoleWithTheDocumentedGrantsFollowsAFailover) {
  server_.execute("UPDATE triune_hive SET value = '1/1/00000001' WHERE key = 'history'", database_);
  const auto before = server_.execute("SELECT value FROM triune_hive WHERE key = 'incarnation'", database_);
  const auto opened = open_as("worker");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_NE((*opened)->status().value().incarnation, before);
  EXPECT_TRUE((*opened)->cypher("MATCH (a:Agent {id: 'ada'}) RETURN a.id"));
}

TEST_F(FewRights, ATableOfAnotherOwnerIsNamedUntilItIsGiven) {
  server_.execute("CREATE TABLE theirs (id bigint PRIMARY KEY)", database_);
  {
    const auto refused = open_as("keeper");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
    EXPECT_NE(refused.error().message.find("theirs"), std::string::npos) << refused.error().message;
  }
  server_.execute("ALTER TABLE theirs OWNER TO keeper", database_);
  const auto opened = open_as("keeper");
  ASSERT_TRUE(opened) << opened.error().message;
  const auto written = (*opened)->execute("INSERT INTO theirs VALUES (1)");
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->receipt->changes, 1U);
}

TEST_F(FewRights, WhoMayOnlyInsertIsCapturedAndReadsNothing) {
  auto opened = open_as("worker");
  ASSERT_TRUE(opened) << opened.error().message;
  const auto done = psql("writer", "INSERT INTO tasks VALUES (7, 'from outside')");
  ASSERT_EQ(done.exit_code, 0) << done.text;
  const auto node = (*opened)->get_node({"Task", "7"});
  EXPECT_TRUE(node) << node.error().message;
  EXPECT_NE(psql("writer", "SELECT * FROM triune_nodes").exit_code, 0);
  EXPECT_NE(psql("writer",
                 "INSERT INTO triune_change_log (organization_id, collection_id, operation) "
                 "VALUES (1, 1, 'load')")
                .exit_code,
            0);
}

TEST_F(FewRights, ATemporaryTableTakesNoPlaceOfOurs) {
  const auto done = psql("writer",
                         "CREATE TEMPORARY TABLE triune_change_log (organization_id bigint, collection_id bigint, "
                         "key text, operation text); GRANT ALL ON triune_change_log TO PUBLIC; "
                         "INSERT INTO tasks VALUES (8, 'unseen')");
  ASSERT_EQ(done.exit_code, 0) << done.text;
  EXPECT_EQ(server_.execute("SELECT count(*) FROM triune_change_log WHERE key = '8'", database_), "2")
      << "the row and its node";
}

}  // namespace
}  // namespace triune::testing
