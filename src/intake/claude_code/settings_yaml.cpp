#include <fmt/format.h>

#include <charconv>

#include "base/try.h"
#include "intake/claude_code/settings_text.h"

namespace triune::intake::claude {
namespace {

constexpr int deepest_level = 64;

struct YamlLine {
  std::size_t number = 0;
  std::size_t indent = 0;
  std::string_view text;  // without indent and comment
  std::string_view raw;   // as it is, for block scalars
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Position of the first `wanted` outside of quotes and brackets; `after_space` and `before_space` ask for a blank
// there.
std::size_t find_outside(std::string_view text, char wanted, bool after_space, bool before_space) {
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char character = text[i];
    if (quote != 0) {
      if (character == '\\' && quote == '"') ++i;
      if (character == quote) quote = 0;
      continue;
    }
    const bool starts_word = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t';
    const bool follows_bracket = i > 0 && std::string_view("[{,:").find(text[i - 1]) != std::string_view::npos;
    if (depth == 0 && character == wanted && (!after_space || starts_word) &&
        (!before_space || i + 1 == text.size() || text[i + 1] == ' '))
      return i;
    if ((character == '"' || character == '\'') && (starts_word || follows_bracket)) quote = character;
    if (character == '[' || character == '{') ++depth;
    if ((character == ']' || character == '}') && depth > 0) --depth;
  }
  return std::string_view::npos;
}

std::vector<YamlLine> split(std::string_view text) {
  std::vector<YamlLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto indent = std::min(raw.find_first_not_of(' '), raw.size());
    lines.push_back({number, indent, trimmed(raw.substr(0, find_outside(raw, '#', true, false))), raw});
  }
  return lines;
}

bool is_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string unquoted(std::string_view text) {
  std::string result;
  const char quote = text.front();
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    char character = text[i];
    if (quote == '\'' && character == '\'') ++i;
    if (quote == '"' && character == '\\' && i + 2 < text.size()) {
      character = text[++i];
      character = character == 'n' ? '\n' : character == 't' ? '\t' : character;
    }
    result += character;
  }
  return result;
}

class YamlReader {
 public:
  explicit YamlReader(std::string_view text) : lines_(split(text)) {}

  Result<std::vector<Setting>> read() {
    skip_blank();
    while (at_ < lines_.size()) TRIUNE_TRY(read_node({}, lines_[at_].indent, 0));
    return std::move(settings_);
  }

 private:
  void skip_blank() {
    while (at_ < lines_.size()) {
      const auto text = lines_[at_].text;
      if (!text.empty() && text != "---" && text != "...") return;
      ++at_;
    }
  }

  std::unexpected<Error> wrong(std::string_view what) const {
    const std::size_t number = at_ < lines_.size() ? lines_[at_].number : lines_.size();
    return failure(ErrorCode::invalid_argument, fmt::format("line {}: {}", number, what));
  }

  // A mapping or a sequence whose lines have just this indent.
  Status read_node(const std::string& key, std::size_t indent, int level) {
    if (level > deepest_level) return wrong("nested too deeply");
    std::size_t index = 0;
    for (skip_blank(); at_ < lines_.size() && lines_[at_].indent == indent; skip_blank()) {
      const std::string_view text = lines_[at_].text;
      if (text == "-" || text.starts_with("- "))
        TRIUNE_TRY(read_item(fmt::format("{}[{}]", key, index++), indent, level));
      else if (index > 0)
        return {};  // the sequence ended; the mapping it belongs to goes on
      else
        TRIUNE_TRY(read_entry(key, indent, level));
    }
    if (at_ < lines_.size() && lines_[at_].indent > indent) return wrong("indented more than the lines it belongs to");
    return {};
  }

  // "- scalar", "- key: value" with more entries below it, or "-" with a node below it.
  Status read_item(const std::string& key, std::size_t indent, int level) {
    YamlLine& line = lines_[at_];
    const std::string_view rest = trimmed(line.text.substr(1));
    const bool mapping = find_outside(rest, ':', false, true) != std::string_view::npos;
    if (!rest.empty() && (mapping || rest.starts_with("- "))) {
      line.indent += static_cast<std::size_t>(rest.data() - line.text.data());
      line.text = rest;
      return read_node(key, line.indent, level + 1);
    }
    ++at_;
    return read_value(key, rest, indent, level);
  }

