// What the factory makes for some characteristics: statements, mappings, collections. Pure functions; the hive carries
// a plan out in one transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "contract/dialect.h"
#include "triune/placement.h"
#include "triune/schema.h"
#include "triune/status.h"

namespace triune::placement {

/// The table at the other end of a relationship, as it is.
struct TieEnd {
  std::string table;
  std::string key;  ///< Its only key column.
  bool integer_key = false;
  std::string label;  ///< That its rows have as nodes; empty: none.
};

struct StoragePlan {
  std::vector<std::string> statements;  ///< Tables first, then indexes.
  std::vector<NodeMapping> nodes;
  std::vector<EdgeMapping> edges;
  std::vector<VectorCollection> vectors;
  std::optional<TextIndex> text;
  std::vector<Placement> placements;  ///< Of the store itself first, then of what it is made of.
  std::vector<std::string> made;
  std::vector<std::string> how_to;
};

/// `invalid_argument` that says what is wrong, where, and how to mend it.
Status check(const DataCharacteristics& data);

/// What tells two stores apart, as JSON: all but figures that are only expected.
std::string definition_of(const DataCharacteristics& data);

/// Describes the table of another end; called for each that `data` names.
using FindEnd = std::function<Result<TieEnd>(const std::string& table)>;

/// `data` must have passed `check`.
Result<StoragePlan> plan_storage(const DataCharacteristics& data, contract::Dialect dialect, const FindEnd& find_end);

}  // namespace triune::placement
