#include "intake/legacy_sqlite/server_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

#include "base/try.h"
#include "intake/legacy_sqlite/server_columns.h"
#include "intake/legacy_sqlite/server_sql.h"
#include "intake/legacy_sqlite/work.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;
using placement::ColumnReport;
using placement::IndexReport;
using placement::quoted_list;
using placement::same_name;
using placement::TableReport;

constexpr std::size_t longest_name = 63;     ///< Of PostgreSQL, in bytes.
constexpr std::size_t most_columns = 1'600;  ///< Of PostgreSQL.
/// An entry of a B-tree of PostgreSQL is shorter than a third of a page.
constexpr std::uint64_t longest_key = 2'600;
constexpr std::array<std::string_view, 6> system_columns{"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};

/// Reserved there and not in SQLite. Some are silent: `SELECT user` is who asks.
constexpr std::array<std::string_view, 34> server_words{
    "analyse",      "any",          "array",        "asymmetric", "authorization", "binary",         "both", "column",
    "concurrently", "current_role", "current_user", "end",        "false",         "fetch",          "for",  "freeze",
    "grant",        "ilike",        "lateral",      "leading",    "localtime",     "localtimestamp", "only", "placing",
    "session_user", "similar",      "some",         "symmetric",  "tablesample",   "trailing",       "true", "user",
    "variadic",     "verbose"};

std::string as_list(std::span<const std::string> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

class ServerProposal {
 public:
  ServerProposal(Plan& plan, LegacySource& source) : plan_(plan), source_(source) {}

  Status make() {
    plan_.target = to_server;
    for (auto& table : plan_.tables)
      if (table.copy) TRIUNE_TRY(suit(table));
    drop_what_rests_on_refused();
    for (const auto& table : plan_.tables)
      if (table.copy) TRIUNE_TRY(add_statements(table));
    // Foreign keys need the unique indexes of their parents.
    std::stable_partition(plan_.statements.begin(), plan_.statements.end(),
                          [](const StatementPlan& statement) { return statement.sql.starts_with("CREATE "); });
    add_views();
    for (const auto& trigger : plan_.triggers)
      leave_out(trigger.name, "trigger",
                "triggers of SQLite are SQL in a dialect of its own; write it anew as a function and a trigger of "
                "PostgreSQL, with psql");
    plan_.triggers.clear();
    note_names();
    if (!numbered_.empty())
      leave_out("rowid", "row numbers",
                fmt::format("PostgreSQL has none: the row numbers of {} that no column holds stay behind",
                            as_list(numbered_)));
    return {};
  }

 private:
  void leave_out(const std::string& name, const std::string& kind, const std::string& reason) {
    plan_.left_out.push_back({name, kind, reason});
  }

  /// Names that mean something else in PostgreSQL without quotes.
  void note_names() {
    std::set<std::string> names;
    const auto look = [&](const std::string& name) {
      const auto small = placement::small_letters(name);
      const bool word = std::find(server_words.begin(), server_words.end(), small) != server_words.end();
      if (word || small != name) names.insert(name);
    };
    for (const auto& table : plan_.tables) {
      if (!table.copy) continue;
      look(table.name);
      for (const auto& type : table.types) look(type.column);
    }
    if (!names.empty())
      leave_out(fmt::format("{}", fmt::join(names, ", ")), "names",
                "PostgreSQL makes small letters of names without quotes, and takes some for words of its own: the "
                "program must write these in double quotes");
  }

  void refuse(TablePlan& table, const std::string& what, const std::string& reason) {
    leave_out(what, what == table.name ? "table" : "column",
              what == table.name ? reason : fmt::format("{}. The table \"{}\" stays behind", reason, table.name));
    table.copy = false;
  }

  /// Names that PostgreSQL cannot have; empty when all is well.
  static std::string bad_name(const std::string& name) {
    if (name.size() > longest_name)
      return fmt::format("names in PostgreSQL have at most {} bytes; rename it in the source", longest_name);
    return {};
  }

  Status suit(TablePlan& plan) {
    const auto* table = source_.table(plan.name);
    if (table == nullptr) return failure(ErrorCode::conflict, fmt::format("the source has no table \"{}\"", plan.name));
    if (const auto bad = bad_name(plan.name); !bad.empty()) refuse(plan, plan.name, bad);
    if (table->columns.size() > most_columns)
      refuse(plan, plan.name, fmt::format("a table of PostgreSQL has at most {} columns", most_columns));
    for (const auto& column : table->columns) {
      const bool taken = std::find(system_columns.begin(), system_columns.end(), column.name) != system_columns.end();
      const auto bad = taken
                           ? std::string("PostgreSQL has a column of this name in every table; rename it in the source")
                           : bad_name(column.name);
      if (!bad.empty()) refuse(plan, plan.name + "." + column.name, bad);
    }
    if (!plan.copy) return {};
    TRIUNE_TRY(count(*table));
    choose_types(plan, *table);
    return plan.copy ? define(plan, *table) : Status();
  }

  Status count(const TableReport& table) {
    const RowLayout layout(table, RowLayout::For::server);
    auto& census = census_[table.name];
    census.resize(layout.parts().size());
    std::vector<Cell> row;
    TRIUNE_TRY(source_.reader()(layout.select("TRUE"), {}, [&](std::span<const Value> selected) -> Status {
      layout.cells(selected, row);
      for (std::size_t i = 0; i < row.size(); ++i) census[i].add(row[i]);
      return {};
    }));
    if (layout.hides_number()) {
      census.erase(census.begin());
      numbered_.push_back(table.name);
    }
    return {};
  }

  void choose_types(TablePlan& plan, const TableReport& table) {
    plan.types.clear();
    const auto& census = census_[table.name];
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const auto& column = table.columns[i];
      if (auto type = census[i].type(column.name, column.declared_type, column.affinity))
        plan.types.push_back(std::move(*type));
      else
        refuse(plan, plan.name + "." + column.name, census[i].refusal());
    }
    for (const auto& type : plan.types)
      if (type.holds.size() > 1 && type.type == "text")
        plan.reasons.push_back(fmt::format("{} holds {} values, and is text on the server, each as it is spelled",
                                           type.column, fmt::join(type.holds, " and ")));
  }

  [[nodiscard]] static const ColumnType& type_of(const TablePlan& plan, std::string_view column) {
    return *std::find_if(plan.types.begin(), plan.types.end(),
                         [&](const ColumnType& type) { return same_name(type.column, column); });
  }

  [[nodiscard]] const ColumnCensus& census_of(const TableReport& table, std::string_view column) const {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const auto& one) { return same_name(one.name, column); });
    return census_.at(table.name)[static_cast<std::size_t>(found - table.columns.begin())];
  }

  /// The columns of the primary key in their order.
  static std::vector<std::string> primary_key(const TableReport& table) {
    std::map<std::uint32_t, std::string> parts;
    for (const auto& column : table.columns)
      if (column.primary_key_position > 0) parts.emplace(column.primary_key_position, column.name);
    std::vector<std::string> names;
    for (const auto& [position, name] : parts) names.push_back(name);
    return names;
  }

  /// Whether an index can hold the columns.
  bool fits_index(const TableReport& table, std::span<const std::string> columns) {
    std::uint64_t bytes = 0;
    for (const auto& column : columns) bytes += census_of(table, column).largest_bytes();
    return bytes <= longest_key;
  }

  Result<std::map<std::string, std::string>> defaults_of(const TableReport& table) {
    const Value name = table.name;
    TRIUNE_ASSIGN(const auto rows,
                  source_.database().query("SELECT name, dflt_value FROM pragma_table_xinfo(?1, 'main') "
                                           "WHERE dflt_value IS NOT NULL AND hidden = 0",
                                           {&name, 1}, most_columns, patient_deadline()));
    std::map<std::string, std::string> defaults;
    for (const auto& row : rows.rows) defaults.emplace(to_text(row[0]), to_text(row[1]));
    return defaults;
  }

  std::string define_column(const TablePlan& plan, const TableReport& table, const ColumnReport& column,
                            const std::map<std::string, std::string>& defaults) {
    const auto& type = type_of(plan, column.name);
    auto text = fmt::format("{} {}", quote_identifier(column.name), type.type);
    if (type.type == "text") text += " COLLATE \"C\"";
    if (column.not_null && census_of(table, column.name).nulls() == 0) text += " NOT NULL";
    if (column.generated)
      leave_out(plan.name + "." + column.name, "generated column",
                "its values are brought over, and are written by the program from then on");
    const auto found = defaults.find(column.name);
    if (found != defaults.end()) {
      const auto translated = server_default(found->second, type.type);
      if (translated)
        text += " DEFAULT " + *translated;
      else
        leave_out(plan.name + "." + column.name, "default", translated.error().message);
    }
    if (RowLayout(table).names_number(column.name)) text += " GENERATED BY DEFAULT AS IDENTITY";
    return text;
  }

  Status define(TablePlan& plan, const TableReport& table) {
    TRIUNE_ASSIGN(const auto defaults, defaults_of(table));
    std::string columns;
    for (const auto& column : table.columns)
      columns += fmt::format("{}  {}", columns.empty() ? "" : ",\n", define_column(plan, table, column, defaults));
    const auto key = primary_key(table);
    const bool whole =
        std::none_of(key.begin(), key.end(), [&](const auto& name) { return census_of(table, name).nulls() > 0; });
    if (!key.empty() && !fits_index(table, key))
      leave_out(plan.name, "primary key",
                fmt::format("an index of PostgreSQL holds keys of up to {} bytes", longest_key));
    else if (!key.empty())
      columns += fmt::format(",\n  {} ({})", whole ? "PRIMARY KEY" : "UNIQUE", quoted_list(key));
    if (!whole) leave_out(plan.name, "primary key", "some rows have NULL in it; it is UNIQUE instead");
    if (!whole || !fits_index(table, key)) keyless_.insert(plan.name);
    plan.definition = fmt::format("CREATE TABLE {} (\n{}\n)", quote_identifier(plan.name), columns);
    return {};
  }

  /// Nodes, edges and the rest of tables that stay behind.
  void drop_what_rests_on_refused() {
    const auto gone = [&](const auto& one) { return copied_table(plan_, one.table) == nullptr; };
    std::erase_if(plan_.nodes, gone);
    const auto keyless = [&](const auto& one) {
      if (!keyless_.contains(one.table)) return false;
      leave_out(one.table, "nodes, vectors, text", "they need a primary key, which the server cannot have");
      return true;
    };
    std::erase_if(plan_.nodes, [&](const NodePlan& node) { return node.values_of.empty() && keyless(node); });
    const auto labelled = [&](const std::string& label) { return node_plan(plan_, label) != nullptr; };
    std::erase_if(plan_.edges,
                  [&](const auto& one) { return gone(one) || !labelled(one.from_label) || !labelled(one.to_label); });
    std::erase_if(plan_.vectors, [&](const auto& one) { return gone(one) || keyless(one); });
    std::erase_if(plan_.blobs, gone);
    std::erase_if(plan_.texts, [&](const auto& one) { return gone(one) || keyless(one); });
    std::erase_if(plan_.indexes, [&](const IndexPlan& index) {
      if (gone(index)) return true;
      const bool fits = fits_index(*source_.table(index.table), index.columns);
      if (!fits) leave_out(index.name, "index", "values of its columns are too long for an index of PostgreSQL");
      return !fits;
    });
  }

  void add(const std::string& name, const std::string& sql, const std::string& reason) {
    plan_.statements.push_back({.name = name, .sql = sql, .reason = reason});
  }

  Status add_statements(const TablePlan& plan) {
    const auto* table = source_.table(plan.name);
    for (const auto& index : table->indexes)
      if (index.origin != "primary key") add_index(plan, *table, index);
    TRIUNE_TRY(add_foreign_keys(plan));
    const auto* definition = source_.definition("table", plan.name);
    if (definition == nullptr) return {};
    if (has_collation(plan.name))
      leave_out(plan.name, "collation",
                "columns that compare without regard to case or trailing spaces do so no more; compare lower(…), for "
                "which their indexes are made");
    for (const auto& check : checks_of(definition->sql)) {
      const auto name = fmt::format("check of {}: {}", plan.name, check);
      const std::array<const TableReport*, 1> tables{table};
      if (const auto sql = server_sql(check, tables); !sql || has_collation(plan.name))
        leave_out(name, "check", sql ? "its columns compare in another way there" : sql.error().message);
      else
        add(name, fmt::format("ALTER TABLE {} ADD CHECK ({}) NOT VALID", quote_identifier(plan.name), *sql),
            "rows are taken as they are; every write from then on is checked");
    }
    return {};
  }

  [[nodiscard]] bool has_collation(const std::string& table) const {
    constexpr std::array<std::string_view, 2> case_blind{"collate", "nocase"};
    constexpr std::array<std::string_view, 2> space_blind{"collate", "rtrim"};
    const auto* definition = source_.definition("table", table);
    return definition != nullptr && (has_words(definition->sql, case_blind) || has_words(definition->sql, space_blind));
  }

  /// A name of at most `longest_name` bytes that no other object here has.
  std::string unused(std::string name) {
    while (name.size() > longest_name || (static_cast<unsigned char>(name.back()) & 0xC0U) == 0x80U) name.pop_back();
    const auto stem = name.substr(0, longest_name - 4);
    for (int number = 2; !names_.insert(name).second || source_.definition("table", name) != nullptr; ++number)
      name = fmt::format("{}_{}", stem, number);
    return name;
  }

  /// Column number `i` of an index as the server has it; empty when it has no counterpart.
  static std::string index_part(const TablePlan& plan, const IndexReport& index, std::size_t i) {
    if (index.columns[i].empty()) return {};
    const auto& rule = index.rules[i];
    const auto column = quote_identifier(type_of(plan, index.columns[i]).column);
    const auto* const order = rule.ends_with(" desc") ? " DESC" : "";
    if (rule.starts_with("binary")) return column + order;
    // Both make small letters of the letters of ASCII, and of no others.
    const bool letters = rule.starts_with("nocase") && type_of(plan, index.columns[i]).type == "text";
    return letters ? fmt::format("lower({}){}", column, order) : std::string();
  }

  void add_index(const TablePlan& plan, const TableReport& table, const IndexReport& index) {
    const bool constraint = index.origin == "unique";
    const auto name =
        constraint ? fmt::format("unique {}({})", plan.name, as_list(index.columns)) : "index " + index.name;
    std::string parts;
    for (std::size_t i = 0; i < index.columns.size(); ++i) {
      const auto part = index_part(plan, index, i);
      if (part.empty())
        return leave_out(name, "index", "it is of an expression or of a collation that PostgreSQL lacks");
      parts += (parts.empty() ? "" : ", ") + part;
    }
    if (!fits_index(table, index.columns))
      return leave_out(name, "index", "values of its columns are too long for an index of PostgreSQL");
    if (index.partial) return leave_out(name, "index", "it is of a part of the rows; make it anew in the server's SQL");
    const auto made =
        unused(constraint ? fmt::format("{}_{}_key", plan.name, fmt::join(index.columns, "_")) : index.name);
    add(name,
        fmt::format("CREATE {}INDEX {} ON {} ({})", index.unique ? "UNIQUE " : "", quote_identifier(made),
                    quote_identifier(plan.name), parts),
        constraint ? "a constraint of the table" : "as in the source");
  }

  struct Reference {
    std::vector<std::string> columns;
    std::string parent;
    std::vector<std::string> parent_columns;
    std::string on_update;
    std::string on_delete;
  };

  Result<std::vector<Reference>> references_of(const std::string& table) {
    const Value name = table;
    TRIUNE_ASSIGN(const auto rows,
                  source_.database().query("SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM "
                                           "pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq",
                                           {&name, 1}, most_columns, patient_deadline()));
    std::vector<Reference> references;
    std::string last;
    for (const auto& row : rows.rows) {
      if (references.empty() || to_text(row[0]) != last)
        references.push_back({{}, to_text(row[1]), {}, to_text(row[4]), to_text(row[5])});
      last = to_text(row[0]);
      references.back().columns.push_back(to_text(row[2]));
      if (!is_null(row[3])) references.back().parent_columns.push_back(to_text(row[3]));
    }
    return references;
  }

  Status add_foreign_keys(const TablePlan& plan) {
    TRIUNE_ASSIGN(auto references, references_of(plan.name));
    const auto* definition = source_.definition("table", plan.name);
    constexpr std::array<std::string_view, 2> deferred{"initially", "deferred"};
    const bool late = definition != nullptr && has_words(definition->sql, deferred);
    for (auto& reference : references) {
      const auto name = fmt::format("foreign key {}({})", plan.name, as_list(reference.columns));
      const auto why_not = unsuitable(plan, reference);
      if (!why_not.empty()) {
        leave_out(name, "foreign key", why_not);
        continue;
      }
      const auto& parent = *copied_table(plan_, reference.parent);
      add(name,
          fmt::format("ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE {} ON DELETE {}{} NOT VALID",
                      quote_identifier(plan.name), quoted_list(spelled(plan, reference.columns)),
                      quote_identifier(parent.name), quoted_list(spelled(parent, reference.parent_columns)),
                      reference.on_update, reference.on_delete, late ? " DEFERRABLE INITIALLY DEFERRED" : ""),
          "rows are taken as they are; every write from then on is checked");
    }
    return {};
  }

  static std::vector<std::string> spelled(const TablePlan& plan, const std::vector<std::string>& columns) {
    std::vector<std::string> names;
    for (const auto& column : columns) names.push_back(type_of(plan, column).column);
    return names;
  }

  /// Why the server cannot have the foreign key; empty when it can. Completes the columns of the parent.
  std::string unsuitable(const TablePlan& plan, Reference& reference) {
    const auto* parent = copied_table(plan_, reference.parent);
    const auto* report = source_.table(reference.parent);
    if (parent == nullptr || report == nullptr)
      return fmt::format("the table \"{}\" it leads to is not brought over", reference.parent);
    if (reference.parent_columns.empty()) reference.parent_columns = primary_key(*report);
    if (reference.parent_columns.size() != reference.columns.size())
      return "it names other columns than its parent has";
    for (std::size_t i = 0; i < reference.columns.size(); ++i) {
      if (placement::find_column(*report, reference.parent_columns[i]) == nullptr)
        return fmt::format("\"{}\" has no column {}", parent->name, reference.parent_columns[i]);
      const auto& left = type_of(plan, reference.columns[i]).type;
      const auto& right = type_of(*parent, reference.parent_columns[i]).type;
      if (left != right) return fmt::format("it leads from {} to {}", left, right);
    }
    return is_unique(*report, reference.parent_columns) ? "" : "the columns it leads to are not unique";
  }

  bool is_unique(const TableReport& table, std::span<const std::string> columns) {
    const auto same = [&](std::vector<std::string> others) {
      return others.size() == columns.size() && std::all_of(columns.begin(), columns.end(), [&](const auto& column) {
               return std::any_of(others.begin(), others.end(),
                                  [&](const auto& other) { return same_name(other, column); });
             });
    };
    if (!fits_index(table, columns)) return false;
    if (same(primary_key(table))) return true;
    return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const IndexReport& index) {
      const bool plain = std::all_of(index.rules.begin(), index.rules.end(),
                                     [](const auto& rule) { return rule.starts_with("binary"); });
      return index.unique && !index.partial && plain && same(index.columns);
    });
  }

  /// Whether a query of the table means the same there.
  [[nodiscard]] bool is_alike(const std::string& table) const {
    return copied_table(plan_, table) != nullptr && !has_collation(table);
  }

  /// A view as a table of its columns.
  Result<TableReport> described(const std::string& view) {
    const Value name = view;
    TRIUNE_ASSIGN(const auto rows, source_.database().query("SELECT name FROM pragma_table_xinfo(?1, 'main')",
                                                            {&name, 1}, most_columns, patient_deadline()));
    TableReport report{.name = view};
    for (const auto& row : rows.rows) report.columns.push_back({.name = to_text(row[0])});
    return report;
  }

  /// Those whose query means the same there, in the order in which the source made them: later ones may need earlier.
  void add_views() {
    std::vector<const TableReport*> known;
    for (const auto& table : source_.tables())
      if (is_alike(table.name)) known.push_back(&table);
    std::map<std::string, bool> planned;
    for (const auto& view : plan_.views) planned.emplace(placement::small_letters(view.name), view.apply);
    std::deque<TableReport> views;
    for (const auto& one : source_.definitions()) {
      const auto entry = planned.find(placement::small_letters(one.name));
      if (one.type != "view" || entry == planned.end()) continue;
      auto query = query_of_view(one.sql);
      if (query) query = server_sql(*query, known);
      if (!query) {
        leave_out(one.name, "view", query.error().message + "; make it anew in the server's SQL");
        continue;
      }
      add("view " + one.name, fmt::format("CREATE VIEW {} AS {}", quote_identifier(one.name), *query),
          "its query means the same on the server");
      plan_.statements.back().apply = entry->second;
      if (auto report = described(one.name)) known.push_back(&views.emplace_back(std::move(*report)));
    }
    plan_.views.clear();
  }

  Plan& plan_;
  LegacySource& source_;
  std::map<std::string, std::vector<ColumnCensus>> census_;
  std::vector<std::string> numbered_;  ///< Tables whose row numbers no column holds.
  std::set<std::string> names_;
  std::set<std::string> keyless_;  ///< Tables whose primary key the server cannot have.
};

}  // namespace

Status suit_server(Plan& plan, LegacySource& source) {
  return ServerProposal(plan, source).make();
}

}  // namespace triune::intake::legacy
