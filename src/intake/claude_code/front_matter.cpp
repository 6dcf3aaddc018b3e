#include "intake/claude_code/front_matter.h"

#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() > 1 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

void add_line(std::string_view line, FrontMatter& to) {
  const bool continues = line.starts_with(' ') || line.starts_with('\t') || line.starts_with("- ");
  if (continues && !to.members.empty()) {
    std::string& value = to.members.back().second;
    if (value == "|" || value == ">") value.clear();
    if (!value.empty()) value += line.starts_with("- ") || trimmed(line).starts_with("- ") ? ", " : " ";
    const std::string_view text = trimmed(line);
    value += text.starts_with("- ") ? trimmed(text.substr(2)) : text;
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  to.members.emplace_back(trimmed(line.substr(0, colon)), without_quotes(trimmed(line.substr(colon + 1))));
}

}  // namespace

std::string_view FrontMatter::get(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key) return value;
  return {};
}

FrontMatter read_front_matter(std::string_view text) {
  FrontMatter document{.members = {}, .body = text};
  std::string_view rest = text;
  if (trimmed(take_line(rest)) != "---") return document;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (trimmed(line) == "---") {
      document.body = rest;
      return document;
    }
    add_line(line, document);
  }
  return {.members = {}, .body = text};  // never closed: no header
}

std::string title_of(const FrontMatter& document) {
  for (const auto* const key : {"description", "title", "name"})
    if (const auto value = document.get(key); !value.empty()) return std::string(beginning(value, title_bytes));
  for (std::string_view rest = document.body; !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (line.starts_with("# ")) return std::string(beginning(trimmed(line.substr(2)), title_bytes));
  }
  return {};
}

}  // namespace triune::intake::claude
