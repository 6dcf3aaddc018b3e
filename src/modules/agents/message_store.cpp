#include "modules/agents/message_store.h"

#include <fmt/format.h>

#include "base/try.h"

namespace triune::modules::agents {
namespace {

constexpr std::string_view message_columns =
    "m.id, m.thread_id, m.reply_to, m.from_agent, m.to_agent, m.message_type, m.content, m.metadata, m.priority, "
    "m.requires_response, m.sent_at_ms";

AgentMessage message_of(const std::vector<Value>& row) {
  AgentMessage message{.id = text(row[0]), .thread = text(row[1]), .reply_to = text(row[2]), .from = text(row[3])};
  message.to = text(row[4]);
  message.message_type = text(row[5]);
  message.content = text(row[6]);
  message.metadata = Json{text(row[7])};
  message.priority = integer(row[8]);
  message.requires_response = integer(row[9]) == 1;
  message.sent_at_ms = integer(row[10]);
  if (row.size() > 11) message.delivered_at_ms = optional_integer(row[11]);
  if (row.size() > 12) message.acknowledged_at_ms = optional_integer(row[12]);
  return message;
}

std::vector<AgentMessage> messages_of(const RowSet& rows) {
  std::vector<AgentMessage> messages;
  messages.reserve(rows.rows.size());
  for (const auto& row : rows.rows) messages.push_back(message_of(row));
  return messages;
}

}  // namespace

Status MessageStore::send(const NewAgentMessage& message, const std::string& id) const {
  TRIUNE_TRY(expect_agent(message.from));
  if (!message.to.empty()) TRIUNE_TRY(expect_agent(message.to));
  std::string thread = id;
  if (!message.reply_to.empty()) {
    const std::array<Value, 2> key{organization(), message.reply_to};
    TRIUNE_ASSIGN(const RowSet found,
                  rows("SELECT thread_id FROM triune_agent_messages WHERE organization_id = ?1 AND id = ?2", key));
    if (found.rows.empty())
      return failure(ErrorCode::not_found, fmt::format("there is no message {} to reply to", message.reply_to));
    thread = text(found.rows[0][0]);
  }
  const std::array<Value, 12> row{organization(),
                                  id,
                                  thread,
                                  text_or_null(message.reply_to),
                                  message.from,
                                  text_or_null(message.to),
                                  message.message_type,
                                  message.priority,
                                  message.content,
                                  message.metadata.text,
                                  std::int64_t{message.requires_response},
                                  now_ms()};
  auto sent = session_.execute(
      "INSERT INTO triune_agent_messages (organization_id, id, thread_id, reply_to, from_agent, to_agent, "
      "message_type, "
      "priority, content, metadata, requires_response, sent_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
      "?11, ?12)",
      row);
  if (sent) return {};
  sent.error().message = fmt::format("message {}: {}", id, sent.error().message);
  return std::unexpected<Error>(sent.error());
}

Result<std::vector<AgentMessage>> MessageStore::inbox(std::string_view agent, std::size_t limit,
                                                      bool undelivered) const {
  TRIUNE_TRY(expect_agent(agent));
  const std::array<Value, 3> parameters{organization(), limited(limit), std::string(agent)};
  TRIUNE_ASSIGN(
      const RowSet found,
      rows(fmt::format("SELECT {}, d.delivered_at_ms, d.acknowledged_at_ms FROM triune_agent_deliveries d JOIN "
                       "triune_agent_messages m ON m.organization_id = d.organization_id AND m.id = d.message_id WHERE "
                       "d.organization_id = ?1 AND d.to_agent = ?3 AND d.acknowledged_at_ms IS NULL{} ORDER BY "
                       "d.priority DESC, d.sent_at_ms, d.message_id LIMIT ?2",
                       message_columns, undelivered ? " AND d.delivered_at_ms IS NULL" : ""),
           parameters));
  return messages_of(found);
}

Result<std::vector<AgentMessage>> MessageStore::receive(std::string_view agent, std::size_t limit) const {
  TRIUNE_ASSIGN(auto waiting, inbox(agent, limit, true));
  const auto now = now_ms();
  std::vector<AgentMessage> received;
  for (auto& message : waiting) {
    const std::array<Value, 4> key{organization(), std::string(agent), message.id, now};
    TRIUNE_ASSIGN(const auto marked,
                  session_.execute("UPDATE triune_agent_deliveries SET delivered_at_ms = ?4 WHERE organization_id = ?1 "
                                   "AND to_agent = ?2 AND message_id = ?3 AND delivered_at_ms IS NULL",
                                   key));
    if (marked == 0) continue;
    message.delivered_at_ms = now;
    received.push_back(std::move(message));
  }
  return received;
}

Status MessageStore::acknowledge(std::string_view agent, std::string_view message) const {
  const std::array<Value, 4> key{organization(), std::string(agent), std::string(message), now_ms()};
  TRIUNE_ASSIGN(const auto marked,
                session_.execute("UPDATE triune_agent_deliveries SET delivered_at_ms = coalesce(delivered_at_ms, ?4), "
                                 "acknowledged_at_ms = coalesce(acknowledged_at_ms, ?4) WHERE organization_id = ?1 AND "
                                 "to_agent = ?2 AND message_id = ?3",
                                 key));
  if (marked > 0) return {};
  return failure(ErrorCode::not_found, fmt::format("agent {} has got no message {}", agent, message));
}

Result<std::vector<AgentDelivery>> MessageStore::deliveries(std::string_view message) const {
  const std::array<Value, 2> key{organization(), std::string(message)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT to_agent, delivered_at_ms, acknowledged_at_ms FROM triune_agent_deliveries WHERE "
                     "organization_id = ?1 AND message_id = ?2 ORDER BY to_agent",
                     key));
  std::vector<AgentDelivery> deliveries;
  for (const auto& row : found.rows)
    deliveries.push_back({text(row[0]), optional_integer(row[1]), optional_integer(row[2])});
  return deliveries;
}

Result<std::vector<AgentMessage>> MessageStore::thread(std::string_view thread, std::size_t limit) const {
  const std::array<Value, 3> parameters{organization(), limited(limit), std::string(thread)};
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format("SELECT {} FROM triune_agent_messages m WHERE m.organization_id = ?1 AND m.thread_id "
                                 "= ?3 ORDER BY m.sent_at_ms, m.id LIMIT ?2",
                                 message_columns),
                     parameters));
  return messages_of(found);
}

Result<std::vector<Collaboration>> MessageStore::collaborators(std::string_view agent, std::size_t limit) const {
  TRIUNE_TRY(expect_agent(agent));
  const std::array<Value, 3> parameters{organization(), limited(limit), std::string(agent)};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT other, messages, shared_tasks, last_at_ms FROM (SELECT agent_b AS other, messages, "
                     "shared_tasks, last_at_ms FROM triune_collaborations WHERE organization_id = ?1 AND agent_a = ?3 "
                     "UNION ALL SELECT agent_a, messages, shared_tasks, last_at_ms FROM triune_collaborations WHERE "
                     "organization_id = ?1 AND agent_b = ?3) c ORDER BY messages + shared_tasks DESC, other LIMIT ?2",
                     parameters));
  std::vector<Collaboration> collaborators;
  for (const auto& row : found.rows)
    collaborators.push_back({text(row[0]), integer(row[1]), integer(row[2]), integer(row[3])});
  return collaborators;
}

}  // namespace triune::modules::agents
