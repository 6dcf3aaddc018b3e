// Early return on error, since std::expected of g++ 12 has no monadic members.
#pragma once

#include "triune/status.h"

#define TRIUNE_JOIN_INNER(left, right) left##right
#define TRIUNE_JOIN(left, right) TRIUNE_JOIN_INNER(left, right)

/// Returns the error of `expression` (a Result of any type) from the enclosing function.
#define TRIUNE_TRY(expression)                                          \
  do {                                                                  \
    if (auto triune_status = (expression); !triune_status.has_value()) \
      return ::triune::failure_of(triune_status);                       \
  } while (false)

/// Declares `target` with the value of `expression`, or returns its error.
#define TRIUNE_ASSIGN(target, expression) TRIUNE_ASSIGN_AS(TRIUNE_JOIN(triune_result_, __LINE__), target, expression)
#define TRIUNE_ASSIGN_AS(result, target, expression)          \
  auto result = (expression);                                 \
  if (!result.has_value()) return ::triune::failure_of(result); \
  target = std::move(*result)
