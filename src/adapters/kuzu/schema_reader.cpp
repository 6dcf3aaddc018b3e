#include "adapters/kuzu/schema_reader.h"

#include <catalog/catalog_entry/node_table_catalog_entry.h>

#include "adapters/kuzu/native_tables.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::KnownSchema;
using contract::PropertyDefinition;
using contract::PropertyType;
using ::kuzu::common::LogicalTypeID;

std::optional<PropertyType> property_type(LogicalTypeID type) {
  switch (type) {
    case LogicalTypeID::BOOL: return PropertyType::boolean;
    case LogicalTypeID::INT64: return PropertyType::int64;
    case LogicalTypeID::DOUBLE: return PropertyType::float64;
    case LogicalTypeID::STRING: return PropertyType::text;
    default: return std::nullopt;
  }
}

std::vector<PropertyDefinition> properties(const TableEntry& entry) {
  std::vector<PropertyDefinition> result;
  for (const auto& property : entry.getProperties())
    if (const auto type = property_type(property.getType().getLogicalTypeID()); type && property.getName() != "id")
      result.push_back({property.getName(), *type});
  return result;
}

KnownSchema read(const NativeTables& tables) {
  const auto& catalog = *tables.context().getCatalog();
  auto* transaction = tables.transaction();
  KnownSchema known;
  for (const auto* entry : catalog.getNodeTableEntries(transaction, false))
    known.labels.emplace(entry->getName(), contract::NodeLabel{entry->getName(), properties(*entry)});
  for (const auto* entry : catalog.getRelGroupEntries(transaction, false)) {
    contract::EdgeType type{entry->getName(), {}, properties(*entry)};
    for (const auto& pair : entry->getRelEntryInfos())
      type.ends.emplace_back(catalog.getTableCatalogEntry(transaction, pair.nodePair.srcTableID)->getName(),
                             catalog.getTableCatalogEntry(transaction, pair.nodePair.dstTableID)->getName());
    known.types.emplace(entry->getName(), std::move(type));
  }
  return known;
}

}  // namespace

Result<KnownSchema> load_schema(Session& session) {
  TRIUNE_TRY(session.execute("BEGIN TRANSACTION READ ONLY"));
  auto known = without_exceptions(
      session.deadline(), [&]() -> Result<KnownSchema> { return read(NativeTables(NativeAccess::context(session))); });
  TRIUNE_TRY(session.execute("COMMIT"));
  return known;
}

}  // namespace triune::adapters::kuzu
