// SQL of SQLite as PostgreSQL has it, as far as both mean the same by it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "placement/assessment.h"
#include "triune/status.h"

namespace triune::intake::legacy {

/// The expression or query with names spelled as `tables` have them. `unsupported` names what is not the same in both:
/// LIKE, functions of SQLite, text made of numbers, names that nobody knows.
Result<std::string> server_sql(std::string_view sql, std::span<const placement::TableReport* const> tables);

/// The expressions of the CHECKs in a CREATE TABLE of SQLite.
std::vector<std::string> checks_of(std::string_view create_table);

/// The query of a CREATE VIEW; `unsupported` for one that names its columns.
Result<std::string> query_of_view(std::string_view create_view);

/// A DEFAULT of SQLite for a column of `type`; `unsupported` for what has no counterpart.
Result<std::string> server_default(std::string_view expression, std::string_view type);

/// Whether the words stand in the text one after the other, outside of quotes.
bool has_words(std::string_view sql, std::span<const std::string_view> words);

}  // namespace triune::intake::legacy
