// What a user's statement may do in a write job, decided by its words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/tokens.h"
#include "triune/status.h"

namespace triune::adapters::postgres {

constexpr std::string_view protected_prefix = "triune_";

/// Whether a name is Triune's own, in letters of any size.
bool is_protected(std::string_view name);

struct UserStatement {
  bool defines = false;              ///< It changes what there is (CREATE, ALTER, DROP).
  std::vector<std::string> targets;  ///< Names of the tables or views whose rows it writes, with the schema if given.
};

/// `permission_denied` for all but queries, writes of rows, and definitions of tables, views, indexes, triggers,
/// sequences and types; for writes to and definitions of what is Triune's; for temporary objects, which could hide
/// others; and for what `check_names` refuses. Functions cannot be defined: nothing would tell what they do.
Result<UserStatement> check_user_write(const std::vector<Token>& tokens);

}  // namespace triune::adapters::postgres
