// The linter of migrations: what locks, rewrites, fails on tables that hold rows, or breaks programs that still run.
//
// It judges words, not a parse: what it cannot tell it leaves alone. A finding is taken by `-- triune: allow RULE
// reason` before its statement. Rules and what was measured for each: docs/schema.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/dialect.h"
#include "triune/status.h"

namespace triune::migrate {

/// One text of a series, under the name that findings call it by.
struct LintFile {
  std::string name;
  std::string_view text;
};

struct Finding {
  std::string file;
  std::uint32_t line = 0;
  std::string rule;
  std::string why;
  std::string remedy;
};

struct LintRule {
  std::string_view name;
  std::string_view why;
  std::string_view remedy;
};

/// All rules of a dialect.
std::span<const LintRule> lint_rules(contract::Dialect dialect);

/// Judges the up texts of a series, in order: later ones know what earlier ones made. Errors: `invalid_argument` for a
/// text that cannot be cut into statements, or an allowance of a rule that there is not.
Result<std::vector<Finding>> lint(std::span<const LintFile> files, contract::Dialect dialect);

}  // namespace triune::migrate
