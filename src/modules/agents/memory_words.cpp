// Words of enumerations.
#include <algorithm>
#include <array>
#include <string>

#include "modules/kit/module.h"
#include "triune/modules/memory.h"

namespace triune {
namespace {

constexpr std::array<std::string_view, 4> levels{"working", "consolidated", "archived", "critical"};

}  // namespace

std::string_view to_string(ContextLevel level) noexcept {
  switch (level) {
    case ContextLevel::normal: return "normal";
    case ContextLevel::light: return "light";
    case ContextLevel::consolidate: return "consolidate";
    case ContextLevel::emergency: return "emergency";
  }
  return "normal";
}

std::string_view to_string(MemoryLevel level) noexcept {
  return levels[static_cast<std::size_t>(level)];
}

Result<MemoryLevel> parse_memory_level(std::string_view word) {
  const auto* const found = std::find(levels.begin(), levels.end(), word);
  if (found == levels.end())
    return modules::unknown_word("the level of a memory", word, "working, consolidated, archived, critical");
  return static_cast<MemoryLevel>(found - levels.begin());
}

}  // namespace triune
