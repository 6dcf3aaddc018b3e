// What a statement locks, rewrites or scans in PostgreSQL 15, each confirmed on a server.
#include <algorithm>
#include <array>

#include "migrate/lint_rules.h"

namespace triune::migrate {
namespace {

bool is_name_of(const Word& word, std::span<const std::string_view> names) {
  const auto name = word.name();
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 9> stable_functions{"now",
                                                           "current_timestamp",
                                                           "transaction_timestamp",
                                                           "statement_timestamp",
                                                           "current_setting",
                                                           "cast",
                                                           "localtimestamp",
                                                           "lower",
                                                           "upper"};
constexpr std::array<std::string_view, 6> serial_types{"serial",  "bigserial", "smallserial",
                                                       "serial4", "serial8",   "serial2"};
constexpr std::array<std::string_view, 6> small_numbers{"int", "integer", "int4", "smallint", "int2", "serial"};

constexpr std::array<std::string_view, 8> after_default{"check", "collate", "constraint", "generated",
                                                        "not",   "primary", "references", "unique"};

bool calls_volatile(const ScriptStatement& statement, std::size_t from, std::size_t to) {
  for (auto at = from; at + 1 < to && !is_name_of(statement.words[at], after_default); ++at)
    if (statement.words[at].kind == Word::Kind::name && statement.has(at + 1, "(") &&
        !is_name_of(statement.words[at], stable_functions))
      return true;
  return false;
}

/// The end of one action of ALTER TABLE.
std::size_t action_end(const ScriptStatement& statement, std::size_t at) {
  int depth = 0;
  for (; at < statement.words.size(); ++at) {
    if (statement.words[at].is("(")) ++depth;
    if (statement.words[at].is(")")) --depth;
    if (statement.words[at].is(",") && depth == 0) return at;
  }
  return at;
}

bool within(const ScriptStatement& statement, std::string_view keywords, std::size_t from, std::size_t to) {
  return statement.find(keywords, from) < to;
}

void judge_new_column(const LintCase& one, std::size_t from, std::size_t to, Findings& findings) {
  const auto& statement = one.statement;
  const auto line = statement.words[from].line;
  const auto value = statement.find("default", from);
  if (value < to && calls_volatile(statement, value + 1, to)) findings.add("volatile-default", line);
  const bool serial = std::any_of(statement.words.begin() + static_cast<std::ptrdiff_t>(from),
                                  statement.words.begin() + static_cast<std::ptrdiff_t>(to),
                                  [](const Word& word) { return is_name_of(word, serial_types); });
  if (serial || within(statement, "as identity", from, to)) findings.add("add-identity", line);
  if (within(statement, "stored", from, to)) findings.add("add-stored-generated", line);
  if (within(statement, "unique", from, to) || within(statement, "primary key", from, to))
    findings.add("unique-without-index", line);
  if (within(statement, "not null", from, to) && value >= to && !serial) findings.add("add-column-not-null", line);
  if (within(statement, "check", from, to)) findings.add("check-not-valid", line);
  if (within(statement, "references", from, to)) findings.add("foreign-key-not-valid", line);
}

void judge_constraint(const ScriptStatement& statement, std::size_t from, std::size_t to, Findings& findings) {
  const auto line = statement.words[from].line;
  const bool not_valid = within(statement, "not valid", from, to);
  if (statement.has(from, "constraint")) from += 2;
  if (statement.has(from, "check") && !not_valid) findings.add("check-not-valid", line);
  if (statement.has(from, "foreign key") && !not_valid) findings.add("foreign-key-not-valid", line);
  const bool by_index = within(statement, "using index", from, to);
  if ((statement.has(from, "unique") || statement.has(from, "primary key")) && !by_index)
    findings.add("unique-without-index", line);
  if (statement.has(from, "exclude")) findings.add("add-exclude", line);
}

bool is_constraint(const ScriptStatement& statement, std::size_t at) {
  for (const auto* const word : {"constraint", "check", "foreign key", "unique", "primary key", "exclude"})
    if (statement.has(at, word)) return true;
  return false;
}

void judge_type(const ScriptStatement& statement, std::size_t type, std::size_t line, Findings& findings) {
  const auto at = static_cast<std::uint32_t>(line);
  if (statement.has(type, "timestamptz") || statement.has(type, "timestamp with time zone"))
    findings.add("timestamp-to-timestamptz", at);
  else if (!statement.has(type, "text"))
    findings.add("change-type", at);
}

void judge_alter_column(const ScriptStatement& statement, std::size_t from, std::size_t to, Findings& findings) {
  const auto line = statement.words[from].line;
  if (within(statement, "set not null", from, to)) findings.add("set-not-null", line);
  const auto type = statement.find("type", from);
  if (type < to) judge_type(statement, type + 1, line, findings);
}

void judge_action(const LintCase& one, std::size_t from, std::size_t to, Findings& findings) {
  const auto& statement = one.statement;
  const auto line = statement.words[from].line;
  if (statement.has(from, "add")) {
    if (is_constraint(statement, from + 1))
      judge_constraint(statement, from + 1, to, findings);
    else
      judge_new_column(one, from, to, findings);
  }
  if (statement.has(from, "alter")) judge_alter_column(statement, from, to, findings);
  if (statement.has(from, "attach partition")) findings.add("attach-partition", line);
  if (statement.has(from, "detach partition") && !within(statement, "concurrently", from, to))
    findings.add("detach-partition", line);
  if (statement.has(from, "disable row level security") || statement.has(from, "no force row level security"))
    findings.add("row-security-off", line);
  if (statement.has(from, "validate constraint"))
    for (const auto& other : one.script.statements)
      if (other.contains("not valid") && one.script.in_transaction) findings.add("validate-in-same-transaction", line);
}

void judge_alter_table(const LintCase& one, Findings& findings) {
  const auto table = name_at(one.statement, 2);
  if (one.is_new(table.name)) return;
  for (auto at = table.after; at < one.statement.words.size();) {
    const auto end = action_end(one.statement, at);
    judge_action(one, at, end, findings);
    at = end + 1;
  }
}

void judge_index(const LintCase& one, Findings& findings) {
  const auto& statement = one.statement;
  const auto line = statement.line;
  const bool concurrent = statement.contains("concurrently");
  if (concurrent && one.script.in_transaction) findings.add("concurrent-in-transaction", line);
  if (statement.has(0, "drop index")) {
    const auto table = one.model.table_of_index(name_at(statement, concurrent ? 3 : 2).name);
    if (!concurrent && !one.is_new(table)) findings.add("drop-index-not-concurrent", line);
    return;
  }
  if (statement.has(0, "reindex")) {
    if (!concurrent) findings.add("drop-index-not-concurrent", line);
    return;
  }
  const auto table = name_at(statement, statement.find("on") + 1).name;
  if (!concurrent && !one.is_new(table)) findings.add("index-not-concurrent", line);
  if (!concurrent) return;
  const auto index = name_at(statement, statement.find("concurrently") + 1).name;
  const bool cleared = std::any_of(one.script.statements.begin(), one.script.statements.end(), [&](const auto& other) {
    return other.has(0, "drop index concurrently") && name_at(other, 3).name == index;
  });
  if (!cleared) findings.add("concurrent-not-repeatable", line);
}

void judge_columns(const LintCase& one, Findings& findings) {
  const auto& statement = one.statement;
  const auto table = name_at(statement, statement.find("table") + 1);
  SchemaModel made;
  made.add(statement, 0);
  const auto* const model = made.table(table.name);
  if (model == nullptr || model->columns.empty()) return;
  if (!model->has_primary_key && !statement.contains("partition of"))
    findings.add("missing-primary-key", statement.line);
  for (const auto& [column, type] : model->types) {
    if (type == "json") findings.add("json-type", statement.line, column);
    if (type == "timestamp" && !statement.contains("timestamp with time zone"))
      findings.add("naive-timestamp", statement.line, column);
    const bool key = model->has_primary_key && std::count(model->keys[0].begin(), model->keys[0].end(), column) > 0;
    const bool small = std::find(small_numbers.begin(), small_numbers.end(), type) != small_numbers.end();
    if (key && small) findings.add("int-primary-key", statement.line, column);
  }
  if (!model->types.contains("organization_id")) return;
  // A unique name of one column may be meant for all organizations.
  for (std::size_t at = 0; at < model->keys.size(); ++at) {
    const auto& key = model->keys[at];
    const bool is_primary = at == 0 && model->has_primary_key;
    if (!key.empty() && key[0] != "organization_id" && (is_primary || key.size() > 1))
      findings.add("organization-first", statement.line);
  }
  for (const auto& key : model->foreign_keys)
    if (key.columns.size() > 1 && key.columns[0] != "organization_id")
      findings.add("organization-first", statement.line);
}

void judge_settings(const LintCase& one, Findings& findings) {
  const auto& statement = one.statement;
  if (!statement.has(0, "set")) return;
  const bool local = statement.has(1, "local");
  for (const auto* const setting : {"lock_timeout", "statement_timeout"}) {
    const auto at = statement.find(setting);
    if (at >= statement.words.size()) continue;
    const auto& last = statement.words.back();
    const bool off = last.text == "0" || last.text == "'0'" || last.is("default");
    if (off || !local)
      findings.add(setting == std::string_view("lock_timeout") ? "lock-timeout-off" : "statement-timeout-off",
                   statement.line);
  }
}

void judge_enum(const LintCase& one, Findings& findings) {
  const auto& statement = one.statement;
  if (!statement.has(0, "alter type")) return;
  if (statement.contains("rename value")) findings.add("rename-enum-value", statement.line);
  const auto value = statement.find("add value");
  if (value >= statement.words.size()) return;
  const bool placed = statement.contains("before") || statement.contains("after");
  if (!placed || one.script.in_transaction) findings.add("enum-add-value", statement.line);
}

}  // namespace

void judge_postgres(const LintCase& one, Findings& to) {
  const auto& statement = one.statement;
  const bool index = statement.has(0, "create index") || statement.has(0, "create unique index") ||
                     statement.has(0, "drop index") || statement.has(0, "reindex");
  if (index) judge_index(one, to);
  if (statement.has(0, "alter table")) judge_alter_table(one, to);
  const auto table = statement.find("table");
  if (statement.has(0, "create") && table <= 2) judge_columns(one, to);
  judge_settings(one, to);
  judge_enum(one, to);
  const bool rewrites = statement.has(0, "cluster") || (statement.has(0, "vacuum") && statement.contains("full"));
  if (rewrites) to.add("vacuum-full", statement.line);
  if (statement.has(0, "alter schema") && statement.contains("rename to")) to.add("rename", statement.line);
  const bool view = statement.has(0, "create view") || statement.has(0, "create or replace view");
  if (view && !statement.contains("security_invoker")) to.add("view-security-invoker", statement.line);
  if (statement.has(0, "create materialized view")) to.add("materialized-view", statement.line);
  const bool drops = statement.has(0, "drop") || statement.has(0, "truncate");
  if (drops && statement.words.back().is("cascade")) to.add("cascade", statement.line);
}

}  // namespace triune::migrate
