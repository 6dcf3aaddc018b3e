// A file layer under SQLite that fails on demand, for tests only: the product does not link it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <string_view>

namespace triune::adapters::sqlite {

/// The operations that can fail.
enum class FaultOperation : std::uint8_t { open, write, sync, truncate, remove };

/// One operation about to happen.
struct FaultEvent {
  FaultOperation operation = FaultOperation::open;
  std::string_view path;     ///< Empty for temporary files.
  std::uint64_t number = 0;  ///< How many operations there were since the rule was set, this one included.
  std::int64_t offset = 0;   ///< Of a write.
  int bytes = 0;             ///< Of a write.
};

/// What happens to it.
struct Fault {
  int code = SQLITE_OK;  ///< SQLITE_OK lets it happen; otherwise what the operation returns.
  int torn_bytes = 0;    ///< Of a write that fails: so many bytes reach the file all the same.
};

/// Decides for each operation. Called from any thread, one call at a time.
using FaultRule = std::function<Fault(const FaultEvent&)>;

/// Registers the file layer "triune-fault" over the system's, with the encrypting layer over it as in the product, and
/// makes that the default of the process for every file opened from now on. Without a rule it changes nothing.
/// Idempotent.
void install_fault_vfs();

/// Sets the rule for the whole process and starts counting anew; an empty one removes it.
void set_fault_rule(FaultRule rule);

/// Operations since the rule was set.
std::uint64_t fault_operations();

/// The rule that lets operation `number` fail, once or from then on, as `code`; a write is torn after `torn_bytes`.
FaultRule fail_at(std::uint64_t number, bool sticky, int code = SQLITE_IOERR, int torn_bytes = 0);

}  // namespace triune::adapters::sqlite
