// What SQLite refuses on tables with rows, and what its rebuilding of tables loses.
#include <algorithm>

#include "migrate/lint_rules.h"

namespace triune::migrate {
namespace {

void judge_create(const LintCase& one, Findings& findings) {
  const auto& statement = one.statement;
  const auto table = name_at(statement, statement.find("table") + 1);
  if (!statement.has(table.after, "(")) {
    findings.add("missing-strict", statement.line);
    return;
  }
  const auto end = behind_brackets(statement, table.after);
  if (statement.find("strict", end) >= statement.words.size()) findings.add("missing-strict", statement.line);
}

void judge_new_column(const LintCase& one, std::size_t from, Findings& findings) {
  const auto& statement = one.statement;
  const auto line = statement.line;
  const auto value = statement.find("default", from);
  const bool has_default = value < statement.words.size();
  const bool null_default = statement.has(value, "default null");
  if (statement.find("not null", from) < statement.words.size() && (!has_default || null_default))
    findings.add("add-column-not-null", line);
  const bool computed = statement.has(value + 1, "(") || statement.has(value + 1, "current_timestamp") ||
                        statement.has(value + 1, "current_date") || statement.has(value + 1, "current_time");
  if (has_default && computed) findings.add("add-column-default", line);
  if (statement.find("references", from) < statement.words.size() && has_default && !null_default)
    findings.add("add-column-references", line);
  for (const auto* const key : {"unique", "primary key"})
    if (statement.find(key, from) < statement.words.size()) findings.add("add-column-unique", line);
  if (statement.find("stored", from) < statement.words.size()) findings.add("add-stored-generated", line);
}

bool file_has(const LintCase& one, std::string_view begin, const std::string& table, std::string_view then = {}) {
  return std::any_of(one.script.statements.begin(), one.script.statements.end(), [&](const auto& other) {
    if (!other.has(0, begin)) return false;
    const auto name = name_at(other, other.find("table") + 1);
    return name.name == table && (then.empty() || other.has(name.after, then));
  });
}

/// Whether `table` has another table of its file put in its place.
bool is_rebuilt(const LintCase& one, const std::string& table) {
  return std::any_of(one.script.statements.begin(), one.script.statements.end(), [&](const auto& other) {
    if (!other.has(0, "alter table")) return false;
    const auto name = name_at(other, 2);
    return other.has(name.after, "rename to") && name_at(other, name.after + 2).name == table;
  });
}

/// Dropping a table drops its indexes and triggers, and deletes the rows that refer to it.
void judge_rebuild(const LintCase& one, const std::string& table, Findings& findings) {
  const auto* const model = one.model.table(table);
  if (model == nullptr || !is_rebuilt(one, table)) return;
  const auto& statements = one.script.statements;
  const auto made_again = [&](const std::string& name, std::string_view kind) {
    return std::any_of(statements.begin(), statements.end(), [&](const ScriptStatement& other) {
      const auto at = other.find(kind);
      return other.has(0, "create") && at <= 3 && name_at(other, at + 1).name == name;
    });
  };
  for (const auto& [index, columns] : model->indexes)
    if (!made_again(index, "index")) findings.add("rebuild-loses-index", one.statement.line, index);
  for (const auto& trigger : model->triggers)
    if (!made_again(trigger, "trigger")) findings.add("rebuild-loses-trigger", one.statement.line, trigger);
  for (const auto& [name, other] : one.model.tables())
    for (const auto& key : other.foreign_keys)
      if (key.to == table && name != table) findings.add("rebuild-referenced-table", one.statement.line, name);
}

}  // namespace

void judge_sqlite(const LintCase& one, Findings& to) {
  const auto& statement = one.statement;
  const auto table = statement.find("table");
  const bool virtual_table = statement.has(0, "create virtual");
  if (statement.has(0, "create") && table <= 2 && !virtual_table) judge_create(one, to);
  if (statement.has(0, "alter table")) {
    const auto name = name_at(statement, 2);
    if (statement.has(name.after, "add") && !one.is_new(name.name)) judge_new_column(one, name.after + 1, to);
    if (statement.has(name.after, "rename to") && !one.is_new(name.name) && file_has(one, "create table", name.name))
      to.add("rebuild-order", statement.line);
  }
  if (statement.has(0, "drop table")) judge_rebuild(one, name_at(statement, 2).name, to);
  if (statement.has(0, "pragma")) to.add("pragma", statement.line);
}

}  // namespace triune::migrate
