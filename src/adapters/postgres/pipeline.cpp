#include "adapters/postgres/pipeline.h"

#include <fmt/format.h>
#include <poll.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "adapters/postgres/cancel.h"
#include "adapters/postgres/results.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

constexpr std::size_t most_unanswered = 256;
constexpr std::size_t most_bytes = 1 << 20U;
constexpr auto cancel_grace = std::chrono::seconds(3);
/// The server's own timeout is set to the deadline and answers a moment after it.
constexpr auto server_grace = std::chrono::milliseconds(100);

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string row_prefix(const Order& order) {
  return order.row == 0 ? std::string() : fmt::format("row {}: ", order.row);
}

}  // namespace

bool Pipeline::full() const {
  return expected_.size() >= most_unanswered || bytes_ >= most_bytes;
}

Status Pipeline::run(const std::shared_ptr<Statement>& statement, const Parameters& parameters, Order order) {
  const int format = statement->binary.value_or(false) ? 1 : 0;
  const std::size_t bytes = parameters.bytes();
  if (statement->name.empty()) {
    const int accepted =
        PQsendQueryParams(connection_, statement->text.sql.c_str(), parameters.count(), parameters.types(),
                          parameters.values(), parameters.lengths(), parameters.formats(), format);
    return sent(accepted, {.statement = statement, .order = order}, bytes + statement->text.sql.size());
  }
  if (!statement->prepared) TRIUNE_TRY(prepare(statement));
  const int accepted = PQsendQueryPrepared(connection_, statement->name.c_str(), parameters.count(),
                                           parameters.values(), parameters.lengths(), parameters.formats(), format);
  return sent(accepted, {.statement = statement, .order = order}, bytes);
}

Status Pipeline::prepare(const std::shared_ptr<Statement>& statement) {
  const int accepted = PQsendPrepare(connection_, statement->name.c_str(), statement->text.sql.c_str(),
                                     static_cast<int>(statement->types.size()), statement->types.data());
  statement->prepared = true;
  return sent(accepted, {.kind = Expected::Kind::prepare, .statement = statement}, statement->text.sql.size());
}

Status Pipeline::command(std::string_view sql, Order order) {
  const std::string text(sql);
  const int accepted = PQsendQueryParams(connection_, text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0);
  return sent(accepted, {.statement = nullptr, .order = order}, text.size());
}

Status Pipeline::sent(int accepted, Expected expected, std::size_t bytes) {
  if (broken_) return std::unexpected(lost_connection("it failed before"));
  if (accepted != 1) return break_with(lost_connection(PQerrorMessage(connection_)));
  expected_.push_back(std::move(expected));
  bytes_ += bytes;
  unsynced_ = true;
  return {};
}

Status Pipeline::break_with(Error error) {
  broken_ = true;
  expected_.clear();
  return std::unexpected(std::move(error));
}

void Pipeline::set_sync_point() {
  if (!unsynced_ || broken_) return;
  if (PQpipelineSync(connection_) != 1) {
    note_error(lost_connection(PQerrorMessage(connection_)));
    broken_ = true;
    return;
  }
  expected_.push_back({.kind = Expected::Kind::sync, .statement = nullptr, .order = {}});
  unsynced_ = false;
}

Status Pipeline::settle(Deadline deadline, bool may_cancel) {
  set_sync_point();
  may_cancel_ = may_cancel;
  grace_ = Deadline::never();
  cancelled_ = false;
  while (!broken_ && !expected_.empty())
    if (auto read = read_answers(deadline); !read) note_error(std::move(read.error()));
  if (cancelled_ && pooled_) broken_ = true;
  bytes_ = 0;
  return first_error();
}

Status Pipeline::first_error() {
  Status result = std::move(error_);
  error_ = {};
  return result;
}

void Pipeline::note_error(Error error) {
  if (error_) error_ = std::unexpected(std::move(error));
}

void Pipeline::dispatch() {
  set_sync_point();
  for (auto& expected : expected_) {
    expected.silent = true;
    expected.order = {};
  }
  if (!broken_ && PQflush(connection_) < 0) broken_ = true;
}

bool Pipeline::absorb() {
  while (!broken_ && !expected_.empty()) {
    pollfd ready{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0};
    if (PQisBusy(connection_) != 0 && (::poll(&ready, 1, 0) <= 0 || PQconsumeInput(connection_) != 1)) {
      broken_ = broken_ || PQstatus(connection_) != CONNECTION_OK;
      return !broken_;
    }
    if (PQisBusy(connection_) != 0) return true;
    // Everything left unread was dispatched; a result follows what made it not busy, or its end is here already.
    const Answer result(PQgetResult(connection_), &PQclear);
    if (result != nullptr) take_answer(result.get());
    if (result == nullptr || expected_.front().kind == Expected::Kind::sync) expected_.pop_front();
  }
  if (expected_.empty()) error_ = {};
  return !broken_;
}

