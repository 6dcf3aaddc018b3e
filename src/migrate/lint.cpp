#include "migrate/lint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "migrate/lint_rules.h"

namespace triune::migrate {
namespace {

using contract::Dialect;

constexpr auto common_rules = std::to_array<LintRule>({
    {"drop-before-contract", "programs that still run use what is dropped, and what it held is gone",
     "stop using it first; then allow this rule with the version that did, or use `triune schema change`"},
    {"rename", "programs that still run know the old name only",
     "use `triune schema change`, which keeps both until the last old program has gone"},
    {"unbatched-write", "one statement writes all rows: it holds locks, or the only writer, until it has ended",
     "backfill in batches with `triune schema change`, or allow it for a table that is known to be small"},
    {"unindexed-foreign-key", "each delete and update of the table referred to scans this one",
     "CREATE INDEX on the columns of the foreign key"},
    {"add-column-not-null", "the table's rows have no value for it: fails as soon as there is one row",
     "give it a DEFAULT, or add it without NOT NULL and fill it first"},
    {"add-stored-generated", "computes and writes every row of the table again (in SQLite: is refused)",
     "use a generated column that is VIRTUAL, a view, or `triune schema change`"},
});

constexpr auto postgres_rules = std::to_array<LintRule>({
    {"index-not-concurrent", "CREATE INDEX holds a ShareLock: nobody can write to the table until it has ended",
     "CREATE INDEX CONCURRENTLY in a file with `-- triune: no-transaction`"},
    {"concurrent-in-transaction", "CONCURRENTLY is refused within a transaction",
     "put it alone into a file with `-- triune: no-transaction`"},
    {"concurrent-not-repeatable",
     "when it fails it leaves an invalid index behind, and the next attempt finds the name taken",
     "put DROP INDEX CONCURRENTLY IF EXISTS of the same name before it"},
    {"drop-index-not-concurrent", "DROP INDEX and REINDEX wait for, and hold up, everybody who uses the table",
     "DROP INDEX CONCURRENTLY, REINDEX … CONCURRENTLY, with `-- triune: no-transaction`"},
    {"volatile-default", "a default that differs from row to row rewrites the table under an exclusive lock",
     "add the column without it, SET DEFAULT for new rows, and backfill with `triune schema change`"},
    {"add-identity", "numbering the rows that are there rewrites the table under an exclusive lock",
     "add a bigint column, backfill it, then ADD GENERATED … AS IDENTITY"},
    {"change-type", "another type rewrites the table and its indexes under an exclusive lock",
     "use `triune schema change`; widening a varchar or going to text rewrites nothing: allow it then"},
    {"timestamp-to-timestamptz", "rewrites the table unless the session's TimeZone is UTC, and means another time then",
     "Triune's connections are in UTC: allow it when the stored times are"},
    {"set-not-null", "scans the whole table under an exclusive lock",
     "ADD CHECK (… IS NOT NULL) NOT VALID, VALIDATE it in the next migration, then SET NOT NULL is instant"},
    {"check-not-valid", "scans the whole table under an exclusive lock",
     "ADD CONSTRAINT … CHECK … NOT VALID, and VALIDATE CONSTRAINT in the next migration"},
    {"foreign-key-not-valid", "compares all rows while nobody can write to either table",
     "ADD CONSTRAINT … FOREIGN KEY … NOT VALID, and VALIDATE CONSTRAINT in the next migration"},
    {"unique-without-index", "builds the index while nobody can write to the table",
     "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX"},
    {"add-exclude", "builds the index while nobody can write to the table, and cannot be done concurrently",
     "make it with the table, or in a quiet hour: allow it then"},
    {"validate-in-same-transaction", "the lock of the first statement is held through the scan of the second",
     "VALIDATE CONSTRAINT in a migration of its own"},
    {"rename-enum-value", "programs that still run write the old value", "use text with a CHECK"},
    {"enum-add-value", "without BEFORE or AFTER its order is chance, and in a transaction it cannot be used yet",
     "use text with a CHECK; or name the place, in a file with `-- triune: no-transaction`"},
    {"lock-timeout-off", "a statement that waits for a lock holds up everybody behind it",
     "leave the limit to the migrator, which tries again; or SET LOCAL to a short one"},
    {"statement-timeout-off", "a statement without end holds its locks without end",
     "leave it to --deadline, or SET LOCAL"},
    {"vacuum-full", "rewrites the table while nobody can even read it", "plain VACUUM, or pg_repack"},
    {"attach-partition", "scans the table unless a CHECK proves its rows to belong there",
     "add a matching CHECK NOT VALID and VALIDATE it first; then allow this rule"},
    {"detach-partition", "locks the whole partitioned table", "DETACH PARTITION … CONCURRENTLY"},
    {"cascade", "takes along what nobody listed", "drop each thing by its name"},
    {"row-security-off", "one organization would see another's rows", "leave row security on"},
    {"organization-first", "keys that do not begin with organization_id keep the tables from being distributed",
     "PRIMARY KEY (organization_id, …), and so each UNIQUE"},
    {"view-security-invoker", "a view reads with its owner's rights, past the row security of its readers",
     "CREATE VIEW … WITH (security_invoker = true)"},
    {"materialized-view", "it ignores row security altogether", "a table that triggers or a job keep up"},
    {"json-type", "json has no equality and is parsed at each reading", "jsonb, or text with a CHECK"},
    {"int-primary-key", "four bytes run out", "bigint, or an id that the application makes"},
    {"naive-timestamp", "a time without its zone means another moment for every reader", "timestamptz"},
    {"missing-primary-key", "rows cannot be told apart: no replication, no change log by key", "give it a PRIMARY KEY"},
});

constexpr auto sqlite_rules = std::to_array<LintRule>({
    {"missing-strict", "without STRICT a column takes values of any type", "end the definition with STRICT"},
    {"add-column-default", "SQLite adds only columns with a constant default to a table with rows",
     "add it without a default and fill it"},
    {"add-column-references", "SQLite refuses a foreign key with a default that is not NULL",
     "add it without a default and fill it"},
    {"add-column-unique", "SQLite cannot add a column with a key", "add the column, then CREATE UNIQUE INDEX"},
    {"rebuild-order", "renaming the old table away makes triggers, views and foreign keys of others follow it",
     "make the new table under another name, copy, DROP the old one, and rename the new one"},
    {"rebuild-loses-index", "the index goes with the old table", "CREATE it again after the rename"},
    {"rebuild-loses-trigger", "the trigger goes with the old table", "CREATE it again after the rename"},
    {"rebuild-referenced-table", "dropping the old table deletes, or fails for, the rows that refer to it",
     "add columns instead of rebuilding, or rebuild the referring tables too"},
    {"pragma", "pragmas are refused, and PRAGMA foreign_keys does nothing within a transaction",
     "leave settings to the hive"},
});

template <std::size_t first, std::size_t second>
constexpr std::array<LintRule, first + second> joined(const std::array<LintRule, first>& left,
                                                      const std::array<LintRule, second>& right) {
  std::array<LintRule, first + second> all{};
  std::copy(left.begin(), left.end(), all.begin());
  std::copy(right.begin(), right.end(), all.begin() + first);
  return all;
}

const LintRule* rule_named(std::string_view name, Dialect dialect) {
  const auto rules = lint_rules(dialect);
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

bool is_allowed(const std::vector<Allowance>& allowances, std::string_view rule) {
  return std::any_of(allowances.begin(), allowances.end(), [&](const auto& one) { return one.rule == rule; });
}

Status check_allowances(const ScriptStatement& statement, const LintFile& file) {
  for (const auto& one : statement.allowances)
    if (rule_named(one.rule, Dialect::sqlite) == nullptr && rule_named(one.rule, Dialect::postgres) == nullptr)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{}:{}: there is no rule '{}'; `triune schema lint --rules` lists them", file.name,
                                 one.line, one.rule));
  return {};
}

Finding finding_of(const Findings::Found& found, const std::string& file, Dialect dialect) {
  const auto* const rule = rule_named(found.rule, dialect);
  const std::string object = found.object.empty() ? "" : fmt::format("{}: ", found.object);
  return {.file = file,
          .line = found.line,
          .rule = found.rule,
          .why = object + std::string(rule == nullptr ? "" : rule->why),
          .remedy = std::string(rule == nullptr ? "" : rule->remedy)};
}

/// Whether a key or index begins with the columns, in any order.
bool is_indexed(const TableModel& table, const std::vector<std::string>& columns) {
  const auto begins = [&](const std::vector<std::string>& index) {
    return index.size() >= columns.size() &&
           std::is_permutation(columns.begin(), columns.end(), index.begin(),
                               index.begin() + static_cast<std::ptrdiff_t>(columns.size()));
  };
  if (std::any_of(table.keys.begin(), table.keys.end(), begins)) return true;
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const auto& one) {
    const auto partial = table.only_where_set.find(one.first);
    const bool answers = partial == table.only_where_set.end() ||
                         std::find(columns.begin(), columns.end(), partial->second) != columns.end();
    return answers && begins(one.second);
  });
}

