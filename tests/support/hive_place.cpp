#include "support/hive_place.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/pgbouncer.h"
#include "support/postgres_server.h"

namespace triune::testing {
namespace {

std::string_view chosen_store() {
  const char* const store = std::getenv("TRIUNE_TEST_STORE");
  return store != nullptr ? store : "sqlite";
}

bool through_pooler() {
  return chosen_store() == "pgbouncer";
}

}  // namespace

bool on_postgres() {
  return chosen_store() == "postgres" || through_pooler();
}

std::string in_dialect(std::string definition) {
  if (!on_postgres()) return definition;
  const std::vector<std::pair<std::string_view, std::string_view>> spellings{
      {" STRICT", ""}, {" REAL", " double precision"}, {" BLOB", " bytea"}, {"INTEGER", "bigint"}};
  for (const auto& [from, to] : spellings)
    for (auto at = definition.find(from); at != std::string::npos; at = definition.find(from, at + to.size()))
      definition.replace(at, from.size(), to);
  return definition;
}

std::string_view sql_engine() {
  return on_postgres() ? "postgres" : "sqlite";
}

HivePlace::HivePlace(const std::filesystem::path& directory, const std::string& name)
    : directory_(directory / name), location_(directory_.string()) {
  if (!on_postgres()) return;
  database_ = shared_postgres_server().create_database();
  location_ = through_pooler() ? shared_pgbouncer().url(database_) : shared_postgres_server().url(database_);
}

HivePlace::~HivePlace() {
  if (!database_.empty()) shared_postgres_server().drop_database(database_);
}

HiveOptions HivePlace::options(HiveOptions options) const {
  if (on_postgres()) options.projections = directory_;
  options.transaction_pooler = through_pooler();
  return options;
}

std::filesystem::path HivePlace::files() const {
  return on_postgres() ? directory_ / "node-1" : directory_;
}

Output HivePlace::try_other_program(const std::string& statements) const {
  if (on_postgres())
    return run_program(
        {"psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", shared_postgres_server().url(database_), "-c", statements});
  return run_program({"sqlite3", "-bail", "-cmd", ".timeout 10000", (directory_ / "hive.db").string(), statements});
}

std::string HivePlace::other_program(const std::string& statements) const {
  const auto done = try_other_program(statements);
  EXPECT_EQ(done.exit_code, 0) << statements.substr(0, 500) << "\n" << done.text;
  return done.text;
}

void HivePlace::wait_until_alone() const {
  if (!on_postgres()) return;
  const auto sessions =
      "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = '" + database_ + "'";
  const auto end = Deadline::after(std::chrono::minutes(1));
  while (shared_postgres_server().execute(sessions) != "0") {
    if (end.expired()) throw std::runtime_error("sessions of processes that ended stay on the server");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace triune::testing
