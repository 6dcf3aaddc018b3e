#include "runtime/blob_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "runtime/blob_format.h"
#include "triune/ids.h"

namespace triune::runtime {
namespace {

constexpr std::size_t hash_length = 64;
/// Files of a batch that are open at once.
constexpr std::size_t batch_files = 64;

bool is_hash(std::string_view text) {
  return text.size() == hash_length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status require_hash(std::string_view text) {
  if (is_hash(text)) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("'{}' is not a blob's hash, which has 64 lower-case hexadecimal digits", text));
}

/// Number of the directory aa that a hash lies in.
std::size_t directory_number(std::string_view hash) {
  return std::stoul(std::string(hash.substr(0, 2)), nullptr, 16);
}

Error unavailable(std::string_view what, const std::filesystem::path& path, const std::error_code& code) {
  return Error{.code = ErrorCode::unavailable,
               .message = fmt::format("cannot {} {}: {}", what, path.string(), code.message()),
               .engine = {},
               .native_code = std::to_string(code.value())};
}

BlobFiles::Clock::time_point system_time(std::filesystem::file_time_type time) {
  return std::chrono::time_point_cast<BlobFiles::Clock::duration>(std::chrono::file_clock::to_sys(time));
}

/// The entries of a directory; none when it does not exist. Read before anything is done with them.
Result<std::vector<std::filesystem::path>> entries_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> entries;
  std::error_code code;
  for (std::filesystem::directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
    entries.push_back(at->path());
  if (code && code != std::errc::no_such_file_or_directory && code != std::errc::not_a_directory)
    return std::unexpected(unavailable("list", directory, code));
  return entries;
}

/// What `visit` says of a file; nothing for one that is no blob or went meanwhile.
Result<std::optional<StoredBlob>> describe(const std::filesystem::path& path) {
  StoredBlob blob{.hash = path.filename().string()};
  if (!is_hash(blob.hash)) return std::nullopt;
  std::error_code code;
  blob.stored_bytes = std::filesystem::file_size(path, code);
  if (!code) blob.last_put = system_time(std::filesystem::last_write_time(path, code));
  if (code == std::errc::no_such_file_or_directory) return std::nullopt;
  if (code) return std::unexpected(unavailable("look at", path, code));
  return blob;
}

}  // namespace

/// A blob that is written under its temporary name.
struct BlobFiles::Pending {
  std::string hash;
  base::NewFile file;
};

BlobFiles::BlobFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

Result<std::unique_ptr<BlobFiles>> BlobFiles::open(std::filesystem::path directory) {
  TRIUNE_TRY(base::create_directories_durably(directory / "tmp"));
  std::unique_ptr<BlobFiles> files(new BlobFiles(std::move(directory)));
  // The directory is this process's alone (I9), so whatever is there was left by one that died.
  TRIUNE_TRY(files->sweep_temporaries(std::chrono::seconds(0)));
  return files;
}

std::filesystem::path BlobFiles::path_of(std::string_view hash) const {
  return directory_ / hash.substr(0, 2) / hash;
}

std::mutex& BlobFiles::guard_of(std::string_view hash) const {
  return guards_[directory_number(hash) % guards_.size()];
}

Result<std::string> BlobFiles::put(std::span<const std::byte> bytes) {
  TRIUNE_ASSIGN(auto hashes, put_many(std::span(&bytes, 1)));
  return std::move(hashes.front());
}

Result<std::vector<std::string>> BlobFiles::put_many(std::span<const std::span<const std::byte>> contents) {
  std::vector<std::string> hashes;
  std::unordered_set<std::string> seen;
  std::vector<Pending> pending;
  for (const auto bytes : contents) {
    if (bytes.size() > limit_bytes)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("a blob of {} bytes is over the limit of {}; split it", bytes.size(), limit_bytes));
    hashes.push_back(base::sha256_hex(bytes));
    if (!seen.insert(hashes.back()).second) continue;
    TRIUNE_ASSIGN(const bool present, refresh(hashes.back(), bytes));
    if (present) continue;
    TRIUNE_ASSIGN(auto written, write_temporary(hashes.back(), bytes));
    pending.push_back(std::move(written));
    if (pending.size() == batch_files) TRIUNE_TRY(publish(pending));
  }
  TRIUNE_TRY(publish(pending));
  // Also for blobs that were there: a process that died, or a thread at work, may have renamed and not yet synced.
  TRIUNE_TRY(sync_directories(hashes));
  return hashes;
}

