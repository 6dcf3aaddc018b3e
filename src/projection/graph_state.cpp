#include "projection/graph_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "base/try.h"
#include "contract/operations.h"
#include "model/json.h"

namespace triune::projection {
namespace {

using contract::GraphBatch;

constexpr std::size_t unregistered_limit = 1000;
constexpr std::uint64_t progress_interval = 50'000;

std::int64_t integer(const Value& value) {
  return std::get<std::int64_t>(value);
}
/// Rows of other programs may name nodes by text that is not UTF-8, which comes as bytes: spelled in hexadecimal.
std::string text(const Value& value) {
  const auto* const text = std::get_if<std::string>(&value);
  return text == nullptr ? to_text(value) : *text;
}

constexpr std::size_t refused_limit = 100'000;
constexpr std::int64_t overtaking_limit = 100'000;

/// Why no engine can hold `field`, or nothing.
std::string reason_to_refuse(const Field& field, std::uint64_t max_text_bytes) {
  if (field.name.empty() || field.name.size() > 200) return "a property's name has 1 to 200 bytes";
  const auto* content = std::get_if<std::string>(&field.value);
  if (const auto* const json = std::get_if<Json>(&field.value)) content = &json->text;
  if (content == nullptr) return {};
  if (content->find('\0') != std::string::npos) return fmt::format("{} holds a NUL", field.name);
  if (max_text_bytes == 0 || content->size() <= max_text_bytes) return {};
  return fmt::format("{} has {} bytes and the graph holds at most {}; keep it in a blob", field.name, content->size(),
                     max_text_bytes);
}

/// The keys of `entries`, each once, and which of them were deleted at some point of the piece.
struct Keys {
  std::string json = "[";
  std::set<std::string, std::less<>> all;
  std::set<std::string, std::less<>> deleted;
};

Keys node_keys(const std::vector<LogEntry>& entries) {
  Keys keys;
  for (const auto& entry : entries) {
    auto key = to_text(entry.key);
    if (entry.operation == Operation::remove) keys.deleted.insert(key);
    if (!keys.all.insert(key).second) continue;
    if (keys.json.size() > 1) keys.json += ',';
    model::append_json_string(keys.json, key);
  }
  keys.json += ']';
  return keys;
}

std::string edge_keys_json(const std::set<EdgeKey>& keys) {
  std::string json = "[";
  for (const auto& key : keys)
    fmt::format_to(std::back_inserter(json), "{}[{},{}]", json.size() > 1 ? "," : "", key.from_node, key.to_node);
  return json + "]";
}

constexpr std::string_view id_is_the_key = "a node's property cannot be called id: that is its key";

/// Whether the properties of a node name its key.
bool find_id(const Value& json) {
  if (text(json).find("\"id\"") == std::string::npos) return false;
  const auto properties = model::parse_json_object(text(json));
  return properties && find(*properties, "id") != nullptr;
}

using contract::Dialect;
using contract::DialectText;

const std::string& select_nodes(Dialect dialect) {
  static const DialectText sql([](Dialect one) {
    return fmt::format(
        "SELECT n.id, n.properties FROM {} k {} triune_nodes n "
        "ON n.organization_id = ?2 AND n.label_id = ?3 AND n.id = k.value",
        text_set(one, 1), ordered_join(one));
  });
  return sql.in(dialect);
}

const std::string& select_edges(Dialect dialect) {
  static const DialectText sql([](Dialect one) {
    const std::string is_edge =
        "e.organization_id = ?2 AND e.type_id = ?3 AND e.from_node = k.first AND e.to_node = k.second";
    // Found by the whole key, one at a time: joined freely, PostgreSQL with old statistics reads all edges of one end.
    const auto edge = one == Dialect::sqlite
                          ? fmt::format("{} triune_edges e ON {}", ordered_join(one), is_edge)
                          : fmt::format(
                                "JOIN LATERAL (SELECT e.properties, e.from_node, e.to_node FROM triune_edges e "
                                "WHERE {} LIMIT 1) e ON true",
                                is_edge);
    return fmt::format(
        "SELECT f.label_id, f.id, t.label_id, t.id, e.properties, e.from_node, e.to_node FROM {0} k {2} "
        "{1} triune_nodes f ON f.organization_id = ?2 AND f.node_id = e.from_node "
        "{1} triune_nodes t ON t.organization_id = ?2 AND t.node_id = e.to_node",
        pair_set(one, 1), ordered_join(one), edge);
  });
  return sql.in(dialect);
}

const std::string& select_ends(Dialect dialect) {
  static const DialectText sql([](Dialect one) {
    return fmt::format(
        "SELECT f.label_id, f.id, t.label_id, t.id FROM {0} k "
        "{1} triune_nodes f ON f.organization_id = ?2 AND f.node_id = k.first "
        "{1} triune_nodes t ON t.organization_id = ?2 AND t.node_id = k.second",
        pair_set(one, 1), ordered_join(one));
  });
  return sql.in(dialect);
}

}  // namespace

std::string describe(const NodeReference& node) {
  return fmt::format("node {}/{}", node.label, node.id);
}

std::string describe(const EdgeReference& edge) {
  return fmt::format("edge {} {}/{} -> {}/{}", edge.type, edge.from.label, edge.from.id, edge.to.label, edge.to.id);
}

Result<Record> readable_properties(const Value& json, std::uint64_t max_text_bytes) {
  if (text(json) == "{}") return Record{};
  auto properties = model::parse_json_object(text(json));
  if (!properties) {
    properties.error().code = ErrorCode::invalid_argument;
    return properties;
  }
  for (const auto& field : *properties)
    if (auto reason = reason_to_refuse(field, max_text_bytes); !reason.empty())
      return failure(ErrorCode::invalid_argument, std::move(reason));
  return properties;
}

Result<EdgeKey> parse_edge_key(const Value& key) {
  const std::string& spelled = std::holds_alternative<std::string>(key) ? text(key) : to_text(key);
  const auto separator = spelled.find('>');
  EdgeKey parsed;
  const char* const end = spelled.data() + spelled.size();
  if (separator != std::string::npos &&
      std::from_chars(spelled.data(), spelled.data() + separator, parsed.from_node).ec == std::errc() &&
      std::from_chars(spelled.data() + separator + 1, end, parsed.to_node).ec == std::errc())
    return parsed;
  return failure(ErrorCode::invalid_argument, fmt::format("'{}' is no edge key of the change log", spelled));
}

Status add_overtaking_nodes(contract::RelationalSession& session, std::int64_t organization_id,
                            const CatalogSnapshot& catalog, LogBatch& log) {
  std::set<EdgeKey> edges;
  for (const auto type : catalog.collections_of(organization_id, CollectionKind::type))
    for (const auto& entry : log.entries)
      if (entry.collection_id == type) {
        TRIUNE_ASSIGN(const EdgeKey key, parse_edge_key(entry.key));
        edges.insert(key);
      }
  if (edges.empty()) return {};
  const auto sql = fmt::format(
      "WITH pairs AS (SELECT k.first, k.second FROM {} k), "
      "numbers AS (SELECT first AS node_id FROM pairs UNION SELECT second FROM pairs), "
      "ends AS (SELECT n.label_id, n.id FROM numbers m JOIN triune_nodes n ON n.organization_id = ?2 "
      "AND n.node_id = m.node_id) SELECT DISTINCT l.collection_id, l.key FROM triune_change_log l "
      "JOIN triune_collections c ON c.collection_id = l.collection_id AND c.kind = 'label' "
      "WHERE l.organization_id = ?2 AND l.lsn > ?3 AND (l.operation = 'delete' "
      "OR (l.collection_id, l.key) IN (SELECT label_id, id FROM ends)) LIMIT ?4",
      pair_set(session.dialect(), 1));
  const std::array<Value, 4> parameters{edge_keys_json(edges), organization_id, static_cast<std::int64_t>(log.last_lsn),
                                        overtaking_limit};
  return session.visit(sql, parameters, [&](std::span<const Value> row) -> Status {
    log.entries.push_back({.lsn = log.last_lsn, .collection_id = integer(row[0]), .key = row[1]});
    return {};
  });
}

Record typed_properties(const CatalogSnapshot& catalog, std::int64_t collection_id, Record properties,
                        bool& unregistered) {
  const auto known = catalog.properties.find(collection_id);
  Record typed;
  typed.reserve(properties.size());
  for (auto& field : properties) {
    if (is_null(field.value)) continue;
    const auto type = contract::property_type(field.value);
    if (known == catalog.properties.end() || !type) {
      unregistered = unregistered || type.has_value();
      continue;
    }
    const auto registered = known->second.find(field.name);
    if (registered == known->second.end() || widen(registered->second, *type) != registered->second)
      unregistered = true;
    else
      typed.push_back({std::move(field.name), convert(field.value, registered->second)});
  }
  std::sort(typed.begin(), typed.end(), [](const Field& a, const Field& b) { return a.name < b.name; });
  return typed;
}

Result<Record> GraphBatchBuilder::properties_of(std::int64_t collection_id, const Value& json) {
  TRIUNE_ASSIGN(Record properties, readable_properties(json, max_text_bytes_));
  bool unregistered = false;
  Record typed = typed_properties(catalog_, collection_id, properties, unregistered);
  if (unregistered && unregistered_.size() < unregistered_limit)
    unregistered_.emplace_back(collection_id, std::move(properties));
  return typed;
}

Status GraphBatchBuilder::add_nodes(std::int64_t label_id, const std::vector<LogEntry>& entries, GraphBatch& batch) {
  const std::string& label = catalog_.name_of(label_id);
  const Keys keys = node_keys(entries);
  std::set<std::string, std::less<>> present;
  const std::array<Value, 3> parameters{keys.json, organization_id_, label_id};
  TRIUNE_TRY(session_.visit(select_nodes(session_.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    present.insert(text(row[0]));
    NodeReference node{label, text(row[0])};
    auto properties = find_id(row[1]) ? Result<Record>(failure(ErrorCode::invalid_argument, std::string(id_is_the_key)))
                                      : properties_of(label_id, row[1]);
    if (properties)
      batch.put_nodes.push_back({std::move(node), std::move(*properties)});
    else
      refused_.push_back({describe(node), properties.error().message});
    return {};
  }));
  // A node that was deleted and made again within the piece must lose its old edges, so it is deleted first.
  for (const auto& key : keys.all)
    if (!present.contains(key) || keys.deleted.contains(key)) batch.delete_nodes.push_back({label, key});
  return {};
}

Status GraphBatchBuilder::add_edges(std::int64_t type_id, const std::vector<LogEntry>& entries, GraphBatch& batch) {
  std::set<EdgeKey> keys;
  for (const auto& entry : entries) {
    TRIUNE_ASSIGN(const EdgeKey key, parse_edge_key(entry.key));
    keys.insert(key);
  }
  std::set<EdgeKey> absent = keys;
  const std::array<Value, 3> parameters{edge_keys_json(keys), organization_id_, type_id};
  TRIUNE_TRY(session_.visit(select_edges(session_.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    absent.erase({integer(row[5]), integer(row[6])});
    EdgeReference edge{catalog_.name_of(type_id),
                       {catalog_.name_of(integer(row[0])), text(row[1])},
                       {catalog_.name_of(integer(row[2])), text(row[3])}};
    auto properties = properties_of(type_id, row[4]);
    if (properties)
      batch.put_edges.push_back({std::move(edge), std::move(*properties)});
    else
      refused_.push_back({describe(edge), properties.error().message});
    return {};
  }));
  return add_deleted_edges(type_id, {absent.begin(), absent.end()}, batch);
}

Status GraphBatchBuilder::add_deleted_edges(std::int64_t type_id, const std::vector<EdgeKey>& keys, GraphBatch& batch) {
  if (keys.empty()) return {};
  // Where an end is gone too, its own log entry deletes the edges at it.
  const std::array<Value, 2> parameters{edge_keys_json({keys.begin(), keys.end()}), organization_id_};
  return session_.visit(select_ends(session_.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    batch.delete_edges.push_back({catalog_.name_of(type_id),
                                  {catalog_.name_of(integer(row[0])), text(row[1])},
                                  {catalog_.name_of(integer(row[2])), text(row[3])}});
    return {};
  });
}

Result<GraphBatch> GraphBatchBuilder::build(const std::vector<LogEntry>& entries) {
  std::map<std::int64_t, std::vector<LogEntry>> by_collection;
  for (const auto& entry : entries) by_collection[entry.collection_id].push_back(entry);
  GraphBatch batch;
  for (const auto label : catalog_.collections_of(organization_id_, CollectionKind::label))
    if (const auto found = by_collection.find(label); found != by_collection.end())
      TRIUNE_TRY(add_nodes(label, found->second, batch));
  for (const auto type : catalog_.collections_of(organization_id_, CollectionKind::type))
    if (const auto found = by_collection.find(type); found != by_collection.end())
      TRIUNE_TRY(add_edges(type, found->second, batch));
  return batch;
}

void CanonicalGraph::report() {
  if (++done_ % progress_interval == 0 && progress_) progress_("reading the graph", done_, 0);
}

void CanonicalGraph::refuse(std::string entity, std::string reason) {
  if (refused_.size() < refused_limit) refused_.push_back({std::move(entity), std::move(reason)});
}

std::optional<Record> CanonicalGraph::properties_of(std::int64_t collection_id, const Value& json,
                                                    const std::string& entity) {
  report();
  auto properties = readable_properties(json, max_text_bytes_);
  if (!properties) {
    refuse(entity, properties.error().message);
    return std::nullopt;
  }
  if (properties->empty()) return Record{};
  bool unregistered = false;
  Record typed = typed_properties(catalog_, collection_id, *properties, unregistered);
  if (unregistered && unregistered_.size() < unregistered_limit)
    unregistered_.emplace_back(collection_id, std::move(*properties));
  return typed;
}

Status CanonicalGraph::visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) {
  const auto label_id = catalog_.collection(organization_id_, CollectionKind::label, label);
  if (!label_id) return {};
  PutNode node{{std::string(label), {}}, {}};
  const std::array<Value, 2> parameters{organization_id_, *label_id};
  return session_.visit("SELECT id, properties FROM triune_nodes WHERE organization_id = ?1 AND label_id = ?2",
                        parameters, [&](std::span<const Value> row) -> Status {
                          node.node.id = text(row[0]);
                          std::optional<Record> properties;
                          if (find_id(row[1]))
                            refuse(describe(node.node), std::string(id_is_the_key));
                          else
                            properties = properties_of(*label_id, row[1], describe(node.node));
                          if (!properties) {
                            refused_nodes_.insert(describe(node.node));
                            return {};
                          }
                          node.properties = std::move(*properties);
                          return visitor(node);
                        });
}

