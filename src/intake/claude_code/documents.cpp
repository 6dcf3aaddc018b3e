#include "intake/claude_code/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "intake/claude_code/agent_documents.h"
#include "intake/claude_code/bad_lines.h"
#include "intake/claude_code/front_matter.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/module_rows.h"
#include "intake/claude_code/row_cache.h"
#include "intake/claude_code/settings_text.h"
#include "intake/claude_code/text.h"
#include "model/json.h"

namespace triune::intake::claude {
namespace {

constexpr std::uint64_t largest_document = 64U << 20U;
constexpr std::string_view redacted = "[redacted]";

std::int64_t precedence_of(std::string_view scope) {
  constexpr std::array<std::string_view, 4> ascending{"user", "project", "local", "managed"};
  return std::find(ascending.begin(), ascending.end(), scope) - ascending.begin() + 1;
}

// "line 12: …" of a parser's message.
std::uint64_t line_in(std::string_view message) {
  std::uint64_t line = 1;
  if (message.starts_with("line ")) std::from_chars(message.data() + 5, message.data() + message.size(), line);
  return line;
}

class DocumentImport {
 public:
  DocumentImport(ImportRun& run, const Input& input)
      : run_(run), input_(input), file_(bounded_id(readable(input.path.string()))), bad_lines_(run, file_) {}

  Status run() {
    run_.advance("importing", input_.size);
    TRIUNE_ASSIGN(const Bytes bytes, read());
    const std::string hash = base::sha256_hex(bytes);
    TRIUNE_TRY(files_.load(run_.hive(), file_));
    Row& row = files_.at(file_);
    if (row.text("sha256") == hash && row.text("kind") == kind()) {
      ++run_.report().files_unchanged;
      return {};
    }
    row.set("sha256", hash);
    row.set("size_bytes", static_cast<std::int64_t>(bytes.size()));
    row.set_text("kind", kind());
    row.set_text("name", bounded_id(readable(input_.path.filename().string())));
    run_.report().bytes_read += bytes.size();
    ++run_.report().documents;
    TRIUNE_TRY(bad_lines_.start(0, true));
    TRIUNE_TRY(take(bytes, row));
    return commit();
  }

 private:
  [[nodiscard]] std::string kind() const {
    if (input_.kind == InputKind::tool_result) return "tool result";
    return input_.kind == InputKind::agent_notes ? "agent notes" : input_.document_kind;
  }

  Result<Bytes> read() const {
    auto bytes = base::read_file(input_.path, largest_document);
    if (!bytes.has_value()) bytes.error().engine = "file";
    return bytes;
  }

  Status take(const Bytes& bytes, Row& row) {
    const std::string_view raw = base::as_text(bytes);
    const bool is_text = model::is_storable_text(raw);
    const std::string text = is_text ? std::string(raw) : readable(raw);
    if (input_.kind == InputKind::tool_result) set_call(row);
    const bool settings = kind() == "settings" || kind() == "config";
    bool secret = false;
    if (settings) {
      TRIUNE_ASSIGN(secret, take_settings(text));
    } else if (kind() == "agent" || kind() == "agent notes") {
      TRIUNE_TRY(take_agent(text));
    }
    if (input_.path.extension() == ".md") row.set_text("title", title_of(read_front_matter(text)));
    if (secret) {
      row.set("text", Null{});
      row.set("text_bytes", Null{});
      return {};
    }
    if (!add_document(row, text, modules_) && input_.kind == InputKind::document)
      run_.modules().not_taken(fmt::format("documents of kind {} are rows only", kind()));
    put_text(row, "text", text, blobs_);
    if (!is_text) put_blob(row, "raw", bytes, blobs_);
    return {};
  }

  // "SESSION/tool-results/CALL.txt"
  void set_call(Row& row) const {
    row.set_text("session_id", bounded_id(readable(input_.path.parent_path().parent_path().filename().string())));
    row.set_text("tool_call_id", bounded_id(readable(input_.path.stem().string())));
  }

