#include "adapters/postgres/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/postgres/sqlstate.h"

namespace triune::adapters::postgres {
namespace {

/// Lists are texts of words with a blank on both sides of each.
bool is_listed(std::string_view list, std::string_view word) {
  return !word.empty() && list.find(fmt::format(" {} ", word)) != std::string_view::npos;
}

constexpr std::string_view transaction_words = " begin start commit end rollback abort savepoint release ";
constexpr std::string_view selecting_words = " select with values table ";
constexpr std::string_view reading_words = " select with values table show explain ";
/// Inside a statement that begins like a query, these make it write.
constexpr std::string_view writing_words = " insert update delete merge into ";
/// What else a statement may begin with.
constexpr std::string_view other_words =
    " abort alter analyze begin call checkpoint close cluster comment commit copy create deallocate declare delete "
    "discard do drop end execute fetch grant import insert listen load lock merge move notify prepare reassign refresh "
    "reindex release reset revoke rollback savepoint security set start truncate unlisten update vacuum ";

/// Functions that reach files, settings, other sessions, other servers, or run a text as a statement.
constexpr std::string_view denied_functions =
    " set_config pg_reload_conf pg_rotate_logfile pg_terminate_backend pg_cancel_backend pg_promote pg_switch_wal "
    "pg_export_snapshot pg_notify pg_stat_file pg_current_logfile query_to_xml query_to_xmlschema "
    "query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat loread lowrite "
    "pg_log_backend_memory_contexts pg_config pg_show_all_file_settings ";
constexpr std::string_view denied_prefixes[] = {"pg_read_",
                                                "pg_ls_",
                                                "pg_file_",
                                                "lo_",
                                                "dblink",
                                                "pg_advisory_",
                                                "pg_create_",
                                                "pg_try_advisory_",
                                                "pg_logdir",
                                                "pg_logical_",
                                                "pg_replication_",
                                                "pg_drop_",
                                                "pg_backup_",
                                                "pg_wal_replay",
                                                "pg_import_",
                                                "pg_stat_reset",
                                                "pg_extension_config",
                                                "binary_upgrade_",
                                                "pg_sync_"};
/// Where passwords, rules of access and other people's files are.
constexpr std::string_view denied_relations =
    " pg_authid pg_shadow pg_hba_file_rules pg_ident_file_mappings pg_file_settings pg_largeobject pg_user_mapping "
    "pg_user_mappings pg_subscription ";

const Token* first_of(const std::vector<Token>& tokens) {
  const auto found = std::find_if(tokens.begin(), tokens.end(),
                                  [](const Token& token) { return token.kind != Token::Kind::separator; });
  return found == tokens.end() ? nullptr : &*found;
}

/// The first keyword in small letters; `(SELECT …)` begins with a bracket.
std::string first_word(const std::vector<Token>& tokens) {
  const auto found = std::find_if(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind != Token::Kind::separator && !token.is_symbol('(');
  });
  return found == tokens.end() || found->kind != Token::Kind::word ? std::string() : found->name();
}

std::string keyword(const Token& token) {
  return token.kind == Token::Kind::word ? token.name() : std::string();
}

bool writes_or_locks(const std::vector<Token>& tokens) {
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    const Token& token = tokens[index];
    if (token.kind == Token::Kind::broken || is_listed(writing_words, keyword(token))) return true;
    if (token.is("for") && index + 1 < tokens.size() && is_listed(" share no key ", keyword(tokens[index + 1])))
      return true;
  }
  return false;
}

bool is_denied(std::string_view name, bool called) {
  if (is_listed(denied_relations, name)) return true;
  if (!called) return false;
  return is_listed(denied_functions, name) || std::any_of(std::begin(denied_prefixes), std::end(denied_prefixes),
                                                          [name](auto prefix) { return name.starts_with(prefix); });
}

}  // namespace

Status check_transaction_control(const std::vector<Token>& tokens) {
  const Token* first = first_of(tokens);
  if (first == nullptr) return {};
  const bool of_transaction = first + 1 < tokens.data() + tokens.size() && (first + 1)->is("transaction");
  const bool prepares = (first->is("prepare") || first->is("set")) && of_transaction;
  if (!is_listed(transaction_words, keyword(*first)) && !prepares) return {};
  return refuse(ErrorCode::permission_denied,
                "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not statements here: they would break the transaction that "
                "this statement is part of; use a transaction or a savepoint of the interface");
}

bool only_reads(const std::vector<Token>& tokens) {
  return is_listed(reading_words, first_word(tokens)) && !writes_or_locks(tokens);
}

bool known_to_write(const std::vector<Token>& tokens) {
  return is_listed(other_words, first_word(tokens));
}

bool selects(const std::vector<Token>& tokens) {
  return is_listed(selecting_words, first_word(tokens));
}

Status check_user_read(const std::vector<Token>& tokens) {
  if (!only_reads(tokens))
    return refuse(ErrorCode::permission_denied, "this statement writes or locks, and only reading is allowed here");
  return check_names(tokens);
}

Status check_names(const std::vector<Token>& tokens) {
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    const Token& token = tokens[index];
    if (token.kind == Token::Kind::broken)
      return refuse(ErrorCode::permission_denied, "a quote or comment that never ends hides what this statement does");
    // With escapes in it, a name cannot be judged by its letters.
    if (token.kind == Token::Kind::quoted && token.text.front() != '"')
      return refuse(ErrorCode::permission_denied, "names written U&\"…\" are not allowed here");
    const bool called = index + 1 < tokens.size() && tokens[index + 1].is_symbol('(');
    if (const std::string name = token.name(); is_denied(name, called))
      return refuse(ErrorCode::permission_denied, fmt::format("{} may not be used here", name));
  }
  return {};
}

contract::TableChange table_change_of(const std::vector<Token>& tokens) {
  using Kind = contract::TableChange::Kind;
  auto at = std::find_if(tokens.begin(), tokens.end(),
                         [](const Token& token) { return token.kind != Token::Kind::separator; });
  const auto skip = [&](std::string_view word) { return at != tokens.end() && at->is(word) && (++at, true); };
  contract::TableChange change;
  if (skip("drop")) {
    change.kind = Kind::drop;
  } else if (skip("alter")) {
    change.kind = Kind::alter;
  }
  if (change.kind == Kind::none || !skip("table")) return {};
  if (skip("if")) skip("exists");
  skip("only");
  // A schema in front of the table's name is left out.
  while (at != tokens.end() && at + 1 != tokens.end() && (at + 1)->is_symbol('.')) at += 2;
  if (at == tokens.end()) return {};
  change.table = at->name();
  return change.table.empty() ? contract::TableChange{} : change;
}

}  // namespace triune::adapters::postgres
