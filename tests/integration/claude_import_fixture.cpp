#include "integration/claude_import_fixture.h"

#include <fmt/format.h>

#include <fstream>

namespace triune::testing {
namespace {

std::string member(std::string_view name, const std::string& value) {
  return value.empty() ? std::string() : fmt::format(R"(,"{}":"{}")", name, value);
}

std::string envelope(const LineParts& parts, std::string_view type) {
  return fmt::format(R"({{"type":"{}"{}{}{}{}{},"cwd":"/srv","isSidechain":false,"gitBranch":"main"{})", type,
                     member("uuid", parts.uuid), member("parentUuid", parts.parent), member("sessionId", parts.session),
                     member("timestamp", parts.at), member("version", parts.version), parts.extra);
}

}  // namespace

void ClaudeImportTest::open(const std::string& name) {
  hive_.reset();
  auto opened = Hive::open(place(name).location(), place(name).options());
  ASSERT_TRUE(opened) << opened.error().message;
  hive_ = std::move(*opened);
}

const HivePlace& ClaudeImportTest::place(const std::string& name) {
  return places_.try_emplace(name, directory_.path(), name).first->second;
}

intake::ClaudeImportReport ClaudeImportTest::import(const std::filesystem::path& path,
                                                    const intake::ClaudeImportOptions& options) {
  auto report = intake::import_claude(*hive_, path, options);
  EXPECT_TRUE(report) << report.error().message;
  return report ? *report : intake::ClaudeImportReport();
}

void ClaudeImportTest::expect_nothing_new(const std::filesystem::path& path) {
  const auto before = hive_->receipt();
  ASSERT_TRUE(before);
  const auto report = import(path);
  EXPECT_EQ(report.changed, 0U);
  EXPECT_EQ(report.receipt.lsn, before->lsn);
}

std::string ClaudeImportTest::sql(const std::string& statement) const {
  const auto rows = hive_->sql(statement);
  EXPECT_TRUE(rows) << rows.error().message;
  std::string text;
  if (!rows) return text;
  EXPECT_FALSE(rows->truncated);
  for (const auto& row : rows->rows) {
    for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : "|") + to_text(row[i]);
    text += '\n';
  }
  return text;
}

std::string ClaudeImportTest::everything() const {
  std::string text;
  for (const auto* const table : {"session", "message", "block", "tool_call", "tool", "call", "file", "touch", "agent",
                                  "event", "line", "setting", "completion", "history", "source", "bad_line"})
    text += fmt::format("== {}\n{}", table, sql(fmt::format("SELECT * FROM claude_{}_rows ORDER BY 1", table)));
  text += "== nodes\n" + sql("SELECT label, id, properties FROM triune_graph_nodes ORDER BY 1, 2");
  text += "== edges\n" + sql("SELECT type, from_label, from_id, to_label, to_id, properties FROM triune_graph_edges "
                             "ORDER BY 1, 2, 3, 4, 5");
  // The modules, but for when they were told.
  text += "== agents\n" + sql("SELECT id, name, agent_type, status, description, model, configuration, created_at_ms "
                              "FROM triune_agents ORDER BY id");
  text += "== contexts\n" + sql("SELECT id, agent_id, name, token_count, max_tokens, state, active, consolidations, "
                                "created_at_ms, last_accessed_at_ms FROM triune_context_sessions ORDER BY id");
  text += "== memories\n" + sql("SELECT id, agent_id, session_id, kind, content, importance, source FROM "
                                "triune_memories ORDER BY id");
  text += "== events\n" + sql("SELECT id, source, event_type, subtype, occurred_at_ms, severity, title, actor, "
                              "correlation_id, cause_id, external_id, data FROM triune_event_list ORDER BY id");
  return text + "== blobs\n" + sql("SELECT owner, name, sha256, size_bytes FROM triune_blob_references ORDER BY 1, 2");
}

std::filesystem::path ClaudeImportTest::write(const std::filesystem::path& name, std::string_view content) const {
  const auto path = tree() / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

void ClaudeImportTest::append(const std::filesystem::path& name, std::string_view content) const {
  std::ofstream(tree() / name, std::ios::binary | std::ios::app) << content;
}

std::string user_line(const LineParts& parts, const std::string& content) {
  return fmt::format(R"({},"message":{{"role":"user","content":{}}}}})", envelope(parts, "user"), content) + "\n";
}

std::string assistant_line(const LineParts& parts, const std::string& message, const std::string& block,
                           int output_tokens) {
  return fmt::format(R"({},"message":{{"role":"assistant","model":"m"{},"content":[{}],"usage":{{"input_tokens":3,)"
                     R"("output_tokens":{},"cache_read_input_tokens":5,"cache_creation_input_tokens":7}}}}}})",
                     envelope(parts, "assistant"), member("id", message), block, output_tokens) +
         "\n";
}

std::string event_line(const LineParts& parts, const std::string& type) {
  return envelope(parts, type) + "}\n";
}

std::string text_block(const std::string& text) {
  return fmt::format(R"({{"type":"text","text":"{}"}})", text);
}

std::string use_block(const std::string& id, const std::string& tool, const std::string& input) {
  return fmt::format(R"({{"type":"tool_use","id":"{}","name":"{}","input":{}}})", id, tool, input);
}

std::string result_block(const std::string& id, const std::string& text) {
  return fmt::format(R"([{{"type":"tool_result","tool_use_id":"{}","content":"{}"}}])", id, text);
}

}  // namespace triune::testing
