// What a database consists of, as facts that can be compared: of a live store with what its migrations make, of before
// with after, of one dialect with the other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::migrate {

struct CatalogueEntry {
  std::string kind;        ///< table, column, primary key, unique, foreign key, check, index, view, trigger, function.
  std::string table;       ///< Empty for views and functions.
  std::string name;        ///< Of a constraint its columns, since dialects name constraints differently.
  std::string definition;  ///< In one spelling, so that equal ones are equal texts.
  std::string make;        ///< The statement that makes it where it is missing; empty when there is no single one.
  std::string drop;        ///< The statement that takes it away.
};

/// By "KIND TABLE NAME".
using Catalogue = std::map<std::string, CatalogueEntry>;

/// Whose things.
enum class Owner : std::uint8_t {
  users,   ///< All whose names do not begin with triune_.
  triune,  ///< The others.
};

/// Of the main database in SQLite, of the current schema in PostgreSQL.
Result<Catalogue> read_catalogue(contract::RelationalSession& session, Owner owner);

/// One difference.
struct Drift {
  enum class Kind : std::uint8_t { missing, extra, different };
  Kind kind = Kind::missing;
  std::string what;      ///< "column tasks.title".
  std::string expected;  ///< Empty when extra.
  std::string found;     ///< Empty when missing.
  std::string mend;      ///< The statement that mends it; empty when one statement cannot.
};

std::string_view to_string(Drift::Kind kind);

/// What differs; of a table that is missing or extra, the table alone.
std::vector<Drift> compare(const Catalogue& expected, const Catalogue& found);

// Of one dialect each; for `read_catalogue`.
Result<Catalogue> read_sqlite_catalogue(contract::RelationalSession& session, Owner owner);
Result<Catalogue> read_postgres_catalogue(contract::RelationalSession& session, Owner owner);
void add_entry(Catalogue& to, CatalogueEntry entry);

/// A text of SQL in one spelling: words in small letters, one blank between them, quotes of plain names taken off.
std::string one_spelling(std::string_view sql, contract::Dialect dialect);

}  // namespace triune::migrate
