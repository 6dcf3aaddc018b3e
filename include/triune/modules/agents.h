// Agents: who they are, whether they live, what they say to each other, and how they are configured.
//
//   auto agents = triune::Agents::open(*hive);
//   (*agents)->enroll({.id = "ada", .name = "Ada", .agent_type = "code_review"});
//   (*agents)->heartbeat("ada");
//   (*agents)->send({.from = "ada", .to = "bob", .content = "look at the parser"});
//   (*agents)->detect_crashes();
//
//   starting ─▶ idle ⇄ active ⇄ degraded        watched: a beat is due within interval × missed limit
//                │        │         └──▶ crashed ─▶ idle (enrolled again)
//                └─▶ sleeping, maintenance, offline ─▶ idle (by a heartbeat)       retired: for good
//
// Invariants, kept by the store itself, whoever writes:
//   A1 An agent that missed its beats becomes crashed once, however many look for it at a time.
//   A2 What it had claimed of queues, and tasks it was at, are free again in the same transaction.
//   A3 A message and its deliveries are one commit; each receiver acknowledges for itself.
//   A4 There is one configuration of a category and key for all agents, and every value that ever was is kept.
//
// Times are milliseconds since 1970; documents are JSON text. Thread rule: every method may be called from any thread.
// Methods that write block until the change is durable (I1), at most 30 s.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"

