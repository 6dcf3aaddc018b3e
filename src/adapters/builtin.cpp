#include "adapters/builtin.h"

#include "adapters/hashing/register.h"
#include "adapters/kuzu/register.h"
#include "adapters/lancedb/register.h"
#include "adapters/memory/register.h"
#include "adapters/onnx/register.h"
#include "adapters/openai/register.h"
#include "adapters/postgres/register.h"
#include "adapters/sqlite/register.h"
#include "adapters/usearch/register.h"

namespace triune::adapters {
namespace {

contract::Registry make_registry() {
  contract::Registry registry;
  register_sqlite(registry);
  register_postgres(registry);
  register_memory_graph(registry);
  register_memory_vector(registry);
  register_kuzu(registry);
  register_usearch(registry);
  register_lancedb(registry);
  register_hashing(registry);
  register_onnx(registry);
  register_openai(registry);
  return registry;
}

}  // namespace

const contract::Registry& builtin() {
  static const contract::Registry registry = make_registry();
  return registry;
}

}  // namespace triune::adapters
