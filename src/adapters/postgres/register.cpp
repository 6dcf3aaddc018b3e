#include "adapters/postgres/register.h"

#include "adapters/postgres/store.h"

namespace triune::adapters {

void register_postgres(contract::Registry& registry) {
  registry.relational["postgres"] = &postgres::Store::open;
}

}  // namespace triune::adapters
