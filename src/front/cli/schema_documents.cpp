#include "front/cli/schema_documents.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

void write_findings(JsonWriter& to, const std::vector<migrate::Finding>& findings) {
  to.key("findings").begin_array();
  for (const auto& one : findings)
    to.begin_object()
        .member("file", one.file)
        .member("line", one.line)
        .member("rule", one.rule)
        .member("why", one.why)
        .member("remedy", one.remedy)
        .end_object();
  to.end_array();
}

void write_statement(JsonWriter& to, const migrate::PlannedStatement& one) {
  to.begin_object().member("line", one.line).member("sql", one.text).member("table", one.table);
  to.member("lock", one.lock).member("rewrites", one.rewrites).key("rows");
  if (one.rows)
    to.value(*one.rows);
  else
    to.raw("null");
  to.end_object();
}

std::string first_line(const std::string& text) {
  const auto end = text.find('\n');
  return printable(end == std::string::npos ? text : text.substr(0, end) + " …");
}

std::string finding_text(const migrate::Finding& one) {
  return fmt::format("{}:{}: {}: {}\n    {}\n", printable(one.file), one.line, one.rule, printable(one.why),
                     one.remedy);
}

std::string statement_text(const migrate::PlannedStatement& one) {
  std::string effect;
  if (!one.lock.empty()) effect += one.lock;
  if (one.rewrites) effect += (effect.empty() ? "" : ", ") + std::string("writes or reads every row");
  if (one.rows) effect += fmt::format("{}{} rows", effect.empty() ? "" : ", ", grouped(*one.rows));
  return fmt::format("  {:>4}  {}\n{}", one.line, first_line(one.text),
                     effect.empty() ? "" : fmt::format("        ({})\n", effect));
}

}  // namespace

std::string plan_document(const std::vector<migrate::PlannedMigration>& plan, bool tried) {
  JsonWriter to;
  to.begin_object().member("tried", tried).key("migrations").begin_array();
  for (const auto& migration : plan) {
    to.begin_object().member("version", migration.version).member("name", migration.name);
    to.member("in_transaction", migration.in_transaction).key("statements").begin_array();
    for (const auto& one : migration.statements) write_statement(to, one);
    to.end_array();
    write_findings(to, migration.findings);
    to.end_object();
  }
  return to.end_array().end_object().text() + "\n";
}

std::string plan_text(const std::vector<migrate::PlannedMigration>& plan, bool tried) {
  if (plan.empty()) return "nothing is pending\n";
  std::string text;
  for (const auto& migration : plan) {
    text += fmt::format("{}{}\n", inked(migrate::stem(migration.version, migration.name), Ink::bold),
                        migration.in_transaction ? "" : "  (outside of a transaction)");
    for (const auto& one : migration.statements) text += statement_text(one);
    for (const auto& one : migration.findings) text += "  " + inked(finding_text(one), Ink::yellow);
  }
  if (tried) text += "all of it was run and undone: it would succeed\n";
  return text;
}

std::string applied_document(std::string_view verb, const std::vector<migrate::Applied>& records) {
  JsonWriter to;
  to.begin_object().key(verb).begin_array();
  for (const auto& one : records)
    to.begin_object()
        .member("version", one.version)
        .member("name", one.name)
        .member("checksum", one.checksum)
        .member("duration_ms", one.duration_ms)
        .end_object();
  return to.end_array().end_object().text() + "\n";
}

std::string applied_text(std::string_view verb, const std::vector<migrate::Applied>& records) {
  if (records.empty()) return fmt::format("nothing was to be {}\n", verb);
  std::string text;
  for (const auto& one : records)
    text += fmt::format("{} {} in {} ms\n", verb, migrate::stem(one.version, one.name), one.duration_ms);
  return text;
}

std::string states_document(std::string_view series, const std::vector<migrate::MigrationState>& states) {
  JsonWriter to;
  to.begin_object().member("series", series).key("migrations").begin_array();
  for (const auto& one : states)
    to.begin_object()
        .member("version", one.version)
        .member("name", one.name)
        .member("state", to_string(one.state))
        .member("down_edited", one.down_edited)
        .member("applied_at", one.applied_at)
        .member("applied_by", one.applied_by)
        .member("duration_ms", one.duration_ms)
        .end_object();
  return to.end_array().end_object().text() + "\n";
}

