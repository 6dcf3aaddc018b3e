// The judges of the linter: each looks at one statement, or at what a series made in the end.
#pragma once

#include <string>
#include <vector>

#include "migrate/lint.h"
#include "migrate/schema_model.h"

namespace triune::migrate {

/// A statement with its surroundings.
struct LintCase {
  const ScriptStatement& statement;
  const Script& script;      ///< All of its file.
  const SchemaModel& model;  ///< As it was before the statement.
  std::size_t file = 0;
  /// Whether the table was made by this very file.
  [[nodiscard]] bool is_new(const std::string& table) const { return model.is_new(table, file); }
};

/// Takes what is found: the rule and the line.
class Findings {
 public:
  struct Found {
    std::string rule;
    std::uint32_t line;
    std::string object;  ///< What it is about, for the message.
  };
  void add(std::string_view rule, std::uint32_t line, std::string object = {}) {
    found_.push_back({std::string(rule), line, std::move(object)});
  }
  [[nodiscard]] const std::vector<Found>& all() const { return found_; }

 private:
  std::vector<Found> found_;
};

void judge_both(const LintCase& one, Findings& to);
void judge_postgres(const LintCase& one, Findings& to);
void judge_sqlite(const LintCase& one, Findings& to);

}  // namespace triune::migrate
