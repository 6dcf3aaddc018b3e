#include "front/cli/json_writer.h"
#include "front/cli/migrate_documents.h"

namespace triune::front {
namespace {

using namespace intake::legacy;

void write(JsonWriter& to, std::string_view name, const std::vector<std::string>& texts) {
  to.key(name).begin_array();
  for (const auto& text : texts) to.value(text);
  to.end_array();
}

void write(JsonWriter& to, const TableComparison& table) {
  to.begin_object()
      .member("table", table.table)
      .member("same", table.same())
      .member("before", to_text(table.before))
      .member("after", to_text(table.after))
      .member("ranges", table.ranges)
      .key("differences")
      .begin_array();
  for (const auto& one : table.differences) {
    to.begin_object().member("kind", std::string(to_string(one.kind))).member("row", one.row);
    write(to, "columns", one.columns);
    to.end_object();
  }
  to.end_array().end_object();
}

void write(JsonWriter& to, const Verification& verification) {
  to.begin_object().member("same", verification.same()).key("tables").begin_array();
  for (const auto& table : verification.tables) write(to, table);
  to.end_array().key("parts").begin_array();
  for (const auto& part : verification.parts)
    to.begin_object()
        .member("what", part.what)
        .member("same", part.same())
        .member("before", to_text(part.before))
        .member("after", to_text(part.after))
        .end_object();
  to.end_array().end_object();
}

void write(JsonWriter& to, const SpeedReport& speed) {
  to.begin_object()
      .member("kind", speed.kind)
      .member("question", speed.question)
      .member("before", speed.before)
      .member("after", speed.after)
      .member("samples", speed.samples)
      .member("before_us", speed.before_us)
      .member("after_us", speed.after_us)
      .member("ratio", speed.ratio())
      .member("promised", speed.promised)
      .member("same_answers", speed.same_answers)
      .end_object();
}

void write(JsonWriter& to, const MigrationStatus& status) {
  const auto& migration = status.migration;
  to.begin_object()
      .member("migration", migration.id)
      .member("source", migration.source)
      .member("plan_hash", migration.plan_hash)
      .member("approved_by", migration.approved_by)
      .member("state", migration.state)
      .member("started_at_ms", migration.started_at_ms)
      .member("ended_at_ms", migration.ended_at_ms)
      .key("steps")
      .begin_array();
  for (const auto& step : status.steps)
    to.begin_object()
        .member("phase", step.phase)
        .member("item", step.item)
        .member("done", step.done)
        .member("entities", step.entities)
        .member("digest", step.digest)
        .end_object();
  to.end_array().key("audit").begin_array();
  for (const auto& entry : status.audit)
    to.begin_object()
        .member("at_ms", entry.at_ms)
        .member("actor", entry.actor)
        .member("event", entry.event)
        .member("detail", entry.detail)
        .end_object();
  to.end_array().end_object();
}

}  // namespace

std::string verification_document(const Verification& verification) {
  JsonWriter to;
  write(to, verification);
  return to.text();
}

std::string apply_document(const ApplyReport& report) {
  JsonWriter to;
  to.begin_object()
      .member("migration", report.migration)
      .member("state", report.state)
      .member("finished_before", report.finished_before)
      .member("resumed", report.resumed)
      .member("tables", report.tables)
      .member("rows", report.rows)
      .member("seconds", report.seconds)
      .member("memory_bytes", report.memory_bytes)
      .key("phases")
      .begin_array();
  for (const auto& phase : report.phases)
    to.begin_object()
        .member("phase", phase.phase)
        .member("seconds", phase.seconds)
        .member("memory_bytes", phase.memory_bytes)
        .end_object();
  to.end_array().key("verification");
  write(to, report.verification);
  to.key("speed").begin_array();
  for (const auto& speed : report.speed) write(to, speed);
  to.end_array().key("not_migrated").begin_array();
  for (const auto& one : report.left_out)
    to.begin_object().member("name", one.name).member("kind", one.kind).member("reason", one.reason).end_object();
  to.end_array();
  write(to, "remarks", report.remarks);
  return to.end_object().text();
}

std::string migrations_document(const std::vector<MigrationStatus>& migrations) {
  JsonWriter to;
  to.begin_object().key("migrations").begin_array();
  for (const auto& one : migrations) write(to, one);
  return to.end_array().end_object().text();
}

std::string rollback_document(const RollbackReport& report) {
  JsonWriter to;
  to.begin_object().member("migration", report.migration).member("state", "rolled back");
  write(to, "tables", report.tables);
  write(to, "remarks", report.remarks);
  return to.end_object().text();
}

}  // namespace triune::front
