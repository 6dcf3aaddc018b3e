#include "hive/schema_upkeep.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/try.h"
#include "hive/definition_sql.h"
#include "hive/postgres_definitions.h"
#include "hive/stored_definition.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using contract::Dialect;
using contract::TableChange;
using model::quote_identifier;

constexpr std::size_t table_limit = 10'000;
/// Grows when the triggers of this program differ from those of an earlier one.
constexpr int trigger_generation = 2;
constexpr std::string_view savepoint = "triune_schema";

bool contains(Dialect dialect, const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const auto& one) { return same_name(dialect, one, name); });
}

Result<std::string> schema_mark(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const std::string version, schema_version(session));
  return fmt::format("{}:{}", trigger_generation, version);
}

/// Asked by every commit: of two statements that stay compiled, which the table-valued pragma would not.
Result<bool> is_kept(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT value FROM triune_hive WHERE key = 'kept_schema'", {}, 1));
  TRIUNE_ASSIGN(const std::string mark, schema_mark(session));
  return !rows.rows.empty() && to_text(rows.rows[0][0]) == mark;
}

/// False for what begins with a word that never defines a table.
bool may_define(std::string_view statement) {
  const auto begin = statement.find_first_not_of(" \t\r\n(");
  if (begin == std::string_view::npos) return false;
  constexpr std::array<std::string_view, 6> words{"insert", "update", "delete", "select", "with", "values"};
  return std::none_of(words.begin(), words.end(), [&](std::string_view word) {
    return same_name(Dialect::sqlite, statement.substr(begin, word.size()), word);
  });
}

/// One pass over the schema.
class Upkeep {
 public:
  explicit Upkeep(const DefinitionContext& context) : context_(context), session_(context.session) {}

  Status run() {
    TRIUNE_ASSIGN(tables_, user_tables(session_));
    TRIUNE_ASSIGN(existing_, existing_objects(session_));
    for (const auto& table : tables_) TRIUNE_TRY(capture(table));
    TRIUNE_ASSIGN(const auto definitions, stored_definitions(session_));
    std::vector<StoredDefinition> orphans;
    for (const auto& one : definitions) {
      TRIUNE_ASSIGN(const bool kept, keep(one));
      if (!kept) orphans.push_back(one);
    }
    TRIUNE_TRY(reconcile_objects(session_, wanted_));
    for (const auto& one : orphans) TRIUNE_TRY(forget(one));
    for (const auto& one : refills_) TRIUNE_TRY(session_.execute_script(one));
    for (const auto& [table, number] : new_tables_) TRIUNE_TRY(log_load(table, number.first, number.second));
    return {};
  }

 private:
  /// Whose table it is: the organization that captured it first.
  Result<std::pair<std::int64_t, std::int64_t>> collection_of(const std::string& table) {
    const std::array<Value, 1> parameters{table};
    TRIUNE_ASSIGN(const RowSet rows, session_.query("SELECT organization_id, collection_id FROM triune_collections "
                                                    "WHERE kind = 'table' AND name = ?1 ORDER BY collection_id LIMIT 1",
                                                    parameters, 1));
    if (!rows.rows.empty())
      return std::pair{std::get<std::int64_t>(rows.rows[0][0]), std::get<std::int64_t>(rows.rows[0][1])};
    TRIUNE_ASSIGN(const std::int64_t number,
                  context_.catalog.collection(context_.organization_id, projection::CollectionKind::table, table));
    return std::pair{context_.organization_id, number};
  }

