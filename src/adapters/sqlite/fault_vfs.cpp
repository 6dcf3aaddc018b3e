#include "adapters/sqlite/fault_vfs.h"

#include <algorithm>
#include <mutex>
#include <new>

namespace triune::adapters::sqlite {
namespace {

struct Rule {
  std::mutex mutex;
  FaultRule decide;
  std::uint64_t operations = 0;
};

Rule& rule() {
  static Rule instance;
  return instance;
}

Fault decide(FaultOperation operation, const char* path, std::int64_t offset = 0, int bytes = 0) {
  auto& current = rule();
  const std::scoped_lock lock(current.mutex);
  ++current.operations;
  if (!current.decide) return {};
  return current.decide({operation, path == nullptr ? std::string_view() : path, current.operations, offset, bytes});
}

/// The specific code for an operation, when a rule says just "I/O error".
int code_for(const Fault& fault, int specific) {
  return fault.code == SQLITE_IOERR ? specific : fault.code;
}

/// SQLite allocates this with room for the system's file behind it.
struct FaultFile {
  sqlite3_file base;
  const char* path;
  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* fault_file(sqlite3_file* file) {
  return reinterpret_cast<FaultFile*>(file);
}
sqlite3_file* real_file(sqlite3_file* file) {
  return fault_file(file)->real();
}

int close_file(sqlite3_file* file) {
  return real_file(file)->pMethods->xClose(real_file(file));
}

int read_file(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
  return real_file(file)->pMethods->xRead(real_file(file), to, bytes, offset);
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  auto* real = real_file(file);
  const Fault fault = decide(FaultOperation::write, fault_file(file)->path, offset, bytes);
  if (fault.code == SQLITE_OK) return real->pMethods->xWrite(real, from, bytes, offset);
  if (fault.torn_bytes > 0) real->pMethods->xWrite(real, from, std::min(fault.torn_bytes, bytes), offset);
  return code_for(fault, SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const Fault fault = decide(FaultOperation::truncate, fault_file(file)->path, size);
  if (fault.code != SQLITE_OK) return code_for(fault, SQLITE_IOERR_TRUNCATE);
  return real_file(file)->pMethods->xTruncate(real_file(file), size);
}

int sync_file(sqlite3_file* file, int flags) {
  const Fault fault = decide(FaultOperation::sync, fault_file(file)->path);
  if (fault.code != SQLITE_OK) return code_for(fault, SQLITE_IOERR_FSYNC);
  return real_file(file)->pMethods->xSync(real_file(file), flags);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_file(file)->pMethods->xFileSize(real_file(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real_file(file)->pMethods->xLock(real_file(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real_file(file)->pMethods->xUnlock(real_file(file), level);
}
int check_reserved(sqlite3_file* file, int* result) {
  return real_file(file)->pMethods->xCheckReservedLock(real_file(file), result);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real_file(file)->pMethods->xSectorSize(real_file(file));
}
int characteristics(sqlite3_file* file) {
  return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}
int map_shared(sqlite3_file* file, int region, int bytes, int extend, void volatile** address) {
  return real_file(file)->pMethods->xShmMap(real_file(file), region, bytes, extend, address);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  return real_file(file)->pMethods->xShmLock(real_file(file), offset, count, flags);
}
void shared_barrier(sqlite3_file* file) {
  real_file(file)->pMethods->xShmBarrier(real_file(file));
}
int unmap_shared(sqlite3_file* file, int remove) {
  return real_file(file)->pMethods->xShmUnmap(real_file(file), remove);
}
int fetch_page(sqlite3_file* file, sqlite3_int64 offset, int bytes, void** page) {
  return real_file(file)->pMethods->xFetch(real_file(file), offset, bytes, page);
}
int unfetch_page(sqlite3_file* file, sqlite3_int64 offset, void* page) {
  return real_file(file)->pMethods->xUnfetch(real_file(file), offset, page);
}

constexpr sqlite3_io_methods methods = {
    3,           close_file,     read_file,      write_file,   truncate_file, sync_file,       file_size,
    lock_file,   unlock_file,    check_reserved, control_file, sector_size,   characteristics, map_shared,
    lock_shared, shared_barrier, unmap_shared,   fetch_page,   unfetch_page};

sqlite3_vfs* system_vfs(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* opened = new (file) FaultFile{.base = {.pMethods = nullptr}, .path = path};
  const Fault fault = decide(FaultOperation::open, path);
  if (fault.code != SQLITE_OK) return code_for(fault, SQLITE_CANTOPEN);
  const int code = system_vfs(vfs)->xOpen(system_vfs(vfs), path, opened->real(), flags, out_flags);
  // SQLite closes a file whose methods are set, also after a failed open.
  if (opened->real()->pMethods != nullptr) opened->base.pMethods = &methods;
  return code;
}

int remove_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  const Fault fault = decide(FaultOperation::remove, path);
  if (fault.code != SQLITE_OK) return code_for(fault, SQLITE_IOERR_DELETE);
  return system_vfs(vfs)->xDelete(system_vfs(vfs), path, sync_directory);
}

int access_file(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
  return system_vfs(vfs)->xAccess(system_vfs(vfs), path, flags, result);
}
int full_path(sqlite3_vfs* vfs, const char* path, int size, char* to) {
  return system_vfs(vfs)->xFullPathname(system_vfs(vfs), path, size, to);
}

bool register_layers() {
  sqlite3_initialize();
  // The product's default is "multipleciphers-unix"; the faults belong under the encryption.
  sqlite3_vfs* system = sqlite3_vfs_find("unix");
  if (system == nullptr) return false;
  static sqlite3_vfs layer = *system;
  layer.zName = "triune-fault";
  layer.pNext = nullptr;
  layer.pAppData = system;
  layer.szOsFile = static_cast<int>(sizeof(FaultFile)) + system->szOsFile;
  layer.xOpen = open_file;
  layer.xDelete = remove_file;
  layer.xAccess = access_file;
  layer.xFullPathname = full_path;
  if (sqlite3_vfs_register(&layer, 0) != SQLITE_OK) return false;
  return sqlite3mc_vfs_create("triune-fault", 1) == SQLITE_OK;
}

}  // namespace

void install_fault_vfs() {
  static const bool installed = register_layers();
  if (!installed) std::abort();
}

void set_fault_rule(FaultRule decide_faults) {
  auto& current = rule();
  const std::scoped_lock lock(current.mutex);
  current.decide = std::move(decide_faults);
  current.operations = 0;
}

std::uint64_t fault_operations() {
  auto& current = rule();
  const std::scoped_lock lock(current.mutex);
  return current.operations;
}

FaultRule fail_at(std::uint64_t number, bool sticky, int code, int torn_bytes) {
  return [=](const FaultEvent& event) -> Fault {
    const bool fails = sticky ? event.number >= number : event.number == number;
    return fails ? Fault{code, torn_bytes} : Fault{};
  };
}

}  // namespace triune::adapters::sqlite
