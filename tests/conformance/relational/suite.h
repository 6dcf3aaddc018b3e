// The suite that every relational engine must pass: an engine is a factory and its quirks, the cases are shared.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "contract/registry.h"
#include "contract/relational_store.h"
#include "triune/ids.h"

namespace triune::conformance {

/// SQL given by users, as the engine writes it. There are tables `kept(id)`, or `kept(id, name)` with a trigger of
/// Triune's that fills `triune_log(entry, id)`.
struct UserStatements {
  std::vector<std::string> not_reading;  ///< Must never pass as reading, the engine's own traps included.
  std::vector<std::string> reading;
  std::vector<std::string> dangerous;   ///< Functions and tables that must be refused or unknown.
  std::vector<std::string> exhausting;  ///< Must fail, and soon.
  std::vector<std::string> own_tables;  ///< Allowed, in this order.
  std::vector<std::string> triunes;     ///< Touch what is Triune's.
  std::vector<std::string> refused;     ///< Not for users, whatever the code.
  /// Definitions by users that would write `triune_log` when a row of `kept` is updated: denied at once or, when that
  /// is empty, at the update.
  std::vector<std::string> sneaky;
};

/// What engines may do differently. Everything else is the same for all.
struct RelationalQuirks {
  std::string name;    ///< Of the entry.
  std::string engine;  ///< In the registry.
  /// A new and empty place for a store, given an empty directory, and what removes it again.
  std::function<contract::EngineOptions(const std::filesystem::path&)> place;
  std::function<void(const contract::EngineOptions&)> remove = [](const contract::EngineOptions&) {};
  std::string table_suffix;              ///< Behind the bracket of CREATE TABLE.
  std::string integer_type = "INTEGER";  ///< Of 64 bit.
  std::string bytes_type = "BLOB";
  std::string double_type = "REAL";
  std::string boolean_type = "INTEGER";
  std::string json_type = "TEXT";
  std::string any_type = "ANY";        ///< Of a column that takes every value that is refused below.
  bool booleans_are_integers = false;  ///< A bool comes back as 0 or 1.
  bool json_is_text = false;           ///< Json comes back as a string.
  bool keeps_nan = false;
  bool error_ends_transaction = false;         ///< After a failed statement only a savepoint set before helps.
  ErrorCode wrong_type = ErrorCode::conflict;  ///< Of a text literal for a column of integers.
  std::uint64_t longest_value = 0;             ///< Bytes of one text; 0: no bound worth testing.
  /// What messages say about a duplicate id and name, NULL, CHECK and a foreign key of tables `parent` and `child`.
  std::vector<std::string> constraint_hints;
  /// The statements that make a row trigger: name, "AFTER INSERT", table, body without the last semicolon.
  std::function<std::vector<std::string>(std::string name, std::string event, std::string table, std::string body)>
      trigger;
  /// A statement that runs until it is stopped, and the same inside a write.
  std::string endless_query;
  std::string endless_write;  ///< Into table `numbers(value)`.
  /// CREATE of a full-text index `words` over one column `body`, and a query for ?1 that returns the bodies.
  std::string full_text_create;
  std::string full_text_insert;
  std::string full_text_query;
  UserStatements user;
};

RelationalQuirks sqlite_quirks();
RelationalQuirks postgres_quirks();
/// The same as through a pooler that gives each transaction another connection.
RelationalQuirks postgres_pooler_quirks();

/// The engines under test, and their names for the cases.
std::vector<RelationalQuirks> engines();
std::string engine_name(const ::testing::TestParamInfo<RelationalQuirks>& parameter);

inline std::ostream& operator<<(std::ostream& to, const RelationalQuirks& quirks) {
  return to << quirks.name;
}

/// Waits long enough for any machine; only a hang reaches it.
inline Deadline soon() {
  return Deadline::after(std::chrono::seconds(30));
}

class RelationalConformance : public ::testing::TestWithParam<RelationalQuirks> {
 protected:
  void SetUp() override;
  void TearDown() override;
  /// Closes the store if it is open and opens it (again).
  void open(std::uint32_t readers = 4, std::uint32_t writers = 4);
  /// A second store at the same place.
  Result<std::unique_ptr<contract::RelationalStore>> open_another();

  /// One statement as a write job.
  Result<std::uint64_t> run(std::string_view sql, std::vector<Value> parameters = {});
  /// The same, failing the test when it fails.
  void must(std::string_view sql, std::vector<Value> parameters = {});
  /// All rows of a query in a read session of its own.
  Result<RowSet> ask(std::string_view sql, std::vector<Value> parameters = {},
                     contract::ReadScope scope = contract::ReadScope::internal);
  /// The only cell of the only row.
  Value cell(std::string_view sql, std::vector<Value> parameters = {});
  std::int64_t count(std::string_view table);
  /// A user's statement inside a write job.
  Result<RowSet> run_user(std::string_view sql, std::vector<Value> parameters = {});
  /// `CREATE TABLE name(columns)` in the engine's dialect; INTEGER is one of 64 bit.
  void create(std::string_view name, std::string_view columns);
  void create_trigger(std::string name, std::string event, std::string table, std::string body);

  [[nodiscard]] contract::RelationalStore& store() { return *store_; }
  [[nodiscard]] const RelationalQuirks& quirks() const { return GetParam(); }

 private:
  std::filesystem::path directory_;
  contract::EngineOptions place_;
  std::unique_ptr<contract::RelationalStore> store_;
};

/// The error of `result`; fails the test when there is none.
template <class T>
Error error_of(const Result<T>& result) {
  if (result) {
    ADD_FAILURE() << "succeeded";
    return {};
  }
  return result.error();
}

}  // namespace triune::conformance
