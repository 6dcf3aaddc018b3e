#include "modules/kit/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/try.h"
#include "model/sql_text.h"
#include "modules/kit/derived_triggers.h"

namespace triune {

std::string_view to_string(ActorType type) noexcept {
  switch (type) {
    case ActorType::user: return "user";
    case ActorType::agent: return "agent";
    case ActorType::system: return "system";
    case ActorType::api: return "api";
    case ActorType::migration: return "migration";
  }
  return "api";
}

}  // namespace triune

namespace triune::modules {
namespace {

using contract::Dialect;
using projection::CollectionKind;

constexpr std::chrono::minutes install_patience{5};

Deadline install_deadline() {
  return Deadline::after(install_patience);
}

/// A value of the type that a property of a column has.
Value example_of(const contract::ColumnDescription& column) {
  auto type = column.type;
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
  if (type.find("int") != std::string::npos) return std::int64_t{0};
  if (type.find("real") != std::string::npos || type.find("double") != std::string::npos) return 0.5;
  return std::string("x");
}

class Installation {
 public:
  Installation(const hive::ModuleAccess& access, const ModuleDefinition& definition,
               contract::RelationalSession& session, projection::CatalogWriter& catalog)
      : access_(access), definition_(definition), session_(session), catalog_(catalog) {}

