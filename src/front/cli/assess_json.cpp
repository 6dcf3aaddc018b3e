// The document of an assessment.
#include "front/cli/assess_documents.h"

namespace triune::front {
namespace {

using namespace placement;

void write_names(JsonWriter& to, std::string_view key, const std::vector<std::string>& names) {
  to.key(key).begin_array();
  for (const auto& name : names) to.value(name);
  to.end_array();
}

template <class Number>
void write_optional(JsonWriter& to, std::string_view key, const std::optional<Number>& number) {
  if (number) {
    to.member(key, *number);
  } else {
    to.key(key).raw("null");
  }
}

void write_file(JsonWriter& to, const Assessment& report) {
  const auto& file = report.file;
  to.key("file").begin_object().member("path", report.path).member("engine", file.engine);
  to.member("engine_version", file.engine_version).member("journal", file.journal).member("encoding", file.encoding);
  to.member("bytes", file.file_bytes).member("log_bytes", file.log_bytes).member("page_bytes", file.page_bytes);
  to.member("pages", file.pages).member("free_pages", file.free_pages).member("in_use", file.in_use).end_object();
}

void write_column(JsonWriter& to, const ColumnReport& column) {
  to.begin_object().member("name", column.name).member("declared_type", column.declared_type);
  to.member("affinity", column.affinity).member("primary_key", column.primary_key_position);
  to.member("not_null", column.not_null).member("generated", column.generated).member("nulls", column.nulls);
  to.member("integers", column.integers).member("reals", column.reals).member("texts", column.texts);
  to.member("blobs", column.blobs).member("bytes", column.bytes).member("largest_bytes", column.largest_bytes);
  to.member("large_json", column.large_json)
      .member("expected", column.expected)
      .member("violations", column.violations);
  write_names(to, "violating_rows", column.violating_rows);
  to.end_object();
}

void write_index(JsonWriter& to, const IndexReport& index) {
  to.begin_object().member("name", index.name);
  write_names(to, "columns", index.columns);
  to.member("unique", index.unique).member("partial", index.partial).member("origin", index.origin);
  write_optional(to, "bytes", index.bytes);
  to.member("redundant_with", index.redundant_with).member("redundancy", index.redundancy).member("drop", index.drop);
  to.end_object();
}

void write_foreign_key(JsonWriter& to, const ForeignKeyReport& key) {
  to.begin_object();
  write_names(to, "columns", key.columns);
  to.member("parent", key.parent);
  write_names(to, "parent_columns", key.parent_columns);
  to.member("declared", key.declared).member("indexed", key.indexed).member("create_index", key.create_index);
  to.key("gain");
  if (key.gain) {
    to.begin_object().member("rows", key.gain->rows).member("sampled", key.gain->sampled);
    to.member("before_us", key.gain->before_us).member("after_us", key.gain->after_us);
    to.member("build_ms", key.gain->build_ms).member("ratio", key.gain->ratio()).end_object();
  } else {
    to.raw("null");
  }
  to.member("not_measured", key.not_measured);
  write_optional(to, "orphans", key.orphans);
  write_names(to, "orphan_rows", key.orphan_rows);
  to.end_object();
}

void write_table(JsonWriter& to, const TableReport& table) {
  to.begin_object().member("name", table.name).member("kind", to_string(table.kind));
  to.member("without_rowid", table.without_rowid).member("strict", table.strict);
  write_names(to, "key", table.key);
  to.member("rows", table.rows).member("bytes", table.bytes).member("bytes_measured", table.bytes_measured);
  to.key("columns").begin_array();
  for (const auto& column : table.columns) write_column(to, column);
  to.end_array().key("indexes").begin_array();
  for (const auto& index : table.indexes) write_index(to, index);
  to.end_array().key("foreign_keys").begin_array();
  for (const auto& key : table.foreign_keys) write_foreign_key(to, key);
  to.end_array().end_object();
}

void write_network(JsonWriter& to, const NetworkMeasure& network) {
  to.begin_object().member("complexity", network.complexity).member("structure", network.structure);
  write_optional(to, "multi_hop_share", network.multi_hop_share);
  to.member("cycles", network.cycles).member("reach", network.reach).member("spread", network.spread);
  to.member("reciprocity", network.reciprocity).member("nodes", network.nodes).member("edges", network.edges);
  to.member("components", network.components).member("mean_degree", network.mean_degree);
  to.member("median_degree", network.median_degree).member("highest_degree", network.highest_degree);
  to.member("degree_variation", network.degree_variation).member("within_two_hops", network.within_two_hops);
  to.member("within_three_hops", network.within_three_hops).member("path_length", network.path_length);
  to.member("sampled", network.sampled).end_object();
}

void write_relationship(JsonWriter& to, const RelationshipReport& relationship) {
  to.begin_object().member("kind", to_string(relationship.kind)).member("table", relationship.table);
  to.member("from_column", relationship.from_column).member("to_column", relationship.to_column);
  to.member("from_table", relationship.from_table).member("to_table", relationship.to_table);
  to.member("edge_type", relationship.edge_type).key("network");
  write_network(to, relationship.network);
  to.end_object();
}

void write_vector(JsonWriter& to, const VectorReport& vector) {
  to.begin_object().member("table", vector.table).member("column", vector.column).member("form", vector.form);
  to.member("dimension", vector.dimension).member("count", vector.count).member("sampled", vector.sampled);
  to.member("smallest_norm", vector.smallest_norm).member("mean_norm", vector.mean_norm);
  to.member("largest_norm", vector.largest_norm).member("normalized", vector.normalized()).end_object();
}

void write_latency(JsonWriter& to, const LatencyReport& latency) {
  to.begin_object().member("table", latency.table).member("query", latency.query).member("detail", latency.detail);
  to.member("samples", latency.samples).member("median_us", latency.median_us);
  to.member("slowest_us", latency.slowest_us).member("stopped", latency.stopped).end_object();
}

}  // namespace

std::string assessment_document(const Assessment& report) {
  JsonWriter to;
  to.begin_object();
  write_file(to, report);
  to.key("tables").begin_array();
  for (const auto& table : report.tables) write_table(to, table);
  to.end_array().key("relationships").begin_array();
  for (const auto& relationship : report.relationships) write_relationship(to, relationship);
  to.end_array().key("vectors").begin_array();
  for (const auto& vector : report.vectors) write_vector(to, vector);
  to.end_array().key("baseline").begin_array();
  for (const auto& latency : report.baseline) write_latency(to, latency);
  to.end_array().key("problems").begin_array();
  for (const auto& problem : report.problems)
    to.begin_object().member("where", problem.where).member("message", problem.message).end_object();
  to.end_array().member("seconds", report.seconds).member("memory_bytes", report.memory_bytes);
  return to.end_object().text();
}

void write_decision(JsonWriter& to, const Decision& decision) {
  to.begin_object().member("name", decision.name);
  write_names(to, "engines", decision.engines);
  to.member("primary", decision.primary).member("confidence", decision.confidence);
  to.member("transaction_mode", decision.transaction_mode);
  to.key("graph").begin_object();
  write_names(to, "labels", decision.graph.labels);
  to.key("types").begin_array();
  for (const auto& type : decision.graph.types)
    to.begin_object().member("type", type.type).member("from", type.from).member("to", type.to).end_object();
  to.end_array().end_object().key("vector");
  if (decision.vector) {
    to.begin_object().member("dimension", decision.vector->dimension).member("metric", decision.vector->metric);
    to.member("index", decision.vector->index).member("connectivity", decision.vector->connectivity);
    to.member("expansion_add", decision.vector->expansion_add);
    to.member("expansion_search", decision.vector->expansion_search).end_object();
  } else {
    to.raw("null");
  }
  write_names(to, "indexes", decision.indexes);
  write_names(to, "reasons", decision.reasons);
  to.end_object();
}

}  // namespace triune::front
