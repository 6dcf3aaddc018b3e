// A statement as the server knows it, and which of them a connection keeps.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/postgres/parameters.h"
#include "adapters/postgres/statement_text.h"
#include "triune/status.h"

namespace triune::adapters::postgres {

struct Statement {
  StatementText text;
  std::string source;      ///< As the caller wrote it.
  std::size_t prefix = 0;  ///< Characters that `text` has in front of it.
  std::vector<Oid> types;  ///< Of the parameters it is prepared for.
  std::string name;        ///< Empty: not prepared by name, parsed at each run.
  bool own = false;        ///< The adapter's: unchecked, and not to be found by a caller's text.
  bool prepared = false;   ///< The server has it, or was sent it and has not refused.
  /// Whether its results come in binary form; not known before the first result.
  std::optional<bool> binary;
};

/// The statements of one connection by their text, the least recently used forgotten first. In the use of one thread.
class StatementCache {
 public:
  /// `named`: statements get names, under which the server keeps them prepared.
  explicit StatementCache(bool named, std::size_t most = 200) : named_(named), most_(most) {}

  /// The statement for `sql` with parameters of these types. Errors: those of `translate`, and `invalid_argument` for
  /// a wrong number of values.
  Result<std::shared_ptr<Statement>> find(std::string_view sql, const Parameters& parameters);
  /// A command of the adapter's own, without parameters, for texts that repeat.
  std::shared_ptr<Statement> own(std::string_view sql);
  /// Names that the server should forget; the list is then empty.
  std::vector<std::string> take_forgotten();
  /// Forgets all: the server does not have them, or not as they should be. They get new names.
  void clear();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::shared_ptr<Statement>>;
  Result<std::shared_ptr<Statement>> add(std::string_view sql, const Parameters& parameters);
  std::shared_ptr<Statement> keep(std::shared_ptr<Statement> statement);
  void forget_oldest();

  const bool named_;
  const std::size_t most_;
  std::uint64_t next_ = 0;
  Entries entries_;  ///< Most recently used first.
  std::unordered_multimap<std::string_view, Entries::iterator> by_source_;
  std::vector<std::string> forgotten_;
};

}  // namespace triune::adapters::postgres
