#include "adapters/sqlite/register.h"

#include "adapters/sqlite/foreign.h"
#include "adapters/sqlite/store.h"

namespace triune::adapters {

void register_sqlite(contract::Registry& registry) {
  registry.relational["sqlite"] = &sqlite::Store::open;
  registry.foreign["sqlite"] = &sqlite::Foreign::open;
}

}  // namespace triune::adapters
