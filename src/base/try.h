// Early return on error, since std::expected of g++ 12 has no monadic members.
#pragma once

#include "triune/status.h"

#define TRIUNE_JOIN_INNER(left, right) left##right
#define TRIUNE_JOIN(left, right) TRIUNE_JOIN_INNER(left, right)

/// Returns the error of `expression` (a Result of any type) from the enclosing function. `__COUNTER__` keeps the names
/// apart when the expression holds a lambda that tries something itself.
#define TRIUNE_TRY(expression) TRIUNE_TRY_AS(TRIUNE_JOIN(triune_status_, __COUNTER__), expression)
#define TRIUNE_TRY_AS(status, expression)                                                     \
  do {                                                                                        \
    if (auto status = (expression); !status.has_value()) return ::triune::failure_of(status); \
  } while (false)

/// Declares `target` with the value of `expression`, or returns its error.
#define TRIUNE_ASSIGN(target, expression) TRIUNE_ASSIGN_AS(TRIUNE_JOIN(triune_result_, __COUNTER__), target, expression)
#define TRIUNE_ASSIGN_AS(result, target, expression)            \
  auto result = (expression);                                   \
  if (!result.has_value()) return ::triune::failure_of(result); \
  target = std::move(*result)