namespace triune {

enum class AgentStatus : std::uint8_t {
  starting,
  idle,
  active,
  sleeping,
  degraded,
  maintenance,
  crashed,
  offline,
  retired
};

/// The word for a status ("sleeping"), and back.
std::string_view to_string(AgentStatus status) noexcept;
Result<AgentStatus> parse_agent_status(std::string_view word);
/// The canonical status of a word that any of the systems Triune imports from uses ("healthy", "busy", "deprecated").
/// Upper case and hyphens are taken too. Error: `invalid_argument` that lists what is known.
Result<AgentStatus> canonical_agent_status(std::string_view word);

/// What an agent can do, and how well it has done.
struct AgentCapability {
  std::string name;
  double proficiency = 0.5;  ///< 0 to 1.
  Json parameters{"{}"};
  std::int64_t uses = 0;       ///< Told, not given.
  std::int64_t successes = 0;  ///< Told, not given.
};

/// An agent to be enrolled.
struct NewAgent {
  std::string id;                     ///< At most 200 bytes. Empty: a new UUIDv7.
  std::string name;                   ///< Unique in the organization. Empty: the id.
  std::string agent_type = "custom";  ///< Any word; at most 100 bytes.
  std::string description;
  std::string model;
  std::string version;
  std::string worktree;
  std::string branch;
  std::optional<std::int64_t> process_id;
  std::int64_t max_concurrent_tasks = 5;
  std::optional<double> cost_cents_per_task;
  Json configuration{"{}"};
  std::vector<AgentCapability> capabilities;    ///< At most 1,000.
  std::int64_t heartbeat_interval_ms = 30'000;  ///< 0: not watched.
  std::int64_t missed_limit = 3;                ///< So many intervals without a beat are a crash.
  AgentStatus status = AgentStatus::idle;
};

struct Agent {
  std::string id;
  std::string name;
  std::string agent_type;
  AgentStatus status = AgentStatus::idle;
  std::string description;
  std::string model;
  std::string version;
  std::string worktree;
  std::string branch;
  std::optional<std::int64_t> process_id;
  std::int64_t max_concurrent_tasks = 5;
  std::optional<double> cost_cents_per_task;
  Json configuration;
  std::int64_t crashes = 0;
  std::optional<std::int64_t> crashed_at_ms;  ///< Of the last crash.
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
  std::int64_t heartbeat_interval_ms = 0;
  std::int64_t last_heartbeat_at_ms = 0;
  std::optional<std::int64_t> heartbeat_deadline_ms;  ///< Nothing: not watched now.
  std::string current_task;
  std::optional<double> context_usage;  ///< Per cent.
  Json working_memory;
};

/// What an agent says of itself with a beat; nothing stays as it was.
struct Heartbeat {
  std::optional<std::string> current_task;
  std::optional<double> context_usage;  ///< 0 to 100 per cent.
  std::optional<Json> working_memory;
};

/// Which agents; what is empty does not restrict.
struct AgentFilter {
  std::optional<AgentStatus> status;
  std::string agent_type;
  std::string capability;
  std::size_t limit = 1'000;  ///< At most 10,000.
};

/// A message to be sent.
struct NewAgentMessage {
  std::string id;  ///< Empty: a new UUIDv7.
  std::string from;
  std::string to;                       ///< Empty: all agents that are not retired, but the sender.
  std::string message_type = "status";  ///< Any word: command, status, urgent, coordination, query, …
  std::string content;                  ///< 1 to 1,048,576 characters.
  Json metadata{"{}"};
  std::int64_t priority = 5;  ///< 0 to 10; larger goes first.
  bool requires_response = false;
  std::string reply_to;  ///< Id of a message: the new one is in its thread.
};

/// A message as one receiver has it; of a thread, as its sender has it.
struct AgentMessage {
  std::string id;
  std::string thread;  ///< Id of its first message.
  std::string reply_to;
  std::string from;
  std::string to;  ///< Empty: it went to all.
  std::string message_type;
  std::string content;
  Json metadata;
  std::int64_t priority = 0;
  bool requires_response = false;
  std::int64_t sent_at_ms = 0;
  std::optional<std::int64_t> delivered_at_ms;     ///< To the receiver that asked.
  std::optional<std::int64_t> acknowledged_at_ms;  ///< By the receiver that asked.
};

/// What became of a message at one receiver.
struct AgentDelivery {
  std::string to;
  std::optional<std::int64_t> delivered_at_ms;
  std::optional<std::int64_t> acknowledged_at_ms;
};

/// Two agents that sent each other messages, or had parts of the same task.
struct Collaboration {
  std::string agent;  ///< The other one.
  std::int64_t messages = 0;
  std::int64_t shared_tasks = 0;
  std::int64_t last_at_ms = 0;
};

/// One line of triune_agent_summary.
struct AgentSummary {
  std::string id;
  std::string name;
  AgentStatus status = AgentStatus::idle;
  std::int64_t tasks_in_progress = 0;
  std::int64_t tasks_completed = 0;
  std::int64_t tasks_failed = 0;
  std::int64_t open_messages = 0;  ///< Not acknowledged.
  std::int64_t active_sessions = 0;
  std::int64_t memories = 0;
};

/// A configured value; in a history, one that was.
struct Configuration {
  std::string agent;  ///< Empty: of all agents.
  std::string category;
  std::string key;
  std::optional<Json> value;  ///< Nothing, in a history: it was removed.
  std::int64_t version = 0;   ///< Counts on after a removal.
  std::string changed_by;
  std::int64_t changed_at_ms = 0;
};

class Agents {
 public:
  /// Makes the module's tables in the hive (and those of tasks, which they refer to), or follows them. The hive
  /// outlives it.
  static Result<std::unique_ptr<Agents>> open(Hive& hive);
  virtual ~Agents() = default;

  /// Adds an agent, or brings the one with this id up to what is given: also one that crashed, whose beats count from
  /// now. Capabilities given are put, others stay. Returns the id. Errors: `conflict` when another agent has the name,
  /// or the agent is retired; `invalid_argument`.
  virtual Result<std::string> enroll(const NewAgent& agent, const Actor& actor = {}) = 0;
  /// Error: `not_found`.
  virtual Result<Agent> get(std::string_view id) = 0;
  /// In the order of their making.
  virtual Result<std::vector<Agent>> list(const AgentFilter& filter = {}) = 0;
  /// What is released with `crashed` and `retired`: A2. Errors: `not_found`; `conflict` for a retired agent.
  virtual Status set_status(std::string_view id, AgentStatus status, const Actor& actor = {}) = 0;
  /// With its messages, contexts, memories and configurations. Error: `not_found`.
  virtual Status remove(std::string_view id, const Actor& actor = {}) = 0;

