// The header of Markdown documents: "---", "key: value" lines, "---".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace triune::intake::claude {

struct FrontMatter {
  std::vector<std::pair<std::string, std::string>> members;
  std::string_view body;  ///< What follows; the whole text when there is no header. Lives as long as the text.

  /// The value of a key; empty when it is absent.
  [[nodiscard]] std::string_view get(std::string_view key) const;
};

/// Reads a header the lenient way Claude Code does: a value is all that follows the first colon, whatever YAML would
/// say; lines that are indented or list items continue the value.
FrontMatter read_front_matter(std::string_view text);

/// What a document calls itself: the header's description or name, or else its first heading.
std::string title_of(const FrontMatter& document);

}  // namespace triune::intake::claude