  Status capture(const std::string& table) {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(session_, table));
    TRIUNE_ASSIGN(const auto number, collection_of(table));
    TRIUNE_ASSIGN(auto objects, objects_of(shape, number));
    const auto& name = objects.front().name;
    const bool known = std::any_of(existing_.begin(), existing_.end(), [&](const auto& one) {
      return one.name == name && same_name(session_.dialect(), one.table, table);
    });
    if (!known) new_tables_.emplace_back(table, number);
    want(std::move(objects));
    return {};
  }

  Result<std::vector<SchemaObject>> objects_of(const TableShape& shape, std::pair<std::int64_t, std::int64_t> number) {
    if (session_.dialect() == Dialect::postgres) return postgres::capture_objects(shape, number.first, number.second);
    TRIUNE_ASSIGN(const auto constraints, unique_constraints(session_, shape));
    return capture_objects(shape, constraints, number.first, number.second);
  }

  void want(std::vector<SchemaObject> objects) {
    for (auto& object : objects) wanted_.push_back(std::move(object));
  }

  /// The table of what keeps the definition, nothing when that is gone: another program may have renamed the table, and
  /// its triggers went with it, or made another of the name.
  std::optional<std::string> table_now(const StoredDefinition& definition) const {
    const auto base =
        fmt::format("triune_{}_{}_{}_", prefix(definition), definition.organization_id, definition.name());
    for (const auto& object : existing_)
      if ((object.name == base + "insert" || object.name == base + "words") && !object.table.empty())
        return object.table;
    return std::nullopt;
  }

  static std::string_view prefix(const StoredDefinition& definition) {
    if (definition.kind() == "node_mapping") return "node";
    return definition.kind() == "edge_mapping" ? "edge" : "text";
  }

  /// False when its table is gone.
  Result<bool> keep(StoredDefinition definition) {
    const auto kept_on = table_now(definition);
    const auto table = kept_on.value_or(definition.table());
    if (!contains(session_.dialect(), tables_, table)) return false;
    if (!same_name(session_.dialect(), table, definition.table())) {
      definition.rename_table(table);
      TRIUNE_TRY(store_definition(session_, definition));
    }
    auto sql = translate(session_, context_.catalog, definition);
    if (!sql && sql.error().code == ErrorCode::invalid_argument && session_.dialect() == Dialect::postgres)
      return keep_without_columns(std::move(definition));
    if (sql) {
      if (!kept_on) refills_.push_back(sql->clear + sql->fill);
      want(std::move(sql->objects));
      return true;
    }
    if (sql.error().code != ErrorCode::invalid_argument) return failure_of(sql);
    // Another program took a column away, and SQLite has mended the triggers: they stay as they are.
    const auto base =
        fmt::format("triune_{}_{}_{}_", prefix(definition), definition.organization_id, definition.name());
    for (const auto& object : existing_)
      if (object.name.starts_with(base)) wanted_.push_back(object);
    return true;
  }

  /// Another program took columns away that the triggers name, which would stop every write to the table.
  Result<bool> keep_without_columns(StoredDefinition definition) {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(session_, definition.table()));
    if (!definition.forget_columns([&](std::string_view column) { return shape.column(column) == nullptr; }))
      return false;
    auto sql = translate(session_, context_.catalog, definition);
    if (!sql && sql.error().code == ErrorCode::invalid_argument) return false;
    if (!sql) return failure_of(sql);
    TRIUNE_TRY(store_definition(session_, definition));
    refills_.push_back(sql->clear + sql->fill);
    want(std::move(sql->objects));
    return true;
  }

  /// Its table is gone, and so must be what came from it (I6).
  Status forget(const StoredDefinition& definition) {
    TRIUNE_TRY(session_.execute_script(clear_sql(session_.dialect(), definition)));
    return forget_definition(session_, definition);
  }

  static std::string clear_sql(Dialect dialect, const StoredDefinition& definition) {
    if (const auto* const index = std::get_if<TextIndex>(&definition.what))
      return dialect == Dialect::postgres
                 ? ""
                 : TextSql{.organization = definition.organization_id, .index = *index, .key = {}}.clear();
    const bool nodes = definition.kind() == "node_mapping";
    return fmt::format(
        "DELETE FROM {} WHERE organization_id = {} AND {} IN (SELECT collection_id FROM triune_collections "
        "WHERE organization_id = {} AND kind = '{}' AND name = {});",
        nodes ? "triune_nodes" : "triune_edges", definition.organization_id, nodes ? "label_id" : "type_id",
        definition.organization_id, nodes ? "label" : "type", model::quote_literal(definition.name()));
  }

  Status log_load(const std::string& table, std::int64_t organization, std::int64_t collection) {
    const std::array<Value, 2> parameters{organization, collection};
    TRIUNE_TRY(
        session_.execute(fmt::format("INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
                                     "SELECT ?1, ?2, NULL, 'load' WHERE EXISTS (SELECT 1 FROM {})",
                                     quote_identifier(table)),
                         parameters));
    return {};
  }

  const DefinitionContext& context_;
  contract::RelationalSession& session_;
  std::vector<std::string> tables_;
  std::vector<SchemaObject> existing_;
  std::vector<SchemaObject> wanted_;
  std::vector<std::string> refills_;  ///< Of definitions whose table is another than the one they were filled from.
  std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>> new_tables_;
};

Result<std::vector<StoredDefinition>> definitions_on(contract::RelationalSession& session, std::string_view table) {
  TRIUNE_ASSIGN(auto definitions, stored_definitions(session));
  std::erase_if(definitions, [&](const auto& one) { return !same_name(session.dialect(), one.table(), table); });
  return definitions;
}