Status CanonicalGraph::load_names() {
  if (names_loaded_) return {};
  std::map<std::int64_t, std::uint32_t> label_index;
  const std::array<Value, 1> parameters{organization_id_};
  TRIUNE_TRY(session_.visit(
      "SELECT node_id, label_id, id FROM triune_nodes WHERE organization_id = ?1 ORDER BY node_id", parameters,
      [&](std::span<const Value> row) -> Status {
        const auto [index, made] = label_index.try_emplace(integer(row[1]), static_cast<std::uint32_t>(labels_.size()));
        if (made) labels_.push_back(catalog_.name_of(integer(row[1])));
        const std::string& id = text(row[2]);
        names_.push_back({integer(row[0]), index->second, static_cast<std::uint32_t>(id.size()), arena_.size()});
        arena_ += id;
        return {};
      }));
  names_loaded_ = true;
  return {};
}

const CanonicalGraph::NodeName* CanonicalGraph::name_of(std::int64_t node_id) const {
  // Numbers are handed out without holes as long as nothing is deleted, so the place is usually known at once.
  const auto guess = static_cast<std::size_t>(node_id - 1);
  if (node_id > 0 && guess < names_.size() && names_[guess].node_id == node_id) return &names_[guess];
  const auto found = std::lower_bound(names_.begin(), names_.end(), node_id,
                                      [](const NodeName& name, std::int64_t id) { return name.node_id < id; });
  return found != names_.end() && found->node_id == node_id ? &*found : nullptr;
}

