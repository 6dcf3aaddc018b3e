// The pools of runtime for tests of rooms that must not see runtime.
#pragma once

#include "contract/connection_pool.h"
#include "runtime/connection_pool.h"

namespace triune::testing {

inline contract::PoolFactory pool_factory() {
  return runtime::make_connection_pool;
}

}  // namespace triune::testing