void judge_end(const SchemaModel& model, std::span<const LintFile> files, Dialect dialect,
               std::vector<Finding>& findings) {
  for (const auto& [name, table] : model.tables())
    for (const auto& key : table.foreign_keys)
      if (!is_indexed(table, key.columns) && !is_allowed(key.allowances, "unindexed-foreign-key"))
        findings.push_back(
            finding_of({"unindexed-foreign-key", key.line, fmt::format("{} ({})", name, fmt::join(key.columns, ", "))},
                       files[key.file].name, dialect));
}

bool writes_rows(const ScriptStatement& statement) {
  return statement.has(0, "update") || statement.has(0, "delete from") ||
         (statement.has(0, "insert into") && statement.contains("select"));
}

std::string target_of(const ScriptStatement& statement) {
  return name_at(statement, statement.has(0, "update") ? 1 : 2).name;
}

/// A table that another takes the place of is not lost.
bool is_replaced(const LintCase& one, const std::string& table) {
  return std::any_of(one.script.statements.begin(), one.script.statements.end(), [&](const auto& other) {
    const auto name = other.has(0, "alter table") ? name_at(other, 2) : TableReference{};
    return !name.name.empty() && other.has(name.after, "rename to") && name_at(other, name.after + 2).name == table;
  });
}

}  // namespace

