#include "adapters/sqlite/authorizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace triune::adapters::sqlite {

struct Authorizer::Request {
  int action;
  std::string_view first;
  std::string_view second;
  std::string_view database;
  std::string_view trigger;  ///< The innermost trigger or view; empty for the statement itself.
};

namespace {

constexpr std::string_view protected_prefix = "triune_";

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char one, char other) { return lower(one) == lower(other); });
}

template <std::size_t size>
bool contains(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](auto each) { return equal_ignoring_case(each, name); });
}

/// Functions that reach files, keys or code, whether or not this build has them.
constexpr auto denied_functions = std::to_array<std::string_view>(
    {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "lsdir", "fsdir", "zipfile", "sqlar_compress",
     "sqlar_uncompress", "sqlite3mc_config", "sqlite3mc_codec_data", "wxsqlite3_config", "wxsqlite3_codec_data"});

/// Pragmas that describe and cannot set. FTS5 itself asks for data_version when it is searched.
constexpr auto describing_pragmas = std::to_array<std::string_view>(
    {"table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list", "foreign_key_list",
     "collation_list", "function_list", "module_list", "pragma_list", "compile_options", "data_version"});

std::string check_function(std::string_view name) {
  if (!contains(denied_functions, name)) return {};
  return fmt::format("the function {} may not be called", name);
}

std::string check_pragma(std::string_view name) {
  if (contains(describing_pragmas, name)) return {};
  return fmt::format("PRAGMA {} may not be used here; only pragmas that describe tables and indexes may", name);
}

std::string outside_transactions(int action) {
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not statements here: they would break the transaction that "
             "this "
             "statement shares; use a transaction or a savepoint of the interface";
    case SQLITE_ATTACH:
    case SQLITE_DETACH: return "ATTACH and DETACH are not allowed";
    default: return {};
  }
}

std::string own_object(std::string_view verb, std::string_view name) {
  return fmt::format("{} \"{}\" is not allowed: names that start with {} are Triune's own", verb, name,
                     protected_prefix);
}

/// What a data or schema change is called, and which of the two names say what it touches; nothing for other actions.
struct Target {
  std::string_view verb;
  std::string_view name;
  std::string_view other;
};

std::optional<Target> definition_target(int action, std::string_view first, std::string_view second) {
  switch (action) {
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_VTABLE: return Target{"creating something named or placed on", first, second};
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_VTABLE: return Target{"dropping", first, second};
    case SQLITE_ALTER_TABLE: return Target{"altering", second, {}};
    case SQLITE_ANALYZE:
    case SQLITE_REINDEX: return Target{};
    default: return std::nullopt;
  }
}

}  // namespace

bool is_protected_name(std::string_view name) noexcept {
  return equal_ignoring_case(name.substr(0, protected_prefix.size()), protected_prefix);
}

void Authorizer::install(sqlite3* database) {
  sqlite3_set_authorizer(database, &Authorizer::callback, this);
}

void Authorizer::forget() {
  denial_.clear();
  table_change_ = {};
  changed_table_.clear();
}

int Authorizer::callback(void* self, int action, const char* first, const char* second, const char* database,
                         const char* trigger) {
  auto& authorizer = *static_cast<Authorizer*>(self);
  if (authorizer.authority_ == Authority::unrestricted) return SQLITE_OK;
  const auto text = [](const char* given) { return given == nullptr ? std::string_view() : std::string_view(given); };
  const Request request{action, text(first), text(second), text(database), text(trigger)};
  authorizer.note_table_change(request);
  std::string denial = authorizer.check(request);
  if (denial.empty()) return SQLITE_OK;
  authorizer.denial_ = std::move(denial);
  // A pragma may take effect while it is compiled; anything else can be looked at to its end.
  return authorizer.authority_ == Authority::observe && action != SQLITE_PRAGMA ? SQLITE_OK : SQLITE_DENY;
}

void Authorizer::note_table_change(const Request& request) {
  using Kind = contract::TableChange::Kind;
  if (table_change_.kind != Kind::none) return;
  if (request.action == SQLITE_ALTER_TABLE) table_change_ = {Kind::alter, std::string(request.second)};
  if (request.action == SQLITE_DROP_TABLE) table_change_ = {Kind::drop, std::string(request.first)};
}

std::string Authorizer::check(const Request& request) {
  switch (authority_) {
    case Authority::unrestricted: return {};
    case Authority::internal:
    case Authority::user_write_nested: return check_internal(request);
    case Authority::observe:
    case Authority::user_read: return check_reading(request);
    case Authority::scratch: return check_scratch(request);
    case Authority::user_write: return check_user_write(request);
  }
  return "unknown authority";
}

std::string Authorizer::check_internal(const Request& request) {
  return outside_transactions(request.action);
}

std::string Authorizer::check_reading(const Request& request) {
  switch (request.action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return {};
    case SQLITE_FUNCTION: return check_function(request.second);
    case SQLITE_PRAGMA: return check_pragma(request.first);
    default: break;
  }
  std::string denial = outside_transactions(request.action);
  return denial.empty() ? "this statement writes, and only reading is allowed here" : denial;
}

std::string Authorizer::check_scratch(const Request& request) {
  const bool outside = !outside_transactions(request.action).empty();
  return !outside && request.database == "temp" ? std::string() : check_reading(request);
}

std::string Authorizer::check_change(const Request& request) {
  const auto [action, table, column, database, trigger] = request;
  // ALTER TABLE mends temporary triggers that name the table; SQLite itself guards its schema tables.
  const bool schema = table == "sqlite_temp_master" || table == "sqlite_temp_schema";
  if (!database.empty() && database != "main" && !schema) return "only the main database may be written";
  if (trigger.empty()) {
    // A statement changes one table, which is asked for first; what else carries no name are actions of foreign keys,
    // and they follow from changes that were allowed.
    if (changed_table_.empty()) changed_table_ = table;
    if (changed_table_ != table) return {};
  }
  // A trigger of Triune's own may write Triune's tables; one that the user made may not, however it is reached.
  if (is_protected_name(table) && !is_protected_name(trigger)) return own_object("writing", table);
  return {};
}

std::string Authorizer::check_user_write(const Request& request) {
  const auto [action, first, second, database, trigger] = request;
  if (action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) return check_change(request);
  if (const auto target = definition_target(action, first, second)) {
    if (action != SQLITE_ALTER_TABLE && !database.empty() && database != "main")
      return "only the main database may be changed";
    if (action == SQLITE_ALTER_TABLE && first != "main") return "only the main database may be changed";
    if (is_protected_name(target->name)) return own_object(target->verb, target->name);
    if (is_protected_name(target->other)) return own_object(target->verb, target->other);
    return {};
  }
  std::string denial = check_reading(request);
  if (denial.empty() || !outside_transactions(action).empty() || action == SQLITE_PRAGMA || action == SQLITE_FUNCTION)
    return denial;
  return "temporary tables, views and triggers are not allowed: they would outlive the statement in a shared "
         "connection";
}

}  // namespace triune::adapters::sqlite
