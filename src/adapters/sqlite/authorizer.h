// What a statement may do, decided by SQLite's parser while it compiles the statement.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

#include "contract/relational_store.h"

namespace triune::adapters::sqlite {

/// On whose behalf a statement is compiled.
enum class Authority : std::uint8_t {
  unrestricted,       ///< The adapter's own BEGIN, SAVEPOINT, COMMIT and settings.
  internal,           ///< Triune's rooms: anything that leaves the transaction and the attached files alone.
  observe,            ///< Nobody: the statement is compiled to see what it would do, and never run.
  user_read,          ///< A user's statement in a read session: nothing but reading.
  scratch,            ///< A reader of a foreign file, who may also write to temporary tables.
  user_write,         ///< A user's statement in a write job, while it is compiled.
  user_write_nested,  ///< What virtual tables (FTS5) compile for themselves while a user's statement runs.
};

/// The rules and what they last said. One for each connection; used by the thread that uses the connection.
class Authorizer {
 public:
  /// Attaches itself to `database`; must outlive it.
  void install(sqlite3* database);

  [[nodiscard]] Authority authority() const { return authority_; }
  void set_authority(Authority authority) { authority_ = authority; }

  /// Forgets what the last statement did.
  void forget();
  /// Why the last statement was refused, or does not only read under `observe`; empty when it was not.
  [[nodiscard]] const std::string& denial() const { return denial_; }
  /// Whether the last statement alters a table: a rename hides its new name from the authorizer.
  [[nodiscard]] bool altered_table() const { return table_change_.kind == contract::TableChange::Kind::alter; }
  /// The first table of the main database that the last statement drops or alters.
  [[nodiscard]] const contract::TableChange& table_change() const { return table_change_; }

 private:
  struct Request;
  void note_table_change(const Request& request);
  static int callback(void* self, int action, const char* first, const char* second, const char* database,
                      const char* trigger);
  [[nodiscard]] std::string check(const Request& request);
  [[nodiscard]] static std::string check_internal(const Request& request);
  [[nodiscard]] static std::string check_reading(const Request& request);
  [[nodiscard]] static std::string check_scratch(const Request& request);
  [[nodiscard]] std::string check_user_write(const Request& request);
  [[nodiscard]] std::string check_change(const Request& request);

  Authority authority_ = Authority::unrestricted;
  std::string denial_;
  contract::TableChange table_change_;
  std::string changed_table_;  ///< The table that the statement itself changes.
};

/// Whether `name` is one of Triune's own (`triune_`, in any case).
bool is_protected_name(std::string_view name) noexcept;

}  // namespace triune::adapters::sqlite
