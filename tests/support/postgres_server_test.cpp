// The test server itself: it starts, forgets nothing it need not, and dies with its program.
#include "support/postgres_server.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace triune::testing {
namespace {

TEST(PostgresServer, Keeps_what_was_committed_over_every_kind_of_stop) {
  PostgresServer server({.settings = {}, .data_directory = {}, .durable = true});
  const auto database = server.create_database();
  server.execute("CREATE TABLE kept(value int)", database);
  server.execute("INSERT INTO kept VALUES (1)", database);
  const int port = server.port();
  server.restart();
  server.restart(PostgresServer::Stop::immediate);
  server.kill9();
  EXPECT_FALSE(server.running());
  EXPECT_THROW(server.execute("SELECT 1"), std::runtime_error);
  server.start();
  EXPECT_EQ(server.port(), port);
  EXPECT_EQ(server.execute("SELECT count(*) FROM kept", database), "1");
  server.drop_database(database);
  EXPECT_THROW(server.execute("SELECT 1", database), std::runtime_error);
}

TEST(PostgresServer, Takes_settings) {
  PostgresServer server({.settings = {{"work_mem", "5MB"}}, .data_directory = {}});
  EXPECT_EQ(server.execute("SHOW work_mem"), "5MB");
  EXPECT_EQ(server.execute("SHOW fsync"), "off");
  EXPECT_THROW(PostgresServer({.settings = {{"no_such_setting", "1"}}, .data_directory = {}}), std::runtime_error);
}

TEST(PostgresServer, Dies_with_its_program) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t program = ::fork();
  if (program == 0) {
    PostgresServer server;
    const pid_t process = server.process();
    [[maybe_unused]] const auto written = ::write(ends[1], &process, sizeof process);
    ::raise(SIGKILL);
  }
  pid_t process = 0;
  ASSERT_EQ(::read(ends[0], &process, sizeof process), static_cast<ssize_t>(sizeof process));
  ::waitpid(program, nullptr, 0);
  for (int waited = 0; waited < 3000 && ::kill(process, 0) == 0; ++waited)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_NE(::kill(process, 0), 0) << "server " << process << " still runs";
}

}  // namespace
}  // namespace triune::testing
