#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/failpoint.h"
#include "base/try.h"
#include "hive/relocation.h"
#include "intake/legacy_sqlite/apply.h"
#include "intake/legacy_sqlite/server_compare.h"
#include "model/sql_text.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

constexpr std::size_t blobs_at_a_time = 1'000;
constexpr std::size_t most_foreign_keys = 10'000;

class Rollback {
 public:
  Rollback(Hive& hive, const contract::Registry& engines, const RollbackOptions& options)
      : hive_(hive), engines_(engines), options_(options), journal_(hive), organization_(hive::organization_of(hive)) {}

  Result<RollbackReport> run() {
    TRIUNE_TRY(find());
    if (!options_.discard_changes) TRIUNE_TRY(check_unchanged());
    TRIUNE_TRY(journal_.note(report_.migration, options_.approved_by, "began rollback",
                             options_.discard_changes ? "changes are discarded" : ""));
    TRIUNE_TRY(drop_views());
    TRIUNE_TRY(drop_foreign_keys());
    TRIUNE_TRY(forget_loaded());
    TRIUNE_TRY(forget_blobs());
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step)
      if (step->phase == "copy" && copied_table(plan_, step->item) != nullptr) TRIUNE_TRY(drop(step->item));
    TRIUNE_TRY(end());
    return std::move(report_);
  }

 private:
  Status find() {
    TRIUNE_ASSIGN(const auto migrations, journal_.migrations());
    const auto found = std::find_if(migrations.begin(), migrations.end(),
                                    [](const Migration& one) { return one.state != "rolled back"; });
    if (found == migrations.end())
      return failure(ErrorCode::not_found, "nothing was migrated into this hive that could be taken back");
    if (options_.approved_by.empty())
      return failure(ErrorCode::invalid_argument, "taking a migration back drops tables; give --approved-by NAME");
    migration_ = *found;
    report_.migration = migration_.id;
    TRIUNE_ASSIGN(plan_, parse_plan(migration_.plan));
    TRIUNE_ASSIGN(steps_, journal_.steps(migration_.id));
    return {};
  }

  [[nodiscard]] const Step* step(std::string_view phase, std::string_view item) const {
    const auto found = std::find_if(steps_.begin(), steps_.end(),
                                    [&](const Step& one) { return one.phase == phase && one.item == item; });
    return found == steps_.end() ? nullptr : &*found;
  }

  Result<bool> exists(contract::RelationalSession& session, std::string_view type, const std::string& name) {
    TRIUNE_ASSIGN(const auto kind, kind_of_object(session, name));
    return kind == type;
  }

  /// Every table holds what the migration put there. What was not verified is compared with the copy of the source.
  Status check_unchanged() {
    TRIUNE_ASSIGN(const auto rows, HiveRows::open(hive_));
    TRIUNE_ASSIGN(const auto session, hive::read_relocation(hive_, patient_deadline()));
    for (const auto& copied : steps_) {
      if (copied.phase != "copy" || copied_table(plan_, copied.item) == nullptr) continue;
      TRIUNE_ASSIGN(const bool there, exists(*session, "table", copied.item));
      if (!there) continue;
      TRIUNE_ASSIGN(const bool same, is_unchanged(copied, rows.reader()));
      if (!same)
        return failure(ErrorCode::conflict,
                       fmt::format("rows of \"{}\" were written since the migration, and would be lost; keep them "
                                   "elsewhere, then roll back with --discard-changes",
                                   copied.item));
    }
    return {};
  }

  Result<bool> is_unchanged(const Step& copied, const RowReader& reader) {
    if (on_server()) return is_unchanged_on_server(copied, reader);
    if (const auto* verified = step("verify", copied.item)) {
      TRIUNE_ASSIGN(const auto layout, RowLayout::from_json(verified->position));
      TRIUNE_ASSIGN(const auto now, digest_of(reader, layout));
      return to_text(now) == verified->digest;
    }
    if (source_ == nullptr) {
      TRIUNE_ASSIGN(source_, LegacySource::open(engines_, migration_.snapshot));
    }
    const auto* table = source_->table(copied.item);
    if (table == nullptr) return false;
    const RowLayout layout(*table);
    TRIUNE_ASSIGN(const auto now, digest_of(reader, layout));
    if (!copied.done && copied.position.empty()) return now.rows == 0;
    std::string condition = "TRUE";
    std::vector<Value> parameters;
    if (!copied.done) {
      TRIUNE_ASSIGN(const auto key, key_from_json(copied.position));
      condition = layout.compare("<=", key, 1);
      parameters = values_of(key);
    }
    TRIUNE_ASSIGN(const auto before, digest_of(source_->reader(), layout, condition, parameters));
    return now == before;
  }

  [[nodiscard]] bool on_server() const { return plan_.target == to_server; }

  /// Foreign keys of what goes would keep it: rows of one table refer to rows of another.
  Status drop_foreign_keys() {
    if (!on_server()) return {};
    return in_transaction([this](hive::Relocation& transaction) -> Status {
      for (const auto& table : plan_.tables) {
        if (!table.copy) continue;
        const Value name = table.name;
        TRIUNE_ASSIGN(
            const RowSet keys,
            transaction.session().query(
                "SELECT CAST(conname AS text) FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid = "
                "to_regclass(quote_ident(?1)) AND EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE oid = "
                "conrelid AND relnamespace = to_regnamespace(quote_ident(current_schema())))",
                {&name, 1}, most_foreign_keys));
        for (const auto& key : keys.rows)
          TRIUNE_TRY(transaction.session().execute_script(fmt::format(
              "ALTER TABLE {} DROP CONSTRAINT {}", quote_identifier(table.name), quote_identifier(to_text(key[0])))));
      }
      return {};
    });
  }

  Result<bool> is_unchanged_on_server(const Step& copied, const RowReader& reader) {
    const auto& plan = *copied_table(plan_, copied.item);
    TRIUNE_ASSIGN(const auto columns, ServerColumns::make(plan));
    TRIUNE_ASSIGN(const auto now, server_digest(reader, columns));
    if (const auto* verified = step("verify", copied.item)) return to_text(now) == verified->digest;
    if (!copied.done && copied.position.empty()) return now.rows == 0;
    if (source_ == nullptr) {
      TRIUNE_ASSIGN(source_, LegacySource::open(engines_, migration_.snapshot));
    }
    const auto* table = source_->table(copied.item);
    if (table == nullptr) return false;
    const RowLayout layout(*table, RowLayout::For::server);
    std::optional<RowKey> until;
    if (!copied.done) {
      TRIUNE_ASSIGN(until, key_from_json(copied.position));
    }
    TRIUNE_ASSIGN(const auto before, source_digest(source_->reader(), layout, until));
    return now == before;
  }

  /// Statements that belong together, where foreign keys between tables that all go do not matter.
  Status in_transaction(const std::function<Status(hive::Relocation&)>& work) {
    TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(hive_, patient_deadline()));
    if (!on_server()) TRIUNE_TRY(transaction->trust_rows());
    TRIUNE_TRY(work(*transaction));
    TRIUNE_TRY(transaction->commit());
    base::failpoint("migrate.rollback.step");
    return {};
  }

  Status drop_views() {
    return in_transaction([this](hive::Relocation& transaction) -> Status {
      for (const auto& view : made_views()) {
        TRIUNE_ASSIGN(const bool there, exists(transaction.session(), "view", view));
        if (there) TRIUNE_TRY(transaction.run("DROP VIEW " + quote_identifier(view)));
      }
      return {};
    });
  }

  /// Those that the migration made, last first.
  [[nodiscard]] std::vector<std::string> made_views() const {
    constexpr std::string_view prefix = "view ";
    std::vector<std::string> names;
    for (const auto& view : plan_.views) names.push_back(view.name);
    for (const auto& statement : plan_.statements)
      if (statement.name.starts_with(prefix)) names.push_back(statement.name.substr(prefix.size()));
    std::erase_if(names, [&](const auto& name) {
      const auto* made = step("indexes", std::string(prefix) + name);
      return made == nullptr || made->entities == 0;
    });
    std::reverse(names.begin(), names.end());
    return names;
  }

  /// What no table keeps: nodes of values, edges of lists, vectors.
  Status forget_loaded() {
    for (const auto& edge : plan_.edges)
      if (edge.apply && edge.kind != "columns") TRIUNE_TRY(forget("triune_edges", "type_id", "type", edge.type));
    for (const auto& node : plan_.nodes)
      if (node.apply && !node.values_of.empty()) TRIUNE_TRY(forget("triune_nodes", "label_id", "label", node.label));
    for (const auto& vector : plan_.vectors) {
      if (!vector.apply) continue;
      TRIUNE_TRY(forget("triune_vectors", "collection_id", "vector", vector.collection));
      report_.remarks.push_back(fmt::format("the collection {} stays, without vectors", vector.collection));
    }
    return {};
  }

  Status forget(std::string_view table, std::string_view column, std::string_view kind, const std::string& name) {
    const bool made = std::any_of(steps_.begin(), steps_.end(), [&](const Step& one) {
      return one.item == (kind == "type"    ? "edges "
                          : kind == "label" ? "nodes "
                                            : "") +
                             name &&
             (one.phase == "graph" || one.phase == "vectors");
    });
    // A load that was killed has no record yet, and its label, type or collection may be there.
    if (!made && migration_.state == "finished") return {};
    return in_transaction([&](hive::Relocation& transaction) -> Status {
      const std::array<Value, 2> parameters{organization_, name};
      TRIUNE_TRY(transaction.session().execute(
          fmt::format("DELETE FROM {} WHERE organization_id = ?1 AND {} IN (SELECT collection_id FROM "
                      "triune_collections WHERE organization_id = ?1 AND kind = '{}' AND name = ?2)",
                      table, column, kind),
          parameters));
      return {};
    });
  }

  Status forget_blobs() {
    for (const auto& blob : plan_.blobs)
      if (blob.apply) TRIUNE_TRY(forget_blobs_of(blob));
    return {};
  }

  Status forget_blobs_of(const BlobPlan& blob) {
    const std::array<Value, 3> parameters{organization_, blob.table, "/" + blob.column};
    while (true) {
      TRIUNE_ASSIGN(const auto session, hive::read_relocation(hive_, patient_deadline()));
      TRIUNE_ASSIGN(const RowSet rows,
                    session->query("SELECT name FROM triune_blob_references WHERE organization_id = ?1 AND owner = ?2 "
                                   "AND substr(name, length(name) - length(CAST(?3 AS text)) + 1) = CAST(?3 AS text)",
                                   parameters, blobs_at_a_time));
      if (rows.rows.empty()) return {};
      Commit commit;
      for (const auto& row : rows.rows) commit.changes.emplace_back(DeleteBlob{blob.table, to_text(row[0])});
      TRIUNE_TRY(hive_.commit(commit));
    }
  }

  /// Takes its mappings, text indexes, nodes and edges along.
  Status drop(const std::string& table) {
    return in_transaction([&](hive::Relocation& transaction) -> Status {
      TRIUNE_ASSIGN(const bool there, exists(transaction.session(), "table", table));
      if (!there) return {};
      TRIUNE_TRY(transaction.run("DROP TABLE " + quote_identifier(table)));
      report_.tables.push_back(table);
      return {};
    });
  }

  Status end() {
    TRIUNE_TRY(in_transaction([this](hive::Relocation& transaction) -> Status {
      TRIUNE_TRY(journal_.end(transaction.session(), migration_.id, "rolled back"));
      return journal_.note(transaction.session(), migration_.id,
                           {.actor = options_.approved_by,
                            .event = "rolled back",
                            .detail = fmt::format("{} tables", report_.tables.size())});
    }));
    source_.reset();
    std::error_code ignored;
    std::filesystem::remove(migration_.snapshot, ignored);
    return {};
  }

  Hive& hive_;
  const contract::Registry& engines_;
  const RollbackOptions& options_;
  Journal journal_;
  const std::int64_t organization_;
  Migration migration_;
  Plan plan_;
  std::vector<Step> steps_;
  std::unique_ptr<LegacySource> source_;
  RollbackReport report_;
};

}  // namespace

Result<RollbackReport> rollback(Hive& hive, const contract::Registry& engines, const RollbackOptions& options) {
  return Rollback(hive, engines, options).run();
}

}  // namespace triune::intake::legacy
