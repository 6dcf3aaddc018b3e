// Connections, sessions and their errors on a real server.
#include <thread>

#include "adapters/postgres/sqlstate.h"
#include "adapters/postgres/store.h"
#include "adapters/postgres/test_store.h"
#include "base/try.h"
#include "support/pool_factory.h"
#include "support/postgres_server.h"

namespace triune::adapters::postgres {

std::string create_test_database() {
  auto& server = testing::shared_postgres_server();
  return server.url(server.create_database());
}

void drop_test_database(const std::string& url) {
  testing::shared_postgres_server().drop_database(url.substr(url.rfind('/') + 1));
}

std::string on_server(const std::string& sql) {
  return testing::shared_postgres_server().execute(sql);
}

namespace {

using Connections = OnServer;

Error error_of_open(std::string url, Deadline deadline = soon()) {
  auto opened = Connection::open({.url = std::move(url), .transaction_pooler = false}, deadline);
  EXPECT_FALSE(opened);
  return opened ? Error{} : opened.error();
}

template <class T>
Error error_in(const Result<T>& result) {
  EXPECT_FALSE(result);
  return result ? Error{} : result.error();
}

std::int64_t backend(Session& session) {
  const auto rows = session.query("SELECT pg_backend_pid()", {}, 1);
  EXPECT_TRUE(rows) << rows.error().message;
  return rows ? std::get<std::int64_t>(rows->rows[0][0]) : 0;
}

TEST_P(Connections, Say_what_is_wrong_without_the_password) {
  EXPECT_EQ(error_of_open("hive").code, ErrorCode::invalid_argument);
  EXPECT_EQ(error_of_open("host=127.0.0.1 password=s3cret").message.find("s3cret"), std::string::npos);
  EXPECT_EQ(error_of_open("postgresql://u:s3cret%zz@127.0.0.1/x").message.find("s3cret"), std::string::npos);
  const auto refused = error_of_open("postgresql://u:s3cret@127.0.0.1:1/x");
  EXPECT_EQ(refused.code, ErrorCode::unavailable);
  EXPECT_EQ(refused.retry, Retry::safe);
  EXPECT_NE(refused.message.find("127.0.0.1"), std::string::npos) << refused.message;
  EXPECT_EQ(refused.message.find("s3cret"), std::string::npos) << refused.message;
  EXPECT_EQ(error_of_open(testing::shared_postgres_server().url("absent_database")).code, ErrorCode::not_found);
  EXPECT_EQ(error_of_open(url() + "?sslmode=require").code, ErrorCode::unavailable);
}

TEST_P(Connections, Go_on_to_the_next_host) {
  const int port = testing::shared_postgres_server().port();
  const std::string database = url().substr(url().rfind('/') + 1);
  const auto hosts = [&](const std::string& list, const std::string& role) {
    return Connection::open({.url = "postgresql://triune@" + list + "/" + database + "?target_session_attrs=" + role,
                             .transaction_pooler = GetParam()},
                            soon());
  };
  const std::string alive = "127.0.0.1:" + std::to_string(port);
  for (const char* role : {"any", "read-write", "primary", "prefer-standby"}) {
    const auto opened = hosts("127.0.0.1:1," + alive, role);
    EXPECT_TRUE(opened) << role << ": " << opened.error().message;
  }
  EXPECT_FALSE(hosts(alive, "standby"));
}

TEST_P(Connections, Notice_that_they_were_closed) {
  EXPECT_TRUE(connection().usable());
  std::int64_t process = 0;
  {
    Session reading = session(Session::Kind::internal_read);
    process = backend(reading);
  }
  EXPECT_TRUE(connection().usable()) << "an unread ROLLBACK is no reason";
  on_server("SELECT pg_terminate_backend(" + std::to_string(process) + ")");
  for (int waited = 0; waited < 1000 && connection().usable(); ++waited)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(connection().usable());
  Session late = session();
  const auto error = error_in(late.query("SELECT 1", {}, 1));
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_EQ(error.retry, Retry::safe);
  EXPECT_FALSE(error.connection_usable);
}

TEST_P(Connections, Serve_on_after_a_session_that_left_things_unanswered) {
  run("CREATE TABLE kept (id bigint PRIMARY KEY)");
  for (int round = 0; round < 20; ++round) {
    Session writing = session();
    for (std::int64_t id = 0; id < 10; ++id) {
      const Value value = id % 7;  // the second of them fails
      EXPECT_TRUE(writing.execute_soon("INSERT INTO kept VALUES(?1)", {&value, 1}, {}));
    }
  }
  EXPECT_TRUE(connection().usable());
  const auto rows = ask("SELECT count(*) FROM kept");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0][0], Value(std::int64_t{0}));
}

TEST_P(Connections, A_lock_that_is_not_given_ends_at_the_deadline) {
  run("CREATE TABLE kept (id bigint); INSERT INTO kept VALUES (1)");
  const auto other = connect();
  const Session::Alarm alarm = [](const Error&) {};
  Session holding(*other, Session::Kind::write, soon(), alarm);
  ASSERT_TRUE(holding.execute("UPDATE kept SET id = 2", {}));
  Session waiting = session(Session::Kind::write, Deadline::after(std::chrono::milliseconds(200)));
  const auto error = error_in(waiting.execute("UPDATE kept SET id = 3", {}));
  EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(error.retry, Retry::safe);
}

