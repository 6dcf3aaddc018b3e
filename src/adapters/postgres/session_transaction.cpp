// The part of a session that begins, keeps and ends its transaction.
#include <fmt/format.h>

#include <algorithm>

#include "adapters/postgres/rules.h"
#include "adapters/postgres/session.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"
#include "model/sql_text.h"

namespace triune::adapters::postgres {
namespace {

/// A COMMIT is given at least this long: cut short, nobody knows its outcome.
constexpr auto shortest_commit = std::chrono::seconds(2);
constexpr std::int64_t longest_timeout = 1'000'000'000;  // milliseconds; the server's own bound is 2^31

/// Milliseconds until the deadline, rounded up to two digits: then it repeats, and need not be told to the server
/// again.
std::int64_t timeout_for(Deadline deadline) {
  if (!deadline.is_bounded()) return 0;
  const auto left = std::clamp<std::int64_t>(deadline.remaining().count(), 1, longest_timeout);
  std::int64_t step = 1;
  while (left / step >= 100) step *= 10;
  return (left + step - 1) / step * step;
}

}  // namespace

Status Session::ready() const {
  if (ended_) return refuse(ErrorCode::conflict, "the transaction has ended; begin another");
  if (connection_.pipeline().broken()) return std::unexpected(lost_connection("it failed before"));
  if (failed_) return {};
  return refuse(ErrorCode::conflict,
                fmt::format("an earlier statement failed, and with it the transaction; roll back to a savepoint set "
                            "before, or start again: {}",
                            failed_.error().message),
                failed_.error().retry);
}

Result<Session::Prepared> Session::start(std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_TRY(ready());
  Prepared result;
  TRIUNE_ASSIGN(result.parameters, Parameters::encode(parameters));
  TRIUNE_ASSIGN(result.statement, connection_.statements().find(sql, result.parameters));
  TRIUNE_TRY(check_kind(*result.statement));
  return result;
}

Status Session::parse(std::string_view sql) {
  TRIUNE_TRY(ready());
  auto statement = std::make_shared<Statement>();
  TRIUNE_ASSIGN(statement->text, translate(sql));
  statement->source = sql;
  TRIUNE_TRY(begin());
  TRIUNE_TRY(checked(connection_.pipeline().prepare(statement)));
  return settle();
}

Status Session::check_kind(const Statement& statement) const {
  if (kind_ == Kind::write) return {};
  if (!statement.text.reads)
    return refuse(ErrorCode::permission_denied, "this statement writes or locks, and only reading is allowed here");
  return kind_ == Kind::user_read ? check_user_read(tokens_of(statement.source)) : Status();
}

Status Session::send(const Prepared& prepared, Order order) {
  TRIUNE_TRY(begin());
  return checked(connection_.pipeline().run(prepared.statement, prepared.parameters, order));
}

Status Session::begin() {
  if (begun_) return tighten_timeout();
  auto& pipeline = connection_.pipeline();
  // Whatever an earlier user of the connection left to be answered must not be taken for this transaction's.
  begun_ = true;
  // Before the transaction, since it takes a snapshot, and by itself, since nothing of it is of interest.
  for (const auto& name : connection_.statements().take_forgotten())
    TRIUNE_TRY(checked(pipeline.command("DEALLOCATE " + name)));
  timeout_ = timeout_for(deadline_);
  // Kept between transactions where the connection is ours alone; behind a pooler it may be another's next time.
  if (!connection_.pooled() && connection_.swap_timeout(timeout_) != timeout_)
    TRIUNE_TRY(own(fmt::format("SET statement_timeout = {}", timeout_)));
  pipeline.dispatch();
  TRIUNE_TRY(own(kind_ == Kind::write ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  return connection_.pooled() ? own(settings()) : Status();
}

Status Session::own(std::string_view command, Order order) {
  return checked(connection_.pipeline().run(connection_.statements().own(command), {}, order));
}

std::string Session::settings() const {
  // One statement, because a pipeline has a round of parsing for each; names of settings need no quoting.
  return fmt::format(
      "SELECT set_config('statement_timeout', '{}', true), set_config('DateStyle', 'ISO', true), "
      "set_config('TimeZone', 'UTC', true), set_config('IntervalStyle', 'postgres', true), "
      "set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true), "
      "set_config('cursor_tuple_fraction', '1', true)",
      timeout_);
}

Status Session::limit_lock_waits(std::chrono::milliseconds longest) {
  TRIUNE_TRY(begin());
  return own(fmt::format("SET LOCAL lock_timeout = {}", longest.count()));
}

/// The server counts from the start of each statement, so what was right for the first is too long for a late one.
Status Session::tighten_timeout() {
  if (!deadline_.is_bounded()) return {};
  const auto timeout = timeout_for(deadline_);
  if (timeout > timeout_ / 2) return {};
  timeout_ = timeout;
  return own(fmt::format("SET LOCAL statement_timeout = {}", timeout_));
}

Status Session::settle() {
  if (connection_.pipeline().idle()) return {};
  TRIUNE_TRY(checked(connection_.pipeline().settle(deadline_)));
  answered_ = true;
  return {};
}

bool Session::can_start_anew(const Error& error) {
  if (kind_ == Kind::write || answered_ || !asks_for_another_run(error) || connection_.pipeline().broken())
    return false;
  roll_back();
  begun_ = false;
  failed_ = {};
  return true;
}

Status Session::checked(Status result) {
  if (result) return result;
  const bool server = result.error().engine == "postgres" && !result.error().native_code.empty();
  const bool lost = connection_.pipeline().broken();
  if (!lost && !server) return result;  // of a visitor or a receiver: the transaction goes on
  if (kind_ != Kind::write && result.error().native_code == "25006") {
    result.error().code = ErrorCode::permission_denied;
    result.error().message += "; only reading is allowed here";
    result.error().retry = Retry::never;
    result.error().connection_usable = true;
  }
  if (failed_) failed_ = result;
  if (asks_for_another_run(result.error()) && !result.error().native_code.starts_with("40"))
    connection_.statements().clear();
  if (lost || !result.error().connection_usable) connection_.condemn();
  alarm_(result.error());
  return result;
}

Status Session::commit() {
  if (ended_) return refuse(ErrorCode::conflict, "the transaction has ended already");
  if (!failed_) {
    auto error = asks_for_another_run(failed_.error()) || connection_.pipeline().broken() ? failed_ : ready();
    abandon();
    return error;
  }
  if (auto asked = ask_questions(); !asked) {
    abandon();
    return asked;
  }
  ended_ = true;
  if (!begun_) return {};
  return send_commit();
}

Status Session::send_commit() {
  auto& pipeline = connection_.pipeline();
  std::string tag;
  connection_.forget_warning();
  TRIUNE_TRY(own("COMMIT", {.tag = &tag}));
  const auto patience = std::max<std::chrono::milliseconds>(deadline_.remaining(), shortest_commit);
  auto settled = checked(pipeline.settle(Deadline::after(patience), false));
  // Where the server said that it committed, what ended the connection came after that.
  if (!settled && tag != "COMMIT") {
    // Ended by somebody within the COMMIT, which may have taken effect; before it, it has not.
    const bool ended_within = tag == failed_tag && !settled.error().connection_usable;
    if (pipeline.broken() || ended_within) return std::unexpected(commit_failure(std::move(settled.error())));
    roll_back();
    return settled;
  }
  if (connection_.warned_of_replication())
    return std::unexpected(commit_failure({.code = ErrorCode::unavailable,
                                           .message = "the server stopped waiting for its synchronous standby",
                                           .engine = "postgres",
                                           .native_code = "01000"}));
  if (tag == "COMMIT") return {};
  return refuse(ErrorCode::conflict, "the server rolled the transaction back instead of committing it", Retry::safe);
}

Status Session::roll_back_by_word() {
  if (ended_) return refuse(ErrorCode::conflict, "the transaction has ended already");
  abandon();
  return {};
}

void Session::abandon() {
  if (ended_) return;
  ended_ = true;
  roll_back();
}

void Session::roll_back() {
  auto& pipeline = connection_.pipeline();
  if (!begun_ || pipeline.broken()) return;
  // A sync point first: after an error the server skips everything in front of the next one.
  pipeline.dispatch();
  if (pipeline.run(connection_.statements().own("ROLLBACK"), {})) pipeline.dispatch();
}

// Savepoints of the interface carry a prefix, so that no name reaches one of the adapter's own.
Status Session::savepoint(std::string_view name) {
  TRIUNE_TRY(ready());
  TRIUNE_TRY(begin());
  TRIUNE_TRY(control("SAVEPOINT " + model::quote_identifier("user " + std::string(name))));
  savepoints_.emplace_back(name);
  return {};
}

Status Session::release(std::string_view name) {
  TRIUNE_TRY(ready());
  TRIUNE_ASSIGN(const std::size_t position, find_savepoint(name));
  TRIUNE_TRY(control("RELEASE SAVEPOINT " + model::quote_identifier("user " + std::string(name))));
  savepoints_.resize(position);
  return {};
}

Status Session::rollback_to(std::string_view name) {
  if (failed_ || connection_.pipeline().broken() || ended_) TRIUNE_TRY(ready());
  TRIUNE_ASSIGN(const std::size_t position, find_savepoint(name));
  // What is under way came after the savepoint, which waited for everything before it; its error goes with it.
  if (!settle() && connection_.pipeline().broken()) return ready();
  TRIUNE_TRY(recover("ROLLBACK TO SAVEPOINT " + model::quote_identifier("user " + std::string(name))));
  savepoints_.resize(position + 1);
  return {};
}

Status Session::recover(std::string_view command) {
  failed_ = {};
  return control(command);
}

Status Session::control(std::string_view command) {
  TRIUNE_TRY(checked(connection_.pipeline().command(command)));
  return settle();
}

Result<std::size_t> Session::find_savepoint(std::string_view name) const {
  const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), name);
  if (found == savepoints_.rend())
    return refuse(ErrorCode::invalid_argument, fmt::format("there is no savepoint \"{}\"", name));
  return static_cast<std::size_t>(std::distance(found, savepoints_.rend())) - 1;
}

}  // namespace triune::adapters::postgres
