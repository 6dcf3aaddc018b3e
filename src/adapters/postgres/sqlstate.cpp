#include "adapters/postgres/sqlstate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace triune::adapters::postgres {
namespace {

struct Rule {
  std::string_view prefix;  ///< A whole SQLSTATE or its beginning.
  Meaning meaning;
};

using enum ErrorCode;
using enum Retry;

/// The longest prefix decides.
constexpr auto rules = std::to_array<Rule>({
    {"", {internal, never, true}},
    {"08", {unavailable, safe, false}},                // connection exceptions
    {"0A", {unsupported, never, true}},                // feature_not_supported
    {"0A000", {unsupported, never, true}},             //   also "cached plan must not change result type"
    {"0B", {invalid_argument, never, true}},           // invalid_transaction_initiation
    {"0L", {permission_denied, never, true}},          // invalid_grantor
    {"0P", {permission_denied, never, true}},          // invalid_role_specification
    {"20", {invalid_argument, never, true}},           // case_not_found
    {"21", {invalid_argument, never, true}},           // cardinality_violation
    {"22", {invalid_argument, never, true}},           // data_exception
    {"23", {conflict, never, true}},                   // integrity_constraint_violation
    {"24", {internal, never, true}},                   // invalid_cursor_state
    {"25", {conflict, never, true}},                   // invalid_transaction_state
    {"25006", {unavailable, safe, false}},             //   read_only_sql_transaction: the server is a standby now
    {"25P02", {conflict, safe, true}},                 //   in_failed_sql_transaction
    {"25P03", {unavailable, safe, false}},             //   idle_in_transaction_session_timeout
    {"25P04", {deadline_exceeded, safe, false}},       //   transaction_timeout
    {"26", {conflict, safe, true}},                    // a prepared statement is gone
    {"27", {conflict, never, true}},                   // triggered_data_change_violation
    {"28", {permission_denied, never, false}},         // invalid_authorization_specification
    {"2B", {conflict, never, true}},                   // dependent_privilege_descriptors_still_exist
    {"2D", {permission_denied, never, true}},          // invalid_transaction_termination
    {"2F", {invalid_argument, never, true}},           // sql_routine_exception
    {"34", {internal, never, true}},                   // invalid_cursor_name
    {"38", {invalid_argument, never, true}},           // external_routine_exception
    {"39", {invalid_argument, never, true}},           // external_routine_invocation_exception
    {"3B", {invalid_argument, never, true}},           // savepoint_exception
    {"3D", {not_found, never, false}},                 // invalid_catalog_name
    {"3F", {invalid_argument, never, true}},           // invalid_schema_name
    {"40", {conflict, safe, true}},                    // transaction_rollback: serialization failure, deadlock
    {"40002", {conflict, never, true}},                //   a constraint, found at the end
    {"40003", {unavailable, outcome_unknown, false}},  //   statement_completion_unknown
    {"42", {invalid_argument, never, true}},           // syntax_error_or_access_rule_violation
    {"42501", {permission_denied, never, true}},       //   insufficient_privilege
    {"42P04", {already_exists, never, true}},          //   duplicate_database
    {"42P05", {conflict, safe, true}},                 //   duplicate_prepared_statement
    {"44", {conflict, never, true}},                   // with_check_option_violation
    {"53", {resource_exhausted, safe, true}},          // insufficient_resources
    {"53300", {unavailable, safe, false}},             //   too_many_connections
    {"54", {resource_exhausted, never, true}},         // program_limit_exceeded
    {"54023", {invalid_argument, never, true}},        //   too_many_arguments
    {"55", {conflict, safe, true}},                    // object_not_in_prerequisite_state
    {"55000", {conflict, never, true}},                //
    {"55P03", {deadline_exceeded, safe, true}},        //   lock_not_available: lock_timeout
    {"57", {unavailable, safe, false}},                // operator_intervention: shutdown, crash, start
    {"57014", {deadline_exceeded, safe, true}},        //   query_canceled: statement_timeout
    {"57P04", {not_found, never, false}},              //   database_dropped
    {"57P05", {unavailable, safe, false}},             //   idle_session_timeout
    {"58", {unavailable, safe, false}},                // system_error
    {"F0", {unavailable, never, false}},               // config_file_error
    {"HV", {invalid_argument, never, true}},           // fdw_error
    {"P0", {invalid_argument, never, true}},           // plpgsql_error: RAISE EXCEPTION
    {"P0001", {conflict, never, true}},                //   raise_exception: a trigger refused
    {"XX", {internal, never, false}},                  // internal_error
    {"XX001", {corruption, never, false}},             //   data_corrupted
    {"XX002", {corruption, never, false}},             //   index_corrupted
});

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

/// The byte of `sql` at which character number `position`, from 1, begins.
std::size_t byte_of(std::string_view sql, std::size_t position) {
  std::size_t byte = 0;
  for (std::size_t character = 1; byte < sql.size() && character < position; ++character) {
    do ++byte;
    while (byte < sql.size() && (static_cast<unsigned char>(sql[byte]) & 0xC0U) == 0x80U);
  }
  return byte;
}

/// " at byte 7 of the statement, near `frm t`" for the place that the server points at.
std::string place(const PGresult* result, std::string_view sql, std::size_t prefix) {
  const auto text = field(result, PG_DIAG_STATEMENT_POSITION);
  std::size_t position = 0;
  std::from_chars(text.data(), text.data() + text.size(), position);
  if (position <= prefix || sql.empty()) return {};
  const std::size_t offset = byte_of(sql, position - prefix);
  constexpr std::size_t shown = 40;
  std::string_view rest = sql.substr(offset);
  std::size_t length = std::min(rest.size(), shown);
  while (length < rest.size() && length > 0 && (static_cast<unsigned char>(rest[length]) & 0xC0U) == 0x80U) --length;
  if (rest.empty()) return fmt::format(", at the end of the statement (byte {})", offset);
  return fmt::format(", at byte {} of the statement, near `{}`", offset, rest.substr(0, length));
}

std::string_view advice(std::string_view sqlstate) {
  if (sqlstate == "25006") return "; the server only reads, it may have become a standby: connect to the primary";
  if (sqlstate == "26000" || sqlstate == "42P05")
    return "; behind a pooler that switches connections between transactions, open the store with transaction_pooler";
  if (sqlstate == "53300") return "; use a smaller pool or raise max_connections";
  if (sqlstate == "53100") return "; the server's disk is full";
  return {};
}

/// ", in line 7 of the COPY"; the rest of that context would quote the values.
std::string copy_line(const PGresult* result) {
  const auto context = field(result, PG_DIAG_CONTEXT);
  const auto at = context.find(", line ");
  if (!context.starts_with("COPY ") || at == std::string_view::npos) return {};
  const auto digits = context.substr(at + 7);
  return fmt::format(", in row {}", digits.substr(0, digits.find_first_not_of("0123456789")));
}

std::string message_of(const PGresult* result, std::string_view sqlstate, std::string_view where) {
  if (sqlstate == "57014" && field(result, PG_DIAG_MESSAGE_PRIMARY).find("statement timeout") != std::string_view::npos)
    return "the statement was stopped at its deadline";
  std::string message(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (message.empty()) message = "the server reported an error without a message";
  message += where;
  if (const auto table = field(result, PG_DIAG_TABLE_NAME); !table.empty() && sqlstate.starts_with("23")) {
    const auto column = field(result, PG_DIAG_COLUMN_NAME);
    message += fmt::format(", in {}{}{}", table, column.empty() ? "" : ".", column);
  }
  if (const auto detail = field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    message += fmt::format(": {}", detail);
  if (const auto hint = field(result, PG_DIAG_MESSAGE_HINT); !hint.empty()) message += fmt::format(" ({})", hint);
  message += copy_line(result);
  message += advice(sqlstate);
  return message;
}

}  // namespace

Meaning meaning_of(std::string_view sqlstate) noexcept {
  const Rule* best = rules.data();
  for (const auto& rule : rules)
    if (sqlstate.starts_with(rule.prefix) && rule.prefix.size() >= best->prefix.size()) best = &rule;
  return best->meaning;
}

std::unexpected<Error> refuse(ErrorCode code, std::string message, Retry retry) {
  return std::unexpected(
      Error{.code = code, .message = std::move(message), .engine = "postgres", .native_code = {}, .retry = retry});
}

Error error_of(const PGresult* result, std::string_view sql, std::size_t prefix) {
  const auto sqlstate = field(result, PG_DIAG_SQLSTATE);
  if (sqlstate.empty()) return lost_connection(PQresultErrorMessage(result));
  Meaning meaning = meaning_of(sqlstate);
  const auto severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == "FATAL" || severity == "PANIC") meaning.connection_usable = false;
  if (sqlstate == "0A000" && field(result, PG_DIAG_MESSAGE_PRIMARY).find("cached plan") != std::string_view::npos)
    meaning = {ErrorCode::conflict, Retry::safe, true};
  // Two definitions of one name at once: IF NOT EXISTS does not see the other's, which the next attempt does.
  if (sqlstate == "23505" && field(result, PG_DIAG_SCHEMA_NAME) == "pg_catalog") meaning.retry = Retry::safe;
  return {.code = meaning.code,
          .message = message_of(result, sqlstate, place(result, sql, prefix)),
          .engine = "postgres",
          .native_code = std::string(sqlstate),
          .retry = meaning.retry,
          .connection_usable = meaning.connection_usable};
}

Error lost_connection(std::string_view detail) {
  while (!detail.empty() && (detail.back() == '\n' || detail.back() == ' ')) detail.remove_suffix(1);
  return {.code = ErrorCode::unavailable,
          .message = fmt::format("the connection to the server is lost: {}", detail),
          .engine = "postgres",
          .native_code = "08006",
          .retry = Retry::safe,
          .connection_usable = false};
}

Error commit_failure(Error cause) {
  cause.message =
      "the commit was not answered and may or may not be durable; send it again with the same idempotency key: " +
      cause.message;
  cause.retry = Retry::outcome_unknown;
  cause.connection_usable = false;
  return cause;
}

bool asks_for_another_run(const Error& error) noexcept {
  if (error.engine != "postgres" || error.retry != Retry::safe || !error.connection_usable) return false;
  const std::string_view code = error.native_code;
  return code.starts_with("40") || code == "0A000" || code == "26000" || code == "42P05";
}

bool condemns_all_connections(const Error& error) noexcept {
  if (error.engine != "postgres") return false;
  const std::string_view code = error.native_code;
  return code == "25006" || code.starts_with("57P0") || code == "08006";
}

}  // namespace triune::adapters::postgres
