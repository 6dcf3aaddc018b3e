#include "intake/agent_hive/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "intake/agent_hive/run.h"

namespace triune::intake {
namespace agent_hive {
namespace {

constexpr std::size_t reported = 1'000;
constexpr std::uintmax_t largest_document = 16U << 20U;
constexpr std::string_view known_files = "import/agent-hive";

/// Paths of all files below `root`, in order.
Result<std::vector<std::filesystem::path>> files_below(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> files;
  std::error_code trouble;
  for (std::filesystem::recursive_directory_iterator at(root, trouble), end; !trouble && at != end;
       at.increment(trouble))
    if (at->is_regular_file(trouble) && !at->is_symlink()) files.push_back(at->path());
  if (trouble)
    return failure(ErrorCode::unavailable, fmt::format("{} cannot be read: {}", root.string(), trouble.message()));
  std::sort(files.begin(), files.end());
  return files;
}

bool is_log(const std::filesystem::path& path) {
  return path.extension() == ".log";
}

Status take(Run& run, const std::filesystem::path& path, const std::string& file) {
  auto bytes = is_log(path) || path.filename() == "state.db" ? Result<Bytes>(Bytes()) : base::read_file(path);
  std::error_code trouble;
  const auto size = std::filesystem::file_size(path, trouble);
  const auto modified = std::filesystem::last_write_time(path, trouble).time_since_epoch().count();
  if (!bytes || trouble) {
    run.not_taken(file, 0, bytes ? trouble.message() : bytes.error().message);
    return {};
  }
  // A log and a database are told by size and time: their events tell themselves whether they are known (H1).
  const auto hash = bytes->empty() ? fmt::format("{}/{}", size, modified) : base::sha256_hex(*bytes);
  TRIUNE_ASSIGN(const bool known, run.is_known(file, hash));
  ++run.report().files;
  if (known) {
    ++run.report().files_unchanged;
    return {};
  }
  if (is_log(path)) {
    TRIUNE_TRY(run.take_log(path, file));
  } else if (path.filename() == "state.db") {
    TRIUNE_TRY(run.take_state(path, file));
  } else if (size > largest_document) {
    run.not_taken(file, 0, fmt::format("a document has at most {} bytes, this one {}", largest_document, size));
  } else {
    TRIUNE_TRY(run.take_document(file, base::as_text(*bytes)));
  }
  return run.remember_file(file, hash);
}

}  // namespace

Result<std::unique_ptr<Run>> Run::open(Hive& hive) {
  auto run = std::make_unique<Run>();
  TRIUNE_ASSIGN(run->tasks_, Tasks::open(hive));
  TRIUNE_ASSIGN(run->agents_, Agents::open(hive));
  TRIUNE_ASSIGN(run->memory_, Memory::open(hive));
  TRIUNE_ASSIGN(run->events_, Events::open(hive));
  TRIUNE_TRY(run->events_->register_source({.name = std::string(source_name),
                                            .source_type = "import",
                                            .description = "logs and completions of an agent hive"},
                                           run->actor_));
  return run;
}

Result<bool> Run::is_known(const std::string& file, const std::string& hash) {
  const auto stored = memory_->value(known_files, file);
  if (stored) return stored->value.text == fmt::format("\"{}\"", hash);
  if (stored.error().code != ErrorCode::not_found) return std::unexpected<Error>(stored.error());
  return false;
}

Status Run::remember_file(const std::string& file, const std::string& hash) {
  TRIUNE_TRY(memory_->put(known_files, file, Json{fmt::format("\"{}\"", hash)}, 0, actor_));
  return {};
}

void Run::not_taken(const std::string& file, std::uint64_t line, std::string reason) {
  ++report_.not_taken_count;
  if (report_.not_taken.size() < reported) report_.not_taken.push_back({file, line, std::move(reason)});
}

}  // namespace agent_hive

Result<AgentHiveReport> import_agent_hive(Hive& hive, const std::filesystem::path& path, const Progress& progress) {
  std::error_code trouble;
  const auto inner = path / ".claude";
  const auto root = std::filesystem::is_directory(inner, trouble) ? inner : path;
  if (!std::filesystem::is_directory(root, trouble))
    return failure(ErrorCode::not_found, fmt::format("there is no folder {}", path.string()));
  TRIUNE_ASSIGN(const auto files, agent_hive::files_below(root));
  const bool fits = std::any_of(files.begin(), files.end(), [&](const std::filesystem::path& file) {
    const auto name = file.lexically_relative(root).string();
    return name.starts_with("agents/") || name.starts_with("memory/") || name == "agent_completions.jsonl" ||
           name == "state.db" || name.starts_with("logs");
  });
  if (!fits)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("{} has neither agents, completions, memory, logs nor a state.db; give the `.claude` folder of "
                    "an agent hive",
                    root.string()));
  TRIUNE_ASSIGN(const auto run, agent_hive::Run::open(hive));
  std::uint64_t done = 0;
  for (const auto& file : files) {
    TRIUNE_TRY(agent_hive::take(*run, file, file.lexically_relative(root).string()));
    if (progress) progress("importing", ++done, files.size());
  }
  return std::move(run->report());
}

}  // namespace triune::intake