/// A user's triggers would fire for rows that only go because the table does.
Status drop_user_triggers(contract::RelationalSession& session, std::string_view table) {
  const std::array<Value, 1> parameters{std::string(table)};
  if (session.dialect() == Dialect::postgres) {
    TRIUNE_ASSIGN(
        const RowSet triggers,
        session.query("SELECT CAST(tgname AS text) FROM pg_trigger WHERE tgrelid = to_regclass(quote_ident(?1)) "
                      "AND NOT tgisinternal AND tgname NOT LIKE 'triune\\_%'",
                      parameters, table_limit));
    for (const auto& row : triggers.rows)
      TRIUNE_TRY(session.execute_script(
          fmt::format("DROP TRIGGER {} ON {}", quote_identifier(to_text(row[0])), quote_identifier(table))));
    return {};
  }
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT name FROM sqlite_master WHERE type = 'trigger' "
                                                 "AND tbl_name = ?1 COLLATE NOCASE "
                                                 "AND name NOT LIKE 'triune\\_%' ESCAPE '\\'",
                                                 parameters, table_limit));
  for (const auto& row : rows.rows)
    TRIUNE_TRY(session.execute_script("DROP TRIGGER " + quote_identifier(to_text(row[0]))));
  return {};
}

/// Takes off what we keep on a table, and on nodes for its sake.
Status release_table(contract::RelationalSession& session, std::string_view table,
                     const std::vector<StoredDefinition>& definitions) {
  TRIUNE_ASSIGN(auto objects, existing_objects(session));
  std::erase_if(objects, [&](const SchemaObject& object) {
    if (same_name(session.dialect(), object.table, table)) return false;
    return std::none_of(definitions.begin(), definitions.end(), [&](const StoredDefinition& one) {
      const auto base = fmt::format("triune_edge_{}_{}_", one.organization_id, one.name());
      return one.kind() == "edge_mapping" && (object.name == base + "from_end" || object.name == base + "to_end");
    });
  });
  return drop_objects(session, objects);
}

Status prepare_drop(contract::RelationalSession& session, const std::string& table) {
  TRIUNE_TRY(drop_user_triggers(session, table));
  TRIUNE_TRY(session.execute(fmt::format("DELETE FROM {}", quote_identifier(table)), {}));
  TRIUNE_ASSIGN(const auto definitions, definitions_on(session, table));
  TRIUNE_TRY(release_table(session, table, definitions));
  for (const auto& one : definitions) {
    if (const auto* const index = std::get_if<TextIndex>(&one.what); index && session.dialect() == Dialect::sqlite)
      TRIUNE_TRY(
          session.execute_script(TextSql{.organization = one.organization_id, .index = *index, .key = {}}.clear()));
    TRIUNE_TRY(forget_definition(session, one));
  }
  return {};
}

/// What an ALTER TABLE did, seen from before and after.
struct Alteration {
  std::string table;                                         ///< Its name now.
  std::vector<std::pair<std::string, std::string>> renamed;  ///< Columns, from and to.
  std::set<std::string> dropped;
};

Result<Alteration> compare(contract::RelationalSession& session, const TableShape& before,
                           const std::vector<std::string>& tables_before) {
  Alteration alteration{.table = before.name, .renamed = {}, .dropped = {}};
  TRIUNE_ASSIGN(const auto tables, user_tables(session));
  if (!contains(session.dialect(), tables, before.name))
    for (const auto& table : tables)
      if (!contains(session.dialect(), tables_before, table)) alteration.table = table;
  TRIUNE_ASSIGN(const TableShape after, describe_table(session, alteration.table));
  if (after.columns.size() == before.columns.size()) {
    for (std::size_t i = 0; i < after.columns.size(); ++i)
      if (after.columns[i].name != before.columns[i].name)
        alteration.renamed.emplace_back(before.columns[i].name, after.columns[i].name);
    return alteration;
  }
  for (const auto& column : before.columns)
    if (after.column(column.name) == nullptr) alteration.dropped.insert(column.name);
  return alteration;
}

Status adapt(const DefinitionContext& context, const StoredDefinition& before, const Alteration& alteration) {
  for (const auto& column : alteration.dropped)
    if (before.uses(column))
      return failure(
          ErrorCode::conflict,
          fmt::format("column {} of table {} cannot go: {} is made of it; keep the column, or drop the table "
                      "(which drops {} with it) and make it anew",
                      column, before.table(), before.spoken(), before.spoken()));
  auto after = before;
  after.rename_table(alteration.table);
  for (const auto& [from, to] : alteration.renamed) after.rename_column(from, to);
  TRIUNE_TRY(store_definition(context.session, after));
  TRIUNE_ASSIGN(const DefinitionSql sql, translate(context.session, context.catalog, after));
  TRIUNE_TRY(context.session.execute_script(sql.refresh));
  auto same_columns = before;
  same_columns.rename_table(alteration.table);
  const bool anew = before.kind() != "node_mapping" && after.definition() != same_columns.definition();
  if (anew) TRIUNE_TRY(context.session.execute_script(sql.clear + sql.fill));
  // Put back at once: a definition without them would count as one whose table was made anew.
  return create_objects(context.session, sql.objects);
}

