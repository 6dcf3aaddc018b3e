// What can be refused before the database is asked (I10).
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "base/try.h"
#include "hive/change_applier.h"
#include "model/json.h"

namespace triune::hive {
namespace {

constexpr std::size_t id_limit = 1024;
constexpr std::size_t name_limit = 200;
constexpr std::size_t embedded_text_limit = 256U << 10U;

Status check_text(std::string_view what, std::string_view text, std::size_t limit) {
  if (text.empty() || text.size() > limit)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} must have 1 to {} bytes, it has {}", what, limit, text.size()));
  if (!model::is_storable_text(text))
    return failure(ErrorCode::invalid_argument, fmt::format("{} is not UTF-8 text, or holds a NUL", what));
  return {};
}

struct ValueCheck {
  std::string_view name;
  Status operator()(double value) const {
    if (std::isfinite(value)) return {};
    return failure(ErrorCode::invalid_argument, fmt::format("{} is not a finite number", name));
  }
  Status operator()(const std::string& value) const {
    if (model::is_storable_text(value)) return {};
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} is not UTF-8 text, or holds a NUL; keep bytes in a blob", name));
  }
  Status operator()(const Json& value) const {
    auto parsed = model::parse_json(value.text);
    if (parsed) return {};
    return failure(ErrorCode::invalid_argument, fmt::format("{}: {}", name, parsed.error().message));
  }
  template <class T>
  Status operator()(const T&) const {
    return {};
  }
};

Status check_record(const Record& record) {
  std::set<std::string_view> names;
  for (const auto& field : record) {
    TRIUNE_TRY(check_text("a name", field.name, name_limit));
    if (!names.insert(field.name).second)
      return failure(ErrorCode::invalid_argument, fmt::format("{} occurs twice", field.name));
    TRIUNE_TRY(std::visit(ValueCheck{field.name}, field.value));
  }
  return {};
}

Status check_properties(const Record& properties) {
  TRIUNE_TRY(check_record(properties));
  for (const auto& field : properties) {
    if (std::holds_alternative<Bytes>(field.value))
      return failure(ErrorCode::invalid_argument, fmt::format("{} holds bytes; keep bytes in a blob", field.name));
  }
  const auto size = to_json(properties).size();
  if (size > properties_byte_limit)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the properties have {} bytes, more than {}; keep large contents in a blob", size,
                               properties_byte_limit));
  return {};
}

Status check_node(const NodeReference& node) {
  TRIUNE_TRY(check_text("a label", node.label, name_limit));
  return check_text("a node's id", node.id, id_limit);
}

Status check_edge(const EdgeReference& edge) {
  TRIUNE_TRY(check_text("an edge type", edge.type, name_limit));
  TRIUNE_TRY(check_node(edge.from));
  return check_node(edge.to);
}

/// One overload for each kind of change; each returns what is wrong with it.
struct Check {
  Status operator()(const PutRow& change) const { return check_record(change.values); }
  Status operator()(const DeleteRow& change) const { return check_record(change.key); }
  Status operator()(const PutNode& change) const {
    TRIUNE_TRY(check_node(change.node));
    if (find(change.properties, "id") != nullptr)
      return failure(ErrorCode::invalid_argument, "a node's property cannot be called id: that is its key");
    return check_properties(change.properties);
  }
  Status operator()(const DeleteNode& change) const { return check_node(change.node); }
  Status operator()(const PutEdge& change) const {
    TRIUNE_TRY(check_edge(change.edge));
    return check_properties(change.properties);
  }
  Status operator()(const DeleteEdge& change) const { return check_edge(change.edge); }
  Status operator()(const PutVector& change) const {
    TRIUNE_TRY(check_text("a vector's id", change.id, id_limit));
    for (std::size_t i = 0; i < change.values.size(); ++i)
      if (!std::isfinite(change.values[i]))
        return failure(ErrorCode::invalid_argument,
                       fmt::format("vector {} is not finite at place {}", change.id, i + 1));
    TRIUNE_TRY(check_record(change.metadata));
    if (!change.text.empty()) TRIUNE_TRY(check_text("the text of a vector", change.text, embedded_text_limit));
    const auto size = to_json(change.metadata).size();
    if (size <= properties_byte_limit) return {};
    return failure(ErrorCode::invalid_argument, fmt::format("the metadata of vector {} has {} bytes, more than {}",
                                                            change.id, size, properties_byte_limit));
  }
  Status operator()(const DeleteVector& change) const { return check_text("a vector's id", change.id, id_limit); }
  Status operator()(const PutBlob& change) const {
    TRIUNE_TRY(check_text("a blob's owner", change.owner, id_limit));
    return check_text("a blob's name", change.name, id_limit);
  }
  Status operator()(const DeleteBlob& change) const { return check_text("a blob's owner", change.owner, id_limit); }
};

/// Bytes a change brings, roughly; blobs go past the database and do not count.
struct Size {
  std::size_t operator()(const PutRow& change) const { return to_json(change.values).size(); }
  std::size_t operator()(const PutNode& change) const { return to_json(change.properties).size(); }
  std::size_t operator()(const PutEdge& change) const { return to_json(change.properties).size(); }
  std::size_t operator()(const PutVector& change) const {
    return change.values.size() * sizeof(float) + change.text.size();
  }
  template <class T>
  std::size_t operator()(const T&) const {
    return 0;
  }
};

}  // namespace

Status check_changes(std::span<const Change> changes) {
  if (changes.size() > commit_change_limit)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("a commit holds at most {} changes, this one has {}; split it, or use the bulk loads",
                               commit_change_limit, changes.size()));
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (auto checked = std::visit(Check{}, changes[i]); !checked) {
      checked.error().message = fmt::format("change {}: {}", i + 1, checked.error().message);
      return checked;
    }
    bytes += std::visit(Size{}, changes[i]);
  }
  if (bytes > commit_byte_limit)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("a commit holds at most {} bytes, this one has {}; split it", commit_byte_limit, bytes));
  return {};
}

}  // namespace triune::hive
