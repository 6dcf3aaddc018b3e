// What every fallible call of Triune returns.
//
// A call that can fail returns `Status` (nothing else to say) or `Result<T>`. Exceptions never cross this API; a
// programmer's error (a broken precondition) asserts. Thread rule: these are plain values.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace triune {

/// Why a call failed. The codes are few on purpose: each asks for another reaction of the caller.
enum class ErrorCode : std::uint8_t {
  invalid_argument,    ///< The input is wrong; the message says what, where and how to mend it (I10).
  not_found,           ///< The named thing does not exist.
  already_exists,      ///< The named thing exists and the call wanted to create it.
  conflict,            ///< The state changed or contradicts the request (another request under the same key, drift).
  unsupported,         ///< The engine or this version cannot do it.
  permission_denied,   ///< The caller may not do it.
  resource_exhausted,  ///< A bound was reached: queue, size, memory, disk.
  unavailable,         ///< The store cannot be reached or is owned by another process.
  deadline_exceeded,   ///< The deadline passed first.
  cancelled,           ///< The caller or a shutdown cancelled the work.
  corruption,          ///< Stored bytes are not what was written.
  internal,            ///< A defect of Triune; please report it.
};

/// What may be done after an error (I11).
enum class Retry : std::uint8_t {
  never,            ///< The same request fails again.
  safe,             ///< Nothing happened; the same request may be sent again.
  outcome_unknown,  ///< It may have happened; send it again only with the same idempotency key.
};

/// One error, complete enough to act on.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;            ///< What, where, and how to mend it. Holds no secret.
  std::string engine;             ///< "sqlite", "kuzu", "usearch", "memory"; empty when no engine was involved.
  std::string native_code;        ///< The engine's own code, for its manual; empty when there is none.
  Retry retry = Retry::never;     ///< What may be done next.
  bool connection_usable = true;  ///< False: the connection that failed must be closed.
};

/// The word for a code, as the command line's JSON prints it ("invalid_argument").
std::string_view to_string(ErrorCode code) noexcept;

/// The word for a retry rule ("outcome_unknown").
std::string_view to_string(Retry retry) noexcept;

/// A value or an `Error`. Dropping one without looking at it is a compiler warning.
template <class T>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
};

/// Success or an `Error`.
using Status = Result<void>;

/// An `Error` ready to be returned from a function with any `Result`.
inline std::unexpected<Error> failure(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error{.code = code, .message = std::move(message), .engine = {}, .native_code = {}});
}

/// The error of `result`, ready to be returned from a function with another value type.
template <class T>
std::unexpected<Error> failure_of(Result<T>& result) {
  return std::unexpected<Error>(std::move(result.error()));
}

}  // namespace triune
