#include "intake/claude_code/recognise.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

#include "intake/claude_code/json_access.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t sniffed_bytes = 256U << 10U;
constexpr std::uint64_t largest_document = 64U << 20U;

// Folders that can be huge and are never Claude Code's.
constexpr std::array<std::string_view, 8> foreign_folders{".git", "node_modules", ".cache", ".venv",
                                                          "venv", "__pycache__",  ".tox",   "target"};

// Folders of `~/.claude` that hold caches, copies of the user's files, or state of no lasting meaning.
constexpr std::array<std::string_view, 16> state_folders{
    "todos", "statsig",   "shell-snapshots", "plugins",   "ide",     "file-history", "debug",       "session-env",
    "cache", "downloads", "local",           "telemetry", "backups", "worktrees",    "paste-cache", "tmp"};

constexpr std::array<std::string_view, 9> document_extensions{".md",  ".mdc",  ".json", ".jsonl", ".yaml",
                                                              ".yml", ".toml", ".txt",  ".log"};

// What the files of a folder of the tree are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> folder_kinds{{{"agents", "agent"},
                                                                                      {"commands", "command"},
                                                                                      {"skills", "skill"},
                                                                                      {"memory", "memory"},
                                                                                      {"context", "context"},
                                                                                      {"personas", "persona"},
                                                                                      {"config", "config"},
                                                                                      {"rules", "rule"},
                                                                                      {"hooks", "hook"},
                                                                                      {"output-styles", "output style"},
                                                                                      {"logs", "log"},
                                                                                      {"logs_backup", "log"},
                                                                                      {"plans", "plan"}}};

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(range.begin(), range.end(), text) != range.end();
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_settings_name(std::string_view name) {
  return name == ".mcp.json" || name == "managed-settings.json" || name.starts_with("settings.");
}

bool is_memory_name(std::string_view name) {
  return name == "CLAUDE.md" || name == "CLAUDE.local.md";
}

// Keys, tokens and the like are not for a data layer.
bool holds_credentials(const std::string& name) {
  return (name.starts_with('.') && name != ".mcp.json") || name.find("credential") != std::string::npos;
}

// Precedence is managed, local, project, user (the largest wins).
std::string scope_of(const fs::path& file, const fs::path& tree) {
  const std::string name = file.filename().string();
  if (name == "managed-settings.json") return "managed";
  if (name.starts_with("settings.local.")) return "local";
  return !tree.empty() && is_there(tree / "projects") ? "user" : "project";
}

std::string document_kind(const fs::path& file, const fs::path& tree) {
  const std::string name = file.filename().string();
  const fs::path relative = file.lexically_relative(tree);
  const std::string first = relative.begin()->string();
  if (relative.has_parent_path()) {
    for (const auto& [folder, kind] : folder_kinds)
      if (first == folder) return std::string(kind);
    return "document";
  }
  if (is_settings_name(name)) return "settings";
  if (is_memory_name(name)) return "memory";
  if (name == "agent_completions.jsonl") return "completions";
  const std::string extension = file.extension().string();
  if (extension == ".log") return "log";
  return extension == ".md" || extension == ".txt" ? "document" : "config";
}

bool is_in_folder(const fs::path& file, std::string_view name) {
  const auto parent = file.parent_path();
  return std::any_of(parent.begin(), parent.end(), [&](const fs::path& part) { return part == name; });
}

std::optional<Input> recognise_document(Input input, const fs::path& tree) {
  const std::string name = input.path.filename().string();
  if (!contains(document_extensions, input.path.extension().string()) || holds_credentials(name)) return std::nullopt;
  input.kind = InputKind::document;
  input.document_kind = document_kind(input.path, tree);
  if (input.document_kind != "completions" && input.size > largest_document) return std::nullopt;
  input.scope = scope_of(input.path, tree);
  return input;
}