/// The server's own timeout was set for the first statement; the last one is stopped by a request to cancel.
TEST_P(Connections, A_late_statement_is_stopped_at_the_deadline_as_well) {
  const auto begun = std::chrono::steady_clock::now();
  Session writing = session(Session::Kind::write, Deadline::after(std::chrono::seconds(1)));
  ASSERT_TRUE(writing.query("SELECT pg_sleep(0.4)", {}, 1));
  const auto error = error_in(writing.query("SELECT pg_sleep(60)", {}, 1));
  EXPECT_EQ(error.code, ErrorCode::deadline_exceeded) << error.message;
  EXPECT_EQ(error.native_code, "57014");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST_P(Connections, A_table_changed_under_a_statement_is_read_anew) {
  run("CREATE TABLE kept (id bigint, value bigint); INSERT INTO kept VALUES (1, 7)");
  const char* sql = "SELECT * FROM kept";
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(ask(sql));
  run("ALTER TABLE kept ALTER COLUMN value TYPE text");
  const auto rows = ask(sql);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0][1], Value(std::string("7")));
}

TEST_P(Connections, Forget_statements_that_are_not_used) {
  for (int number = 0; number < 450; ++number) ASSERT_TRUE(ask("SELECT " + std::to_string(number)));
  EXPECT_LE(connection().statements().size(), 200U);
  const auto kept = ask("SELECT count(*) FROM pg_prepared_statements");
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_LE(std::get<std::int64_t>(kept->rows[0][0]), GetParam() ? 0 : 202);
}

TEST_P(Connections, Commands_of_the_adapter_are_not_the_callers) {
  run("CREATE TABLE kept (id bigint)");
  Session writing = session();
  ASSERT_TRUE(writing.execute("INSERT INTO kept VALUES (1)", {}));
  for (const char* sql : {"BEGIN", "COMMIT", "ROLLBACK"})
    EXPECT_EQ(error_in(writing.execute(sql, {})).code, ErrorCode::permission_denied) << sql;
  EXPECT_TRUE(writing.commit());
}

TEST_P(Connections, A_result_of_any_size_is_visited_in_batches) {
  Session reading = session(Session::Kind::internal_read);
  std::int64_t sum = 0;
  std::size_t bytes = 0;
  const auto visited = reading.visit("SELECT i, repeat('x', i % 5000) FROM generate_series(1, 50000) i", {},
                                     [&](std::span<const Value> row) -> Status {
                                       sum += std::get<std::int64_t>(row[0]);
                                       bytes += std::get<std::string>(row[1]).size();
                                       return {};
                                     });
  ASSERT_TRUE(visited) << visited.error().message;
  EXPECT_EQ(sum, 50000LL * 50001 / 2);
  EXPECT_EQ(bytes, 10ULL * 4999 * 5000 / 2);
  const auto endless = reading.visit("SELECT a FROM generate_series(1, 100000) a, generate_series(1, 100000) b", {},
                                     [](std::span<const Value>) { return Status(failure(ErrorCode::cancelled, "x")); });
  EXPECT_EQ(error_in(endless).code, ErrorCode::cancelled);
  const auto rows = reading.query("SELECT 1", {}, 1);
  EXPECT_TRUE(rows) << rows.error().message;
}

TEST_P(Connections, A_function_that_writes_is_stopped_in_a_read_session) {
  run("CREATE TABLE kept (id bigint); CREATE FUNCTION sly() RETURNS bigint LANGUAGE sql AS 'INSERT INTO kept VALUES "
      "(1) "
      "RETURNING id'");
  for (const auto kind : {Session::Kind::internal_read, Session::Kind::user_read}) {
    Session reading = session(kind);
    const auto error = error_in(reading.query("SELECT sly()", {}, 1));
    EXPECT_EQ(error.code, ErrorCode::permission_denied) << error.message;
    EXPECT_EQ(error.retry, Retry::never);
    EXPECT_TRUE(error.connection_usable);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Connections, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "Pooler" : "Direct"; });

/// A server of its own, since it goes away.
TEST(Store, Comes_back_with_its_server) {
  testing::PostgresServer server({.settings = {}, .data_directory = {}, .durable = true});
  auto opened = Store::open({.url = server.url(server.create_database()), .make_pool = testing::pool_factory()});
  ASSERT_TRUE(opened) << opened.error().message;
  auto& store = **opened;
  const auto write = [&](const char* sql) {
    return store.write(
        [sql](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute(sql, {}));
          return {};
        },
        soon());
  };
  ASSERT_TRUE(write("CREATE TABLE kept (id bigint PRIMARY KEY)"));
  ASSERT_TRUE(write("INSERT INTO kept VALUES (1)"));
  auto open_transaction = store.begin(soon());
  ASSERT_TRUE(open_transaction);
  ASSERT_TRUE((*open_transaction)->session().execute("INSERT INTO kept VALUES (2)", {}));
  server.kill9();
  const auto lost = error_in((*open_transaction)->commit());
  EXPECT_EQ(lost.retry, Retry::outcome_unknown) << lost.message;
  open_transaction->reset();
  const auto down = error_in(write("INSERT INTO kept VALUES (3)"));
  EXPECT_EQ(down.code, ErrorCode::unavailable) << down.message;
  EXPECT_EQ(down.retry, Retry::safe);
  EXPECT_FALSE(store.health().ok);
  server.start();
  Status again = write("INSERT INTO kept VALUES (4)");
  for (int attempt = 0; !again && attempt < 200; ++attempt) {
    EXPECT_EQ(again.error().retry, Retry::safe) << again.error().message;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    again = write("INSERT INTO kept VALUES (4)");
  }
  ASSERT_TRUE(again) << again.error().message;
  const auto health = store.health();
  EXPECT_TRUE(health.ok) << health.detail;
  EXPECT_EQ(health.detail.rfind("PostgreSQL 15", 0), 0U) << health.detail;
}

TEST(Store, Needs_a_pool) {
  const auto opened = Store::open({.url = testing::shared_postgres_server().url()});
  EXPECT_EQ(error_in(opened).code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace triune::adapters::postgres
