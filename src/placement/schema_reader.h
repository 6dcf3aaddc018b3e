// Tables, columns, indexes and foreign keys of a foreign database, from its catalogue.
#pragma once

#include <string>
#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// All tables and views with what is declared about them; counts and findings stay empty. A schema that cannot be read
/// is an error; a table whose description cannot be read is a problem.
Result<std::vector<TableReport>> read_schema(Source& source);

/// "integer", "text", "blob", "real" or "numeric", by SQLite's rules for declared types.
std::string affinity_of(std::string_view declared_type);

/// The storage classes that a declared type promises, as letters: i(nteger), r(eal), t(ext), b(lob). SQLite's rules
/// alone would call every text in a DATETIME a violation, so well-known types get what they are used for. Empty:
/// anything.
std::string promised_classes(std::string_view declared_type);

/// The same in words, for people: "integer or real".
std::string words_for(std::string_view classes);

/// Marks indexes that another one, or the primary key, makes superfluous.
void mark_redundant_indexes(TableReport& table);

/// Marks foreign keys that have an index, and gives the others a CREATE INDEX.
void mark_indexed(TableReport& table);

}  // namespace triune::placement
