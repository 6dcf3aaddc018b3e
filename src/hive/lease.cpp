#include "hive/lease.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"

namespace triune::hive {
namespace {

Deadline lease_deadline() {
  return Deadline::after(std::chrono::seconds(30));
}

std::unexpected<Error> lost(const Lease& lease) {
  return failure(ErrorCode::conflict, fmt::format("the lease '{}' of {} has ended or changed hands; acquire it again",
                                                  lease.name, lease.holder));
}

std::unexpected<Error> held(std::string_view name, const Value& holder, const Value& milliseconds) {
  auto error = failure(ErrorCode::conflict, fmt::format("{} holds the lease '{}' for another {} ms", to_text(holder),
                                                        name, to_text(milliseconds)));
  error.error().retry = Retry::safe;
  return error;
}

}  // namespace

// Everywhere clock_timestamp(): now() is when the transaction began, before it waited for the row's lock.

Result<Lease> acquire_lease(contract::RelationalStore& store, std::string_view name, std::string_view holder,
                            std::chrono::milliseconds lasts) {
  Lease lease{.name = std::string(name), .holder = std::string(holder)};
  Status busy;
  TRIUNE_TRY(store.write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 3> parameters{lease.name, lease.holder, std::int64_t{lasts.count()}};
        TRIUNE_ASSIGN(const RowSet taken,
                      session.query("INSERT INTO triune_leases AS l (name, holder, token, expires_at) VALUES (?1, ?2, "
                                    "1, clock_timestamp() + ?3 * interval '1 millisecond') ON CONFLICT (name) DO "
                                    "UPDATE SET holder = excluded.holder, token = l.token + 1, expires_at = "
                                    "clock_timestamp() + ?3 * interval '1 millisecond' WHERE l.holder = "
                                    "excluded.holder OR l.expires_at <= clock_timestamp() RETURNING token",
                                    parameters, 1));
        busy = {};
        if (!taken.rows.empty()) {
          lease.token = std::get<std::int64_t>(taken.rows[0][0]);
          return {};
        }
        const Value key = lease.name;
        TRIUNE_ASSIGN(const RowSet other,
                      session.query("SELECT holder, CAST(greatest(extract(epoch FROM expires_at - clock_timestamp()), "
                                    "0) * 1000 AS bigint) FROM triune_leases WHERE name = ?1",
                                    {&key, 1}, 1));
        if (other.rows.empty()) return held(name, std::string("another"), std::int64_t{0});
        busy = held(name, other.rows[0][0], other.rows[0][1]);
        return {};
      },
      lease_deadline()));
  if (!busy) return failure_of(busy);
  return lease;
}

Status renew_lease(contract::RelationalStore& store, const Lease& lease, std::chrono::milliseconds lasts) {
  return store.write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 3> parameters{lease.name, lease.token, std::int64_t{lasts.count()}};
        TRIUNE_ASSIGN(const std::uint64_t renewed,
                      session.execute("UPDATE triune_leases SET expires_at = clock_timestamp() + ?3 * interval '1 "
                                      "millisecond' WHERE name = ?1 AND token = ?2 AND expires_at > clock_timestamp()",
                                      parameters));
        if (renewed == 0) return lost(lease);
        return {};
      },
      lease_deadline());
}

Status release_lease(contract::RelationalStore& store, const Lease& lease) {
  return store.write(
      [&](contract::RelationalSession& session) -> Status {
        // The row stays, since tokens must go on from it.
        const std::array<Value, 2> parameters{lease.name, lease.token};
        TRIUNE_TRY(session.execute(
            "UPDATE triune_leases SET expires_at = clock_timestamp() WHERE name = ?1 AND token = ?2", parameters));
        return {};
      },
      lease_deadline());
}

Status check_lease(contract::RelationalSession& session, const Lease& lease) {
  const std::array<Value, 2> parameters{lease.name, lease.token};
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT 1 FROM triune_leases WHERE name = ?1 AND token = ?2 "
                                                 "AND expires_at > clock_timestamp() FOR SHARE",
                                                 parameters, 1));
  if (rows.rows.empty()) return lost(lease);
  return {};
}

}  // namespace triune::hive
