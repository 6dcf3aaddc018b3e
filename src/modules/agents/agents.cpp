#include "triune/modules/agents.h"

#include <fmt/format.h>

#include "base/try.h"
#include "modules/agents/agent_store.h"
#include "modules/agents/canonical_json.h"
#include "modules/agents/configuration_store.h"
#include "modules/agents/definition.h"
#include "modules/agents/message_store.h"
#include "triune/ids.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::agents;
using contract::RelationalSession;

Status check_heartbeats(const NewAgent& agent) {
  constexpr std::int64_t longest = 366LL * 86'400'000;
  if (agent.heartbeat_interval_ms >= 0 && agent.missed_limit > 0 && agent.missed_limit <= 1'000'000 &&
      agent.heartbeat_interval_ms <= longest)
    return {};
  return failure(ErrorCode::invalid_argument,
                 "an agent's heartbeat interval is 0 to 366 days, and its limit of missed ones is 1 to 1000000");
}

class StoredAgents final : public Agents {
 public:
  explicit StoredAgents(Module module) : module_(std::move(module)) {}

  Result<std::string> enroll(const NewAgent& agent, const Actor& actor) override {
    TRIUNE_TRY(check_heartbeats(agent));
    const auto id = agent.id.empty() ? new_id() : agent.id;
    TRIUNE_TRY(write<AgentStore>(actor, [&](const AgentStore& store) { return store.enroll(agent, id); }));
    return id;
  }

  Result<Agent> get(std::string_view id) override {
    return read<AgentStore>([&](const AgentStore& store) { return store.find(id); });
  }

  Result<std::vector<Agent>> list(const AgentFilter& filter) override {
    std::vector<Value> parameters;
    std::string where;
    const auto add = [&](std::string_view condition, Value value) {
      parameters.push_back(std::move(value));
      where += fmt::format(fmt::runtime(condition), parameters.size() + 2);
    };
    if (filter.status) add(" AND a.status = ?{}", std::string(to_string(*filter.status)));
    if (!filter.agent_type.empty()) add(" AND a.agent_type = ?{}", filter.agent_type);
    if (!filter.capability.empty())
      add(" AND EXISTS (SELECT 1 FROM triune_agent_capabilities c WHERE c.organization_id = a.organization_id AND "
          "c.agent_id = a.id AND c.capability = ?{})",
          filter.capability);
    return read<AgentStore>([&](const AgentStore& store) { return store.select(where, parameters, filter.limit); });
  }

  Status set_status(std::string_view id, AgentStatus status, const Actor& actor) override {
    return write<AgentStore>(actor, [&](const AgentStore& store) { return store.set_status(id, status); });
  }

  Status remove(std::string_view id, const Actor& actor) override {
    const std::array<Value, 2> key{module_.organization_id(), std::string(id)};
    return written(module_.write(
        actor,
        [&](RelationalSession& session) -> Status {
          TRIUNE_TRY(AgentStore(session, module_.organization_id()).find(id));
          TRIUNE_TRY(session.execute("DELETE FROM triune_agents WHERE organization_id = ?1 AND id = ?2", key));
          return {};
        },
        patience()));
  }

  Status put_capabilities(std::string_view id, std::span<const AgentCapability> capabilities,
                          const Actor& actor) override {
    return write<AgentStore>(actor, [&](const AgentStore& store) { return store.put_capabilities(id, capabilities); });
  }

  Result<std::vector<AgentCapability>> capabilities(std::string_view id) override {
    return read<AgentStore>([&](const AgentStore& store) { return store.capabilities(id); });
  }

  Status count_use(std::string_view id, std::string_view capability, bool succeeded, const Actor& actor) override {
    const std::array<Value, 4> row{module_.organization_id(), std::string(id), std::string(capability),
                                   std::int64_t{succeeded}};
    return written(module_.write(
        actor,
        [&](RelationalSession& session) -> Status {
          TRIUNE_ASSIGN(const auto counted,
                        session.execute("UPDATE triune_agent_capabilities SET uses = uses + 1, successes = successes + "
                                        "?4 WHERE organization_id = ?1 AND agent_id = ?2 AND capability = ?3",
                                        row));
          if (counted > 0) return {};
          return failure(ErrorCode::not_found, fmt::format("agent {} has no capability {}", id, capability));
        },
        patience()));
  }

  Status heartbeat(std::string_view id, const Heartbeat& beat, const Actor& actor) override {
    return write<AgentStore>(actor, [&](const AgentStore& store) { return store.heartbeat(id, beat); });
  }

  Result<std::vector<std::string>> detect_crashes(std::int64_t now, const Actor& actor) override {
    const auto at = now == 0 ? now_ms() : now;
    // Mostly nobody has crashed, and the writer is left alone.
    const std::array<Value, 2> parameters{module_.organization_id(), at};
    {
      TRIUNE_ASSIGN(const auto session, module_.read(patience()));
      TRIUNE_ASSIGN(const RowSet overdue,
                    session->query("SELECT 1 FROM triune_agent_heartbeats WHERE organization_id = ?1 AND "
                                   "deadline_at_ms <= ?2 LIMIT 1",
                                   parameters, 1));
      if (overdue.rows.empty()) return std::vector<std::string>();
    }
    std::vector<std::string> crashed;
    TRIUNE_TRY(write<AgentStore>(actor, [&](const AgentStore& store) -> Status {
      TRIUNE_ASSIGN(crashed, store.detect_crashes(at));
      return {};
    }));
    return crashed;
  }

