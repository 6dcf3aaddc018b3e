#include "adapters/postgres/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

/// Longer ones are rare and their text would be held twice.
constexpr std::size_t longest_cached = 16 * 1024;

Status check_count(const StatementText& text, const Parameters& parameters) {
  if (static_cast<std::size_t>(parameters.count()) == text.parameters) return {};
  return refuse(ErrorCode::invalid_argument, fmt::format("the statement has {} parameters and {} values were given",
                                                         text.parameters, parameters.count()));
}

}  // namespace

Result<std::shared_ptr<Statement>> StatementCache::find(std::string_view sql, const Parameters& parameters) {
  const auto [first, last] = by_source_.equal_range(sql);
  for (auto found = first; found != last; ++found) {
    const auto entry = found->second;
    if ((*entry)->own) continue;
    TRIUNE_TRY(check_count((*entry)->text, parameters));
    if (!parameters.fit((*entry)->types)) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return *entry;
  }
  return add(sql, parameters);
}

Result<std::shared_ptr<Statement>> StatementCache::add(std::string_view sql, const Parameters& parameters) {
  TRIUNE_ASSIGN(StatementText text, translate(sql));
  TRIUNE_TRY(check_count(text, parameters));
  auto statement = std::make_shared<Statement>();
  statement->text = std::move(text);
  statement->source = sql;
  statement->types.assign(parameters.types(), parameters.types() + parameters.count());
  return sql.size() > longest_cached ? statement : keep(std::move(statement));
}

std::shared_ptr<Statement> StatementCache::own(std::string_view sql) {
  const auto [first, last] = by_source_.equal_range(sql);
  const auto found = std::find_if(first, last, [](const auto& entry) { return (*entry.second)->own; });
  if (found != last) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return *found->second;
  }
  auto statement = std::make_shared<Statement>();
  statement->own = true;
  statement->text.sql = sql;
  statement->source = sql;
  return keep(std::move(statement));
}

std::shared_ptr<Statement> StatementCache::keep(std::shared_ptr<Statement> statement) {
  if (named_) statement->name = fmt::format("triune_{}", next_++);
  if (entries_.size() >= most_) forget_oldest();
  entries_.push_front(statement);
  by_source_.emplace(statement->source, entries_.begin());
  return statement;
}

void StatementCache::forget_oldest() {
  const auto oldest = std::prev(entries_.end());
  if ((*oldest)->prepared && named_) forgotten_.push_back((*oldest)->name);
  const auto [first, last] = by_source_.equal_range((*oldest)->source);
  for (auto found = first; found != last; ++found) {
    if (found->second != oldest) continue;
    by_source_.erase(found);
    break;
  }
  entries_.erase(oldest);
}

std::vector<std::string> StatementCache::take_forgotten() {
  return std::exchange(forgotten_, {});
}

void StatementCache::clear() {
  by_source_.clear();
  entries_.clear();
  // Which of them the server has is not known; forgetting one that it has not would be an error.
  forgotten_.clear();
  if (named_) forgotten_.emplace_back("ALL");
}

}  // namespace triune::adapters::postgres
