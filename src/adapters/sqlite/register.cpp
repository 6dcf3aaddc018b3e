#include "adapters/sqlite/register.h"

#include "adapters/sqlite/store.h"

namespace triune::adapters {

void register_sqlite(contract::Registry& registry) {
  registry.relational["sqlite"] = &sqlite::Store::open;
}

}  // namespace triune::adapters
