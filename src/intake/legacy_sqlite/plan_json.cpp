// Plans as JSON: one description of the members serves reading and writing.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <type_traits>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "intake/legacy_sqlite/json_tree.h"
#include "intake/legacy_sqlite/plan.h"

namespace triune::intake::legacy {
namespace {

template <class Io>
void describe(Io& io, SourceStamp& source) {
  io("path", source.path);
  io("bytes", source.bytes);
  io("log_bytes", source.log_bytes);
  io("modified_ns", source.modified_ns);
  io("schema_hash", source.schema_hash);
}

template <class Io>
void describe(Io& io, ColumnType& type) {
  io("column", type.column);
  io("type", type.type);
  io.optional("holds", type.holds, {});
}

template <class Io>
void describe(Io& io, TablePlan& table) {
  io("name", table.name);
  io("copy", table.copy);
  io("rows", table.rows);
  io("bytes", table.bytes);
  io("engines", table.engines);
  io("primary", table.primary);
  io("confidence", table.confidence);
  io("reasons", table.reasons);
  io("types", table.types);
  io.optional("definition", table.definition, {});
}

template <class Io>
void describe(Io& io, NodePlan& node) {
  io("label", node.label);
  io("apply", node.apply);
  io("table", node.table);
  io("properties", node.properties);
  io("values_of", node.values_of);
  io("reason", node.reason);
}

template <class Io>
void describe(Io& io, EdgePlan& edge) {
  io("type", edge.type);
  io("apply", edge.apply);
  io("kind", edge.kind);
  io("table", edge.table);
  io("from_column", edge.from_column);
  io("from_label", edge.from_label);
  io("to_column", edge.to_column);
  io("to_label", edge.to_label);
  io("properties", edge.properties);
  io("edges", edge.edges);
  io("complexity", edge.complexity);
  io("promised_gain", edge.promised_gain);
  io("reason", edge.reason);
}

template <class Io>
void describe(Io& io, VectorPlan& vector) {
  io("collection", vector.collection);
  io("apply", vector.apply);
  io("table", vector.table);
  io("column", vector.column);
  io("form", vector.form);
  io("dimension", vector.dimension);
  io("metric", vector.metric);
  io("reason", vector.reason);
}

template <class Io>
void describe(Io& io, BlobPlan& blob) {
  io("table", blob.table);
  io("apply", blob.apply);
  io("column", blob.column);
  io("larger_than", blob.larger_than);
  io("reason", blob.reason);
}

template <class Io>
void describe(Io& io, TextPlan& text) {
  io("name", text.name);
  io("apply", text.apply);
  io("table", text.table);
  io("columns", text.columns);
  io("reason", text.reason);
}

template <class Io>
void describe(Io& io, IndexPlan& index) {
  io("name", index.name);
  io("apply", index.apply);
  io("table", index.table);
  io("columns", index.columns);
  io("measured_gain", index.measured_gain);
  io("reason", index.reason);
}

template <class Io>
void describe(Io& io, ObjectPlan& object) {
  io("name", object.name);
  io("apply", object.apply);
  io("reason", object.reason);
}

template <class Io>
void describe(Io& io, StatementPlan& statement) {
  io("name", statement.name);
  io("apply", statement.apply);
  io("sql", statement.sql);
  io("reason", statement.reason);
}

template <class Io>
void describe(Io& io, LeftOut& one) {
  io("name", one.name);
  io("kind", one.kind);
  io("reason", one.reason);
}

template <class Io>
void describe(Io& io, Plan& plan) {
  std::int64_t version = plan_version;
  io("triune_migration_plan", version);
  io.check(version == plan_version, "triune_migration_plan",
           fmt::format("this program reads plans of version {}; make the plan anew", plan_version));
  io("source", plan.source);
  io.optional("target", plan.target, std::string(to_directory));
  io.check(plan.target == to_directory || plan.target == to_server, "target",
           fmt::format("must be \"{}\" or \"{}\"", to_directory, to_server));
  io("tables", plan.tables);
  io("nodes", plan.nodes);
  io("edges", plan.edges);
  io("vectors", plan.vectors);
  io("blobs", plan.blobs);
  io("text_indexes", plan.texts);
  io("indexes", plan.indexes);
  io("views", plan.views);
  io("triggers", plan.triggers);
  io.optional("statements", plan.statements, {});
  io("not_migrated", plan.left_out);
}

/// Makes a tree of a struct.
class Writer {
 public:
  JsonTree::Object members;

  template <class T>
  void operator()(std::string_view name, T& field) {
    members.emplace_back(std::string(name), tree(field));
  }
  /// Left out when it says what is so without it.
  template <class T>
  void optional(std::string_view name, T& field, const T& otherwise) {
    if constexpr (requires { field.empty(); }) {
      if (field.empty() && otherwise.empty()) return;
    }
    if constexpr (std::is_same_v<T, std::string>) {
      if (field == otherwise) return;
    }
    (*this)(name, field);
  }
  void check(bool, std::string_view, const std::string&) {}

