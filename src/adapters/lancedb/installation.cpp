#include "adapters/lancedb/installation.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>

namespace triune::adapters::lancedb {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::filesystem::path installation_folder() {
  if (const auto given = from_environment("TRIUNE_LANCEDB"); !given.empty()) return given;
  std::filesystem::path cache = from_environment("TRIUNE_CACHE");
  if (cache.empty()) cache = std::filesystem::path(from_environment("HOME")) / ".cache" / "triune";
  return cache / "lancedb" / TRIUNE_LANCEDB_LOCK;
}

}  // namespace

Result<std::filesystem::path> find_python() {
  const auto folder = installation_folder();
  auto python = folder / "bin" / "python3";
  std::error_code ignored;
  // The mark is written last, so that an installation that was broken off is not taken for one.
  if (std::filesystem::exists(folder / ".complete", ignored) && std::filesystem::exists(python, ignored)) return python;
  return failure(
      ErrorCode::unsupported,
      fmt::format("the vector engine lancedb is not installed in {}; run `./dev build --with lancedb`, or set "
                  "TRIUNE_LANCEDB to where that put it",
                  folder.string()));
}

}  // namespace triune::adapters::lancedb
