#include "adapters/kuzu/bulk_load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "adapters/kuzu/batch.h"
#include "adapters/kuzu/csv.h"
#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/names.h"
#include "adapters/kuzu/schema.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "triune/ids.h"

namespace triune::adapters::kuzu {
namespace {

using contract::PropertyDefinition;
using contract::PropertyType;

// How long readers may keep a COPY waiting.
constexpr std::chrono::seconds patience(60);

// The temporary folder. COPY takes its file's name as a pattern; through the descriptor of the folder the name holds no
// character that a pattern knows, whatever the directory of the hive is called.
class LoadFolder {
 public:
  static Result<LoadFolder> create(const std::filesystem::path& path) {
    TRIUNE_TRY(base::remove_all(path));
    TRIUNE_TRY(base::create_directories_durably(path));
    const int descriptor = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
      return kuzu_failure(ErrorCode::unavailable,
                          fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
    return LoadFolder(path, descriptor);
  }
  LoadFolder(LoadFolder&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  LoadFolder& operator=(LoadFolder&&) = delete;
  ~LoadFolder() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    [[maybe_unused]] const auto removed = base::remove_all(path_);  // the next open removes it otherwise
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string name_for_copy(const std::filesystem::path& file) const {
    return fmt::format("/proc/self/fd/{}/{}", descriptor_, file.filename().string());
  }

 private:
  LoadFolder(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::filesystem::path path_;
  int descriptor_;
};

// The values of `record` in the order of `properties`, NULL where it has none.
void put_in_order(const Record& record, const std::vector<PropertyDefinition>& properties, std::vector<Value>& to) {
  to.clear();
  for (const auto& property : properties) {
    const auto* value = find(record, property.name);
    to.push_back(value == nullptr ? Value(Null{}) : *value);
  }
}

// Finds keys that were supplied twice: COPY would keep both edges. Eight bytes for each edge of one table.
class SeenKeys {
 public:
  void add(std::string_view from, std::string_view to) { hashes_.push_back(base::hash64(to, base::hash64(from))); }
  bool any_twice() {
    std::sort(hashes_.begin(), hashes_.end());
    return std::adjacent_find(hashes_.begin(), hashes_.end()) != hashes_.end();
  }

 private:
  std::vector<std::uint64_t> hashes_;
};

struct EdgeFile {
  std::unique_ptr<CsvTable> csv;
  SeenKeys seen;
};

std::string column_names(std::vector<std::string> names, const std::vector<PropertyDefinition>& properties) {
  for (const auto& property : properties) names.push_back(in_backticks(property.name));
  return names.empty() ? std::string() : fmt::format("({})", fmt::join(names, ", "));
}

// The columns of a file: keys, then properties.
std::vector<PropertyType> column_types(std::size_t keys, const std::vector<PropertyDefinition>& properties) {
  std::vector<PropertyType> types(keys, PropertyType::text);
  for (const auto& property : properties) types.push_back(property.type);
  return types;
}

class Loader {
 public:
  Loader(Session& session, Sessions& sessions, const contract::KnownSchema& known, const LoadFolder& folder)
      : session_(session), sessions_(sessions), known_(known), folder_(folder) {}

  Status load_nodes(const std::string& label, contract::GraphSource& source) {
    const auto* table = known_.label(label);
    if (table == nullptr) return unknown(label);
    CsvTable csv(folder_.path(), next_name(), null_marker_, column_types(1, table->properties));
    TRIUNE_TRY(source.visit_nodes(label, [&](const PutNode& node) -> Status {
      if (node.node.label != label) return wrong_table(node.node.label, label);
      TRIUNE_TRY(contract::check_node(node, known_, longest_text));
      put_in_order(node.properties, table->properties, row_);
      return csv.append({node.node.id}, row_);
    }));
    return copy(csv, in_backticks(label) + column_names({"`id`"}, table->properties), {});
  }

  Status load_edges(const std::string& type, contract::GraphSource& source) {
    const auto* table = known_.type(type);
    if (table == nullptr) return {};  // a type without ends has no edges
    std::map<EdgeTable, EdgeFile> files;
    auto current = files.end();  // edges of the same ends come one after the other
    TRIUNE_TRY(source.visit_edges(type, [&](const PutEdge& edge) -> Status {
      const auto& [supplied, from, to] = edge.edge;
      if (supplied != type) return wrong_table(supplied, type);
      const bool same = current != files.end() && current->first.from == from.label && current->first.to == to.label;
      // Ends that were allowed once stay so.
      if (!same || !edge.properties.empty()) TRIUNE_TRY(contract::check_edge(edge, known_, longest_text));
      if (!same) current = files.try_emplace({type, from.label, to.label}).first;
      auto& file = current->second;
      if (file.csv == nullptr)
        file.csv =
            std::make_unique<CsvTable>(folder_.path(), next_name(), null_marker_, column_types(2, table->properties));
      file.seen.add(from.id, to.id);
      put_in_order(edge.properties, table->properties, row_);
      return file.csv->append({from.id, to.id}, row_);
    }));
    for (auto& [ends, file] : files) TRIUNE_TRY(copy_edges(ends, file, table->properties));
    return {};
  }

 private:
  static Status unknown(const std::string& label) {
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("label '{}' does not exist; call ensure_schema first", label));
  }

  static Status wrong_table(const std::string& supplied, const std::string& wanted) {
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("the source supplied '{}' when asked for '{}'", supplied, wanted));
  }

  std::string next_name() { return "table" + std::to_string(tables_++); }

  Status copy_edges(const EdgeTable& ends, EdgeFile& file, const std::vector<PropertyDefinition>& properties) {
    if (file.seen.any_twice())
      return kuzu_failure(
          ErrorCode::invalid_argument,
          fmt::format("the source supplied an edge {} from {} to {} twice; there is at most one of a type "
                      "between two nodes",
                      ends.type, ends.from, ends.to));
    file.seen = {};
    return copy(*file.csv, in_backticks(ends.type) + column_names({}, properties),
                fmt::format(", from={}, to={}", in_quotes(ends.from), in_quotes(ends.to)));
  }

  Status copy(CsvTable& csv, const std::string& target, const std::string& ends) {
    TRIUNE_TRY(csv.finish());
    TRIUNE_TRY(copy_file(csv.plain(), target, ends, true));
    return copy_file(csv.with_line_breaks(), target, ends, false);
  }

  Status copy_file(const CsvFile& file, const std::string& target, const std::string& ends, bool in_parallel) {
    if (file.rows() == 0) return {};
    // Without readers: COPY ends in a checkpoint, which waits for them and reports a failure for what it committed.
    TRIUNE_ASSIGN(const auto alone, sessions_.quiesce(Deadline::after(patience)));
    TRIUNE_TRY(session_.execute(fmt::format(
        "COPY {} FROM {} (header=false, auto_detect=false, delim=',', quote='\"', escape='\"', "
        "null_strings=[{}], parallel={}{})",
        target, in_quotes(folder_.name_for_copy(file.path())), in_quotes(null_marker_), in_parallel, ends)));
    return base::remove_all(file.path());
  }

  Session& session_;
  Sessions& sessions_;
  const contract::KnownSchema& known_;
  const LoadFolder& folder_;
  const std::string null_marker_ = "~" + new_id().substr(24);  // the random end of the id
  std::size_t tables_ = 0;
  std::vector<Value> row_;
};

}  // namespace

Status copy_everything(Session& session, Sessions& sessions, const contract::KnownSchema& known,
                       const std::filesystem::path& folder, const contract::GraphSchema& schema,
                       contract::GraphSource& source) {
  TRIUNE_ASSIGN(const auto load_folder, LoadFolder::create(folder));
  Loader loader(session, sessions, known, load_folder);
  for (const auto& label : schema.labels) TRIUNE_TRY(loader.load_nodes(label.name, source));
  for (const auto& type : schema.types) TRIUNE_TRY(loader.load_edges(type.name, source));
  base::failpoint("kuzu.bulk_load.copied");
  return {};
}

}  // namespace triune::adapters::kuzu
