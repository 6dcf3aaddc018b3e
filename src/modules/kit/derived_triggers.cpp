#include "modules/kit/derived_triggers.h"

#include <fmt/format.h>

#include "model/sql_text.h"

namespace triune::modules {

using contract::Dialect;
using model::quote_identifier;

DerivedTrigger row_trigger(Dialect dialect, const TriggerParts& parts) {
  DerivedTrigger trigger{.name = parts.name, .table = parts.table};
  const auto name = quote_identifier(parts.name);
  const auto table = quote_identifier(parts.table);
  if (dialect == Dialect::sqlite) {
    const auto condition = parts.condition.empty() ? std::string() : fmt::format(" WHEN {}", parts.condition);
    trigger.create = fmt::format("DROP TRIGGER IF EXISTS {0};\nCREATE TRIGGER {0} {1} ON {2}{3} BEGIN {4} END;", name,
                                 parts.when, table, condition, parts.body);
    return trigger;
  }
  const auto condition = parts.condition.empty() ? std::string() : fmt::format(" WHEN ({})", parts.condition);
  // It runs with its owner's rights, whoever writes, and finds Triune's own tables whatever the writer's search path.
  trigger.create = fmt::format(
      "CREATE OR REPLACE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT "
      "AS {5}; DROP TRIGGER IF EXISTS {0} ON {2}; CREATE TRIGGER {0} {1} ON {2} FOR EACH ROW{3} EXECUTE FUNCTION "
      "{0}(){4};",
      name, parts.when, table, condition, "",
      model::quote_literal(fmt::format("BEGIN {} RETURN NULL; END", parts.body)));
  return trigger;
}

}  // namespace triune::modules
