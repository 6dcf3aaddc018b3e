// Lines of what was learned: fields between tabs, in a file with a checksum. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::placement {

/// `text` without tabs and line breaks, and back.
std::string escaped(std::string_view text);
std::string unescaped(std::string_view text);

/// The parts of `line` between `separator`.
std::vector<std::string_view> parts_of(std::string_view line, char separator);

/// A whole number, or one with a fraction. Error: `corruption`.
Result<std::uint64_t> whole_number(std::string_view text);
Result<double> real_number(std::string_view text);

/// One part of a file: its name and its lines.
struct LearnedPart {
  std::string name;
  std::string lines;
};

/// A file of several parts, and back. Error: `corruption` when it is cut, changed, or of another version.
std::string sealed(const std::vector<LearnedPart>& parts);
Result<std::vector<LearnedPart>> unsealed(std::string_view file);

}  // namespace triune::placement