void judge_both(const LintCase& one, Findings& to) {
  const auto& statement = one.statement;
  if (statement.has(0, "drop table")) {
    const auto table = name_at(statement, 2).name;
    if (!one.is_new(table) && !is_replaced(one, table)) to.add("drop-before-contract", statement.line, table);
  }
  if (statement.has(0, "alter table")) {
    const auto table = name_at(statement, 2);
    const bool known = one.is_new(table.name);
    if (!known && statement.contains("drop column")) to.add("drop-before-contract", statement.line, table.name);
    if (!known && statement.contains("rename")) to.add("rename", statement.line, table.name);
  }
  if (writes_rows(statement) && !one.is_new(target_of(statement)))
    to.add("unbatched-write", statement.line, target_of(statement));
}

std::span<const LintRule> lint_rules(Dialect dialect) {
  static constexpr auto postgres = joined(common_rules, postgres_rules);
  static constexpr auto sqlite = joined(common_rules, sqlite_rules);
  return dialect == Dialect::sqlite ? std::span<const LintRule>(sqlite) : postgres;
}

Result<std::vector<Finding>> lint(std::span<const LintFile> files, Dialect dialect) {
  std::vector<Finding> findings;
  SchemaModel model;
  for (std::size_t number = 0; number < files.size(); ++number) {
    const auto& file = files[number];
    auto script = parse_script(file.text, dialect);
    if (!script) {
      script.error().message = fmt::format("{}: {}", file.name, script.error().message);
      return failure_of(script);
    }
    for (const auto& statement : script->statements) {
      TRIUNE_TRY(check_allowances(statement, file));
      const LintCase one{.statement = statement, .script = *script, .model = model, .file = number};
      Findings found;
      judge_both(one, found);
      if (dialect == Dialect::sqlite)
        judge_sqlite(one, found);
      else
        judge_postgres(one, found);
      for (const auto& each : found.all())
        if (!is_allowed(statement.allowances, each.rule)) findings.push_back(finding_of(each, file.name, dialect));
      model.add(statement, number);
    }
  }
  judge_end(model, files, dialect, findings);
  return findings;
}

}  // namespace triune::migrate