  Status set_aside(std::string_view text, const std::string& reason) {
    Line line;
    line.number = line_in(reason);
    for (std::uint64_t i = 1; i < line.number; ++i) text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
    line.text = text.substr(0, text.find('\n'));
    line.size = line.text.size();
    return bad_lines_.add(line, reason);
  }

  // Whether a secret was among them.
  Result<bool> take_settings(const std::string& text) {
    const std::string extension = input_.path.extension().string();
    if (extension != ".json" && extension != ".yaml" && extension != ".yml") return false;
    auto settings = extension == ".json" ? flatten_json(text) : flatten_yaml(text);
    if (!settings.has_value()) {
      TRIUNE_TRY(set_aside(text, settings.error().message));
      return false;
    }
    TRIUNE_TRY(settings_.fetch(run_.hive(), "file", {file_}));
    std::set<std::string> current;
    bool secret = false;
    for (auto& setting : *settings) {
      if (is_secret(setting)) {
        setting.value = redacted;
        secret = true;
      }
      const std::string id = bounded_id(fmt::format("{}#{}", file_, setting.key));
      current.insert(id);
      Row& row = settings_.at(id);
      row.set_text("file", file_);
      row.set_text("scope", input_.scope);
      row.set("precedence", precedence_of(input_.scope));
      row.set_text("key", setting.key);
      row.set("value", std::string(beginning(setting.value)));
      row.set_text("type", setting.type);
    }
    for (const auto& [id, row] : settings_.rows())
      if (!current.contains(id)) changes_.emplace_back(DeleteRow{std::string(setting_table().name), {{"id", id}}});
    std::erase_if(settings_.rows(), [&](const auto& entry) { return !current.contains(entry.first); });
    return secret;
  }

  Status take_agent(const std::string& text) {
    auto agent = input_.kind == InputKind::agent_notes ? read_agent_notes(input_.path, text)
                 : input_.path.extension() == ".json"  ? read_agent_record(input_.path, text)
                                                       : read_agent_definition(input_.path, text);
    if (!agent.has_value()) return set_aside(text, agent.error().message);
    TRIUNE_TRY(agents_.load(run_.hive(), agent->id));
    // Two projects may each have an agent of this name: the second is called after its file too.
    if (const Row* const known = agents_.find(agent->id); known != nullptr && agent->kind != "subagent")
      if (known->text("file") != file_) agent->id = bounded_id(fmt::format("{}@{}", agent->id, file_));
    TRIUNE_TRY(agents_.load(run_.hive(), agent->id));
    Row& row = agents_.at(agent->id);
    row.set_text("kind", agent->kind);
    for (const auto& [column, value] : agent->columns) row.set_text(column, value);
    if (agent->kind == "subagent") return {};
    row.set_text("file", file_);
    put_text(row, "prompt", agent->prompt, blobs_);
    put_text(row, "details", agent->details, blobs_);
    return {};
  }

  Status commit() {
    files_.append_changes(changes_);
    run_.report().settings += settings_.append_changes(changes_);
    run_.report().agents += agents_.append_changes(changes_);
    bad_lines_.finish();
    bad_lines_.take_changes(changes_, blobs_);
    add_agents(agents_, modules_);
    TRIUNE_TRY(append_agent_nodes(run_.hive(), agents_, changes_));
    return run_.commit(std::move(changes_), std::move(blobs_), std::move(modules_));
  }

  ImportRun& run_;
  const Input& input_;
  std::string file_;
  BadLines bad_lines_;
  RowCache files_{file_table()};
  RowCache settings_{setting_table()};
  RowCache agents_{agent_table()};
  std::vector<Change> changes_;
  std::vector<PutBlob> blobs_;
  ModuleBatch modules_;
};

}  // namespace

Status import_document(ImportRun& run, const Input& input) {
  return DocumentImport(run, input).run();
}

}  // namespace triune::intake::claude
