#include <fmt/format.h>

#include "base/try.h"
#include "intake/claude_code/documents.h"
#include "intake/claude_code/json_access.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/line_import.h"
#include "intake/claude_code/module_rows.h"

namespace triune::intake::claude {
namespace {

void set_result(Row& row, JsonObject validation, std::string_view name) {
  if (member(validation, name)) row.set_flag(name, flag_member(validation, name));
}

class CompletionImport final : public LineImport {
 public:
  CompletionImport(ImportRun& run, const Input& input) : LineImport(run, input, "completions") {}

 protected:
  Status take_line(const Line& line) override {
    simdjson::dom::parser parser;
    JsonObject object;
    if (const auto code = parser.parse(line.text.data(), line.text.size(), false).get(object))
      return failure(ErrorCode::invalid_argument, fmt::format("not a JSON object: {}", simdjson::error_message(code)));
    const std::string agent = bounded_id(text_member(object, "agent_id"));
    if (agent.empty()) return failure(ErrorCode::invalid_argument, "a completion without agent_id");
    const std::string at = time_member(object, "completion_time");
    const std::string id = bounded_id(fmt::format("{}@{}", agent, at));
    TRIUNE_TRY(completions_.load(run_.hive(), id));
    Row& row = completions_.at(id);
    row.set_text("agent_id", agent);
    row.set_text("completed_at", at);
    row.set_text("status", text_member(object, "overall_status"));
    row.set_text("file", file_);
    if (const auto validation = object_member(object, "validation")) {
      for (const auto* const name : {"tests_passing", "build_successful", "conflicts_resolved", "quality_gates_passed"})
        set_result(row, *validation, name);
      row.set_text("pr_status", text_member(*validation, "pr_status"));
    }
    if (const auto list = array_member(object, "recommendations"))
      row.set_text("recommendations", simdjson::minify(*list));
    put_text(row, "details", simdjson::minify(object), blobs_);
    return {};
  }

  [[nodiscard]] bool is_full() const override { return completions_.size() >= run_.options().batch_lines; }

  Status take_batch(std::vector<Change>& changes, std::vector<PutBlob>& blobs, ModuleBatch& modules) override {
    for (const auto& [id, row] : completions_.rows())
      if (!row.is_stored())
        if (auto event = completion_event_of(row)) modules.events.push_back(std::move(*event));
    completions_.append_changes(changes);
    blobs = std::move(blobs_);
    blobs_.clear();
    completions_ = RowCache(completion_table());
    return {};
  }

 private:
  RowCache completions_{completion_table()};
  std::vector<PutBlob> blobs_;
};

}  // namespace

Status import_completions(ImportRun& run, const Input& input) {
  return CompletionImport(run, input).run();
}

}  // namespace triune::intake::claude