// What lies beside the logs or beside a `.claude/` tree.
std::optional<Input> recognise_outside(Input input) {
  const std::string name = input.path.filename().string();
  if (input.path.extension() == ".jsonl") {
    input.kind = name == "history.jsonl" ? InputKind::history : InputKind::session_log;
    return input;
  }
  if (name.starts_with("agent-") && name.ends_with(".meta.json")) {
    input.kind = InputKind::agent_notes;
    return input;
  }
  const bool beside_tree = is_there(input.path.parent_path() / ".claude");
  const bool memory = is_memory_name(name) || (is_in_folder(input.path, "memory") && input.path.extension() == ".md");
  if (memory && (beside_tree || is_in_folder(input.path, "projects"))) {
    input.document_kind = "memory";
    return input;
  }
  if (name != ".mcp.json" || !beside_tree) return std::nullopt;
  input.document_kind = "settings";
  input.scope = "project";
  return input;
}

bool is_record(std::string_view line) {
  simdjson::dom::parser parser;
  JsonObject object;
  if (parser.parse(line.data(), line.size(), true).get(object) != simdjson::SUCCESS) return false;
  const std::string type = text_member(object, "type");
  if (type.empty()) return false;
  return is_known_type(type) || member(object, "sessionId").has_value() || member(object, "uuid").has_value();
}

std::string read_part(std::ifstream& file, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(size, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

// The time behind the `"timestamp":"` found at `at`.
std::string time_at(std::string_view bytes, std::size_t at) {
  if (at == std::string_view::npos) return {};
  bytes.remove_prefix(at + 13);
  return normalised_time(bytes.substr(0, bytes.find('"'))).value_or("");
}

}  // namespace

bool is_claude_tree(const fs::path& folder) {
  if (folder.filename() == ".claude") return true;
  if (is_there(folder / ".claude")) return false;
  if (is_there(folder / "settings.json") || is_there(folder / "settings.local.json")) return true;
  int signs = 0;
  for (const auto* const name : {"agents", "commands", "skills", "memory", "projects", "CLAUDE.md", "history.jsonl"})
    signs += is_there(folder / name) ? 1 : 0;
  return signs >= 2;
}

bool is_foreign_folder(const fs::path& folder, bool in_tree) {
  const std::string name = folder.filename().string();
  return contains(foreign_folders, name) || (in_tree && contains(state_folders, name));
}

std::optional<Input> recognise(const fs::path& file, const fs::path& tree) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return std::nullopt;
  Input input{.path = file,
              .kind = InputKind::document,
              .size = size,
              .document_kind = {},
              .scope = {},
              .first_at = {},
              .last_at = {}};
  if (is_in_folder(file, "tool-results")) {
    input.kind = InputKind::tool_result;
    return size <= largest_document ? std::optional(input) : std::nullopt;
  }
  const fs::path relative = tree.empty() ? file : file.lexically_relative(tree);
  const bool log_place = tree.empty() || *relative.begin() == "projects" || relative == "history.jsonl";
  return log_place ? recognise_outside(std::move(input)) : recognise_document(std::move(input), tree);
}

bool read_log_head(Input& input) {
  const std::string stem = input.path.stem().string();
  const bool named =
      stem.starts_with("agent-") || (stem.size() == 36 && std::count(stem.begin(), stem.end(), '-') == 4);
  std::ifstream file(input.path, std::ios::binary);
  const std::string head = read_part(file, 0, std::min(input.size, sniffed_bytes));
  const std::string tail =
      read_part(file, input.size - std::min(input.size, sniffed_bytes), std::min(input.size, sniffed_bytes));
  input.first_at = time_at(head, head.find("\"timestamp\":\""));
  input.last_at = time_at(tail, tail.rfind("\"timestamp\":\""));
  if (named) return true;
  for (std::string_view rest = head; !rest.empty();) {
    const auto end = rest.find('\n');
    if (is_record(rest.substr(0, end))) return true;
    if (end == std::string_view::npos) return head.size() == sniffed_bytes && rest.starts_with("{\"");
    rest.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace triune::intake::claude