void CanonicalGraph::assign(NodeReference& to, const NodeName& name) const {
  to.label = labels_[name.label];
  to.id.assign(arena_, name.offset, name.length);
}

Status CanonicalGraph::visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) {
  const auto type_id = catalog_.collection(organization_id_, CollectionKind::type, type);
  if (!type_id) return {};
  TRIUNE_TRY(load_names());
  PutEdge edge{{std::string(type), {}, {}}, {}};
  const std::array<Value, 2> parameters{organization_id_, *type_id};
  return session_.visit(
      "SELECT from_node, to_node, properties FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2", parameters,
      [&](std::span<const Value> row) -> Status {
        const NodeName* const from = name_of(integer(row[0]));
        const NodeName* const to = name_of(integer(row[1]));
        if (from == nullptr || to == nullptr) return {};  // another program left an end dangling: no edge of the graph
        assign(edge.edge.from, *from);
        assign(edge.edge.to, *to);
        if (!refused_nodes_.empty() &&
            (refused_nodes_.contains(describe(edge.edge.from)) || refused_nodes_.contains(describe(edge.edge.to)))) {
          refuse(describe(edge.edge), "an end of it is set aside");
          return {};
        }
        auto properties =
            text(row[2]) == "{}" ? std::optional(Record{}) : properties_of(*type_id, row[2], describe(edge.edge));
        if (!properties) return {};
        edge.properties = std::move(*properties);
        return visitor(edge);
      });
}

}  // namespace triune::projection
