// What a statement may be, decided by its words. The grants of the role that Triune connects as are the real wall: what
// a user must never read or run, that role must not be allowed to (README.md).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/tokens.h"
#include "contract/relational_store.h"
#include "triune/status.h"

namespace triune::adapters::postgres {

/// `permission_denied` for BEGIN, COMMIT and their like.
Status check_transaction_control(const std::vector<Token>& tokens);

/// Whether the statement only reads, as far as words tell: a function that writes is stopped by the transaction.
bool only_reads(const std::vector<Token>& tokens);

/// Whether the first word alone says that the statement does more than read.
bool known_to_write(const std::vector<Token>& tokens);

/// Whether it begins like a query (SELECT, WITH, VALUES, TABLE), and not like SHOW or EXPLAIN.
bool selects(const std::vector<Token>& tokens);

/// `permission_denied` when a user's query is more than reading: other statements, locks, functions that reach files,
/// settings, other sessions or other servers.
Status check_user_read(const std::vector<Token>& tokens);

/// `permission_denied` for names of functions and tables that no user's statement may use.
Status check_names(const std::vector<Token>& tokens);

contract::TableChange table_change_of(const std::vector<Token>& tokens);

}  // namespace triune::adapters::postgres
