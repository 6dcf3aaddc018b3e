#include "adapters/lancedb/seal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"

namespace triune::adapters::lancedb {
namespace {

constexpr std::string_view format_name = "triune-lancedb-seal-1";
constexpr std::string_view version_hint = "latest_version_hint.json";
constexpr std::size_t block_size = 1U << 20U;
constexpr std::uint64_t largest_seal = 256ULL << 20U;

std::unexpected<Error> damaged(const std::filesystem::path& path, std::string_view why) {
  return failure(ErrorCode::corruption, fmt::format("{} is damaged: {}; the projection is rebuilt from the canonical "
                                                    "store",
                                                    path.string(), why));
}

std::string hexadecimal(std::string_view text) {
  std::string digits;
  for (const char each : text) digits += fmt::format("{:02x}", static_cast<unsigned char>(each));
  return digits;
}

std::string from_hexadecimal(std::string_view digits) {
  std::string text;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    unsigned value = 0;
    std::from_chars(digits.data() + at, digits.data() + at + 2, value, 16);
    text += static_cast<char>(value);
  }
  return text;
}

std::string name_hash(std::string_view collection) {
  return base::sha256_hex(base::as_bytes(collection));
}

// One line of a seal, read after its checksum was found right.
void read_line(std::istringstream& line, std::map<std::string, std::string>& about, Seal& seal) {
  std::string word;
  line >> word;
  if (word != "file") {
    std::string rest;
    std::getline(line >> std::ws, rest);
    about[word] = rest;
    return;
  }
  SealedFile file;
  std::string path;
  line >> file.size >> std::hex >> file.hash >> std::ws;
  std::getline(line, path);
  seal.files[path] = file;
}

std::uint64_t number(const std::map<std::string, std::string>& about, const std::string& name) {
  const auto at = about.find(name);
  return at == about.end() ? 0 : std::strtoull(at->second.c_str(), nullptr, 10);
}

std::string text(const std::map<std::string, std::string>& about, const std::string& name) {
  const auto at = about.find(name);
  return at == about.end() ? std::string() : at->second;
}

Result<SealedFile> measure(const std::filesystem::path& path, bool sync) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return failure(ErrorCode::unavailable, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  SealedFile file;
  std::vector<std::byte> block(block_size);
  ssize_t got = 0;
  while ((got = read(descriptor, block.data(), block.size())) > 0) {
    file.hash = base::hash64(std::span(block).first(static_cast<std::size_t>(got)), file.hash);
    file.size += static_cast<std::uint64_t>(got);
  }
  const bool failed = got < 0 || (sync && fsync(descriptor) != 0);
  const int error = errno;
  close(descriptor);
  if (failed) return failure(ErrorCode::unavailable, fmt::format("{}: {}", path.string(), std::strerror(error)));
  return file;
}

// The regular files below `folder`, by their paths relative to it.
Result<std::map<std::string, std::filesystem::path>> files_below(const std::filesystem::path& folder) {
  std::map<std::string, std::filesystem::path> files;
  std::error_code code;
  auto at = std::filesystem::recursive_directory_iterator(folder, code);
  for (; !code && at != std::filesystem::recursive_directory_iterator(); at.increment(code))
    if (at->is_regular_file(code)) files[at->path().lexically_relative(folder).generic_string()] = at->path();
  if (code && code != std::errc::no_such_file_or_directory)
    return failure(ErrorCode::unavailable, fmt::format("{}: {}", folder.string(), code.message()));
  return files;
}

}  // namespace

Status write_seal(const std::filesystem::path& path, const contract::VectorSpecification& specification,
                  const Seal& seal) {
  std::string body = fmt::format(
      "collection {}\ndimension {}\nmetric {}\ntable {}\nversion {}\nrows {}\ntrained {}\n"
      "probes {}\nrefine {}\npruning {}\n",
      name_hash(specification.collection), specification.dimension, to_string(specification.metric), seal.table,
      seal.version, seal.rows, seal.trained, seal.probes, seal.refine, seal.pruning ? 1 : 0);
  if (seal.position)
    body += fmt::format("incarnation x{}\nlsn {}\n", hexadecimal(seal.position->incarnation), seal.position->lsn);
  if (!seal.keys.empty()) body += fmt::format("keys {}\n", seal.keys);
  for (const auto& [name, file] : seal.files) body += fmt::format("file {} {:x} {}\n", file.size, file.hash, name);
  const std::string whole = fmt::format("{} {:016x}\n{}", format_name, base::hash64(body), body);
  return base::write_durably(path, base::as_bytes(whole));
}

