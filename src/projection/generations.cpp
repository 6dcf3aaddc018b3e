#include "projection/generations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/try.h"
#include "triune/ids.h"

namespace triune::projection {
namespace {

constexpr std::string_view prefix = "gen-";
constexpr std::size_t quarantine_limit = 2;

std::vector<std::filesystem::path> entries(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  std::error_code code;
  for (std::filesystem::directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
    found.push_back(at->path());
  std::sort(found.begin(), found.end());
  return found;
}

unsigned number_of(const std::filesystem::path& generation) {
  const auto name = generation.filename().string();
  unsigned number = 0;
  if (name.starts_with(prefix)) std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return number;
}

Status keep_newest(const std::filesystem::path& directory, std::size_t count) {
  auto kept = entries(directory);  // names start with a UUIDv7, so they sort by time
  while (kept.size() > count) {
    TRIUNE_TRY(base::remove_all(kept.front()));
    kept.erase(kept.begin());
  }
  return {};
}

}  // namespace

bool Generations::is_ours(const std::string& name) const {
  const auto dash = name.find('-', prefix.size());
  return dash == std::string::npos || std::string_view(name).substr(dash + 1) == engine_;
}

Result<std::optional<std::filesystem::path>> Generations::current() const {
  // Whatever is wrong with the pointer, there is no generation to be used; the next rebuild writes it anew (I4).
  const auto name = base::read_file(root_ / "CURRENT", 4096);
  if (!name) return std::optional<std::filesystem::path>();
  auto path = root_ / base::as_text(*name);
  if (number_of(path) == 0 || !is_ours(path.filename().string()) || !std::filesystem::is_directory(path))
    return std::optional<std::filesystem::path>();
  return std::optional(std::move(path));
}

Result<std::filesystem::path> Generations::begin() const {
  TRIUNE_TRY(base::create_directories_durably(root_));
  TRIUNE_ASSIGN(const auto in_use, current());
  unsigned highest = 0;
  for (const auto& path : entries(root_)) {
    if (number_of(path) == 0) continue;
    highest = std::max(highest, number_of(path));
    if (!in_use || path != *in_use) TRIUNE_TRY(base::remove_all(path));
  }
  auto path = root_ / fmt::format("{}{:06}-{}", prefix, highest + 1, engine_);
  TRIUNE_TRY(base::create_directories_durably(path));
  return path;
}

Status Generations::publish(const std::filesystem::path& generation) const {
  base::failpoint("projection.before_publish");
  const auto name = generation.filename().string();
  if (std::filesystem::is_directory(root_ / "CURRENT")) TRIUNE_TRY(base::remove_all(root_ / "CURRENT"));
  TRIUNE_TRY(base::write_durably(root_ / "CURRENT", base::as_bytes(name)));
  base::failpoint("projection.after_publish");
  return {};
}

Status Generations::remove_others() const {
  TRIUNE_ASSIGN(const auto in_use, current());
  for (const auto& path : entries(root_))
    if (number_of(path) != 0 && (!in_use || path != *in_use)) TRIUNE_TRY(base::remove_all(path));
  return base::remove_temporaries(root_);
}

Status Generations::quarantine(std::string_view reason) const {
  TRIUNE_ASSIGN(const auto in_use, current());
  if (in_use) {
    const auto aside = root_ / "quarantine" / new_id();
    TRIUNE_TRY(base::create_directories_durably(aside));
    TRIUNE_TRY(base::rename_durably(*in_use, aside / in_use->filename()));
    TRIUNE_TRY(base::write_durably(aside / "REASON", base::as_bytes(reason)));
    TRIUNE_TRY(keep_newest(root_ / "quarantine", quarantine_limit));
  }
  return base::remove_all(root_ / "CURRENT");
}

Status Generations::drop() const {
  return base::remove_all(root_);
}

}  // namespace triune::projection
