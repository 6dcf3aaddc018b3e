#include "placement/learned_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/hash.h"
#include "base/try.h"

namespace triune::placement {
namespace {

constexpr std::string_view header = "triune learned 1\n";
constexpr std::string_view part_mark = "part ";
constexpr std::size_t checksum_digits = 16;

std::unexpected<Error> damaged(std::string_view what) {
  return failure(ErrorCode::corruption, fmt::format("what was learned cannot be read: {}", what));
}

template <class Number>
Result<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return damaged("a number is none");
  return number;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char each : text) {
    if (each == '\\')
      safe += "\\\\";
    else if (each == '\t')
      safe += "\\t";
    else if (each == '\n')
      safe += "\\n";
    else
      safe += each;
  }
  return safe;
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    const char next = text[++i];
    plain += next == 't' ? '\t' : next == 'n' ? '\n' : next;
  }
  return plain;
}

std::vector<std::string_view> parts_of(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = line.find(separator);
    parts.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return parts;
    line.remove_prefix(end + 1);
  }
}

Result<std::uint64_t> whole_number(std::string_view text) {
  return number_in<std::uint64_t>(text);
}

Result<double> real_number(std::string_view text) {
  TRIUNE_ASSIGN(const double number, number_in<double>(text));
  if (!std::isfinite(number)) return damaged("a number is infinite");
  return number;
}

std::string sealed(const std::vector<LearnedPart>& parts) {
  std::string file(header);
  for (const auto& part : parts)
    file += fmt::format("{}{} {}\n{}", part_mark, part.name, part.lines.size(), part.lines);
  return file + fmt::format("{:016x}\n", base::hash64(file));
}

Result<std::vector<LearnedPart>> unsealed(std::string_view file) {
  if (!file.starts_with(header)) return damaged("it is of another version");
  if (file.size() < header.size() + checksum_digits + 1) return damaged("it is cut");
  const auto body = file.substr(0, file.size() - checksum_digits - 1);
  if (file.substr(body.size()) != fmt::format("{:016x}\n", base::hash64(body)))
    return damaged("its checksum is another one");
  std::vector<LearnedPart> parts;
  for (auto rest = body.substr(header.size()); !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    const auto space = line.rfind(' ');
    if (!line.starts_with(part_mark) || space < part_mark.size() || line.size() >= rest.size())
      return damaged("a part has no beginning");
    TRIUNE_ASSIGN(const std::uint64_t size, whole_number(line.substr(space + 1)));
    rest.remove_prefix(line.size() + 1);
    if (size > rest.size()) return damaged("a part is cut");
    parts.push_back(
        {std::string(line.substr(part_mark.size(), space - part_mark.size())), std::string(rest.substr(0, size))});
    rest.remove_prefix(size);
  }
  return parts;
}

}  // namespace triune::placement