Status Pipeline::read_answers(Deadline deadline) {
  const bool sync = expected_.front().kind == Expected::Kind::sync;
  if (expected_.front().order.receiver != nullptr) PQsetSingleRowMode(connection_);
  while (true) {
    TRIUNE_TRY(wait(deadline));
    const Answer result(PQgetResult(connection_), &PQclear);
    if (result == nullptr) break;
    take_answer(result.get());
    if (broken_) return {};
    if (sync) break;
  }
  expected_.pop_front();
  return {};
}

void Pipeline::take_answer(const PGresult* result) {
  Expected& expected = expected_.front();
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE: return take_done(result);
    case PGRES_PIPELINE_SYNC:
    case PGRES_EMPTY_QUERY: return;
    case PGRES_PIPELINE_ABORTED:
      if (expected.kind == Expected::Kind::prepare) expected.statement->prepared = false;
      return;
    default: break;
  }
  if (expected.kind == Expected::Kind::prepare) expected.statement->prepared = false;
  if (expected.order.tag != nullptr) *expected.order.tag = failed_tag;
  const Statement* statement = expected.statement.get();
  Error error = statement == nullptr ? error_of(result, {}) : error_of(result, statement->source, statement->prefix);
  if (cancelled_ && error.native_code == "57014") error.message = "the statement was stopped at its deadline";
  error.message = row_prefix(expected.order) + error.message;
  if (PQstatus(connection_) != CONNECTION_OK) {
    error.connection_usable = false;
    broken_ = true;
  }
  if (!expected.silent || broken_) note_error(std::move(error));
}

void Pipeline::take_done(const PGresult* result) {
  Expected& expected = expected_.front();
  if (expected.kind != Expected::Kind::run) return;
  const auto status = PQresultStatus(result);
  const bool rows = status != PGRES_COMMAND_OK;
  if (rows && expected.statement != nullptr && !expected.statement->binary)
    expected.statement->binary = all_binary(result);
  if (rows && expected.order.receiver != nullptr) {
    if (auto taken = (*expected.order.receiver)(result); !taken) {
      note_error(std::move(taken.error()));
      expected.order.receiver = nullptr;
      if (expected.statement != nullptr) expected.statement->binary.reset();
    }
  }
  if (status == PGRES_SINGLE_TUPLE) return;
  if (expected.order.tag != nullptr) *expected.order.tag = PQcmdStatus(const_cast<PGresult*>(result));
  if (expected.order.changed == nullptr) return;
  // SELECT counts the rows it returned; nothing was changed by it.
  const std::string_view tag = PQcmdStatus(const_cast<PGresult*>(result));
  if (tag.starts_with("SELECT") || tag.starts_with("FETCH") || tag.starts_with("CREATE")) return;
  const std::string_view count = PQcmdTuples(const_cast<PGresult*>(result));
  std::uint64_t changed = 0;
  std::from_chars(count.data(), count.data() + count.size(), changed);
  *expected.order.changed += changed;
}

Status Pipeline::wait(Deadline deadline) {
  while (true) {
    const int unsent = PQflush(connection_);
    if (unsent < 0) return break_with(lost_connection(PQerrorMessage(connection_)));
    if (PQisBusy(connection_) == 0) return {};
    TRIUNE_TRY(wait_for_socket(deadline, unsent == 1));
  }
}

Status Pipeline::wait_for_socket(Deadline deadline, bool unsent) {
  const auto patience = cancelled_               ? grace_.remaining()
                        : !deadline.is_bounded() ? deadline.remaining()
                                                 : deadline.remaining() + server_grace;
  pollfd ready{
      .fd = PQsocket(connection_), .events = static_cast<short>(POLLIN | (unsent ? POLLOUT : 0)), .revents = 0};
  const int found = ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(patience.count(), 1 << 30)));
  if (found < 0 && errno != EINTR) return break_with(lost_connection(std::strerror(errno)));
  if (found == 0) return past_deadline();
  if (found > 0 && (ready.revents & ~POLLOUT) != 0 && PQconsumeInput(connection_) != 1)
    return break_with(lost_connection(PQerrorMessage(connection_)));
  return {};
}

Status Pipeline::past_deadline() {
  if (!cancelled_ && may_cancel_) {
    cancelled_ = true;
    grace_ = Deadline::after(cancel_grace);
    request_cancel(connection_);
    return {};
  }
  return break_with({.code = ErrorCode::deadline_exceeded,
                     .message = "the server did not answer before the deadline, nor when it was asked to stop",
                     .engine = "postgres",
                     .native_code = {},
                     .retry = Retry::safe,
                     .connection_usable = false});
}

}  // namespace triune::adapters::postgres
