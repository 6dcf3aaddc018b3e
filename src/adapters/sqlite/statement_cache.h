// Compiled statements of one connection, least recently used first out.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "adapters/sqlite/authorizer.h"
#include "adapters/sqlite/statement.h"

namespace triune::adapters::sqlite {

/// Bounded by count and by the length of the texts it keeps. A statement that is lent out is not lent again, so that
/// the same text can run inside its own visitor; compiled for one authority, it is never lent to another.
class StatementCache {
 public:
  struct Entry {
    std::string key;
    Statement statement;
    bool lent = false;
  };

  explicit StatementCache(std::size_t capacity) : capacity_(capacity) {}

  /// The statement for `sql`, lent out until `give_back`; nullptr when it is absent or lent already.
  Entry* lend(Authority authority, std::string_view sql);
  /// Keeps `statement` and lends it out; nullptr, leaving `statement` alone, when it is not to be kept.
  Entry* keep(Authority authority, std::string_view sql, Statement& statement);
  /// Takes a lent statement back; it must be reset.
  static void give_back(Entry& entry) { entry.lent = false; }
  /// Finalizes all; must happen before the connection closes.
  void clear();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<Entry>;
  void evict();

  std::size_t capacity_;
  Entries entries_;                                                ///< Most recently used first.
  std::unordered_map<std::string_view, Entries::iterator> index_;  ///< Keys live in the entries.
  std::string scratch_;
};

}  // namespace triune::adapters::sqlite