  Status run(const std::vector<DerivedTrigger>& triggers, const std::string& mark, const std::string& record) {
    for (const auto& trigger : triggers) TRIUNE_TRY(session_.execute_script(trigger.create));
    TRIUNE_TRY(register_names());
    const std::array<Value, 1> organization{access_.organization_id()};
    for (const auto& node : definition_.nodes)
      TRIUNE_TRY(session_.execute(fill_nodes(access_.dialect(), node), organization));
    for (const auto& edge : definition_.edges)
      TRIUNE_TRY(session_.execute(fill_edges(access_.dialect(), edge), organization));
    const std::array<Value, 2> made{mark, record};
    TRIUNE_TRY(
        session_.execute("INSERT INTO triune_hive (key, value) VALUES (?1, ?2) "
                         "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                         made));
    return {};
  }

 private:
  /// Labels, types, and what their properties are.
  Status register_names() {
    const auto organization = access_.organization_id();
    for (const auto& node : definition_.nodes) {
      TRIUNE_ASSIGN(const auto label, catalog_.collection(organization, CollectionKind::label, node.label));
      TRIUNE_TRY(register_properties(label, node.table, node.properties));
    }
    for (const auto& edge : definition_.edges) {
      TRIUNE_ASSIGN(const auto type, catalog_.collection(organization, CollectionKind::type, edge.type));
      TRIUNE_ASSIGN(const auto from, catalog_.collection(organization, CollectionKind::label, edge.from_label));
      TRIUNE_ASSIGN(const auto to, catalog_.collection(organization, CollectionKind::label, edge.to_label));
      TRIUNE_TRY(catalog_.edge_end(type, from, to));
      TRIUNE_TRY(register_properties(type, edge.table, edge.properties));
    }
    return {};
  }

  Status register_properties(std::int64_t collection, const std::string& table,
                             const std::vector<std::string>& properties) {
    if (properties.empty()) return {};
    TRIUNE_ASSIGN(const auto columns, access_.describe(table));
    Record record;
    for (const auto& column : columns)
      if (std::find(properties.begin(), properties.end(), column.name) != properties.end())
        record.push_back({column.name, example_of(column)});
    return catalog_.properties(collection, record);
  }

  const hive::ModuleAccess& access_;
  const ModuleDefinition& definition_;
  contract::RelationalSession& session_;
  projection::CatalogWriter& catalog_;
};

Result<std::vector<DerivedTrigger>> derive(const hive::ModuleAccess& access, const ModuleDefinition& definition) {
  const auto dialect = access.dialect();
  std::vector<DerivedTrigger> triggers;
  const auto add = [&](std::vector<DerivedTrigger> more) {
    for (auto& trigger : more) triggers.push_back(std::move(trigger));
  };
  for (const auto& table : definition.audited) {
    TRIUNE_ASSIGN(const auto columns, access.describe(table.table));
    add(audit_triggers(dialect, table, columns));
  }
  add(insert_triggers(dialect, definition));
  for (const auto& node : definition.nodes) add(node_triggers(dialect, node));
  for (const auto& node : definition.nodes) add(shared_node_triggers(dialect, node));
  for (const auto& edge : definition.edges) add(edge_triggers(dialect, edge));
  return triggers;
}

/// The digest of everything derived, since another version of the program may derive something else; and the names, by
/// which `Audit::verify` sees what is gone.
std::string record_of(const std::vector<DerivedTrigger>& triggers) {
  std::string text;
  std::string names;
  for (const auto& trigger : triggers) {
    text += fmt::format("{}\n{}\n{}\n", trigger.name, trigger.table, trigger.create);
    names += "\n" + trigger.name;
  }
  return base::sha256_hex(std::as_bytes(std::span(text))) + names;
}

Result<bool> is_made(const hive::ModuleAccess& access, const std::string& mark, const std::string& record) {
  TRIUNE_ASSIGN(const auto session, access.read(install_deadline()));
  const std::array<Value, 1> key{mark};
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT value FROM triune_hive WHERE key = ?1", key, 1));
  return !rows.rows.empty() && to_text(rows.rows[0][0]) == record;
}

/// In the name of nobody again, for other programs' statements.
constexpr std::string_view set_actor =
    "UPDATE triune_audit_context SET actor = ?1, actor_type = ?2, reason = ?3, request_id = ?4";
constexpr std::string_view forget_actor =
    "UPDATE triune_audit_context SET actor = '', actor_type = 'sql', reason = '', request_id = ''";
constexpr std::string_view set_local_actor =
    "SELECT set_config('triune.actor', ?1, true), set_config('triune.actor_type', ?2, true), "
    "set_config('triune.reason', ?3, true), set_config('triune.request_id', ?4, true)";

Status check_actor(const Actor& actor) {
  if (actor.id.size() <= 200 && actor.request_id.size() <= 200 && actor.reason.size() <= 1'000) return {};
  return failure(ErrorCode::invalid_argument,
                 "an actor's id and request have at most 200 bytes, and the reason has at most 1000");
}

}  // namespace

Result<Module> Module::open(Hive& hive, const ModuleDefinition& definition) {
  Module module(hive);
  const auto& access = module.access_;
  TRIUNE_TRY(access.install("audit", install_deadline()));
  for (const auto& series : definition.needs) TRIUNE_TRY(access.install(series, install_deadline()));
  TRIUNE_TRY(access.install(definition.series, install_deadline()));
  TRIUNE_ASSIGN(const auto triggers, derive(access, definition));
  const auto mark = fmt::format("module.{}.{}", definition.series, module.organization_id_);
  const auto record = record_of(triggers);
  TRIUNE_ASSIGN(const bool made, is_made(access, mark, record));
  if (made) return module;
  TRIUNE_TRY(access.define([&](contract::RelationalSession& session, projection::CatalogWriter& catalog) {
    return Installation(access, definition, session, catalog).run(triggers, mark, record);
  }));
  return module;
}

contract::WriteJob Module::in_the_name_of(const Actor& actor, const contract::WriteJob& job) const {
  std::array<Value, 4> who{actor.id, std::string(to_string(actor.type)), actor.reason, actor.request_id};
  const bool sqlite = dialect() == Dialect::sqlite;
  return [who = std::move(who), sqlite, &job](contract::RelationalSession& session) -> Status {
    if (!sqlite) TRIUNE_TRY(session.execute_soon(set_local_actor, who, {}));
    if (sqlite) TRIUNE_TRY(session.execute(set_actor, who));
    TRIUNE_TRY(job(session));
    if (sqlite) TRIUNE_TRY(session.execute(forget_actor, {}));
    return {};
  };
}

Result<std::uint64_t> Module::write(const Actor& actor, const contract::WriteJob& job, Deadline deadline) const {
  TRIUNE_TRY(check_actor(actor));
  auto written = access_.write(in_the_name_of(actor, job), deadline);
  if (written) sealer_->wrote(access_);
  return written;
}

Result<Receipt> Module::commit(const Actor& actor, std::span<const Change> changes, const contract::WriteJob& job,
                               Deadline deadline) const {
  TRIUNE_TRY(check_actor(actor));
  auto committed = access_.commit(changes, in_the_name_of(actor, job), deadline);
  if (committed) sealer_->wrote(access_);
  return committed;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::unexpected<Error> unknown_word(std::string_view what, std::string_view word, std::string_view known) {
  return failure(ErrorCode::invalid_argument, fmt::format("{} is one of {}, not '{}'", what, known, word));
}

}  // namespace triune::modules
