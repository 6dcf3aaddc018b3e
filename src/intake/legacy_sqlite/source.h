// The database of another program as a migration sees it: its definitions, and its tables as the assessment reads them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/foreign_database.h"
#include "contract/registry.h"
#include "intake/legacy_sqlite/plan.h"
#include "placement/assessment.h"

namespace triune::intake::legacy {

/// A row of the schema.
struct Definition {
  std::string type;  ///< "table", "index", "view", "trigger".
  std::string name;
  std::string table;
  std::string sql;  ///< Empty for an index that a constraint made.
};

/// Reads rows of one statement, from either side of a migration.
using RowReader = std::function<Status(std::string_view sql, std::span<const Value> parameters,
                                       const std::function<Status(std::span<const Value>)>& visitor)>;

/// Used by one thread.
class LegacySource {
 public:
  /// Opens the file and reads its schema. Errors: those of a foreign database.
  static Result<std::unique_ptr<LegacySource>> open(const contract::Registry& engines,
                                                    const std::filesystem::path& path);

  [[nodiscard]] contract::ForeignDatabase& database() { return *database_; }
  [[nodiscard]] const std::vector<Definition>& definitions() const { return definitions_; }
  [[nodiscard]] const std::vector<placement::TableReport>& tables() const { return tables_; }
  [[nodiscard]] const placement::TableReport* table(std::string_view name) const;
  [[nodiscard]] const Definition* definition(std::string_view type, std::string_view name) const;
  /// SHA-256 of all definitions.
  [[nodiscard]] std::string schema_hash() const;
  [[nodiscard]] RowReader reader();
  Result<std::uint64_t> count(const std::string& table);

 private:
  explicit LegacySource(std::unique_ptr<contract::ForeignDatabase> database) : database_(std::move(database)) {}
  Status read(bool reads_hold_writers);

  std::unique_ptr<contract::ForeignDatabase> database_;
  std::vector<Definition> definitions_;
  std::vector<placement::TableReport> tables_;
};

/// What the file is now, by its directory entry; the hash is left empty.
SourceStamp stamp_of(const std::filesystem::path& path);

/// Whether nobody wrote to the file between two stamps.
bool same_content(const SourceStamp& before, const SourceStamp& now);

}  // namespace triune::intake::legacy