  /// Puts capabilities, keeping their counts. Errors: `not_found`; `conflict` for a proficiency beyond 0 to 1.
  virtual Status put_capabilities(std::string_view id, std::span<const AgentCapability> capabilities,
                                  const Actor& actor = {}) = 0;
  virtual Result<std::vector<AgentCapability>> capabilities(std::string_view id) = 0;
  /// Counts a use. Error: `not_found` when the agent has no such capability.
  virtual Status count_use(std::string_view id, std::string_view capability, bool succeeded,
                           const Actor& actor = {}) = 0;

  /// The agent lives: watches it for another interval × limit, and takes one that rested back as idle. Errors:
  /// `not_found`; `conflict` for an agent that crashed (its work is given to others; it enrolls again) or is retired.
  virtual Status heartbeat(std::string_view id, const Heartbeat& beat = {}, const Actor& actor = {}) = 0;
  /// Finds agents whose beats are overdue at `now_ms` (0: now), and makes them crashed (A1, A2). Returns the ids of
  /// those that this call found. Looks at 1,000 at most.
  virtual Result<std::vector<std::string>> detect_crashes(std::int64_t now_ms = 0, const Actor& actor = {}) = 0;

  /// Returns the message's id. Errors: `not_found` (an agent, the message replied to), `conflict` (the id),
  /// `invalid_argument`.
  virtual Result<std::string> send(const NewAgentMessage& message, const Actor& actor = {}) = 0;
  /// All or none, at most 10,000.
  virtual Result<std::vector<std::string>> send_many(std::span<const NewAgentMessage> messages,
                                                     const Actor& actor = {}) = 0;
  /// What the agent has not acknowledged: the most urgent first, then the oldest. At most 10,000. Marks nothing.
  virtual Result<std::vector<AgentMessage>> inbox(std::string_view agent, std::size_t limit = 100) = 0;
  /// The same of what was not delivered yet, marking it as delivered: each message is received once.
  virtual Result<std::vector<AgentMessage>> receive(std::string_view agent, std::size_t limit = 100,
                                                    const Actor& actor = {}) = 0;
  /// A second time changes nothing. Error: `not_found` when the agent never got the message.
  virtual Status acknowledge(std::string_view agent, std::string_view message, const Actor& actor = {}) = 0;
  virtual Result<std::vector<AgentDelivery>> deliveries(std::string_view message) = 0;
  /// In the order of their sending; at most 10,000.
  virtual Result<std::vector<AgentMessage>> thread(std::string_view thread, std::size_t limit = 1'000) = 0;
  /// The agents that it worked with most, by messages and shared tasks. At most 10,000.
  virtual Result<std::vector<Collaboration>> collaborators(std::string_view agent, std::size_t limit = 100) = 0;
  virtual Result<std::vector<AgentSummary>> summary(std::size_t limit = 1'000) = 0;

  /// `agent` empty: for all. Returns the version; an equal value is no new one. Error: `not_found` for the agent,
  /// `invalid_argument` when the value is no JSON.
  virtual Result<std::int64_t> configure(std::string_view agent, std::string_view category, std::string_view key,
                                         const Json& value, const Actor& actor = {}) = 0;
  /// The agent's own value, or else the one for all. Error: `not_found`.
  virtual Result<Configuration> configuration(std::string_view agent, std::string_view category,
                                              std::string_view key) = 0;
  /// Every value that holds for the agent, its own before those for all; `category` empty: of any.
  virtual Result<std::vector<Configuration>> configurations(std::string_view agent, std::string_view category = {}) = 0;
  /// All versions, the newest first; at most 10,000.
  virtual Result<std::vector<Configuration>> configuration_history(std::string_view agent, std::string_view category,
                                                                   std::string_view key, std::size_t limit = 1'000) = 0;
  /// Removing what is not there is no error.
  virtual Status unset(std::string_view agent, std::string_view category, std::string_view key,
                       const Actor& actor = {}) = 0;
};

}  // namespace triune
