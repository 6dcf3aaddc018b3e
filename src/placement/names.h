// Names of tables and columns: how SQLite compares them, and what they say about what they refer to. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "placement/assessment.h"

namespace triune::placement {

/// ASCII letters alike in both cases, as SQLite compares names.
bool same_name(std::string_view left, std::string_view right) noexcept;
std::string small_letters(std::string_view text);

/// "a", "b" as identifiers, separated by commas.
std::string quoted_list(std::span<const std::string> names);

/// The table or column called `name`, or nullptr.
const TableReport* find_table(std::span<const TableReport> tables, std::string_view name) noexcept;
const ColumnReport* find_column(const TableReport& table, std::string_view name) noexcept;

/// What a column that refers to something is named after: "agent" for agent_id, agentId, agent_ids and agent_uuid;
/// empty when it is not named so.
std::string reference_stem(std::string_view column);

/// Whether a table is called after `stem`: agent, agents, categories for category, boxes for box.
bool is_named_after(std::string_view table, std::string_view stem);

/// Whether a column by its name holds another row of its own table: parent_id, reply_to, depends_on, …
bool names_own_table(std::string_view column);

/// Whether two columns by their names are the ends of an edge: source and target, from_id and to_id, person1 and
/// person2.
bool are_edge_ends(std::string_view left, std::string_view right);

/// A name for edges in the graph: WORKS_ON from works_on.
std::string edge_type_of(std::string_view name);

}  // namespace triune::placement
