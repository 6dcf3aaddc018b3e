// One import at work: the modules it writes to, and what it tells.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "intake/agent_hive/import.h"
#include "triune/modules/agents.h"
#include "triune/modules/events.h"
#include "triune/modules/memory.h"
#include "triune/modules/tasks.h"

namespace triune::intake::agent_hive {

/// Of everything that is imported.
inline constexpr std::string_view source_name = "agent-hive";
/// The context that snapshots of the tree belong to, and the agent that owns it.
inline constexpr std::string_view orchestrator = "agent-hive";

class Run {
 public:
  static Result<std::unique_ptr<Run>> open(Hive& hive);

  /// A file below the tree by its path there; `text` is all of it. An error of a module ends the import; what is wrong
  /// with the file is in the report.
  Status take_document(const std::string& file, std::string_view text);
  /// A log, line by line.
  Status take_log(const std::filesystem::path& path, const std::string& file);
  /// state.db.
  Status take_state(const std::filesystem::path& path, const std::string& file);

  /// Whether the file was imported with these bytes already, and that it is now.
  Result<bool> is_known(const std::string& file, const std::string& hash);
  Status remember_file(const std::string& file, const std::string& hash);

  void not_taken(const std::string& file, std::uint64_t line, std::string reason);
  AgentHiveReport& report() { return report_; }

 private:
  Status take_agent(const std::string& file, std::string_view text);
  Status take_completions(const std::string& file, std::string_view text);
  Status take_snapshot(const std::string& file, std::string_view text);
  Status take_settings(const std::string& file, std::string_view text, bool yaml);
  Status take_text(const std::string& file, std::string_view text, std::string_view kind);
  /// The agent's task as its record has it.
  Status put_task(const std::string& id, const std::string& agent, const std::string& name, TaskStatus status,
                  const Json& configuration);
  Status take_state_tasks(std::span<const std::vector<Value>> rows, const std::string& file);
  Status ensure_agent(const std::string& id);
  Status ingest(std::vector<NewEvent>& events);
  void count(std::string_view what, std::uint64_t more = 1) { report_.mapped[std::string(what)] += more; }

  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<Tasks> tasks_;
  AgentHiveReport report_;
  Actor actor_{.id = "import agent-hive", .type = ActorType::migration};
};

}  // namespace triune::intake::agent_hive
