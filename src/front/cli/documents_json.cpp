#include "front/cli/documents.h"
#include "front/cli/placement_documents.h"

namespace triune::front {
namespace {

void write_texts(JsonWriter& to, std::span<const std::string> texts) {
  to.begin_array();
  for (const auto& text : texts) to.value(text);
  to.end_array();
}

void write_differences(JsonWriter& to, const Differences& differences) {
  to.begin_object()
      .member("projection", differences.projection)
      .member("organization", differences.organization)
      .member("checked", differences.checked)
      .member("missing", differences.missing)
      .member("extra", differences.extra)
      .member("different", differences.different)
      .key("examples");
  write_texts(to, differences.examples);
  to.end_object();
}

void write_log(JsonWriter& to, const LogHorizon& log) {
  to.begin_object()
      .member("unsettled_entries", log.unsettled_entries)
      .member("oldest_age_ms", log.oldest_age.count())
      .member("alarm", log.alarm)
      .member("message", log.message)
      .key("holders")
      .begin_array();
  for (const auto& holder : log.holders)
    to.begin_object()
        .member("process_id", holder.process_id)
        .member("prepared_transaction", holder.prepared_transaction)
        .member("database", holder.database)
        .member("user", holder.user)
        .member("application", holder.application)
        .member("state", holder.state)
        .member("transaction_age_ms", holder.transaction_age.count())
        .member("statement_age_ms", holder.statement_age.count())
        .end_object();
  to.end_array().end_object();
}

void write_process(JsonWriter& to, const ClusterNodeStatus& process) {
  to.begin_object()
      .member("node", process.node_id)
      .member("host", process.host)
      .member("process_id", process.process_id)
      .member("state", to_string(process.state))
      .member("self", process.self)
      .member("since_seen_ms", process.since_seen.count())
      .key("watermark")
      .value(process.watermark ? Value(static_cast<std::int64_t>(*process.watermark)) : Value())
      .end_object();
}

void write_connections(JsonWriter& to, const HiveStatus& status) {
  to.key("pools").begin_array();
  for (const auto& pool : status.pools)
    to.begin_object()
        .member("name", pool.name)
        .member("size", std::uint64_t{pool.size})
        .member("active", std::uint64_t{pool.active})
        .member("waiting", std::uint64_t{pool.waiting})
        .member("wait_p99_ms", Value(pool.wait_p99_ms))
        .member("errors", pool.errors)
        .member("utilisation", Value(pool.utilisation))
        .end_object();
  to.end_array().key("breakers").begin_array();
  for (const auto& breaker : status.breakers)
    to.begin_object()
        .member("name", breaker.name)
        .member("state", breaker.state)
        .member("opened", breaker.opened)
        .member("last_reason", breaker.last_reason)
        .end_object();
  to.end_array();
}

/// What only a hive on PostgreSQL has.
void write_cluster(JsonWriter& to, const HiveStatus& status) {
  to.key("log");
  write_log(to, *status.log);
  to.key("processes").begin_array();
  for (const auto& process : status.processes) write_process(to, process);
  to.end_array().key("chores").begin_array();
  for (const auto& chore : status.chores)
    to.begin_object()
        .member("name", chore.name)
        .member("runs", chore.runs)
        .member("last_error", chore.last_error)
        .end_object();
  to.end_array();
  write_connections(to, status);
  to.member("note", status.note);
}

}  // namespace

void write_projections(JsonWriter& to, std::span<const ProjectionStatus> projections) {
  to.begin_array();
  for (const auto& projection : projections)
    to.begin_object()
        .member("name", projection.name)
        .member("organization", projection.organization)
        .member("engine", projection.engine)
        .member("moving_to", projection.moving_to)
        .member("watermark", projection.watermark)
        .member("state", to_string(projection.state))
        .member("entities", projection.entities)
        .member("set_aside", projection.set_aside)
        .member("error", projection.error)
        .end_object();
  to.end_array();
}

void write_receipt(JsonWriter& to, const Receipt& receipt) {
  to.begin_object()
      .member("incarnation", receipt.incarnation)
      .member("lsn", receipt.lsn)
      .member("token", to_string(receipt.token()))
      .member("changes", receipt.changes)
      .member("replayed", receipt.replayed)
      .member("pending_embeddings", receipt.pending_embeddings)
      .key("projections");
  write_projections(to, receipt.projections);
  to.end_object();
}

void write_route(JsonWriter& to, const Route& route) {
  to.begin_object()
      .member("engine", route.engine)
      .member("reason", route.reason)
      .member("degraded", route.degraded)
      .end_object();
}

void write_node(JsonWriter& to, const NodeReference& node) {
  to.begin_object().member("label", node.label).member("id", node.id).end_object();
}

std::string status_document(const HiveStatus& status) {
  JsonWriter to;
  to.begin_object()
      .member("location", status.location)
      .member("directory", status.directory)
      .member("incarnation", status.incarnation)
      .member("lsn", status.lsn)
      .member("nodes", status.nodes)
      .member("edges", status.edges)
      .member("vectors", status.vectors)
      .member("blobs", status.blobs)
      .member("database_bytes", status.database_bytes)
      .key("projections");
  write_projections(to, status.projections);
  to.key("embeddings").begin_array();
  for (const auto& embedding : status.embeddings)
    to.begin_object()
        .member("collection", embedding.collection)
        .member("embedder", embedding.embedder)
        .member("pending", embedding.pending)
        .member("last_error", embedding.last_error)
        .end_object();
  to.end_array();
  to.key("routes");
  write_route_counts(to, status.routes);
  if (status.log) write_cluster(to, status);
  return to.end_object().text();
}

std::string verify_document(const VerifyReport& report) {
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  std::uint64_t different = 0;
  for (const auto& projection : report.projections) {
    missing += projection.missing;
    extra += projection.extra;
    different += projection.different;
  }
  JsonWriter to;
  to.begin_object().member("ok", report.ok).member("lsn", report.lsn);
  to.member("missing", missing).member("extra", extra).member("different", different);
  to.key("differences").begin_array();
  for (const auto& projection : report.projections) write_differences(to, projection);
  to.end_array().key("blobs").begin_object();
  to.member("checked", report.blobs_checked)
      .member("missing", report.blobs_missing)
      .member("corrupt", report.blobs_corrupt)
      .key("examples");
  write_texts(to, report.blob_examples);
  return to.end_object().end_object().text();
}

std::string error_document(const Error& error, std::string_view hint) {
  JsonWriter to;
  to.begin_object().key("error").begin_object();
  to.member("code", to_string(error.code))
      .member("message", error.message)
      .member("engine", error.engine)
      .member("native_code", error.native_code)
      .member("retry", to_string(error.retry))
      .member("hint", hint);
  return to.end_object().end_object().text();
}

}  // namespace triune::front