std::string states_text(const std::vector<migrate::MigrationState>& states) {
  RowSet rows{.columns = {"migration", "state", "applied_at", "applied_by", "ms"}, .rows = {}, .truncated = false};
  for (const auto& one : states)
    rows.rows.push_back({migrate::stem(one.version, one.name), std::string(to_string(one.state)), one.applied_at,
                         one.applied_by, one.duration_ms});
  return format_table(rows, style_of_output(false));
}

std::string findings_document(const std::vector<migrate::Finding>& findings) {
  JsonWriter to;
  to.begin_object();
  write_findings(to, findings);
  return to.end_object().text() + "\n";
}

std::string findings_text(const std::vector<migrate::Finding>& findings) {
  if (findings.empty()) return "nothing was found\n";
  std::string text;
  for (const auto& one : findings) text += finding_text(one);
  return text;
}

std::string rules_document() {
  JsonWriter to;
  to.begin_object().key("rules").begin_array();
  for (const auto& [dialect, name] :
       {std::pair{contract::Dialect::postgres, "postgres"}, {contract::Dialect::sqlite, "sqlite"}})
    for (const auto& rule : migrate::lint_rules(dialect))
      to.begin_object()
          .member("dialect", name)
          .member("rule", rule.name)
          .member("why", rule.why)
          .member("remedy", rule.remedy)
          .end_object();
  return to.end_array().end_object().text() + "\n";
}

std::string rules_text() {
  std::string text;
  for (const auto& [dialect, name] :
       {std::pair{contract::Dialect::postgres, "PostgreSQL"}, {contract::Dialect::sqlite, "SQLite"}}) {
    text += inked(name, Ink::bold) + "\n";
    for (const auto& rule : migrate::lint_rules(dialect))
      text += fmt::format("  {}: {}\n      {}\n", rule.name, rule.why, rule.remedy);
  }
  return text;
}

std::string drift_document(const std::vector<migrate::Drift>& drift) {
  JsonWriter to;
  to.begin_object().key("drift").begin_array();
  for (const auto& one : drift)
    to.begin_object()
        .member("kind", to_string(one.kind))
        .member("what", one.what)
        .member("expected", one.expected)
        .member("found", one.found)
        .member("mend", one.mend)
        .end_object();
  return to.end_array().end_object().text() + "\n";
}

std::string drift_text(const std::vector<migrate::Drift>& drift) {
  if (drift.empty()) return "the schema is what its migrations make\n";
  std::string text;
  for (const auto& one : drift) {
    text += fmt::format("{}: {}\n", to_string(one.kind), printable(one.what));
    if (!one.expected.empty()) text += fmt::format("    expected  {}\n", printable(one.expected));
    if (!one.found.empty()) text += fmt::format("    found     {}\n", printable(one.found));
    if (!one.mend.empty()) text += fmt::format("    mend      {}\n", printable(one.mend));
  }
  return text;
}

std::string verified_document(const migrate::Verification& verified, const migrate::UpDownUp* rehearsed) {
  JsonWriter to;
  to.begin_object().member("checked", verified.checked).key("wrong").begin_array();
  for (const auto& one : verified.wrong) to.value(one);
  to.end_array().key("up_down_up");
  if (rehearsed == nullptr) return to.raw("null").end_object().text() + "\n";
  to.begin_object().member("migrations", rehearsed->migrations).member("rows", rehearsed->rows);
  to.key("wrong").begin_array();
  for (const auto& one : rehearsed->wrong) to.value(one);
  return to.end_array().end_object().end_object().text() + "\n";
}

std::string verified_text(const migrate::Verification& verified, const migrate::UpDownUp* rehearsed) {
  std::string text = fmt::format("{} statements of verify texts were run\n", verified.checked);
  for (const auto& one : verified.wrong) text += inked(printable(one), Ink::red) + "\n";
  if (rehearsed == nullptr) return text;
  text += fmt::format("{} migrations went up, down and up again on a copy with {} rows\n", rehearsed->migrations,
                      grouped(rehearsed->rows));
  for (const auto& one : rehearsed->wrong) text += inked(printable(one), Ink::red) + "\n";
  return text;
}

}  // namespace triune::front