/// The owner table of vector collections is known by its name.
Status rename_owner(contract::RelationalSession& session, const std::string& from, const std::string& to) {
  const std::array<Value, 2> parameters{from, to};
  TRIUNE_TRY(session.execute(
      "UPDATE triune_vector_collections SET owner_table = ?2 WHERE lower(owner_table) = lower(?1)", parameters));
  return {};
}

Result<RowSet> alter(const DefinitionContext& context, const std::string& table, std::string_view statement,
                     std::span<const Value> parameters) {
  auto& session = context.session;
  TRIUNE_ASSIGN(const TableShape before, describe_table(session, table));
  TRIUNE_ASSIGN(const auto tables_before, user_tables(session));
  TRIUNE_ASSIGN(const auto definitions, definitions_on(session, table));
  TRIUNE_TRY(release_table(session, table, definitions));
  TRIUNE_ASSIGN(RowSet rows, session.execute_user(statement, parameters, 0));
  TRIUNE_ASSIGN(const Alteration alteration, compare(session, before, tables_before));
  if (alteration.table != table) TRIUNE_TRY(rename_owner(session, table, alteration.table));
  for (const auto& one : definitions) TRIUNE_TRY(adapt(context, one, alteration));
  return rows;
}

Result<RowSet> change_table(const DefinitionContext& context, const TableChange& change, std::string_view statement,
                            std::span<const Value> parameters, std::size_t max_rows) {
  if (change.kind == TableChange::Kind::alter) return alter(context, change.table, statement, parameters);
  TRIUNE_TRY(prepare_drop(context.session, change.table));
  return context.session.execute_user(statement, parameters, max_rows);
}

}  // namespace

Status lock_definitions(contract::RelationalSession& session) {
  if (session.dialect() == Dialect::sqlite) return {};
  TRIUNE_TRY(session.execute("LOCK TABLE triune_schema_objects IN SHARE ROW EXCLUSIVE MODE", {}));
  return {};
}

Status keep_up(const DefinitionContext& context) {
  TRIUNE_ASSIGN(bool kept, is_kept(context.session));
  if (kept) return {};
  if (context.session.dialect() == Dialect::postgres) {
    // One of several nodes does it; the others wait and find it done.
    TRIUNE_TRY(lock_definitions(context.session));
    TRIUNE_ASSIGN(kept, is_kept(context.session));
    if (kept) return {};
  }
  TRIUNE_TRY(Upkeep(context).run());
  return schema_is_kept(context.session);
}

Result<bool> schema_is_current(contract::RelationalSession& session) {
  return is_kept(session);
}

Status keep_up_cheaply(const DefinitionContext& context) {
  return context.session.dialect() == Dialect::sqlite ? keep_up(context) : Status();
}

Status schema_is_kept(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const std::string mark, schema_mark(session));
  const std::array<Value, 1> parameters{mark};
  TRIUNE_TRY(session.execute(
      "INSERT INTO triune_hive (key, value) VALUES ('kept_schema', ?1) "
      "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE triune_hive.value IS DISTINCT FROM excluded.value",
      parameters));
  return {};
}

Result<RowSet> run_user_statement(const DefinitionContext& context, std::string_view statement,
                                  std::span<const Value> parameters, std::size_t max_rows) {
  auto& session = context.session;
  TRIUNE_TRY(keep_up_cheaply(context));
  // What Triune keeps is compared before and after, and no other node may change it between.
  if (may_define(statement)) TRIUNE_TRY(lock_definitions(session));
  TRIUNE_ASSIGN(const TableChange change, session.table_change(statement));
  TRIUNE_ASSIGN(const auto tables,
                change.kind == TableChange::Kind::none ? Result<std::vector<std::string>>() : user_tables(session));
  if (!contains(session.dialect(), tables, change.table)) {
    // The version is cheap to ask for in SQLite; elsewhere only a statement that may define something is followed.
    const bool asks = session.dialect() == Dialect::sqlite || may_define(statement);
    TRIUNE_ASSIGN(const std::string before, asks ? schema_version(session) : Result<std::string>(""));
    TRIUNE_ASSIGN(RowSet rows, session.execute_user(statement, parameters, max_rows));
    TRIUNE_ASSIGN(const std::string after, asks ? schema_version(session) : Result<std::string>(""));
    if (before != after) TRIUNE_TRY(keep_up(context));
    return rows;
  }
  TRIUNE_TRY(session.savepoint(savepoint));
  auto rows = change_table(context, change, statement, parameters, max_rows);
  if (rows)
    if (auto kept = keep_up(context); !kept) rows = failure_of(kept);
  if (!rows) TRIUNE_TRY(session.rollback_to(savepoint));
  TRIUNE_TRY(session.release(savepoint));
  return rows;
}

}  // namespace triune::hive
