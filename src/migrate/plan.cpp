#include "migrate/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "migrate/history.h"
#include "migrate/schema_model.h"
#include "migrate/sql_script.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;

constexpr std::string_view rewriting_rules[] = {
    "volatile-default", "add-identity",    "add-stored-generated",     "change-type",
    "set-not-null",     "check-not-valid", "timestamp-to-timestamptz", "vacuum-full"};

std::string table_of(const ScriptStatement& statement, const SchemaModel& model) {
  if (statement.has(0, "alter table") || statement.has(0, "drop table")) return name_at(statement, 2).name;
  if (statement.has(0, "update")) return name_at(statement, 1).name;
  if (statement.has(0, "delete from") || statement.has(0, "insert into")) return name_at(statement, 2).name;
  if (statement.has(0, "create index") || statement.has(0, "create unique index"))
    return name_at(statement, statement.find("on") + 1).name;
  if (statement.has(0, "drop index")) return model.table_of_index(name_at(statement, 2).name);
  const auto table = statement.find("table");
  if (statement.has(0, "create") && table <= 2) return name_at(statement, table + 1).name;
  return {};
}

std::string lock_of(const ScriptStatement& statement, Dialect dialect) {
  const bool reads = statement.has(0, "select");
  if (dialect == Dialect::sqlite) return reads ? "" : "writer";
  if (statement.contains("concurrently") || statement.contains("validate constraint"))
    return "ShareUpdateExclusiveLock";
  if (statement.has(0, "create index") || statement.has(0, "create unique index")) return "ShareLock";
  if (statement.contains("add constraint") && statement.contains("foreign key")) return "ShareRowExclusiveLock";
  if (statement.has(0, "create trigger")) return "ShareRowExclusiveLock";
  if (statement.has(0, "create") || reads) return {};
  if (statement.has(0, "update") || statement.has(0, "delete") || statement.has(0, "insert")) return "RowExclusiveLock";
  return "AccessExclusiveLock";
}

/// Nothing for a table that is not there.
Result<std::optional<std::uint64_t>> rows_of(contract::RelationalSession& session, const std::string& table) {
  std::optional<std::uint64_t> rows;
  if (table.empty()) return rows;
  const std::array<Value, 1> parameters{table};
  if (session.dialect() == Dialect::postgres) {
    TRIUNE_ASSIGN(const RowSet found, session.query("SELECT greatest(CAST(reltuples AS bigint), 0) FROM pg_class "
                                                    "WHERE oid = to_regclass(quote_ident(?1))",
                                                    parameters, 1));
    if (!found.rows.empty()) rows = static_cast<std::uint64_t>(std::get<std::int64_t>(found.rows[0][0]));
    return rows;
  }
  TRIUNE_ASSIGN(
      const RowSet there,
      session.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE", parameters, 1));
  if (there.rows.empty()) return rows;
  TRIUNE_ASSIGN(const RowSet counted, session.query(fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1000000)",
                                                                model::quote_identifier(to_text(there.rows[0][0]))),
                                                    {}, 1));
  rows = static_cast<std::uint64_t>(std::get<std::int64_t>(counted.rows[0][0]));
  return rows;
}

bool rewrites(const ScriptStatement& statement, const PlannedMigration& migration, Dialect dialect) {
  if (dialect == Dialect::sqlite && statement.has(0, "alter table") && statement.contains("drop column")) return true;
  const auto last = statement.words.back().line;
  return std::any_of(migration.findings.begin(), migration.findings.end(), [&](const Finding& one) {
    return one.line >= statement.line && one.line <= last &&
           std::find(std::begin(rewriting_rules), std::end(rewriting_rules), one.rule) != std::end(rewriting_rules);
  });
}

Result<PlannedMigration> plan_one(contract::RelationalSession& session, const Migration& migration,
                                  std::span<const Finding> findings, SchemaModel& model, std::size_t file) {
  PlannedMigration planned{
      .version = migration.version, .name = std::string(migration.name), .statements = {}, .findings = {}};
  const auto name = stem(migration.version, migration.name) + ".up.sql";
  for (const auto& one : findings)
    if (one.file == name) planned.findings.push_back(one);
  TRIUNE_ASSIGN(const auto script, parse_script(migration.sql, session.dialect()));
  planned.in_transaction = script.in_transaction;
  for (const auto& statement : script.statements) {
    PlannedStatement one{.line = statement.line,
                         .text = std::string(statement.text),
                         .table = table_of(statement, model),
                         .lock = {},
                         .rows = {}};
    one.lock = lock_of(statement, session.dialect());
    one.rewrites = rewrites(statement, planned, session.dialect());
    TRIUNE_ASSIGN(one.rows, rows_of(session, one.table));
    planned.statements.push_back(std::move(one));
    model.add(statement, file);
  }
  return planned;
}

Result<std::vector<Applied>> checked_history(contract::RelationalSession& session, std::string_view series,
                                             std::span<const Migration> migrations) {
  std::vector<Applied> applied;
  TRIUNE_ASSIGN(const bool present, has_history(session));
  if (present) {
    TRIUNE_ASSIGN(applied, read_history(session, series, true));
  }
  TRIUNE_TRY(check_history(applied, migrations));
  return applied;
}

}  // namespace

