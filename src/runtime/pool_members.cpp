#include "runtime/pool_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <string_view>

namespace triune::runtime {
namespace {

/// "hive/read.cpp:41 triune::Status f()", without the folders above the sources.
std::string text_of(const std::source_location& place) {
  std::string_view file = place.file_name();
  for (const std::string_view root : {"/src/", "/tests/"})
    if (const auto at = file.rfind(root); at != std::string_view::npos) file.remove_prefix(at + root.size());
  return fmt::format("{}:{} {}", file, place.line(), place.function_name());
}

}  // namespace

PoolMember* PoolMembers::lend_idle(std::uint32_t preparation, Clock::time_point now,
                                   const std::source_location& place) {
  auto chosen = idle_.end();
  for (auto each = idle_.begin(); each != idle_.end() && !stale(*each, now); ++each) {
    if (each->expires <= now) continue;
    if (each->preparation == preparation) {
      chosen = each;
      break;
    }
    if (chosen == idle_.end()) chosen = each;
  }
  if (chosen == idle_.end()) return nullptr;
  lent_.splice(lent_.begin(), idle_, chosen);
  chosen->lent_at = now;
  chosen->place = place;
  return &*chosen;
}

PoolMember& PoolMembers::lend(List& member, Clock::time_point now, const std::source_location& place) {
  lent_.splice(lent_.begin(), member);
  lent_.front().lent_at = now;
  lent_.front().place = place;
  return lent_.front();
}

PoolMembers::List PoolMembers::take_out_lent(const contract::PooledConnection* address) {
  const auto member = std::ranges::find(lent_, address, &PoolMember::address);
  assert(member != lent_.end());
  List out;
  out.splice(out.begin(), lent_, member);
  return out;
}

PoolMembers::List PoolMembers::take_out_idle() {
  List out;
  out.splice(out.begin(), idle_, idle_.begin());
  return out;
}

void PoolMembers::put_idle(List& member, Clock::time_point now) {
  member.front().used = now;
  idle_.splice(idle_.begin(), member);
}

template <class Predicate>
PoolMembers::List PoolMembers::take_out_idle_if(const Predicate& predicate) {
  List out;
  for (auto each = idle_.end(); each != idle_.begin();) {
    --each;
    if (!predicate(*each)) continue;
    const auto next = std::next(each);
    out.splice(out.end(), idle_, each);
    each = next;
  }
  return out;
}

PoolMembers::List PoolMembers::take_out_retired(std::uint32_t target, Clock::time_point now) {
  auto left = open_;
  return take_out_idle_if([&](const PoolMember& member) {
    const bool old = member.expires <= now;
    const bool unneeded = left > target || (left > settings_.smallest && now - member.used >= settings_.idle_timeout);
    if (old || unneeded) --left;
    return old || unneeded;
  });
}

PoolMembers::List PoolMembers::take_out_all_idle() {
  List out;
  out.swap(idle_);
  return out;
}

PoolMembers::List PoolMembers::take_out_stale(Clock::time_point now) {
  return take_out_idle_if([&](const PoolMember& member) { return stale(member, now); });
}

void PoolMembers::describe_lent(contract::PoolStatistics& statistics, Clock::time_point now) const {
  const bool watched = settings_.leak_after.count() > 0;
  statistics.leaks = static_cast<std::uint64_t>(std::ranges::count_if(
      lent_, [&](const PoolMember& member) { return watched && now - member.lent_at > settings_.leak_after; }));
  const auto oldest = std::ranges::min_element(lent_, {}, &PoolMember::lent_at);
  if (oldest != lent_.end()) statistics.oldest_borrower = text_of(oldest->place);
}

}  // namespace triune::runtime
