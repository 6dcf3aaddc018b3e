#include <fmt/format.h>

#include "base/try.h"
#include "intake/claude_code/json_access.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/line_import.h"
#include "intake/claude_code/session_log.h"

namespace triune::intake::claude {
namespace {

class HistoryImport final : public LineImport {
 public:
  HistoryImport(ImportRun& run, const Input& input) : LineImport(run, input, "history") {}

 protected:
  // {display, pastedContents{}, timestamp in milliseconds, project, sessionId?}
  Status take_line(const Line& line) override {
    simdjson::dom::parser parser;
    JsonObject object;
    if (const auto code = parser.parse(line.text.data(), line.text.size(), false).get(object))
      return failure(ErrorCode::invalid_argument, fmt::format("not a JSON object: {}", simdjson::error_message(code)));
    const std::string text = text_member(object, "display");
    const auto pasted = object_member(object, "pastedContents");
    if (text.empty() && !pasted) return failure(ErrorCode::invalid_argument, "an entry that displays nothing");
    const std::string at = time_member(object, "timestamp");
    const std::string project = text_member(object, "project");
    const std::string id = fmt::format("{}:{}", at, fingerprint(project + '\n' + text));
    TRIUNE_TRY(entries_.load(run_.hive(), id));
    Row& row = entries_.at(id);
    row.set_text("at", at);
    row.set_text("project", project);
    row.set_text("session_id", bounded_id(text_member(object, "sessionId")));
    put_text(row, "text", text, blobs_);
    if (pasted && pasted->size() > 0) put_text(row, "details", simdjson::minify(*pasted), blobs_);
    return {};
  }

  [[nodiscard]] bool is_full() const override { return entries_.size() >= run_.options().batch_lines; }

  Status take_batch(std::vector<Change>& changes, std::vector<PutBlob>& blobs, ModuleBatch&) override {
    entries_.append_changes(changes);
    blobs = std::move(blobs_);
    blobs_.clear();
    entries_ = RowCache(history_table());
    return {};
  }

 private:
  RowCache entries_{history_table()};
  std::vector<PutBlob> blobs_;
};

}  // namespace

Status import_history(ImportRun& run, const Input& input) {
  return HistoryImport(run, input).run();
}

}  // namespace triune::intake::claude
