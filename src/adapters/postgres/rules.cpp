#include "adapters/postgres/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

using Words = std::span<const std::string_view>;

bool is_any(const Token& token, Words words) {
  return std::any_of(words.begin(), words.end(), [&token](auto word) { return token.is(word); });
}

const Token* first_of(const std::vector<Token>& tokens) {
  const auto found = std::find_if(tokens.begin(), tokens.end(),
                                  [](const Token& token) { return token.kind != Token::Kind::separator; });
  return found == tokens.end() ? nullptr : &*found;
}

/// `(SELECT …)` begins with a bracket.
const Token* first_word(const std::vector<Token>& tokens) {
  const auto found = std::find_if(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind != Token::Kind::separator && !token.is_symbol('(');
  });
  return found == tokens.end() ? nullptr : &*found;
}

constexpr auto transaction_words =
    std::to_array<std::string_view>({"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"});
constexpr auto reading_words =
    std::to_array<std::string_view>({"select", "with", "values", "table", "show", "explain"});
/// Inside a statement that begins like a query, these make it write or lock.
constexpr auto writing_words = std::to_array<std::string_view>({"insert", "update", "delete", "merge", "into"});

constexpr auto selecting_words = std::to_array<std::string_view>({"select", "with", "values", "table"});
constexpr auto user_words =
    std::to_array<std::string_view>({"insert", "update", "delete", "merge", "truncate", "create", "alter", "drop",
                                     "with", "select", "explain", "comment", "analyze"});
constexpr auto defining_words =
    std::to_array<std::string_view>({"create", "alter", "drop", "comment", "grant", "revoke"});
/// What else a statement may begin with.
constexpr auto other_words = std::to_array<std::string_view>(
    {"abort",   "alter",   "analyze",  "begin",    "call",       "checkpoint", "close",     "cluster",
     "comment", "commit",  "copy",     "create",   "deallocate", "declare",    "delete",    "discard",
     "do",      "drop",    "end",      "execute",  "fetch",      "grant",      "import",    "insert",
     "listen",  "load",    "lock",     "merge",    "move",       "notify",     "prepare",   "reassign",
     "refresh", "reindex", "release",  "reset",    "revoke",     "rollback",   "savepoint", "security",
     "set",     "start",   "truncate", "unlisten", "update",     "vacuum"});
/// Functions that reach files, settings, other sessions, other servers, or locks that outlive a transaction.
constexpr auto denied_functions = std::to_array<std::string_view>({"set_config",
                                                                   "pg_reload_conf",
                                                                   "pg_rotate_logfile",
                                                                   "pg_terminate_backend",
                                                                   "pg_cancel_backend",
                                                                   "pg_promote",
                                                                   "pg_switch_wal",
                                                                   "pg_create_restore_point",
                                                                   "pg_export_snapshot",
                                                                   "pg_notify",
                                                                   "pg_stat_file",
                                                                   "pg_current_logfile",
                                                                   "query_to_xml",
                                                                   "query_to_xmlschema",
                                                                   "query_to_xml_and_xmlschema",
                                                                   "cursor_to_xml",
                                                                   "cursor_to_xmlschema",
                                                                   "database_to_xml",
                                                                   "table_to_xml",
                                                                   "schema_to_xml",
                                                                   "nextval",
                                                                   "setval",
                                                                   "ts_stat",
                                                                   "txid_current",
                                                                   "pg_current_xact_id",
                                                                   "pg_log_backend_memory_contexts"});
constexpr auto denied_prefixes = std::to_array<std::string_view>(
    {"pg_read_",   "pg_ls_",          "pg_file_",         "lo_",         "loread",          "lowrite",
     "dblink",     "pg_advisory_",    "pg_try_advisory_", "pg_logical_", "pg_replication_", "pg_create_",
     "pg_drop_",   "pg_backup_",      "pg_wal_replay",    "pg_logdir",   "pg_stat_reset",   "pg_extension_config",
     "pg_import_", "binary_upgrade_", "pg_sync_"});
constexpr std::string_view protected_prefix = "triune_";