Result<std::vector<PlannedMigration>> plan(contract::RelationalStore& store, std::string_view series,
                                           std::span<const Migration> migrations, Deadline deadline) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const auto applied, checked_history(*session, series, migrations));
  std::vector<std::string> names;
  for (const auto& one : migrations) names.push_back(stem(one.version, one.name) + ".up.sql");
  std::vector<LintFile> files;
  for (std::size_t at = 0; at < migrations.size(); ++at) files.push_back({names[at], migrations[at].sql});
  TRIUNE_ASSIGN(const auto findings, lint(files, session->dialect()));
  std::vector<PlannedMigration> pending;
  SchemaModel model;
  for (std::size_t at = 0; at < migrations.size(); ++at) {
    TRIUNE_ASSIGN(auto planned, plan_one(*session, migrations[at], findings, model, at));
    if (at >= applied.size()) pending.push_back(std::move(planned));
  }
  return pending;
}

Status try_pending(const Runner& runner, std::string_view series, std::span<const Migration> migrations,
                   Deadline deadline) {
  bool all_ran = false;
  const contract::WriteJob job = [&](contract::RelationalSession& session) -> Status {
    all_ran = false;
    TRIUNE_ASSIGN(const auto applied, checked_history(session, series, migrations));
    for (const auto& migration : migrations.subspan(applied.size())) {
      TRIUNE_ASSIGN(const auto script, parse_script(migration.sql, session.dialect()));
      for (const auto& statement : script.statements) {
        if (!script.in_transaction) break;
        auto ran = runner.run ? runner.run(session, statement.text) : session.execute_script(statement.text);
        if (ran) continue;
        ran.error().message = fmt::format("{}.up.sql:{}: {}", stem(migration.version, migration.name), statement.line,
                                          ran.error().message);
        return ran;
      }
    }
    all_ran = true;
    return failure(ErrorCode::cancelled, "undone as agreed");
  };
  auto done = runner.transaction ? runner.transaction(job, deadline) : runner.store.write(job, deadline);
  return all_ran ? Status() : done;
}

std::string_view to_string(MigrationState::State state) {
  switch (state) {
    case MigrationState::State::applied: return "applied";
    case MigrationState::State::pending: return "pending";
    case MigrationState::State::edited: return "edited";
    case MigrationState::State::missing: return "missing";
  }
  return "";
}

Result<std::vector<MigrationState>> status(contract::RelationalStore& store, std::string_view series,
                                           std::span<const Migration> migrations, Deadline deadline) {
  TRIUNE_ASSIGN(const auto applied, history(store, series, deadline));
  std::vector<MigrationState> states;
  for (const auto& one : applied) {
    MigrationState state{.version = one.version,
                         .name = one.name,
                         .state = MigrationState::State::missing,
                         .applied_at = one.applied_at,
                         .applied_by = one.applied_by,
                         .duration_ms = one.duration_ms};
    if (one.version <= migrations.size()) {
      const auto& known = migrations[one.version - 1];
      const bool same = checksum(known.sql) == one.checksum;
      state.state = same ? MigrationState::State::applied : MigrationState::State::edited;
      state.down_edited = known.down != one.down;
    }
    states.push_back(std::move(state));
  }
  for (const auto& one : migrations)
    if (one.version > applied.size())
      states.push_back({.version = one.version, .name = std::string(one.name), .applied_at = {}, .applied_by = {}});
  return states;
}

namespace {

std::string row_text(std::span<const Value> row) {
  std::string text;
  for (const auto& cell : row) text += (text.empty() ? "" : ", ") + to_text(cell);
  return text;
}

Status run_verify(contract::RelationalStore& store, const Migration& migration, contract::ReadScope scope,
                  Deadline deadline, Verification& to) {
  TRIUNE_ASSIGN(const auto script, parse_script(migration.verify, store.capabilities().dialect));
  const auto name = stem(migration.version, migration.name) + ".verify.sql";
  for (const auto& statement : script.statements) {
    TRIUNE_ASSIGN(const auto session, store.read(scope, deadline));
    const auto rows = session->query(statement.text, {}, 1'000);
    ++to.checked;
    if (!rows)
      to.wrong.push_back(fmt::format("{}:{}: {}", name, statement.line, rows.error().message));
    else if (!rows->rows.empty())
      to.wrong.push_back(fmt::format("{}:{}: returns {}{} rows, the first ({})", name, statement.line,
                                     rows->truncated ? "more than " : "", rows->rows.size(), row_text(rows->rows[0])));
  }
  return {};
}

}  // namespace

Result<Verification> verify(contract::RelationalStore& store, std::string_view series,
                            std::span<const Migration> migrations, contract::ReadScope scope, Deadline deadline) {
  Verification result;
  TRIUNE_ASSIGN(const auto states, status(store, series, migrations, deadline));
  for (const auto& one : states) {
    if (one.state == MigrationState::State::pending) continue;
    const auto name = stem(one.version, one.name);
    if (one.state == MigrationState::State::edited)
      result.wrong.push_back(fmt::format("{}.up.sql was edited after it had been applied: restore its text", name));
    if (one.state == MigrationState::State::missing)
      result.wrong.push_back(fmt::format("{}.up.sql was applied and is missing: bring it back, or revert it", name));
    if (one.down_edited && one.state == MigrationState::State::applied)
      result.wrong.push_back(fmt::format(
          "{}.down.sql was edited after its migration had been applied: a revert uses the text recorded then", name));
    if (one.version <= migrations.size())
      TRIUNE_TRY(run_verify(store, migrations[one.version - 1], scope, deadline, result));
  }
  return result;
}

}  // namespace triune::migrate
