// What the files behind the door share: Kuzu's headers are included here, by engine.cpp, values.* and graph_*.cpp
// alone.
#pragma once

#include <main/kuzu.h>

#include <new>

#include "adapters/kuzu/engine.h"
#include "adapters/kuzu/kuzu_error.h"

namespace triune::adapters::kuzu {

/// The connection's inside, from where tables are reached without a statement.
struct NativeAccess {
  static ::kuzu::main::ClientContext& context(Session& session);
};

/// Runs `call` and turns an exception of Kuzu into an error.
template <class Call>
auto without_exceptions(Deadline deadline, const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return kuzu_failure(ErrorCode::resource_exhausted, "out of memory in the graph engine", Retry::safe);
  } catch (const std::exception& exception) {
    return std::unexpected<Error>(translate_error(exception.what(), deadline.expired()));
  }
}

}  // namespace triune::adapters::kuzu
