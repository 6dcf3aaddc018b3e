#include "adapters/kuzu/register.h"

#include "adapters/kuzu/kuzu_graph_store.h"

namespace triune::adapters {

void register_kuzu(contract::Registry& registry) {
  registry.graph["kuzu"] = kuzu::KuzuGraphStore::open;
}

}  // namespace triune::adapters
