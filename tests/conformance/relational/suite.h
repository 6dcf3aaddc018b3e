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
  std::uint64_t longest_value = 0;     ///< Bytes of one text; 0: no bound worth testing.
  /// A statement that runs until it is stopped, and the same inside a write.
  std::string endless_query;
  std::string endless_write;  ///< Into table `numbers(value)`.
  /// CREATE of a full-text index `words` over one column `body`, and a query for ?1 that returns the bodies.
  std::string full_text_create;
  std::string full_text_insert;
  std::string full_text_query;
};

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
  void open(std::uint32_t readers = 4);

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
  /// `CREATE TABLE name(columns)` in the engine's dialect.
  void create(std::string_view name, std::string_view columns);

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
