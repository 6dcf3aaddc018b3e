#include "migrate/migrator_lease.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/try.h"
#include "migrate/lock_retry.h"
#include "runtime/backoff.h"
#include "triune/ids.h"

namespace triune::migrate {
namespace {

constexpr runtime::Backoff pauses{.first = std::chrono::milliseconds(20), .longest = std::chrono::milliseconds(1000)};

/// The database's clock: machines may disagree on the time. Not that of the transaction's beginning, which may have
/// waited for a lock since.
std::string now_ms(contract::Dialect dialect) {
  return dialect == contract::Dialect::postgres ? "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
                                                : "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
}

/// When a process began, in ticks since the machine did; a number is used again, the pair of both is not.
std::string started(std::int64_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::size_t at = name_end + 1;
  for (int field = 3; field <= 22; ++field) {
    at = text.find_first_not_of(' ', at);
    if (at == std::string::npos) return {};
    const auto end = std::min(text.find(' ', at), text.size());
    if (field == 22) return text.substr(at, end - at);
    at = end;
  }
  return {};
}

/// Where process numbers mean the same: the machine since its start, and the namespace.
std::string place() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::error_code ignored;
  return boot + std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
}

std::string own_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return fmt::format("process {} of {} {} {} {}", getpid(), host.data(), place(), started(getpid()), new_id());
}

/// Whether a holder is a process of this machine that has ended.
bool is_gone(const std::string& holder) {
  const auto words = [&] {
    std::vector<std::string> found;
    std::size_t at = 0;
    while (at < holder.size()) {
      const auto end = std::min(holder.find(' ', at), holder.size());
      found.push_back(holder.substr(at, end - at));
      at = end + 1;
    }
    return found;
  }();
  if (words.size() != 7 || words[4] != place()) return false;
  std::int64_t process = 0;
  for (const char digit : words[1]) process = process * 10 + (digit - '0');
  return started(process) != words[5];
}

/// What people are told.
std::string short_name(const std::string& holder) {
  auto end = holder.find(" of ");
  if (end != std::string::npos) end = holder.find(' ', end + 4);
  return holder.substr(0, end);
}

}  // namespace

MigratorLease::MigratorLease(MigratorLease&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      holder_(std::move(other.holder_)),
      lasts_(other.lasts_),
      token_(other.token_) {}

MigratorLease::~MigratorLease() {
  if (store_ == nullptr || token_ == 0) return;
  // The row stays, since tokens go on from it. When this fails the lease ends by itself.
  static_cast<void>(store_->write(
      [this](contract::RelationalSession& session) -> Status {
        const std::array<Value, 1> parameters{token_};
        TRIUNE_TRY(session.execute(
            "UPDATE triune_schema_lease SET expires_at_ms = 0 WHERE name = 'migrator' AND token = ?1", parameters));
        return {};
      },
      Deadline::after(std::chrono::seconds(5))));
}

Result<bool> MigratorLease::try_acquire(std::string& other, Deadline deadline) {
  // Whoever stands in the way by its name alone: one that has ended, not one that merely holds it.
  const std::string gone = is_gone(other) ? other : std::string();
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(limit_lock_waits(session, std::chrono::milliseconds(500)));
        const auto now = now_ms(session.dialect());
        const std::array<Value, 3> parameters{holder_, std::int64_t{lasts_.count()}, gone};
        TRIUNE_ASSIGN(
            const RowSet taken,
            session.query(fmt::format("INSERT INTO triune_schema_lease (name, holder, token, expires_at_ms) "
                                      "VALUES ('migrator', ?1, 1, {0} + ?2) ON CONFLICT (name) DO UPDATE SET "
                                      "holder = excluded.holder, token = triune_schema_lease.token + 1, "
                                      "expires_at_ms = excluded.expires_at_ms WHERE "
                                      "triune_schema_lease.expires_at_ms <= {0} OR triune_schema_lease.holder = ?3 "
                                      "RETURNING token",
                                      now),
                          parameters, 1));
        token_ = taken.rows.empty() ? 0 : std::get<std::int64_t>(taken.rows[0][0]);
        if (token_ != 0) return {};
        TRIUNE_ASSIGN(const RowSet held,
                      session.query("SELECT holder FROM triune_schema_lease WHERE name = 'migrator'", {}, 1));
        other = held.rows.empty() ? std::string() : to_text(held.rows[0][0]);
        return {};
      },
      deadline));
  return token_ != 0;
}

Result<MigratorLease> MigratorLease::acquire(contract::RelationalStore& store, Deadline deadline,
                                             std::chrono::milliseconds lasts) {
  MigratorLease lease(store, own_name(), lasts);
  const auto random = runtime::random_source();
  std::string other;
  for (std::uint32_t attempt = 0;; ++attempt) {
    auto taken = lease.try_acquire(other, deadline);
    if (!taken && !is_lock_timeout(taken.error())) {
      if (taken.error().code == ErrorCode::deadline_exceeded && !other.empty()) break;
      return failure_of(taken);
    }
    if (taken && *taken) return lease;
    if (is_gone(other)) continue;
    const auto pause = pauses.equal_jitter(attempt, random());
    if (pause >= deadline.remaining()) break;
    std::this_thread::sleep_for(pause);
  }
  auto late = failure(ErrorCode::deadline_exceeded,
                      fmt::format("{} is migrating this hive; try again when it is done (its lease ends by itself when "
                                  "it died)",
                                  other.empty() ? "another program" : short_name(other)));
  late.error().retry = Retry::safe;
  return late;
}

Status MigratorLease::hold(contract::RelationalSession& session) const {
  const std::array<Value, 2> parameters{token_, std::int64_t{lasts_.count()}};
  TRIUNE_ASSIGN(const std::uint64_t held,
                session.execute(fmt::format("UPDATE triune_schema_lease SET expires_at_ms = {} + ?2 "
                                            "WHERE name = 'migrator' AND token = ?1",
                                            now_ms(session.dialect())),
                                parameters));
  if (held != 0) return {};
  return failure(ErrorCode::conflict,
                 "another program took over migrating this hive while this one stalled; nothing more was done here: "
                 "look at `triune schema status` and run it again");
}

Status locked_transaction(const Runner& runner, const MigratorLease& lease, Deadline deadline,
                          const contract::WriteJob& work) {
  return with_lock_retries(deadline, [&](std::chrono::milliseconds limit) {
    const contract::WriteJob job = [&](contract::RelationalSession& session) -> Status {
      TRIUNE_TRY(limit_lock_waits(session, limit));
      TRIUNE_TRY(lease.hold(session));
      return work(session);
    };
    return runner.transaction ? runner.transaction(job, deadline) : runner.store.write(job, deadline);
  });
}

Status MigratorLease::renew(Deadline deadline) const {
  return store_->write([this](contract::RelationalSession& session) { return hold(session); }, deadline);
}

}  // namespace triune::migrate