 private:
  template <class T>
  static JsonTree tree(std::vector<T>& items) {
    JsonTree::Array array;
    for (auto& item : items) array.push_back(tree(item));
    return {std::move(array)};
  }
  template <class T>
  static JsonTree tree(T& field) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      return {static_cast<std::int64_t>(field)};
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return {field};
    } else {
      Writer inner;
      describe(inner, field);
      return {std::move(inner.members)};
    }
  }
};

/// Fills a struct from a tree; of several errors the first is kept.
class Reader {
 public:
  Reader(const JsonTree& tree, std::string path, std::string& error)
      : object_(std::get_if<JsonTree::Object>(&tree.value)), path_(std::move(path)), error_(error) {
    if (object_ == nullptr) fail(path_, "must be an object");
  }

  template <class T>
  void operator()(std::string_view name, T& field) {
    known_.emplace(name);
    if (object_ == nullptr) return;
    const auto found =
        std::find_if(object_->begin(), object_->end(), [&](const auto& member) { return member.first == name; });
    if (found == object_->end()) return fail(path_, fmt::format("lacks the member \"{}\"; put it back", name));
    read(found->second, path_ + "/" + std::string(name), field);
  }

  template <class T>
  void optional(std::string_view name, T& field, const T& otherwise) {
    known_.emplace(name);
    field = otherwise;
    if (object_ != nullptr &&
        std::any_of(object_->begin(), object_->end(), [&](const auto& member) { return member.first == name; }))
      (*this)(name, field);
  }

  void check(bool good, std::string_view name, const std::string& message) {
    if (!good) fail(path_ + "/" + std::string(name), message);
  }

  /// No member may be there that nobody asked for.
  void finish() {
    if (object_ == nullptr) return;
    for (const auto& [name, value] : *object_)
      if (!known_.contains(name))
        fail(path_ + "/" + name, fmt::format("is unknown; take it out. Members here are {}", fmt::join(known_, ", ")));
  }

 private:
  void fail(const std::string& path, const std::string& message) {
    if (error_.empty()) error_ = fmt::format("the plan at {}: {}", path.empty() ? "/" : path, message);
  }

  void read(const JsonTree& tree, const std::string& path, std::string& field) {
    const auto* text = std::get_if<std::string>(&tree.value);
    text == nullptr ? fail(path, "must be a text") : void(field = *text);
  }
  void read(const JsonTree& tree, const std::string& path, bool& field) {
    const auto* flag = std::get_if<bool>(&tree.value);
    flag == nullptr ? fail(path, "must be true or false") : void(field = *flag);
  }
  void read(const JsonTree& tree, const std::string& path, std::int64_t& field) {
    const auto* number = std::get_if<std::int64_t>(&tree.value);
    number == nullptr ? fail(path, "must be a whole number") : void(field = *number);
  }
  void read(const JsonTree& tree, const std::string& path, std::uint64_t& field) {
    const auto* number = std::get_if<std::int64_t>(&tree.value);
    number == nullptr || *number < 0 ? fail(path, "must be a whole number of at least 0")
                                     : void(field = static_cast<std::uint64_t>(*number));
  }
  void read(const JsonTree& tree, const std::string& path, double& field) {
    if (const auto* integer = std::get_if<std::int64_t>(&tree.value)) {
      field = static_cast<double>(*integer);
    } else if (const auto* real = std::get_if<double>(&tree.value)) {
      field = *real;
    } else {
      fail(path, "must be a number");
    }
  }
  template <class T>
  void read(const JsonTree& tree, const std::string& path, std::vector<T>& field) {
    const auto* array = std::get_if<JsonTree::Array>(&tree.value);
    if (array == nullptr) return fail(path, "must be a list");
    field.clear();
    for (std::size_t i = 0; i < array->size(); ++i)
      read((*array)[i], fmt::format("{}/{}", path, i), field.emplace_back());
  }
  template <class T>
  void read(const JsonTree& tree, const std::string& path, T& field) {
    Reader inner(tree, path, error_);
    describe(inner, field);
    inner.finish();
  }

  const JsonTree::Object* object_;
  std::string path_;
  std::string& error_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace

std::string plan_text(const Plan& plan) {
  Writer writer;
  Plan copy = plan;
  describe(writer, copy);
  return to_text(JsonTree{std::move(writer.members)});
}

Result<Plan> parse_plan(std::string_view text) {
  auto tree = parse_json_tree(text);
  if (!tree) {
    tree.error().message = "the plan cannot be read: " + tree.error().message;
    return failure_of(tree);
  }
  Plan plan;
  std::string error;
  Reader reader(*tree, "", error);
  describe(reader, plan);
  reader.finish();
  if (!error.empty()) return failure(ErrorCode::invalid_argument, error);
  return plan;
}

std::string plan_hash(const Plan& plan) {
  return base::sha256_hex(base::as_bytes(plan_text(plan)));
}

}  // namespace triune::intake::legacy
