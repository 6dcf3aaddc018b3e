// A store in a database of its own, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/session.h"

namespace triune::adapters::postgres {

inline Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

/// A new database of the server that the tests share; its URL. Only a file of a test may know that server.
std::string create_test_database();
void drop_test_database(const std::string& url);
/// One statement on another connection, outside of any transaction; the first cell.
std::string on_server(const std::string& sql);

/// A database of the shared server and one connection to it.
class OnServer : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    url_ = create_test_database();
    connection_ = connect();
  }
  void TearDown() override {
    connection_.reset();
    drop_test_database(url_);
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  /// With or without named statements, as the case says.
  [[nodiscard]] std::unique_ptr<Connection> connect() const {
    auto opened = Connection::open({.url = url_, .transaction_pooler = GetParam()}, soon());
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return nullptr;
    }
    return std::unique_ptr<Connection>(static_cast<Connection*>(opened->release()));
  }
  Connection& connection() { return *connection_; }
  Session session(Session::Kind kind = Session::Kind::write, Deadline deadline = soon()) {
    return {*connection_, kind, deadline, alarm_};
  }
  /// The rows of a query in a transaction of its own.
  Result<RowSet> ask(std::string_view sql, const std::vector<Value>& parameters = {}) {
    return session(Session::Kind::internal_read).query(sql, parameters, 1'000'000);
  }
  /// Statements that succeed and are committed.
  void run(std::string_view script) {
    Session writing = session();
    const auto ran = writing.execute_script(script);
    ASSERT_TRUE(ran) << ran.error().message;
    const auto committed = writing.commit();
    ASSERT_TRUE(committed) << committed.error().message;
  }

  std::vector<Error> alarms_;

 private:
  std::string url_;
  std::unique_ptr<Connection> connection_;
  Session::Alarm alarm_ = [this](const Error& error) { alarms_.push_back(error); };
};

}  // namespace triune::adapters::postgres