Status check_functions(const std::vector<Token>& tokens) {
  for (const auto& token : tokens) {
    // With escapes in it, a name cannot be judged by its letters.
    if (token.kind == Token::Kind::quoted && token.text.front() != '"')
      return refuse(ErrorCode::permission_denied, "names written U&\"…\" are not allowed here");
    const std::string name = token.name();
    const bool denied = std::find(denied_functions.begin(), denied_functions.end(), name) != denied_functions.end() ||
                        std::any_of(denied_prefixes.begin(), denied_prefixes.end(),
                                    [&name](auto prefix) { return name.starts_with(prefix); });
    if (denied) return refuse(ErrorCode::permission_denied, fmt::format("{} may not be used here", name));
  }
  return {};
}

Status check_names(const std::vector<Token>& tokens) {
  for (const auto& token : tokens)
    if (token.name().starts_with(protected_prefix))
      return refuse(ErrorCode::permission_denied,
                    fmt::format("\"{}\" cannot be part of this statement: names that start with {} are Triune's own",
                                token.name(), protected_prefix));
  return {};
}

bool writes_or_locks(const std::vector<Token>& tokens) {
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    const Token& token = tokens[index];
    if (token.kind == Token::Kind::broken) return true;
    if (is_any(token, writing_words)) return true;
    if (token.is("for") && index + 1 < tokens.size() &&
        is_any(tokens[index + 1], std::to_array<std::string_view>({"update", "share", "no", "key"})))
      return true;
  }
  return false;
}

}  // namespace

Status check_transaction_control(const std::vector<Token>& tokens) {
  const Token* first = first_of(tokens);
  if (first == nullptr) return {};
  const bool second_is_transaction = first + 1 < tokens.data() + tokens.size() && (first + 1)->is("transaction");
  const bool prepares = (first->is("prepare") || first->is("set")) && second_is_transaction;
  if (!is_any(*first, transaction_words) && !prepares) return {};
  return refuse(ErrorCode::permission_denied,
                "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not statements here: they would break the transaction that "
                "this statement is part of; use a transaction or a savepoint of the interface");
}

bool only_reads(const std::vector<Token>& tokens) {
  const Token* first = first_word(tokens);
  return first != nullptr && is_any(*first, reading_words) && !writes_or_locks(tokens);
}

bool known_to_write(const std::vector<Token>& tokens) {
  const Token* first = first_word(tokens);
  return first != nullptr && is_any(*first, other_words);
}

bool selects(const std::vector<Token>& tokens) {
  const Token* first = first_word(tokens);
  return first != nullptr && is_any(*first, selecting_words);
}

Status check_user_read(const std::vector<Token>& tokens) {
  if (!only_reads(tokens))
    return refuse(ErrorCode::permission_denied, "this statement writes or locks, and only reading is allowed here");
  return check_functions(tokens);
}

Status check_user_write(const std::vector<Token>& tokens) {
  TRIUNE_TRY(check_transaction_control(tokens));
  TRIUNE_TRY(check_functions(tokens));
  if (only_reads(tokens)) return {};
  const Token* first = first_word(tokens);
  if (first == nullptr || !is_any(*first, user_words))
    return refuse(ErrorCode::permission_denied,
                  fmt::format("{} is not allowed here; a user may query, write rows, and define tables, views, indexes "
                              "and triggers",
                              first == nullptr ? std::string_view("this") : first->text));
  return check_names(tokens);
}

bool defines(const std::vector<Token>& tokens) {
  const Token* first = first_word(tokens);
  return first != nullptr && is_any(*first, defining_words);
}

contract::TableChange table_change_of(const std::vector<Token>& tokens) {
  using Kind = contract::TableChange::Kind;
  auto at = std::find_if(tokens.begin(), tokens.end(),
                         [](const Token& token) { return token.kind != Token::Kind::separator; });
  const auto skip = [&](std::string_view word) { return at != tokens.end() && at->is(word) && (++at, true); };
  contract::TableChange change;
  if (skip("drop"))
    change.kind = Kind::drop;
  else if (skip("alter"))
    change.kind = Kind::alter;
  if (change.kind == Kind::none || !skip("table")) return {};
  if (skip("if")) skip("exists");
  skip("only");
  if (at == tokens.end()) return {};
  change.table = at->name();
  // A schema in front of it is left out.
  if (at + 1 != tokens.end() && (at + 1)->is_symbol('.') && at + 2 != tokens.end()) change.table = (at + 2)->name();
  return change.table.empty() ? contract::TableChange{} : change;
}

}  // namespace triune::adapters::postgres
