#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "migrate/catalogue.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using model::quote_identifier;

constexpr std::size_t most_rows = 100'000;

constexpr std::string_view tables =
    "SELECT CAST(c.relname AS text), CASE c.relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid) ELSE "
    "'' "
    "END FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND "
    "(c.relname LIKE 'triune\\_%') = ?1 ORDER BY 1";

constexpr std::string_view columns =
    "SELECT CAST(c.relname AS text), CAST(a.attname AS text), format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "coalesce(pg_get_expr(d.adbin, d.adrelid), ''), CAST(a.attidentity AS text), CAST(a.attgenerated AS text) "
    "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND (c.relname LIKE "
    "'triune\\_%') = ?1 ORDER BY 1, a.attnum";

constexpr std::string_view constraints =
    "SELECT CAST(c.relname AS text), CAST(k.contype AS text), pg_get_constraintdef(k.oid), CAST(k.conname AS text) "
    "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE c.relnamespace = current_schema()::regnamespace "
    "AND (c.relname LIKE 'triune\\_%') = ?1 AND k.contype IN ('p', 'u', 'f', 'c', 'x') ORDER BY 1, 3";

constexpr std::string_view indexes =
    "SELECT CAST(t.relname AS text), CAST(c.relname AS text), pg_get_indexdef(i.indexrelid) FROM pg_index i "
    "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
    "WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND (c.relname LIKE "
    "'triune\\_%') = ?1 "
    "AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) "
    "ORDER BY 1, 2";

constexpr std::string_view views =
    "SELECT CAST(c.relname AS text), pg_get_viewdef(c.oid), coalesce(array_to_string(c.reloptions, ', '), ''), "
    "c.relkind = 'm' FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm') "
    "AND (c.relname LIKE 'triune\\_%') = ?1 ORDER BY 1";

constexpr std::string_view triggers =
    "SELECT CAST(c.relname AS text), CAST(t.tgname AS text), pg_get_triggerdef(t.oid), CAST(t.tgenabled AS text) "
    "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace "
    "AND NOT t.tgisinternal AND (t.tgname LIKE 'triune\\_%') = ?1 ORDER BY 1, 2";

constexpr std::string_view functions =
    "SELECT CAST(p.oid::regprocedure AS text), pg_get_functiondef(p.oid) FROM pg_proc p "
    "WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f' AND (p.proname LIKE 'triune\\_%') = ?1 "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = "
    "'e') ORDER BY 1";

class Reader {
 public:
  explicit Reader(contract::RelationalSession& session) : session_(session) {}

  Result<Catalogue> read(Owner owner) {
    owner_ = owner;
    TRIUNE_ASSIGN(const RowSet schema, session_.query("SELECT CAST(current_schema() AS text)", {}, 1));
    schema_ = to_text(schema.rows.at(0).at(0));
    TRIUNE_TRY(each(tables, [this](const auto& row) { add_table(row); }));
    TRIUNE_TRY(each(columns, [this](const auto& row) { add_column(row); }));
    TRIUNE_TRY(each(constraints, [this](const auto& row) { add_constraint(row); }));
    TRIUNE_TRY(each(indexes, [this](const auto& row) { add_index(row); }));
    TRIUNE_TRY(each(views, [this](const auto& row) { add_view(row); }));
    TRIUNE_TRY(each(triggers, [this](const auto& row) { add_trigger(row); }));
    TRIUNE_TRY(each(functions, [this](const auto& row) { add_function(row); }));
    return std::move(catalogue_);
  }

 private:
  using Row = std::vector<Value>;

