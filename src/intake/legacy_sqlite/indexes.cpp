// Phase indexes: indexes, views and triggers of the source, the indexes it lacked, and text indexes.
#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/try.h"
#include "hive/relocation.h"
#include "intake/legacy_sqlite/work.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

/// One statement of a definition together with the record that it ran.
Status define(const Work& work, const std::string& item, std::string_view sql) {
  TRIUNE_TRY(work.go_on());
  TRIUNE_ASSIGN(const auto step, work.journal.step(work.migration, "indexes", item));
  if (step && step->done) return {};
  work.report(item, 0, 0);
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(work.hive, patient_deadline()));
  if (auto ran = transaction->run(sql); !ran) {
    ran.error().message =
        fmt::format("{} cannot be made: {}; set its \"apply\" to false, or mend the source", item, ran.error().message);
    return failure_of(ran);
  }
  TRIUNE_TRY(work.journal.put(transaction->session(), work.migration,
                              {.phase = "indexes", .item = item, .done = true, .entities = 1}));
  TRIUNE_TRY(transaction->commit());
  base::failpoint("migrate.indexes.done");
  return {};
}

bool applies(const std::vector<ObjectPlan>& objects, std::string_view name) {
  return std::any_of(objects.begin(), objects.end(),
                     [&](const ObjectPlan& object) { return object.apply && placement::same_name(object.name, name); });
}

/// In the order in which the source made them: later ones may need earlier ones.
Status carry_over(const Work& work, std::string_view type) {
  for (const auto& one : work.source.definitions()) {
    if (one.type != type || one.sql.empty()) continue;
    if (type == "index" && copied_table(work.plan, one.table) == nullptr) continue;
    if (type == "view" && !applies(work.plan.views, one.name)) continue;
    if (type == "trigger" && !applies(work.plan.triggers, one.name)) continue;
    TRIUNE_TRY(define(work, fmt::format("{} {}", type, one.name), one.sql));
  }
  return {};
}

std::string create_index(const IndexPlan& index) {
  return fmt::format("CREATE INDEX {} ON {} ({})", quote_identifier(index.name), quote_identifier(index.table),
                     placement::quoted_list(index.columns));
}

/// Whether the server understood the statement and will not have it.
bool is_refusal(ErrorCode code) {
  return code == ErrorCode::invalid_argument || code == ErrorCode::conflict || code == ErrorCode::not_found ||
         code == ErrorCode::permission_denied || code == ErrorCode::unsupported ||
         code == ErrorCode::resource_exhausted;
}

/// One statement of the plan for a server. What the server refuses is reported and noted, and the rest goes on: the
/// rows are whole without it, and nobody would have known before.
Status define_on_server(const Work& work, const std::string& item, const std::string& sql) {
  TRIUNE_TRY(work.go_on());
  TRIUNE_ASSIGN(const auto step, work.journal.step(work.migration, "indexes", item));
  if (step && step->done) {
    if (!step->position.empty()) work.left_out.push_back({item, "refused by the server", step->position});
    return {};
  }
  work.report(item, 0, 0);
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(work.hive, patient_deadline()));
  TRIUNE_TRY(transaction->lock_definitions());
  auto made = transaction->session().execute_user(sql, {}, 0);
  if (!made && !is_refusal(made.error().code)) return failure_of(made);
  const auto refused = made ? std::string() : made.error().message;
  if (!made) {
    work.left_out.push_back({item, "refused by the server", refused});
    TRIUNE_TRY(work.journal.note(transaction->session(), work.migration,
                                 {.actor = "the server", .event = "refused " + item, .detail = refused}));
  }
  TRIUNE_TRY(work.journal.put(transaction->session(), work.migration,
                              {.phase = "indexes",
                               .item = item,
                               .done = true,
                               .position = refused,
                               .entities = made ? std::uint64_t{1} : std::uint64_t{0}}));
  TRIUNE_TRY(transaction->commit());
  base::failpoint("migrate.indexes.done");
  return {};
}

/// In the order of the plan.
Status define_all_on_server(const Work& work) {
  for (const auto& statement : work.plan.statements)
    if (statement.apply) TRIUNE_TRY(define_on_server(work, statement.name, statement.sql));
  for (const auto& index : work.plan.indexes)
    if (index.apply) TRIUNE_TRY(define_on_server(work, "index " + index.name, create_index(index)));
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(work.hive, patient_deadline()));
  TRIUNE_TRY(transaction->capture());
  TRIUNE_TRY(transaction->commit());
  return {};
}

Status define_all(const Work& work) {
  TRIUNE_TRY(carry_over(work, "index"));
  for (const auto& index : work.plan.indexes)
    if (index.apply) TRIUNE_TRY(define(work, "index " + index.name, create_index(index)));
  TRIUNE_TRY(carry_over(work, "view"));
  return carry_over(work, "trigger");
}

}  // namespace

Status make_indexes(const Work& work) {
  TRIUNE_TRY(work.to_server() ? define_all_on_server(work) : define_all(work));
  for (const auto& text : work.plan.texts) {
    if (!text.apply) continue;
    work.report("text index " + text.name, 0, 0);
    TRIUNE_TRY(work.once("indexes", "text index " + text.name, [&]() -> Result<std::uint64_t> {
      TRIUNE_TRY(work.hive.create_text_index({.name = text.name, .table = text.table, .columns = text.columns}));
      return 1;
    }));
  }
  return {};
}

}  // namespace triune::intake::legacy