/// Whether the blob is there, undamaged; its time is then refreshed, before anything else (B3).
Result<bool> BlobFiles::refresh(const std::string& hash, std::span<const std::byte> bytes) {
  const auto path = path_of(hash);
  {
    const std::scoped_lock lock(guard_of(hash));
    std::error_code code;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now(), code);
    if (code == std::errc::no_such_file_or_directory) return false;
    if (code) return std::unexpected(unavailable("refresh", path, code));
  }
  const auto stored = get(hash);
  return stored.has_value() && std::ranges::equal(*stored, bytes);  // damaged: written anew (B4)
}

Result<BlobFiles::Pending> BlobFiles::write_temporary(std::string hash, std::span<const std::byte> bytes) {
  TRIUNE_ASSIGN(auto file, base::NewFile::create(directory_ / "tmp" / new_id()));
  const auto encoded = encode_blob(bytes);
  TRIUNE_TRY(file.write(encoded.header));
  TRIUNE_TRY(file.write(encoded.body()));
  file.start_writeback();
  return Pending{std::move(hash), std::move(file)};
}

Status BlobFiles::publish(std::vector<Pending>& pending) {
  for (auto& blob : pending) TRIUNE_TRY(blob.file.sync());
  base::failpoint("blob.written");
  for (auto& blob : pending) {
    const auto path = path_of(blob.hash);
    TRIUNE_TRY(base::make_directory(path.parent_path()));
    const std::scoped_lock lock(guard_of(blob.hash));
    TRIUNE_TRY(blob.file.rename_to(path));
  }
  if (!pending.empty()) base::failpoint("blob.renamed");
  pending.clear();
  return {};
}

Status BlobFiles::sync_directories(const std::vector<std::string>& hashes) {
  std::set<std::filesystem::path> directories;
  for (const auto& hash : hashes) {
    directories.insert(path_of(hash).parent_path());
    if (!durable_[directory_number(hash)]) directories.insert(directory_);
  }
  for (const auto& directory : directories) TRIUNE_TRY(base::sync_directory(directory));
  for (const auto& hash : hashes) durable_[directory_number(hash)] = true;
  return {};
}

Result<Bytes> BlobFiles::get(std::string_view hash) const {
  TRIUNE_TRY(require_hash(hash));
  const auto path = path_of(hash);
  auto file = base::read_file(path);
  if (!file && file.error().code == ErrorCode::not_found)
    return failure(ErrorCode::not_found, fmt::format("there is no blob {}", hash));
  if (!file) return failure_of(file);
  auto bytes = decode_blob(std::move(*file), limit_bytes);
  if (!bytes || base::sha256_hex(*bytes) != hash)
    return failure(ErrorCode::corruption,
                   fmt::format("the blob in {} is damaged; put its content again or restore it", path.string()));
  return std::move(*bytes);
}

Status BlobFiles::check(std::string_view hash) const {
  auto bytes = get(hash);
  if (!bytes) return failure_of(bytes);
  return {};
}

Result<bool> BlobFiles::remove(std::string_view hash, Clock::time_point unless_put_since) {
  TRIUNE_TRY(require_hash(hash));
  const auto path = path_of(hash);
  const std::scoped_lock lock(guard_of(hash));
  TRIUNE_ASSIGN(const auto blob, describe(path));
  if (!blob) return true;
  if (blob->last_put >= unless_put_since) return false;
  TRIUNE_TRY(base::remove_all(path));
  return true;
}

Status BlobFiles::visit(const Visitor& visitor) const {
  TRIUNE_ASSIGN(const auto directories, entries_of(directory_));
  for (const auto& directory : directories) {
    TRIUNE_ASSIGN(const auto files, entries_of(directory));
    for (const auto& file : files) {
      TRIUNE_ASSIGN(const auto blob, describe(file));
      if (blob) TRIUNE_TRY(visitor(*blob));
    }
  }
  return {};
}

Result<std::uint64_t> BlobFiles::sweep_temporaries(std::chrono::seconds age) {
  TRIUNE_ASSIGN(const auto entries, entries_of(directory_ / "tmp"));
  std::uint64_t removed = 0;
  for (const auto& path : entries) {
    std::error_code code;
    const auto written = std::filesystem::last_write_time(path, code);
    if (code || std::filesystem::file_time_type::clock::now() - written < age) continue;  // gone, or being written
    TRIUNE_TRY(base::remove_all(path));
    ++removed;
  }
  return removed;
}

}  // namespace triune::runtime
