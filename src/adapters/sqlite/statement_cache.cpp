#include "adapters/sqlite/statement_cache.h"

#include <algorithm>

namespace triune::adapters::sqlite {
namespace {

constexpr std::size_t longest_cached_text = 16UL << 10U;

void make_key(std::string& key, Authority authority, std::string_view sql) {
  key.assign(1, static_cast<char>('0' + static_cast<int>(authority)));
  key.append(sql);
}

}  // namespace

StatementCache::Entry* StatementCache::lend(Authority authority, std::string_view sql) {
  if (sql.size() > longest_cached_text) return nullptr;
  make_key(scratch_, authority, sql);
  const auto found = index_.find(scratch_);
  if (found == index_.end() || found->second->lent) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  found->second->lent = true;
  return &*found->second;
}

StatementCache::Entry* StatementCache::keep(Authority authority, std::string_view sql, Statement& statement) {
  if (sql.size() > longest_cached_text) return nullptr;
  make_key(scratch_, authority, sql);
  if (index_.contains(scratch_)) return nullptr;
  evict();
  entries_.push_front({scratch_, std::move(statement), true});
  index_.emplace(entries_.front().key, entries_.begin());
  return &entries_.front();
}

void StatementCache::evict() {
  if (entries_.size() < capacity_) return;
  const auto oldest = std::find_if(entries_.rbegin(), entries_.rend(), [](const Entry& each) { return !each.lent; });
  if (oldest == entries_.rend()) return;
  index_.erase(oldest->key);
  entries_.erase(std::next(oldest).base());
}

void StatementCache::clear() {
  index_.clear();
  entries_.clear();
}

}  // namespace triune::adapters::sqlite
