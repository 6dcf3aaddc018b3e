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

/// FIRST and SECOND, each made of one column.
template <class Columns, class Part>
std::string joined(const Columns& columns, std::string_view between, const Part& part) {
  std::string text;
  for (const auto& column : columns) text += (text.empty() ? "" : std::string(between)) + part(column);
  return text;
}

std::string different(Dialect dialect) {
  return dialect == Dialect::sqlite ? "IS NOT" : "IS DISTINCT FROM";
}

/// Whether any of the columns was written: (NEW.a IS NOT OLD.a OR …).
template <class Columns>
std::string written(const Columns& columns, Dialect dialect) {
  return "(" +
         joined(columns, " OR ",
                [&](const auto& column) {
                  return fmt::format("NEW.{0} {1} OLD.{0}", quote_identifier(column.name), different(dialect));
                }) +
         ")";
}

/// Whether any new column is not what follows from the others.
std::string out_of_step(const ChangeDefinition& change, Dialect dialect) {
  return "(" +
         joined(change.columns, " OR ",
                [&](const NewColumn& column) {
                  return fmt::format("{} {} ({})", quote_identifier(column.name), different(dialect), column.up);
                }) +
         ")";
}

/// Each trigger's statements change nothing where old and new are in step, so that one does not set off the other (M7).
/// Where both were written, the new ones count.
std::string sqlite_triggers(const ChangeDefinition& change, const std::vector<std::string>& key) {
  constexpr auto dialect = Dialect::sqlite;
  const auto table = quote_identifier(change.table);
  const auto row = match_new(key);
  const auto forward = fmt::format("UPDATE {} SET {} WHERE {}", table, forward_assignments(change), row);
  std::string back;
  std::string old_changed;
  std::string old_differs;
  if (!change.replaces.empty()) {
    back = fmt::format("UPDATE {} SET {} WHERE {} AND {};", table, back_assignments(change), row,
                       out_of_step(change, dialect));
    old_changed = " AND " + written(change.replaces, dialect);
    old_differs = " AND " + is_lossy(change, dialect);
  }
  auto text = fmt::format("CREATE TRIGGER {} AFTER INSERT ON {} BEGIN {} AND {}; {} END;\n", trigger(change, "insert"),
                          table, forward, is_unfilled(change), back);
  if (!back.empty())
    text += fmt::format("CREATE TRIGGER {} AFTER UPDATE OF {} ON {} WHEN {} BEGIN {} END;\n", trigger(change, "new"),
                        joined(change.columns, ", ", [](const auto& one) { return quote_identifier(one.name); }), table,
                        written(change.columns, dialect), back);
  text += fmt::format("CREATE TRIGGER {} AFTER UPDATE ON {} WHEN NOT {}{} BEGIN {} AND {}{}; END;\n",
                      trigger(change, "old"), table, written(change.columns, dialect), old_changed, forward,
                      out_of_step(change, dialect), old_differs);
  return text;
}

/// The values of expressions over the row as it will be, in which columns may be named with their table.
template <class Columns, class Expression>
std::string select_of_row(const ChangeDefinition& change, const Columns& columns, std::string_view into,
                          const Expression& expression) {
  return fmt::format(
      "SELECT {} INTO {} FROM (SELECT NEW.*) AS {};",
      joined(columns, ", ",
             [&](const auto& one) { return fmt::format("({}) AS {}", expression(one), quote_identifier(one.name)); }),
      into, quote_identifier(change.table));
}

