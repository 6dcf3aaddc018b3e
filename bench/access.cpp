// Decisions of access from memory, with every decision looking at the store, and against one SQL statement that asks
// the same rights; the verification of API keys.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "raw_sqlite.h"
#include "scenarios.h"
#include "triune/modules/access.h"

namespace triune::bench {
namespace {

constexpr int users = 1'000;
constexpr int roles = 50;

std::string user_id(std::uint64_t number) {
  return fmt::format("user-{}", number % users);
}

/// Fifty roles in chains of five, ten permissions each, three roles for each user.
void fill(Access& access) {
  for (int role = 0; role < roles; ++role) {
    NewRole fresh{.id = fmt::format("role-{}", role), .name = fmt::format("role-{}", role)};
    if (role % 5 != 0) fresh.parents = {fmt::format("role-{}", role - 1)};
    must(access.create_role(fresh));
    for (int right = 0; right < 10; ++right)
      must(access.grant(fresh.id, {.effect = right == 9 ? Effect::deny : Effect::allow,
                                   .resource_type = fmt::format("type-{}", right),
                                   .action = right % 2 == 0 ? "read" : "update",
                                   .scope = right == 9 ? AccessScope::resource : AccessScope::organization,
                                   .resource_id = right == 9 ? fmt::format("secret-{}", role) : ""}));
  }
  for (int user = 0; user < users; ++user) {
    const auto id = user_id(static_cast<std::uint64_t>(user));
    must(access.create_user({.id = id, .email = id + "@example.org", .name = id}));
    must(access.set_member({.user = id, .role = MemberRole::guest}));
    for (int role = 0; role < 3; ++role)
      must(access.assign({PrincipalType::user, id}, fmt::format("role-{}", (user + role * 17) % roles)));
  }
}

AccessRequest request_of(std::uint64_t number) {
  return {.principal = {PrincipalType::user, user_id(number)},
          .action = number % 3 == 0 ? "read" : "update",
          .resource_type = fmt::format("type-{}", number % 10),
          .resource = fmt::format("secret-{}", number % 70)};
}

/// Microseconds of each of so many decisions; counts those that allow.
Samples decide(Access& access, std::uint64_t count, std::uint64_t& allowed) {
  Samples samples;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto request = request_of(i * 7'919);
    const Stopwatch watch;
    const auto decision = must(access.decide(request));
    samples.add(watch.seconds() * 1e6);
    allowed += decision.allowed ? 1 : 0;
  }
  return samples;
}

/// What a platform does without a cache: the rights of one request by one prepared statement over the same tables.
constexpr std::string_view rights_sql =
    "WITH RECURSIVE held (role_id) AS (SELECT role_id FROM triune_role_assignments WHERE organization_id = 1 AND "
    "user_id "
    "= ?1 AND coalesce(expires_at_ms, ?5) >= ?5 UNION SELECT p.parent_id FROM held h JOIN triune_role_parents p ON "
    "p.organization_id = 1 AND p.role_id = h.role_id) SELECT coalesce(min(CASE effect WHEN 'deny' THEN -1 ELSE 1 END), "
    "0) "
    "FROM held h CROSS JOIN triune_permissions p ON p.organization_id = 1 AND p.role_id = h.role_id AND "
    "p.resource_type IN "
    "(?2, '*') AND p.action IN (?3, '*') AND (p.scope IN ('global', 'organization') OR p.resource_id = ?4) AND "
    "coalesce(p.expires_at_ms, ?5) >= ?5 WHERE EXISTS (SELECT 1 FROM triune_users u LEFT JOIN triune_memberships m ON "
    "m.organization_id = 1 AND m.user_id = u.id WHERE u.organization_id = 1 AND u.id = ?1 AND u.status = 'active' AND "
    "coalesce(m.status, 'active') = 'active')";

Samples ask_sqlite(RawSqlite& sqlite, std::uint64_t count, std::uint64_t& allowed) {
  Samples samples;
  auto statement = sqlite.prepare(rights_sql);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto request = request_of(i * 7'919);
    const Stopwatch watch;
    statement.bind(1, request.principal.id).bind(2, request.resource_type).bind(3, request.action);
    statement.bind(4, request.resource).bind(5, std::int64_t{1'700'000'000'000});
    const auto answer = statement.one();
    samples.add(watch.seconds() * 1e6);
    allowed += answer > 0 ? 1 : 0;
  }
  return samples;
}

/// Decisions a second of several threads together.
double together(Access& access, int threads, std::uint64_t each) {
  std::vector<std::jthread> running;
  return static_cast<double>(each) * threads / timed([&] {
           for (int i = 0; i < threads; ++i)
             running.emplace_back([&access, each] {
               std::uint64_t allowed = 0;
               decide(access, each, allowed);
             });
           running.clear();
         });
}

void bench_keys(Bench& bench, Access& access) {
  const auto key =
      must(access.create_key({.name = "bench", .owner = Principal{PrincipalType::user, user_id(1)}, .scopes = {"*"}}));
  must(access.verify_key(key.text));
  Samples samples;
  for (int i = 0; i < bench.sized(20'000, 100'000, 400'000); ++i) {
    const Stopwatch watch;
    must(access.verify_key(key.text));
    samples.add(watch.seconds() * 1e6);
  }
  bench.add(measured("access_key", "us", samples.percentile(99)).detail("ours_p50_us", samples.percentile(50)));
}

}  // namespace

void bench_access(Bench& bench) {
  const WorkFolder folder(bench.settings(), "access");
  HiveOptions options;
  options.project_in_background = false;
  const auto hive = must(Hive::open((folder.path() / "hive").string(), options));
  const auto access = must(Access::open(*hive));
  fill(*access);
  RawSqlite sqlite(folder.path() / "hive" / "hive.db", options.relational_cache_bytes);
  const auto count = bench.sized<std::uint64_t>(20'000, 200'000, 1'000'000);
  std::uint64_t warm = 0;
  decide(*access, 20'000, warm);
  std::uint64_t ours_allowed = 0;
  std::uint64_t peer_allowed = 0;
  const auto ours = decide(*access, count, ours_allowed);
  const auto peer = ask_sqlite(sqlite, count, peer_allowed);
  if (ours_allowed != peer_allowed)
    throw std::runtime_error(fmt::format("{} decisions allow, {} answers of SQL", ours_allowed, peer_allowed));
  bench.add(measured("access_decide", "us", ours.percentile(99))
                .against("one prepared statement", peer.percentile(99))
                .at_most(50)
                .detail("ours_p50_us", ours.percentile(50))
                .detail("peer_p50_us", peer.percentile(50))
                .detail("allowed", static_cast<std::int64_t>(ours_allowed)));
  bench.add(measured("access_decide_rate", "1/s", together(*access, 2, count)).detail("threads", std::int64_t{2}));
  const auto strict = must(Access::open(*hive, {.staleness = std::chrono::milliseconds(0)}));
  std::uint64_t strict_allowed = 0;
  const auto fresh = decide(*strict, count / 10, strict_allowed);
  bench.add(measured("access_decide_fresh", "us", fresh.percentile(99)).detail("ours_p50_us", fresh.percentile(50)));
  bench_keys(bench, *access);
}

}  // namespace triune::bench