  Result<std::string> send(const NewAgentMessage& message, const Actor& actor) override {
    TRIUNE_ASSIGN(auto ids, send_many(std::span(&message, 1), actor));
    return std::move(ids.front());
  }

  Result<std::vector<std::string>> send_many(std::span<const NewAgentMessage> messages, const Actor& actor) override {
    if (messages.size() > most_rows)
      return failure(
          ErrorCode::resource_exhausted,
          fmt::format("at most {} messages are sent at once, not {}; split them", most_rows, messages.size()));
    std::vector<std::string> ids;
    for (const auto& message : messages) ids.push_back(message.id.empty() ? new_id() : message.id);
    TRIUNE_TRY(write<MessageStore>(actor, [&](const MessageStore& store) -> Status {
      for (std::size_t i = 0; i < messages.size(); ++i) TRIUNE_TRY(store.send(messages[i], ids[i]));
      return {};
    }));
    return ids;
  }

  Result<std::vector<AgentMessage>> inbox(std::string_view agent, std::size_t limit) override {
    return read<MessageStore>([&](const MessageStore& store) { return store.inbox(agent, limit, false); });
  }

  Result<std::vector<AgentMessage>> receive(std::string_view agent, std::size_t limit, const Actor& actor) override {
    std::vector<AgentMessage> received;
    TRIUNE_TRY(write<MessageStore>(actor, [&](const MessageStore& store) -> Status {
      TRIUNE_ASSIGN(received, store.receive(agent, limit));
      return {};
    }));
    return received;
  }

  Status acknowledge(std::string_view agent, std::string_view message, const Actor& actor) override {
    return write<MessageStore>(actor, [&](const MessageStore& store) { return store.acknowledge(agent, message); });
  }

  Result<std::vector<AgentDelivery>> deliveries(std::string_view message) override {
    return read<MessageStore>([&](const MessageStore& store) { return store.deliveries(message); });
  }

  Result<std::vector<AgentMessage>> thread(std::string_view thread, std::size_t limit) override {
    return read<MessageStore>([&](const MessageStore& store) { return store.thread(thread, limit); });
  }

  Result<std::vector<Collaboration>> collaborators(std::string_view agent, std::size_t limit) override {
    return read<MessageStore>([&](const MessageStore& store) { return store.collaborators(agent, limit); });
  }

  Result<std::vector<AgentSummary>> summary(std::size_t limit) override {
    return read<AgentStore>([&](const AgentStore& store) { return store.summary(limit); });
  }

  Result<std::int64_t> configure(std::string_view agent, std::string_view category, std::string_view key,
                                 const Json& value, const Actor& actor) override {
    TRIUNE_ASSIGN(const auto canonical, canonical_json(value.text));
    std::int64_t version = 0;
    TRIUNE_TRY(write<ConfigurationStore>(actor, [&](const ConfigurationStore& store) -> Status {
      TRIUNE_ASSIGN(version, store.set(agent, category, key, canonical, actor.id));
      return {};
    }));
    return version;
  }

  Result<Configuration> configuration(std::string_view agent, std::string_view category,
                                      std::string_view key) override {
    return read<ConfigurationStore>([&](const ConfigurationStore& store) { return store.find(agent, category, key); });
  }

  Result<std::vector<Configuration>> configurations(std::string_view agent, std::string_view category) override {
    return read<ConfigurationStore>([&](const ConfigurationStore& store) { return store.list(agent, category); });
  }

  Result<std::vector<Configuration>> configuration_history(std::string_view agent, std::string_view category,
                                                           std::string_view key, std::size_t limit) override {
    return read<ConfigurationStore>(
        [&](const ConfigurationStore& store) { return store.history(agent, category, key, limit); });
  }

  Status unset(std::string_view agent, std::string_view category, std::string_view key, const Actor& actor) override {
    return write<ConfigurationStore>(
        actor, [&](const ConfigurationStore& store) { return store.remove(agent, category, key); });
  }

 private:
  static Status written(Result<std::uint64_t> lsn) {
    TRIUNE_TRY(lsn);
    return {};
  }
  template <class Store, class Job>
  Status write(const Actor& actor, const Job& job) {
    return written(module_.write(
        actor, [&](RelationalSession& session) { return job(Store(session, module_.organization_id())); }, patience()));
  }
  template <class Store, class Question>
  auto read(const Question& question) -> decltype(question(std::declval<const Store&>())) {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return question(Store(*session, module_.organization_id()));
  }

  Module module_;
};

}  // namespace

Result<std::unique_ptr<Agents>> Agents::open(Hive& hive) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::agents::definition()));
  return std::unique_ptr<Agents>(std::make_unique<StoredAgents>(std::move(module)));
}

}  // namespace triune
