#include "intake/claude_code/session_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "intake/claude_code/line_import.h"
#include "intake/claude_code/log_batch.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

constexpr std::size_t most_blocks_of_line = 10'000;
constexpr std::size_t most_blocks_of_batch = 20'000;

// "-home-ada-shop" was made of "/home/ada/shop", and of "/home/ada-shop" too: the guess is only used when no line has a
// working directory.
std::string decoded_folder(const std::filesystem::path& log) {
  for (auto folder = log.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    std::string name = folder.filename().string();
    if (!name.starts_with('-')) continue;
    std::replace(name.begin(), name.end(), '-', '/');
    return name;
  }
  return {};
}

LogFile log_file_of(const Input& input) {
  LogFile file{.path = bounded_id(readable(input.path.string())),
               .stem = readable(input.path.stem().string()),
               .session = {},
               .agent = {},
               .project = decoded_folder(input.path)};
  if (!file.stem.starts_with("agent-")) {
    file.session = bounded_id(file.stem);
    return file;
  }
  file.agent = bounded_id(file.stem.substr(6));
  const auto folder = input.path.parent_path();
  if (folder.filename() == "subagents") file.session = bounded_id(folder.parent_path().filename().string());
  return file;
}

class LogImport final : public LineImport {
 public:
  LogImport(ImportRun& run, const Input& input) : LineImport(run, input, "session_log"), log_(log_file_of(input)) {}

 protected:
  Status take_line(const Line& line) override {
    TRIUNE_ASSIGN(LogRecord record, parse_record(line.text));
    const std::size_t blocks = record.message ? record.message->blocks.size() : 0;
    if (blocks > most_blocks_of_line)
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{} content blocks; {} is the limit", blocks, most_blocks_of_line));
    const std::string type = bounded_id(record.type);
    ++run_.report().records[type];
    if (!is_known_type(record.type)) ++run_.report().unknown_types[type];
    blocks_ += blocks;
    lines_.push_back({.record = std::move(record), .number = line.number, .digest = fingerprint(line.text)});
    return {};
  }

  [[nodiscard]] bool is_full() const override {
    return lines_.size() >= run_.options().batch_lines || blocks_ >= most_blocks_of_batch;
  }

  Status take_batch(std::vector<Change>& changes, std::vector<PutBlob>& blobs, ModuleBatch& modules) override {
    LogBatch batch(run_.hive(), log_);
    TRIUNE_TRY(batch.prefetch(lines_));
    for (auto& line : lines_) TRIUNE_TRY(batch.apply(line));
    batch.finish();
    TRIUNE_ASSIGN(const BatchCounts counts, batch.take_changes(changes, blobs, modules));
    count(counts);
    lines_.clear();
    blocks_ = 0;
    return {};
  }

 private:
  void count(const BatchCounts& counts) {
    ClaudeImportReport& report = run_.report();
    report.sessions += counts.sessions;
    report.messages += counts.messages;
    report.tool_calls += counts.tool_calls;
    report.agents += counts.agents;
    report.events += counts.events;
    if (counts.events_without_time > 0)
      run_.modules().not_taken("records without a time are no events", counts.events_without_time);
  }

  LogFile log_;
  std::vector<LogLine> lines_;
  std::size_t blocks_ = 0;
};

}  // namespace

Status import_session_log(ImportRun& run, const Input& input) {
  return LogImport(run, input).run();
}

}  // namespace triune::intake::claude