Result<std::optional<Seal>> read_seal(const std::filesystem::path& path,
                                      const contract::VectorSpecification& specification) {
  auto bytes = base::read_file(path, largest_seal);
  if (!bytes && bytes.error().code == ErrorCode::not_found) return std::optional<Seal>();
  if (!bytes) return failure_of(bytes);
  const std::string_view whole = base::as_text(*bytes);
  const std::size_t head = whole.find('\n');
  if (head == std::string_view::npos) return damaged(path, "it is cut off");
  const auto body = whole.substr(head + 1);
  if (whole.substr(0, head) != fmt::format("{} {:016x}", format_name, base::hash64(body)))
    return damaged(path, "its checksum is wrong");
  Seal seal;
  std::map<std::string, std::string> about;
  std::istringstream lines{std::string(body)};
  for (std::string each; std::getline(lines, each);) {
    std::istringstream line(each);
    read_line(line, about, seal);
  }
  if (text(about, "collection") != name_hash(specification.collection))
    return damaged(path, "it belongs to another collection");
  if (number(about, "dimension") != specification.dimension || text(about, "metric") != to_string(specification.metric))
    return failure(
        ErrorCode::conflict,
        fmt::format("vector collection '{}' is kept in {} with dimension {} and metric {}, not {} and {}; drop "
                    "it to change them",
                    specification.collection, path.parent_path().string(), text(about, "dimension"),
                    text(about, "metric"), specification.dimension, to_string(specification.metric)));
  seal.table = text(about, "table");
  seal.version = number(about, "version");
  seal.rows = number(about, "rows");
  seal.trained = number(about, "trained");
  seal.probes = static_cast<std::uint32_t>(number(about, "probes"));
  seal.refine = static_cast<std::uint32_t>(number(about, "refine"));
  seal.pruning = number(about, "pruning") != 0;
  seal.keys = text(about, "keys");
  if (about.contains("lsn"))
    seal.position =
        contract::Position{from_hexadecimal(std::string_view(about["incarnation"]).substr(1)), number(about, "lsn")};
  return std::optional(std::move(seal));
}

Result<SealedFiles> make_durable(const std::filesystem::path& folder, const SealedFiles& known) {
  TRIUNE_ASSIGN(const auto found, files_below(folder));
  SealedFiles files;
  std::set<std::filesystem::path> directories{folder};
  for (const auto& [name, path] : found) {
    if (path.filename() == version_hint) {
      TRIUNE_TRY(base::remove_all(path));
      continue;
    }
    const auto before = known.find(name);
    if (before != known.end()) {
      files.insert(*before);
      continue;
    }
    TRIUNE_ASSIGN(files[name], measure(path, true));
    for (auto directory = path.parent_path(); directory != folder; directory = directory.parent_path())
      directories.insert(directory);
  }
  for (const auto& directory : directories) TRIUNE_TRY(base::sync_directory(directory));
  return files;
}

Result<bool> restore_files(const std::filesystem::path& folder, const Seal& seal) {
  TRIUNE_ASSIGN(const auto found, files_below(folder));
  for (const auto& [name, sealed] : seal.files) {
    const auto at = found.find(name);
    if (at == found.end()) {
      if (seal.pruning) continue;
      return damaged(folder / name, "it is not there");
    }
    TRIUNE_ASSIGN(const auto measured, measure(at->second, false));
    if (measured.size != sealed.size || measured.hash != sealed.hash)
      return damaged(at->second, "it is not what was sealed");
  }
  bool had_others = false;
  for (const auto& [name, path] : found) {
    if (seal.files.contains(name)) continue;
    had_others = true;
    // While versions were being pruned, a newer one may be all that is left.
    if (!seal.pruning) TRIUNE_TRY(base::remove_all(path));
  }
  return had_others;
}

}  // namespace triune::adapters::lancedb
