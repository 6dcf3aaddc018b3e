// Looks at a statement of a user before Kuzu does.
//
// Kuzu says whether a statement writes, but counts reading any file of this machine (LOAD FROM), settings and running a
// statement under PROFILE as reading. So the words are looked at as well, without strings, comments and names.
#pragma once

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::adapters::kuzu {

/// What the words of a statement allow to say.
struct Inspection {
  bool may_write = false;       ///< Holds a writing word; Kuzu knows whether it is one.
  bool changes_schema = false;  ///< Begins with CREATE, ALTER or DROP.
};

/// Errors: `permission_denied` for what no caller may do here (files, extensions, other databases, settings,
/// transactions, procedures that are not on the list), `invalid_argument` for what is no single statement of sane size
/// and depth (Kuzu's parser recurses without bound).
Result<Inspection> inspect(std::string_view cypher);

}  // namespace triune::adapters::kuzu
