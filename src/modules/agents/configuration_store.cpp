#include "modules/agents/configuration_store.h"

#include <fmt/format.h>

#include "base/try.h"

namespace triune::modules::agents {
namespace {

constexpr std::string_view columns = "agent_id, category, key, value, version, updated_by, updated_at_ms";

std::vector<Configuration> configurations_of(const RowSet& rows) {
  std::vector<Configuration> configurations;
  for (const auto& row : rows.rows) {
    Configuration one{.agent = text(row[0]), .category = text(row[1]), .key = text(row[2])};
    if (!is_null(row[3])) one.value = Json{text(row[3])};
    one.version = integer(row[4]);
    one.changed_by = text(row[5]);
    one.changed_at_ms = integer(row[6]);
    configurations.push_back(std::move(one));
  }
  return configurations;
}

}  // namespace

Result<std::int64_t> ConfigurationStore::set(std::string_view agent, std::string_view category, std::string_view key,
                                             const std::string& value, const std::string& by) const {
  if (!agent.empty()) TRIUNE_TRY(expect_agent(agent));
  const std::array<Value, 7> row{organization(), std::string(agent), std::string(category), std::string(key), value, by,
                                 now_ms()};
  TRIUNE_TRY(session_.execute(
      "INSERT INTO triune_configurations (organization_id, agent_id, category, key, value, updated_by, updated_at_ms) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (organization_id, agent_id, category, key) DO UPDATE SET value "
      "= "
      "excluded.value, updated_by = excluded.updated_by, updated_at_ms = excluded.updated_at_ms WHERE "
      "triune_configurations.value <> excluded.value",
      row));
  const std::array<Value, 4> which{organization(), std::string(agent), std::string(category), std::string(key)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT version FROM triune_configurations WHERE organization_id = ?1 AND agent_id = ?2 AND "
                     "category = ?3 AND key = ?4",
                     which));
  return integer(found.rows.at(0).at(0));
}

Result<Configuration> ConfigurationStore::find(std::string_view agent, std::string_view category,
                                               std::string_view key) const {
  const std::array<Value, 4> which{organization(), std::string(agent), std::string(category), std::string(key)};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_configurations WHERE organization_id = ?1 AND agent_id IN (?2, "
                                 "'') AND category = ?3 AND key = ?4 ORDER BY length(agent_id) DESC",
                                 columns),
                     which));
  auto configurations = configurations_of(found);
  if (configurations.empty())
    return failure(ErrorCode::not_found,
                   fmt::format("nothing is configured as {}/{}{}", category, key,
                               agent.empty() ? "" : fmt::format(" for agent {}, nor for all", agent)));
  return std::move(configurations.front());
}

Result<std::vector<Configuration>> ConfigurationStore::list(std::string_view agent, std::string_view category) const {
  const std::array<Value, 3> which{organization(), std::string(agent), std::string(category)};
  TRIUNE_ASSIGN(
      const RowSet found,
      rows(fmt::format("SELECT {} FROM triune_configurations c WHERE organization_id = ?1 AND (agent_id = ?2 OR "
                       "(agent_id = '' AND NOT EXISTS (SELECT 1 FROM triune_configurations o WHERE o.organization_id = "
                       "?1 AND o.agent_id = ?2 AND o.category = c.category AND o.key = c.key))) AND (?3 = '' OR "
                       "category = ?3) ORDER BY category, key, agent_id LIMIT 10000",
                       columns),
           which));
  return configurations_of(found);
}

Result<std::vector<Configuration>> ConfigurationStore::history(std::string_view agent, std::string_view category,
                                                               std::string_view key, std::size_t limit) const {
  const std::array<Value, 5> which{organization(), std::string(agent), std::string(category), std::string(key),
                                   limited(limit)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT agent_id, category, key, value, version, changed_by, changed_at_ms FROM "
                     "triune_configuration_versions WHERE organization_id = ?1 AND agent_id = ?2 AND category = ?3 AND "
                     "key = ?4 ORDER BY version DESC LIMIT ?5",
                     which));
  return configurations_of(found);
}

Status ConfigurationStore::remove(std::string_view agent, std::string_view category, std::string_view key) const {
  const std::array<Value, 4> which{organization(), std::string(agent), std::string(category), std::string(key)};
  TRIUNE_TRY(session_.execute(
      "DELETE FROM triune_configurations WHERE organization_id = ?1 AND agent_id = ?2 AND category = ?3 AND key = ?4",
      which));
  return {};
}

}  // namespace triune::modules::agents
