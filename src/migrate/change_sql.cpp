#include "migrate/change_sql.h"

#include <fmt/format.h>

#include "base/try.h"
#include "migrate/sql_script.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using model::quote_identifier;

constexpr std::string_view prefix = "triune_change_";
constexpr std::string_view body_quote = "$triune_change$";

std::string trigger(const ChangeDefinition& change, std::string_view which) {
  return quote_identifier(fmt::format("{}{}_{}", prefix, change.table, which));
}

std::string match_new(const std::vector<std::string>& key) {
  std::string text;
  for (const auto& column : key)
    text +=
        fmt::format("{}{} = NEW.{}", text.empty() ? "" : " AND ", quote_identifier(column), quote_identifier(column));
  return text;
}

/// Each trigger's statements change nothing where old and new are in step, so that one does not set off the other (M7).
/// Where both were written, the new one counts.
std::string sqlite_triggers(const ChangeDefinition& change, const std::vector<std::string>& key) {
  const auto table = quote_identifier(change.table);
  const auto column = quote_identifier(change.column);
  const auto row = match_new(key);
  const auto forward = fmt::format("UPDATE {} SET {} = ({}) WHERE {}", table, column, change.up, row);
  std::string back;
  std::string old_changed;
  std::string old_differs;
  if (!change.replaces.empty()) {
    const auto old = quote_identifier(change.replaces);
    back = fmt::format("UPDATE {} SET {} = ({}) WHERE {} AND {} IS NOT ({});", table, old, change.down, row, column,
                       change.up);
    old_changed = fmt::format(" AND NEW.{0} IS NOT OLD.{0}", old);
    old_differs = fmt::format(" AND {} IS NOT ({})", old, change.down);
  }
  auto text = fmt::format("CREATE TRIGGER {} AFTER INSERT ON {} BEGIN {} AND {} IS NULL; {} END;\n",
                          trigger(change, "insert"), table, forward, column, back);
  if (!back.empty())
    text += fmt::format("CREATE TRIGGER {} AFTER UPDATE OF {} ON {} WHEN NEW.{} IS NOT OLD.{} BEGIN {} END;\n",
                        trigger(change, "new"), column, table, column, column, back);
  text +=
      fmt::format("CREATE TRIGGER {} AFTER UPDATE ON {} WHEN NEW.{} IS OLD.{}{} BEGIN {} AND {} IS NOT ({}){}; END;\n",
                  trigger(change, "old"), table, column, column, old_changed, forward, column, change.up, old_differs);
  return text;
}

/// Of the row as it will be; columns may be named with their table.
std::string of_row(const ChangeDefinition& change, const std::string& expression) {
  return fmt::format("(SELECT ({}) FROM (SELECT NEW.*) AS {})", expression, quote_identifier(change.table));
}

std::string postgres_triggers(const ChangeDefinition& change) {
  const auto column = quote_identifier(change.column);
  const auto up = of_row(change, change.up);
  const auto forward = fmt::format("NEW.{} := {};", column, up);
  std::string back = "NULL;";
  std::string old_changed = "TRUE";
  if (!change.replaces.empty()) {
    const auto old = quote_identifier(change.replaces);
    back = fmt::format("IF NEW.{} IS DISTINCT FROM {} THEN NEW.{} := {}; END IF;", column, up, old,
                       of_row(change, change.down));
    old_changed = fmt::format("NEW.{0} IS DISTINCT FROM OLD.{0}", old);
  }
  return fmt::format(
      "CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS {1} BEGIN\n"
      "  IF TG_OP = 'INSERT' THEN\n    IF NEW.{2} IS NULL THEN {3} ELSE {4} END IF;\n"
      "  ELSIF NEW.{2} IS DISTINCT FROM OLD.{2} THEN {4}\n  ELSIF {5} THEN {3}\n  END IF;\n"
      "  RETURN NEW;\nEND {1};\n"
      "CREATE TRIGGER {0} BEFORE INSERT OR UPDATE ON {6} FOR EACH ROW EXECUTE FUNCTION {0}();\n",
      trigger(change, "step"), body_quote, column, forward, back, old_changed, quote_identifier(change.table));
}

