#include "hive/location.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "triune/ids.h"

namespace triune::hive {
namespace {

constexpr int most_nodes = 64;
constexpr std::size_t node_id_limit = 200;

bool is_scheme(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+") == std::string_view::npos;
}

std::filesystem::path state_directory() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != '\0') return std::filesystem::path(state) / "triune";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return std::filesystem::path(home) / ".local" / "state" / "triune";
  return std::filesystem::temp_directory_path() / "triune";
}

/// The database's name in the URL, and a hash that tells databases of other servers apart.
std::string folder_of(std::string_view url) {
  const auto name = public_name(url);
  auto last = name.substr(name.rfind('/') + 1);
  for (char& character : last)
    if (std::isalnum(static_cast<unsigned char>(character)) == 0) character = '_';
  return fmt::format("{}-{:016x}", last.substr(0, 40), base::hash64(name));
}

Result<std::string> node_id_in(const std::filesystem::path& directory) {
  const auto path = directory / "node.id";
  if (std::filesystem::exists(path)) {
    TRIUNE_ASSIGN(const Bytes bytes, base::read_file(path, node_id_limit));
    const auto text = base::as_text(bytes);
    if (!text.empty()) return std::string(text);
  }
  const auto fresh = new_id();
  TRIUNE_TRY(base::write_durably(path, base::as_bytes(fresh)));
  return fresh;
}

}  // namespace

Result<Location> parse_location(std::string_view text) {
  if (text.starts_with("postgresql://") || text.starts_with("postgres://"))
    return Location{.url = std::string(text), .directory = {}};
  if (text.starts_with("triune:")) text.remove_prefix(7);
  const auto scheme = text.find("://");
  if (scheme != std::string_view::npos && is_scheme(text.substr(0, scheme)))
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("a hive is a directory or a database at postgresql://…, not at {}://", text.substr(0, scheme)));
  if (text.empty()) return failure(ErrorCode::invalid_argument, "a hive needs a directory or a URL");
  return Location{.url = {}, .directory = std::filesystem::path(text)};
}

std::string public_name(std::string_view url) {
  auto rest = url.substr(url.find("://") + 3);
  rest = rest.substr(0, rest.find('?'));
  const auto slash = rest.find('/');
  if (const auto at = rest.substr(0, slash).rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  return "postgresql://" + std::string(rest);
}

Result<NodeDirectory> claim_node_directory(std::filesystem::path root, std::string_view url) {
  if (root.empty()) root = state_directory() / folder_of(url);
  Error last;
  for (int number = 1; number <= most_nodes; ++number) {
    NodeDirectory node{.path = root / fmt::format("node-{}", number), .node_id = {}, .lock = nullptr};
    TRIUNE_TRY(base::create_directories_durably(node.path));
    auto lock = DirectoryLock::acquire(node.path);
    if (!lock) {
      last = lock.error();
      if (last.retry != Retry::safe) return failure_of(lock);
      continue;
    }
    node.lock = std::move(*lock);
    TRIUNE_ASSIGN(node.node_id, node_id_in(node.path));
    return node;
  }
  return failure(ErrorCode::resource_exhausted,
                 fmt::format("{} processes of this machine have {} open; close one, or give another directory for "
                             "projections",
                             most_nodes, public_name(url)));
}

}  // namespace triune::hive
