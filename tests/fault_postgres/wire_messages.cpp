#include "fault_postgres/wire_messages.h"

#include <algorithm>
#include <cstdint>

namespace triune::testing {
namespace {

/// A letter and four bytes of length, which count themselves.
constexpr std::size_t head = 5;

std::uint32_t length_at(std::string_view bytes, std::size_t at) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length = length << 8U | static_cast<unsigned char>(bytes[at + i]);
  return length;
}

/// The text up to the next zero byte, taken off `rest`.
std::string_view take_text(std::string_view& rest) {
  const auto text = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(text.size() + 1, rest.size()));
  return text;
}

bool is_commit(std::string_view sql) {
  return sql.starts_with("COMMIT");
}

}  // namespace

std::optional<std::string> MessageSplitter::next() {
  const std::size_t letter = untyped_ ? 0 : 1;
  if (pending_.size() < letter + 4) return std::nullopt;
  const std::size_t size = letter + length_at(pending_, letter);
  if (pending_.size() < size) return std::nullopt;
  auto message = pending_.substr(0, size);
  pending_.erase(0, size);
  untyped_ = false;
  return message;
}

bool ClientMessages::commits(std::string_view message) {
  if (message.size() < head) return false;
  auto rest = message.substr(head);
  switch (message[0]) {
    case 'Q': return is_commit(take_text(rest));
    case 'P': {
      const auto name = std::string(take_text(rest));
      if (is_commit(take_text(rest)))
        commit_statements_.insert(name);
      else
        commit_statements_.erase(name);
      return false;
    }
    case 'B': {
      take_text(rest);  // the portal
      return commit_statements_.contains(take_text(rest));
    }
    default: return false;
  }
}

bool says_committed(std::string_view message) {
  if (message.size() < head || message[0] != 'C') return false;
  auto rest = message.substr(head);
  return take_text(rest) == "COMMIT";
}

}  // namespace triune::testing