  template <class Work>
  Status each(std::string_view sql, const Work& work) {
    const std::array<Value, 1> parameters{owner_ == Owner::triune};
    TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, parameters, most_rows));
    for (const auto& row : rows.rows) work(row);
    return {};
  }

  /// Without the name of the schema, which a scratch has of its own.
  [[nodiscard]] std::string plain(std::string text) const {
    for (const auto& prefix : {quote_identifier(schema_) + ".", schema_ + "."})
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at))
        text.erase(at, prefix.size());
    // The search path that a function has kept names it too.
    for (auto at = text.find(schema_); at != std::string::npos; at = text.find(schema_, at))
      text.replace(at, schema_.size(), "@"), ++at;
    return text;
  }

  void add_table(const Row& row) {
    const auto name = to_text(row[0]);
    add_entry(catalogue_, {.kind = "table",
                           .table = name,
                           .name = name,
                           .definition = to_text(row[1]),
                           .make = {},
                           .drop = "DROP TABLE " + quote_identifier(name)});
  }

  void add_column(const Row& row) {
    const auto table = to_text(row[0]);
    const auto name = to_text(row[1]);
    const auto value = plain(to_text(row[4]));
    auto definition = to_text(row[2]);
    if (!to_text(row[6]).empty())
      definition += fmt::format(" generated always as ({}) stored", value);
    else if (!value.empty())
      definition += " default " + value;
    if (!to_text(row[5]).empty()) definition += " generated by default as identity";
    if (std::get<bool>(row[3])) definition += " not null";
    const auto of = quote_identifier(table);
    add_entry(catalogue_,
              {.kind = "column",
               .table = table,
               .name = name,
               .definition = definition,
               .make = fmt::format("ALTER TABLE {} ADD COLUMN {} {}", of, quote_identifier(name), definition),
               .drop = fmt::format("ALTER TABLE {} DROP COLUMN {}", of, quote_identifier(name))});
  }

  static std::string kind_of(char letter) {
    switch (letter) {
      case 'p': return "primary key";
      case 'u': return "unique";
      case 'f': return "foreign key";
      case 'x': return "exclude";
      default: return "check";
    }
  }

  void add_constraint(const Row& row) {
    const auto table = to_text(row[0]);
    const auto kind = kind_of(to_text(row[1])[0]);
    const auto definition = plain(to_text(row[2]));
    auto name = definition;
    if (kind == "primary key" || kind == "unique") name = definition.substr(definition.find('('));
    const auto of = quote_identifier(table);
    const auto constraint = quote_identifier(to_text(row[3]));
    add_entry(catalogue_, {.kind = kind,
                           .table = table,
                           .name = name,
                           .definition = definition,
                           .make = fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", of, constraint, definition),
                           .drop = fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of, constraint)});
  }

  void add_index(const Row& row) {
    const auto definition = plain(to_text(row[2]));
    add_entry(catalogue_, {.kind = "index",
                           .table = to_text(row[0]),
                           .name = to_text(row[1]),
                           .definition = definition,
                           .make = definition,
                           .drop = "DROP INDEX " + quote_identifier(to_text(row[1]))});
  }

  void add_view(const Row& row) {
    const auto name = to_text(row[0]);
    const auto options = to_text(row[2]);
    const auto* const kind = std::get<bool>(row[3]) ? "MATERIALIZED VIEW" : "VIEW";
    auto query = plain(to_text(row[1]));
    while (!query.empty() && query.back() == ';') query.pop_back();
    const auto with = options.empty() ? std::string() : fmt::format(" WITH ({})", options);
    add_entry(catalogue_, {.kind = "view",
                           .table = {},
                           .name = name,
                           .definition = one_spelling(options + " " + query, Dialect::postgres),
                           .make = fmt::format("CREATE {} {}{} AS{}", kind, quote_identifier(name), with, query),
                           .drop = fmt::format("DROP {} {}", kind, quote_identifier(name))});
  }

  void add_trigger(const Row& row) {
    const auto table = to_text(row[0]);
    const auto definition = plain(to_text(row[2]));
    add_entry(catalogue_, {.kind = "trigger",
                           .table = table,
                           .name = to_text(row[1]),
                           .definition = definition + (to_text(row[3]) == "O" ? "" : " (switched off)"),
                           .make = definition,
                           .drop = fmt::format("DROP TRIGGER {} ON {}", quote_identifier(to_text(row[1])),
                                               quote_identifier(table))});
  }

  void add_function(const Row& row) {
    const auto definition = plain(to_text(row[1]));
    add_entry(catalogue_, {.kind = "function",
                           .table = {},
                           .name = plain(to_text(row[0])),
                           .definition = definition,
                           .make = definition,
                           .drop = "DROP FUNCTION " + plain(to_text(row[0]))});
  }

  contract::RelationalSession& session_;
  Owner owner_ = Owner::users;
  std::string schema_;
  Catalogue catalogue_;
};

}  // namespace

Result<Catalogue> read_postgres_catalogue(contract::RelationalSession& session, Owner owner) {
  return Reader(session).read(owner);
}

}  // namespace triune::migrate
