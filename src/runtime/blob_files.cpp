#include "runtime/blob_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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
#include "runtime/blob_hash.h"
#include "triune/ids.h"

namespace triune::runtime {

using contract::StoredBlob;

namespace {

/// Files of a batch that are open at once.
constexpr std::size_t batch_files = 64;

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
  if (!is_blob_hash(blob.hash)) return std::nullopt;
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

/// Holds one of the guards, within the process and, in a shared directory, among processes.
class BlobFiles::Guard {
 public:
  Guard(std::mutex& mutex, int file, std::size_t number) : lock_(mutex), file_(file), number_(number) {}
  Guard(Guard&& other) noexcept
      : lock_(std::move(other.lock_)), file_(other.file_), number_(other.number_), locked_(other.locked_) {
    other.locked_ = false;
  }
  Guard& operator=(Guard&&) = delete;
  ~Guard() {
    if (locked_) static_cast<void>(set(F_UNLCK));
  }
  /// The lock belongs to the open file and not to the process, so closing another descriptor does not drop it.
  bool lock_file() {
    locked_ = file_ < 0 || set(F_WRLCK);
    return locked_;
  }

 private:
  bool set(short type) const {
    if (file_ < 0) return true;
    struct flock range{};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(number_);
    range.l_len = 1;
    while (::fcntl(file_, F_OFD_SETLKW, &range) != 0)
      if (errno != EINTR) return false;
    return true;
  }

  std::unique_lock<std::mutex> lock_;
  int file_;
  std::size_t number_;
  bool locked_ = false;
};

BlobFiles::BlobFiles(std::filesystem::path directory, Use use) : directory_(std::move(directory)), use_(use) {}

BlobFiles::~BlobFiles() {
  if (lock_file_ >= 0) ::close(lock_file_);
}

Result<std::unique_ptr<BlobFiles>> BlobFiles::open(std::filesystem::path directory, Use use) {
  TRIUNE_TRY(base::create_directories_durably(directory / "tmp"));
  std::unique_ptr<BlobFiles> files(new BlobFiles(std::move(directory), use));
  if (use == Use::shared) TRIUNE_TRY(files->open_lock());
  // What lies in a directory of this process alone (I9) was left by one that died.
  TRIUNE_TRY(files->sweep_temporaries(std::chrono::seconds(0)));
  return files;
}

Status BlobFiles::open_lock() {
  const auto path = directory_ / "lock";
  lock_file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_file_ >= 0) return {};
  return std::unexpected(unavailable("open", path, std::error_code(errno, std::generic_category())));
}

std::filesystem::path BlobFiles::path_of(std::string_view hash) const {
  return directory_ / hash.substr(0, 2) / hash;
}

Result<BlobFiles::Guard> BlobFiles::guard(std::string_view hash) const {
  const auto number = directory_number(hash) % guards_.size();
  Guard held(guards_.at(number), lock_file_, number);
  if (held.lock_file()) return held;
  return std::unexpected(unavailable("lock", directory_ / "lock", std::error_code(errno, std::generic_category())));
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
    TRIUNE_TRY(require_blob_size(bytes.size(), limit_bytes));
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
    TRIUNE_ASSIGN(const Guard held, guard(hash));
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
    TRIUNE_ASSIGN(const Guard held, guard(blob.hash));
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
  TRIUNE_TRY(require_blob_hash(hash));
  const auto path = path_of(hash);
  auto file = base::read_file(path);
  if (!file && file.error().code == ErrorCode::not_found) return no_such_blob(hash);
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

Status BlobFiles::hold(contract::RelationalSession& /*session*/, std::span<const std::string> hashes) {
  // The job holds the one writer, or the grace of a shared directory protects what was just put.
  for (const auto& hash : hashes) {
    TRIUNE_TRY(require_blob_hash(hash));
    std::error_code code;
    if (std::filesystem::exists(path_of(hash), code)) continue;
    if (code) return std::unexpected(unavailable("look at", path_of(hash), code));
    return swept_since_put(hash);
  }
  return {};
}

Result<bool> BlobFiles::remove(contract::RelationalSession& /*session*/, std::string_view hash,
                               Clock::time_point unless_put_since) {
  return remove(hash, unless_put_since);
}

Result<bool> BlobFiles::remove(std::string_view hash, Clock::time_point unless_put_since) {
  TRIUNE_TRY(require_blob_hash(hash));
  if (use_ == Use::shared) unless_put_since = std::min(unless_put_since, Clock::now() - shared_grace);
  const auto path = path_of(hash);
  TRIUNE_ASSIGN(const Guard held, guard(hash));
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
  if (use_ == Use::shared) age = std::max<std::chrono::seconds>(age, shared_grace);  // others may be writing
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
