// Some lines of a session log on their way into the hive: what they say is merged with what is stored (C3), and becomes
// one commit together with the position in the file (C2).
//
//   parse lines → prefetch (few queries, by key) → apply each → finish → commit
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "intake/claude_code/record.h"
#include "intake/claude_code/row_cache.h"
#include "intake/module_writer.h"
#include "triune/change.h"
#include "triune/hive.h"

namespace triune::intake::claude {

/// The file that lines come from.
struct LogFile {
  std::string path;     ///< Absolute: the key of its position, and where its bad lines are reported.
  std::string stem;     ///< File name without extension, the session's id in a main log.
  std::string session;  ///< Session of lines that name none.
  std::string agent;    ///< Of an agent's own file.
  std::string project;  ///< Decoded from the folder's name; may be wrong, so it is the last resort.
};

/// One good line.
struct LogLine {
  LogRecord record;
  std::uint64_t number = 0;
  std::string digest;  ///< Fingerprint of its text.
};

/// What a batch added.
struct BatchCounts {
  std::uint64_t events_without_time = 0;
  std::uint64_t sessions = 0;
  std::uint64_t messages = 0;
  std::uint64_t tool_calls = 0;
  std::uint64_t agents = 0;
  std::uint64_t events = 0;
};

class LogBatch {
 public:
  LogBatch(Hive& hive, const LogFile& file) : hive_(hive), file_(file) {}

  /// Reads from the hive what the lines may change.
  Status prefetch(const std::vector<LogLine>& lines);
  /// Merges one line. The record's large texts are moved out of it.
  Status apply(LogLine& line);
  /// Ends the merging: derives what depends on all lines.
  void finish();
  /// Hands over what is to be written; blobs apart, since they may need commits of their own.
  Result<BatchCounts> take_changes(std::vector<Change>& changes, std::vector<PutBlob>& blobs, ModuleBatch& modules);

 private:
  // apply_session.cpp
  Status apply_session(const LogRecord& record, const std::string& session, const std::string& agent);
  Result<std::string> agent_of(const LogRecord& record);
  Status apply_agent(const LogRecord& record, const std::string& agent, const std::string& session);
  Status apply_title(const LogRecord& record, const std::string& session);
  Status apply_event(LogLine& line, const std::string& session, const std::string& agent);

  // apply_message.cpp
  Result<Row*> find_line(const std::string& uuid) { return lines_.load(hive_, uuid); }
  Status apply_message(LogLine& line, const std::string& session, const std::string& agent);
  Result<bool> is_known_user_line(const LogRecord& record, const std::string& session);
  Row& message_row(const LogRecord& record, const std::string& session);
  void note_context(const LogRecord& record, const std::string& session, const std::string& agent);
  Status merge_message(Row& row, LogRecord& record, const std::string& session, const std::string& agent);
  Status apply_block(Row& message, Block& block, LogRecord& record, const std::string& agent);
  Row& block_row(const Row& message, const Block& block, const std::string& mark);
  Status remember_line(const LogRecord& record, std::string_view message, const std::string& session,
                       const std::string& agent);

  // apply_tools.cpp
  Result<std::string> apply_tool_use(const Row& message, const std::string& block_id, Block& block,
                                     const LogRecord& record, const std::string& agent);
  Result<std::string> apply_tool_result(const Row& message, Block& block, const LogRecord& record);
  Status apply_outcome(Row& call, const LogRecord& record);
  Row& call_row_of_use(const Row& message, const std::string& tool_use_id);
  Row* call_row_of_result(const std::string& tool_use_id, const std::string& session);
  Row& add_call(const std::string& key, const std::string& tool_use_id);
  Status add_tool(std::string_view message, const Block& block);
  Status add_paths(Row& call, const std::vector<std::string>& paths, const std::string& cwd);
  Status add_touch(std::string_view message, const std::string& path);
  Status link_agent(const std::string& agent, const std::string& session, Row& call);

  void index_rows();

  Hive& hive_;
  const LogFile& file_;
  RowCache sessions_{session_table()};
  RowCache messages_{message_table()};
  RowCache blocks_{block_table()};
  RowCache tool_calls_{tool_call_table()};
  RowCache tools_{tool_table()};
  RowCache calls_{call_table()};
  RowCache files_{file_table()};
  RowCache touches_{touch_table()};
  RowCache agents_{agent_table()};
  RowCache events_{event_table()};
  RowCache lines_{line_table()};
  std::vector<PutBlob> blobs_;
  std::map<std::string, std::vector<Row*>, std::less<>> messages_by_api_id_;
  std::map<std::string, std::vector<Row*>, std::less<>> calls_by_use_id_;
  std::map<std::string, std::vector<Row*>, std::less<>> blocks_by_message_;  // in the order of their positions
};

/// The message that a line belongs to or follows.
struct Ancestor {
  std::string message;  ///< Empty: none, or not known yet.
  std::string pending;  ///< The uuid at which the way up ends because its line is not known yet; empty otherwise.
};

/// Walks up from the line `uuid` to the first message that is not `self`.
Result<Ancestor> ancestor_of(Hive& hive, RowCache& lines, std::string uuid, std::string_view self);

/// `path` made absolute with `folder`, without "." and "..".
std::string absolute_path(const std::string& path, const std::string& folder);

}  // namespace triune::intake::claude
