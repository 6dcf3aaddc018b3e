// Names of labels, types and properties in Cypher text. Values are always bound; only names go through here.
//
// Kuzu compares names without regard to the case of ASCII letters, keeps node labels and edge types in one catalogue
// and has no escape for a backtick: names that it cannot hold, or not beside another, are refused.
#pragma once

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::adapters::kuzu {

/// `name` in backticks. The name must have passed `check_*_name`.
std::string in_backticks(std::string_view name);

/// `text` as a string literal, for the few places where Kuzu's grammar takes no parameter (COPY, table_info).
std::string in_quotes(std::string_view text);

/// A label or an edge type: 1 to 200 bytes of UTF-8 without backtick and control characters, not of the form
/// `_triune…`. Error: `invalid_argument` that names the fault.
Status check_table_name(std::string_view name);

/// A property: the same, and neither `id` nor a word that Kuzu keeps for itself (`_id`, `_label`, …), in any case.
Status check_property_name(std::string_view name);

/// The form in which Kuzu compares names.
std::string folded(std::string_view name);

}  // namespace triune::adapters::kuzu