/// Brackets that close what they opened, and one statement at most: nothing that could end the place it is put into.
Status check_expression(const std::string& expression, std::string_view member, Dialect dialect) {
  const auto bad = [&](std::string_view why) {
    return failure(ErrorCode::invalid_argument, fmt::format("\"{}\" is no expression: {}", member, why));
  };
  if (expression.find(body_quote) != std::string::npos) return bad("it holds a quote that is Triune's own");
  auto script = parse_script(expression, dialect);
  if (!script) return bad(script.error().message);
  if (script->statements.size() != 1 || script->statements[0].text.size() != expression.size())
    return bad("it must be one expression without a comment or semicolon around it");
  int depth = 0;
  for (const auto& word : script->statements[0].words) {
    if (word.is("(")) ++depth;
    if (word.is(")") && --depth < 0) return bad("a bracket is closed that was not opened");
  }
  return depth == 0 ? Status() : bad("a bracket is not closed");
}

}  // namespace

std::string key_list(const std::vector<std::string>& key) {
  std::string text;
  for (const auto& column : key) text += (text.empty() ? "" : ", ") + quote_identifier(column);
  return text;
}

std::string step_triggers(const ChangeDefinition& change, const std::vector<std::string>& key, Dialect dialect) {
  return dialect == Dialect::sqlite ? sqlite_triggers(change, key) : postgres_triggers(change);
}

std::string drop_step_triggers(const ChangeDefinition& change, Dialect dialect) {
  if (dialect == Dialect::postgres)
    return fmt::format("DROP TRIGGER {0} ON {1}; DROP FUNCTION {0}();", trigger(change, "step"),
                       quote_identifier(change.table));
  return fmt::format("DROP TRIGGER IF EXISTS {}; DROP TRIGGER IF EXISTS {}; DROP TRIGGER IF EXISTS {};",
                     trigger(change, "insert"), trigger(change, "new"), trigger(change, "old"));
}

std::string add_column(const ChangeDefinition& change) {
  return fmt::format("ALTER TABLE {} ADD COLUMN {} {}", quote_identifier(change.table), quote_identifier(change.column),
                     change.type);
}

std::string drop_column(const ChangeDefinition& change, const std::string& column) {
  return fmt::format("ALTER TABLE {} DROP COLUMN {}", quote_identifier(change.table), quote_identifier(column));
}

std::string change_up_text(const ChangeDefinition& change) {
  auto text =
      fmt::format("{};\n-- triune: allow unbatched-write made by a change\nUPDATE {} SET {} = ({});\n",
                  add_column(change), quote_identifier(change.table), quote_identifier(change.column), change.up);
  if (!change.replaces.empty())
    text += fmt::format("-- triune: allow drop-before-contract made by a change\n{};\n",
                        drop_column(change, change.replaces));
  return text;
}

std::string change_down_text(const ChangeDefinition& change) {
  std::string text;
  if (!change.replaces.empty())
    text = fmt::format("ALTER TABLE {0} ADD COLUMN {1} {2};\nUPDATE {0} SET {1} = ({3});\n",
                       quote_identifier(change.table), quote_identifier(change.replaces), change.replaced_type,
                       change.down);
  return text + drop_column(change, change.column) + ";\n";
}

Status check_expressions(contract::RelationalStore& store, const ChangeDefinition& change, Deadline deadline) {
  const auto dialect = store.capabilities().dialect;
  const auto table = quote_identifier(change.table);
  TRIUNE_TRY(check_expression(change.up, "up", dialect));
  {
    TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::user, deadline));
    TRIUNE_TRY(session->query(fmt::format("SELECT ({}) FROM {} LIMIT 0", change.up, table), {}, 1));
  }
  if (change.replaces.empty()) return {};
  TRIUNE_TRY(check_expression(change.down, "down", dialect));
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::user, deadline));
  TRIUNE_TRY(
      session->query(fmt::format("SELECT ({0}) FROM (SELECT {1}.*, CAST(NULL AS {2}) AS {3} FROM {1}) AS {1} LIMIT 0",
                                 change.down, table, change.type, quote_identifier(change.column)),
                     {}, 1));
  return {};
}

}  // namespace triune::migrate
