#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/try.h"
#include "migrate/catalogue.h"
#include "migrate/schema_model.h"
#include "migrate/sql_script.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using model::quote_identifier;

constexpr std::size_t most_rows = 100'000;

/// Tables that belong to another, such as those of a full-text index, come and go with it.
constexpr std::string_view objects =
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE "
    "'\\' AND (name LIKE 'triune\\_%' ESCAPE '\\') = ?1 AND name NOT IN (SELECT name FROM pragma_table_list "
    "WHERE type = 'shadow') ORDER BY name";

class Reader {
 public:
  explicit Reader(contract::RelationalSession& session) : session_(session) {}

  Result<Catalogue> read(Owner owner) {
    const std::array<Value, 1> parameters{std::int64_t{owner == Owner::triune}};
    TRIUNE_ASSIGN(const RowSet rows, session_.query(objects, parameters, most_rows));
    for (const auto& row : rows.rows) {
      const auto kind = to_text(row[0]);
      const auto sql = to_text(row[3]);
      if (kind == "table")
        TRIUNE_TRY(add_table(to_text(row[1]), sql));
      else
        add_object(kind, to_text(row[1]), kind == "view" ? std::string() : to_text(row[2]), sql);
    }
    return std::move(catalogue_);
  }

 private:
  void add_object(const std::string& kind, const std::string& name, const std::string& table, const std::string& sql) {
    add_entry(catalogue_, {.kind = kind,
                           .table = table,
                           .name = name,
                           .definition = one_spelling(sql, Dialect::sqlite),
                           .make = sql,
                           .drop = fmt::format("DROP {} {}",
                                               kind == "index"  ? "INDEX"
                                               : kind == "view" ? "VIEW"
                                                                : "TRIGGER",
                                               quote_identifier(name))});
  }

  Status add_table(const std::string& table, const std::string& sql) {
    const auto script = parse_script(sql, Dialect::sqlite);
    std::string options;
    if (script && !script->statements.empty()) {
      const auto& statement = script->statements[0];
      const auto open = statement.find("(");
      for (auto at = behind_brackets(statement, open); at < statement.words.size(); ++at)
        options += (options.empty() ? "" : " ") + statement.words[at].name();
      add_checks(table, statement);
    }
    add_entry(catalogue_, {.kind = "table",
                           .table = table,
                           .name = table,
                           .definition = options,
                           .make = sql,
                           .drop = "DROP TABLE " + quote_identifier(table)});
    TRIUNE_TRY(add_columns(table));
    TRIUNE_TRY(add_keys(table));
    return add_foreign_keys(table);
  }

  void add_checks(const std::string& table, const ScriptStatement& statement) {
    for (auto at = statement.find("check ("); at < statement.words.size(); at = statement.find("check (", at + 1)) {
      const auto end = behind_brackets(statement, at + 1);
      std::string text;
      for (auto word = at + 1; word < end; ++word) {
        const auto name = statement.words[word].name();
        text += (text.empty() ? "" : " ") + (name.empty() ? std::string(statement.words[word].text) : name);
      }
      add_entry(catalogue_,
                {.kind = "check", .table = table, .name = text, .definition = text, .make = {}, .drop = {}});
    }
  }

  Status add_columns(const std::string& table) {
    const std::array<Value, 1> parameters{table};
    TRIUNE_ASSIGN(const RowSet rows, session_.query("SELECT name, type, \"notnull\", dflt_value, pk, hidden "
                                                    "FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid",
                                                    parameters, most_rows));
    std::map<std::int64_t, std::string> key;
    for (const auto& row : rows.rows) {
      const auto name = to_text(row[0]);
      const auto place = std::get<std::int64_t>(row[4]);
      if (place > 0) key[place] = name;
      const bool not_null = std::get<std::int64_t>(row[2]) != 0;
      const bool has_default = !std::holds_alternative<std::monostate>(row[3]);
      const auto definition = fmt::format("{}{}{}", to_text(row[1]), not_null ? " not null" : "",
                                          has_default ? " default " + to_text(row[3]) : "");
      add_entry(catalogue_, {.kind = "column",
                             .table = table,
                             .name = name,
                             .definition = definition,
                             .make = fmt::format("ALTER TABLE {} ADD COLUMN {} {}", quote_identifier(table),
                                                 quote_identifier(name), definition),
                             .drop = fmt::format("ALTER TABLE {} DROP COLUMN {}", quote_identifier(table),
                                                 quote_identifier(name))});
    }
    std::vector<std::string> columns;
    for (const auto& [place, name] : key) columns.push_back(name);
    if (!columns.empty()) add_constraint("primary key", table, fmt::format("({})", fmt::join(columns, ", ")));
    return {};
  }

  void add_constraint(const std::string& kind, const std::string& table, const std::string& name,
                      const std::string& more = {}) {
    add_entry(catalogue_,
              {.kind = kind, .table = table, .name = name, .definition = name + more, .make = {}, .drop = {}});
  }

  Status add_keys(const std::string& table) {
    const std::array<Value, 1> parameters{table};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session_.query("SELECT (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) "
                       "ORDER BY seqno)) FROM pragma_index_list(?1) l WHERE l.origin = 'u'",
                       parameters, most_rows));
    for (const auto& row : rows.rows) add_constraint("unique", table, fmt::format("({})", to_text(row[0])));
    return {};
  }

  Status add_foreign_keys(const std::string& table) {
    const std::array<Value, 1> parameters{table};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session_.query("SELECT group_concat(\"from\", ', '), \"table\", coalesce(group_concat(\"to\", ', '), ''), "
                       "on_delete, on_update FROM (SELECT * FROM pragma_foreign_key_list(?1) ORDER BY id, seq) "
                       "GROUP BY id",
                       parameters, most_rows));
    for (const auto& row : rows.rows)
      add_constraint("foreign key", table,
                     fmt::format("({}) to {} ({})", to_text(row[0]), to_text(row[1]), to_text(row[2])),
                     fmt::format(" delete {} update {}", to_text(row[3]), to_text(row[4])));
    return {};
  }

  contract::RelationalSession& session_;
  Catalogue catalogue_;
};

}  // namespace

Result<Catalogue> read_sqlite_catalogue(contract::RelationalSession& session, Owner owner) {
  return Reader(session).read(owner);
}

}  // namespace triune::migrate
