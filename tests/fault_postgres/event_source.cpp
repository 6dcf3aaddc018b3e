#include "fault_postgres/event_source.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>

namespace triune::testing {
namespace {

/// A connection whose statements throw.
class Client {
 public:
  explicit Client(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) fail();
  }
  ~Client() { PQfinish(connection_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void run(const std::string& sql) {
    PGresult* const result = PQexec(connection_, sql.c_str());
    const auto status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail();
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error(PQerrorMessage(connection_)); }
  PGconn* connection_;
};

std::string insertion(unsigned writer, std::uint64_t first, std::uint64_t count) {
  return fmt::format("INSERT INTO events SELECT '{}-' || n, n FROM generate_series({}, {}) n", writer, first,
                     first + count - 1);
}

}  // namespace

EventSource::EventSource(const std::string& url, Load load) : errors_(load.writers) {
  for (unsigned writer = 0; writer < load.writers; ++writer)
    threads_.emplace_back([this, url, writer, load] { write(url, writer, load); });
}

EventSource::~EventSource() {
  finish();
}

void EventSource::write(const std::string& url, unsigned writer, Load load) try {
  std::mt19937 random(load.seed * 1000 + writer);
  Client client(url);
  for (std::uint64_t done = 0; done < load.events_each;) {
    // Most are short, some overtake nobody for a long time.
    const auto parts = 1 + random() % 3;
    const auto pause = std::chrono::milliseconds(random() % 50 == 0 ? random() % 700 : random() % 8);
    client.run("BEGIN");
    auto written = done;
    for (std::uint64_t part = 0; part < parts && written < load.events_each; ++part) {
      const auto count = std::min<std::uint64_t>(1 + random() % 60, load.events_each - written);
      client.run(insertion(writer, written, count));
      written += count;
      std::this_thread::sleep_for(pause / parts);
    }
    if (random() % 20 == 0) {
      client.run("ROLLBACK");
      continue;
    }
    client.run("COMMIT");
    acknowledged_ += written - done;
    ++transactions_;
    done = written;
  }
} catch (const std::exception& error) {
  errors_[writer] = error.what();
}

std::string EventSource::finish() {
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  std::string text;
  for (const auto& error : errors_) text += error;
  return text;
}

struct OpenTransaction::Connection : Client {
  using Client::Client;
};

OpenTransaction::OpenTransaction(const std::string& url, const std::string& statement)
    : connection_(std::make_unique<Connection>(url)) {
  connection_->run("SET application_name = 'held open'");
  connection_->run("BEGIN");
  connection_->run(statement);
}

OpenTransaction::~OpenTransaction() = default;

void OpenTransaction::commit() {
  connection_->run("COMMIT");
}

}  // namespace triune::testing