  // "key: value", or "key:" with a node below it.
  Status read_entry(const std::string& parent, std::size_t indent, int level) {
    const std::string_view text = lines_[at_].text;
    const auto colon = find_outside(text, ':', false, true);
    if (colon == std::string_view::npos) return wrong("neither \"key: value\" nor \"- item\"");
    const std::string_view name = trimmed(text.substr(0, colon));
    if (name.empty()) return wrong("a key is missing");
    const std::string own = name.front() == '"' || name.front() == '\'' ? unquoted(name) : std::string(name);
    ++at_;
    return read_value(parent.empty() ? own : parent + "." + own, trimmed(text.substr(colon + 1)), indent, level);
  }

  Status read_value(const std::string& key, std::string_view value, std::size_t indent, int level) {
    if (!value.empty() && (value.front() == '|' || value.front() == '>')) {
      read_block_scalar(key, value.front(), indent);
      return {};
    }
    if (!value.empty()) return add(key, value, level);
    skip_blank();
    const bool below = at_ < lines_.size() &&
                       (lines_[at_].indent > indent ||
                        (lines_[at_].indent == indent && lines_[at_].text.starts_with("- ") && !key.ends_with(']')));
    if (below) return read_node(key, lines_[at_].indent, level + 1);
    settings_.push_back({key, "", "null"});
    return {};
  }

  void read_block_scalar(const std::string& key, char style, std::size_t indent) {
    std::string text;
    std::size_t margin = 0;
    for (; at_ < lines_.size(); ++at_) {
      const YamlLine& line = lines_[at_];
      const bool blank = trimmed(line.raw).empty();
      if (!blank && line.indent <= indent) break;
      if (margin == 0 && !blank) margin = line.indent;
      if (!text.empty()) text += style == '|' || blank ? '\n' : ' ';
      if (!blank) text += line.raw.substr(std::min(margin, line.raw.size()));
    }
    while (text.ends_with('\n')) text.pop_back();
    settings_.push_back({key, std::move(text), "string"});
  }

  Status add(const std::string& key, std::string_view value, int level) {
    if (level > deepest_level) return wrong("nested too deeply");
    if (value.front() == '[' && value.back() == ']') return add_flow(key, value, level, false);
    if (value.front() == '{' && value.back() == '}') return add_flow(key, value, level, true);
    const bool quoted =
        value.size() > 1 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    if (quoted)
      settings_.push_back({key, unquoted(value), "string"});
    else if (value == "null" || value == "~")
      settings_.push_back({key, "", "null"});
    else if (value == "true" || value == "false")
      settings_.push_back({key, std::string(value), "boolean"});
    else
      settings_.push_back({key, std::string(value), is_number(value) ? "number" : "string"});
    return {};
  }

  // "[a, b]" and "{a: 1, b: 2}"
  Status add_flow(const std::string& key, std::string_view value, int level, bool mapping) {
    std::string_view rest = value.substr(1, value.size() - 2);
    for (std::size_t index = 0; !trimmed(rest).empty(); ++index) {
      const auto comma = find_outside(rest, ',', false, false);
      const std::string_view part = trimmed(rest.substr(0, comma));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      if (part.empty()) continue;
      const auto colon = mapping ? find_outside(part, ':', false, true) : std::string_view::npos;
      if (mapping && colon == std::string_view::npos) return wrong("an entry of {…} has no value");
      const std::string_view content = mapping ? trimmed(part.substr(colon + 1)) : part;
      const std::string name =
          mapping ? fmt::format("{}.{}", key, trimmed(part.substr(0, colon))) : fmt::format("{}[{}]", key, index);
      if (content.empty())
        settings_.push_back({name, "", "null"});
      else
        TRIUNE_TRY(add(name, content, level + 1));
    }
    return {};
  }

  std::vector<YamlLine> lines_;
  std::size_t at_ = 0;
  std::vector<Setting> settings_;
};

}  // namespace

Result<std::vector<Setting>> flatten_yaml(std::string_view text) {
  return YamlReader(text).read();
}

}  // namespace triune::intake::claude
