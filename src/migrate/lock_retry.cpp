#include "migrate/lock_retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/try.h"
#include "runtime/backoff.h"

namespace triune::migrate {
namespace {

constexpr runtime::Backoff pauses{.first = std::chrono::milliseconds(50), .longest = std::chrono::milliseconds(5000)};
constexpr runtime::Backoff limits{.first = std::chrono::milliseconds(100), .longest = std::chrono::milliseconds(2000)};

}  // namespace

Status limit_lock_waits(contract::RelationalSession& session, std::chrono::milliseconds longest) {
  if (session.dialect() != contract::Dialect::postgres) return {};
  TRIUNE_TRY(session.execute(fmt::format("SET LOCAL lock_timeout = {}", longest.count()), {}));
  return {};
}

bool is_lock_timeout(const Error& error) {
  return error.native_code == "55P03" || error.native_code == "SQLITE_BUSY";
}

Status with_lock_retries(Deadline deadline, const std::function<Status(std::chrono::milliseconds limit)>& attempt) {
  const auto random = runtime::random_source();
  for (std::uint32_t number = 0;; ++number) {
    auto status = attempt(limits.ceiling(number / 2));
    if (status || !is_lock_timeout(status.error())) return status;
    const auto pause = pauses.equal_jitter(number, random());
    if (pause >= deadline.remaining()) return status;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace triune::migrate
