#include "adapters/kuzu/kuzu_error.h"

#include <array>

namespace triune::adapters::kuzu {
namespace {

struct Rule {
  std::string_view part;  // what the message contains
  ErrorCode code;
  Retry retry;
  bool connection_usable = true;
};

// In order: the first part found decides. Texts are those of Kuzu 0.11.3.
constexpr std::array rules{
    Rule{"Unable to allocate memory", ErrorCode::resource_exhausted, Retry::safe},
    Rule{"buffer pool is full", ErrorCode::resource_exhausted, Retry::safe},
    Rule{"No space left on device", ErrorCode::resource_exhausted, Retry::safe},
    Rule{"not a valid Kuzu database file", ErrorCode::corruption, Retry::never, false},
    Rule{"Trying to read a database file with a different version", ErrorCode::corruption, Retry::never, false},
    Rule{"Could not set lock on file", ErrorCode::unavailable, Retry::safe, false},
    Rule{"Only one write transaction at a time", ErrorCode::unavailable, Retry::safe},
    Rule{"Timeout waiting for active transactions", ErrorCode::unavailable, Retry::safe},
    Rule{"inside a read-only transaction", ErrorCode::permission_denied, Retry::never},
    Rule{"Found duplicated primary key", ErrorCode::invalid_argument, Retry::never},
    Rule{"Parser exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"Binder exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"Catalog exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"Conversion exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"Overflow exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"Copy exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"do not support prepare multiple statements", ErrorCode::invalid_argument, Retry::never},
    Rule{"Query is empty", ErrorCode::invalid_argument, Retry::never},
    Rule{"Parameter ", ErrorCode::invalid_argument, Retry::never},
    Rule{"Runtime exception", ErrorCode::invalid_argument, Retry::never},
    Rule{"IO exception", ErrorCode::unavailable, Retry::never, false},
    Rule{"Storage exception", ErrorCode::corruption, Retry::never, false},
};

// "Binder exception" of "Binder exception: Table X does not exist."
std::string kind_of(std::string_view message) {
  const auto colon = message.find(" exception:");
  return colon == std::string_view::npos ? std::string() : std::string(message.substr(0, colon + 10));
}

}  // namespace

Error kuzu_error(ErrorCode code, std::string message, Retry retry) {
  Error error{.code = code, .message = std::move(message), .engine = "kuzu", .native_code = {}};
  error.retry = retry;
  return error;
}

std::unexpected<Error> kuzu_failure(ErrorCode code, std::string message, Retry retry) {
  return std::unexpected<Error>(kuzu_error(code, std::move(message), retry));
}

Error translate_error(std::string_view message, bool deadline_passed) {
  if (message.find("Interrupted.") != std::string_view::npos)
    return deadline_passed ? kuzu_error(ErrorCode::deadline_exceeded,
                                        "the graph statement did not end before its deadline", Retry::safe)
                           : kuzu_error(ErrorCode::cancelled, "the graph statement was interrupted", Retry::safe);
  for (const auto& rule : rules) {
    if (message.find(rule.part) == std::string_view::npos) continue;
    auto error = kuzu_error(rule.code, std::string(message), rule.retry);
    error.native_code = kind_of(message);
    error.connection_usable = rule.connection_usable;
    return error;
  }
  return kuzu_error(ErrorCode::internal, std::string(message));
}

}  // namespace triune::adapters::kuzu