/// A value that cannot be converted is none (and `contract` finds it): no program that writes is ever stopped by it.
std::string postgres_triggers(const ChangeDefinition& change) {
  constexpr auto dialect = Dialect::postgres;
  const auto derive =
      fmt::format("BEGIN {} EXCEPTION WHEN OTHERS THEN triune_failed := true; END;",
                  select_of_row(change, change.columns, "triune_derived", [](const auto& one) { return one.up; }));
  const auto forward = joined(change.columns, " ", [](const NewColumn& one) {
    return fmt::format("IF triune_failed THEN NEW.{0} := NULL; ELSE NEW.{0} := triune_derived.{0}; END IF;",
                       quote_identifier(one.name));
  });
  std::string back = "NULL;";
  std::string old_changed = "TRUE";
  if (!change.replaces.empty()) {
    const auto into =
        joined(change.replaces, ", ", [](const auto& one) { return "NEW." + quote_identifier(one.name); });
    const auto differs = joined(change.columns, " OR ", [](const NewColumn& one) {
      return fmt::format("NEW.{0} IS DISTINCT FROM triune_derived.{0}", quote_identifier(one.name));
    });
    // Looked at one after the other: where it triune_failed there is nothing triune_derived.
    back = fmt::format(
        "triune_differs := triune_failed; IF NOT triune_failed THEN triune_differs := {}; END IF; IF triune_differs "
        "THEN {} END IF;",
        differs, select_of_row(change, change.replaces, into, [](const auto& one) { return one.down; }));
    old_changed = written(change.replaces, dialect);
  }
  const auto unfilled = joined(change.columns, " AND ", [](const NewColumn& one) {
    return fmt::format("NEW.{} IS NULL", quote_identifier(one.name));
  });
  return fmt::format(
      "CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS {1}\n"
      "DECLARE triune_derived record; triune_failed boolean := false; triune_differs boolean;\nBEGIN\n  {2}\n"
      "  IF TG_OP = 'INSERT' THEN\n    IF {3} THEN {4} ELSE {5} END IF;\n"
      "  ELSIF {6} THEN {5}\n  ELSIF {7} THEN {4}\n  END IF;\n  RETURN NEW;\nEND {1};\n"
      "CREATE TRIGGER {0} BEFORE INSERT OR UPDATE ON {8} FOR EACH ROW EXECUTE FUNCTION {0}();\n",
      trigger(change, "step"), body_quote, derive, unfilled, forward, back, written(change.columns, dialect),
      old_changed, quote_identifier(change.table));
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

std::string forward_assignments(const ChangeDefinition& change) {
  return joined(change.columns, ", ",
                [](const NewColumn& one) { return fmt::format("{} = ({})", quote_identifier(one.name), one.up); });
}

std::string back_assignments(const ChangeDefinition& change) {
  return joined(change.replaces, ", ", [](const ReplacedColumn& one) {
    return fmt::format("{} = ({})", quote_identifier(one.name), one.down);
  });
}

std::string is_unfilled(const ChangeDefinition& change) {
  return joined(change.columns, " AND ", [](const NewColumn& one) { return quote_identifier(one.name) + " IS NULL"; });
}

std::string is_lossy(const ChangeDefinition& change, Dialect dialect) {
  return "(" +
         joined(change.replaces, " OR ",
                [&](const ReplacedColumn& one) {
                  return fmt::format("{} {} ({})", quote_identifier(one.name), different(dialect), one.down);
                }) +
         ")";
}

std::string add_column(const ChangeDefinition& change, const NewColumn& column) {
  return fmt::format("ALTER TABLE {} ADD COLUMN {} {}", quote_identifier(change.table), quote_identifier(column.name),
                     column.type);
}

std::string drop_column(const ChangeDefinition& change, const std::string& column) {
  return fmt::format("ALTER TABLE {} DROP COLUMN {}", quote_identifier(change.table), quote_identifier(column));
}

std::string presence_check(const ChangeDefinition& change, const NewColumn& column) {
  return fmt::format("{}{}_{}", prefix, change.table, column.name);
}

std::vector<std::string> enforce_not_null(const ChangeDefinition& change, const NewColumn& column, Dialect dialect) {
  const auto table = quote_identifier(change.table);
  const auto name = quote_identifier(column.name);
  if (dialect == Dialect::postgres) return {fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", table, name)};
  std::vector<std::string> statements;
  for (const auto& [suffix, when] :
       {std::pair<std::string, std::string>{"insert", "INSERT"}, {"update", "UPDATE OF " + name}})
    statements.push_back(fmt::format(
        "CREATE TRIGGER {} BEFORE {} ON {} WHEN NEW.{} IS NULL BEGIN SELECT RAISE(ABORT, {}); END",
        quote_identifier(fmt::format("{}_{}_not_null_{}", change.table, column.name, suffix)), when, table, name,
        model::quote_literal(fmt::format("NOT NULL constraint failed: {}.{}", change.table, column.name))));
  return statements;
}

std::vector<std::string> forget_not_null(const ChangeDefinition& change, const NewColumn& column, Dialect dialect) {
  if (dialect == Dialect::postgres) return {};
  std::vector<std::string> statements;
  for (const auto* const suffix : {"insert", "update"})
    statements.push_back("DROP TRIGGER " +
                         quote_identifier(fmt::format("{}_{}_not_null_{}", change.table, column.name, suffix)));
  return statements;
}

Status check_expressions(contract::RelationalStore& store, const ChangeDefinition& change, Deadline deadline) {
  const auto dialect = store.capabilities().dialect;
  const auto table = quote_identifier(change.table);
  std::string empty;
  for (const auto& column : change.columns) {
    TRIUNE_TRY(check_expression(column.up, "up", dialect));
    TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::user, deadline));
    TRIUNE_TRY(session->query(fmt::format("SELECT ({}) FROM {} LIMIT 0", column.up, table), {}, 1));
    empty += fmt::format(", CAST(NULL AS {}) AS {}", column.type, quote_identifier(column.name));
  }
  for (const auto& old : change.replaces) {
    TRIUNE_TRY(check_expression(old.down, "down", dialect));
    TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::user, deadline));
    TRIUNE_TRY(session->query(
        fmt::format("SELECT ({0}) FROM (SELECT {1}.*{2} FROM {1}) AS {1} LIMIT 0", old.down, table, empty), {}, 1));
  }
  return {};
}

}  // namespace triune::migrate
