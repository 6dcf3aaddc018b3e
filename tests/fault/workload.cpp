#include "fault/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "base/hash.h"
#include "base/try.h"

namespace triune::testing {
namespace {

constexpr std::size_t blob_bytes = 100'000;

std::string describe(const NodeReference& node) {
  return fmt::format("{}/{}", node.label, node.id);
}

std::string describe(const EdgeReference& edge) {
  return fmt::format("{} -{}-> {}", describe(edge.from), edge.type, describe(edge.to));
}

/// Properties as the canonical store keeps them.
std::string stored(Record properties) {
  std::sort(properties.begin(), properties.end(), [](const Field& a, const Field& b) { return a.name < b.name; });
  return to_json(properties);
}

std::string vector_text(std::span<const float> values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

std::string row_text(std::string_view title, std::int64_t revision) {
  return fmt::format("{} r{}", title, revision);
}

/// "1x2" of "Task/1x2-17" and of "1x2-17".
std::string thread_of(std::string_view name) {
  const auto begin = name.find('/') == std::string_view::npos ? 0 : name.find('/') + 1;
  return std::string(name.substr(begin, name.find('-', begin) - begin));
}

void compare(std::string_view what, const std::map<std::string, std::string>& expected,
             const std::map<std::string, std::string>& found, std::string& to) {
  for (const auto& [name, value] : expected) {
    const auto at = found.find(name);
    if (at == found.end())
      to += fmt::format("missing {} {}; ", what, name);
    else if (at->second != value)
      to += fmt::format("other {} {}; ", what, name);
    if (to.size() > 400) return;
  }
  for (const auto& [name, value] : found)
    if (!expected.contains(name) && to.size() < 400) to += fmt::format("extra {} {}; ", what, name);
}

}  // namespace

std::string describe_difference(const Contents& expected, const Contents& found) {
  std::string text;
  compare("row", expected.rows, found.rows, text);
  compare("node", expected.nodes, found.nodes, text);
  compare("edge", expected.edges, found.edges, text);
  compare("vector", expected.vectors, found.vectors, text);
  compare("blob", expected.blobs, found.blobs, text);
  return text;
}

std::uint64_t workload_seed(std::string_view text) {
  return base::hash64(text);
}

std::vector<float> workload_vector(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> values(workload_dimension);
  for (auto& value : values) value = static_cast<float>(static_cast<double>(random() >> 11U) * 0x1p-53 * 2 - 1);
  return values;
}

Bytes workload_bytes(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const auto word = random();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

std::string ThreadWorkload::id(std::uint64_t number) const {
  return fmt::format("{}-{}", name_, number);
}

void ThreadWorkload::put_row(Commit& commit, const std::string& id, std::int64_t revision) {
  const auto title = fmt::format("task {}", id);
  commit.changes.emplace_back(PutRow{"tasks", {{"id", id}, {"title", title}, {"revision", revision}}});
  contents_.rows[id] = row_text(title, revision);
}

void ThreadWorkload::put_node(Commit& commit, const NodeReference& node, Record properties) {
  contents_.nodes[describe(node)] = stored(properties);
  commit.changes.emplace_back(PutNode{node, std::move(properties)});
}

void ThreadWorkload::put_edge(Commit& commit, const EdgeReference& edge, Record properties) {
  contents_.edges[describe(edge)] = stored(properties);
  commit.changes.emplace_back(PutEdge{edge, std::move(properties)});
}

void ThreadWorkload::put_vector(Commit& commit, const std::string& id, std::uint64_t seed) {
  auto values = workload_vector(seed);
  contents_.vectors[id] = vector_text(values);
  commit.changes.emplace_back(PutVector{std::string(workload_collection), id, std::move(values), {{"thread", name_}}});
}

void ThreadWorkload::delete_node(Commit& commit, const NodeReference& node) {
  const auto name = describe(node);
  commit.changes.emplace_back(DeleteNode{node});
  contents_.nodes.erase(name);
  std::erase_if(contents_.edges, [&](const auto& edge) {
    return edge.first.starts_with(name + " -") || edge.first.ends_with("> " + name);
  });
}

void ThreadWorkload::put_new(Commit& commit) {
  const auto now = id(number_);
  const NodeReference agent{"Agent", now};
  const NodeReference task{"Task", now};
  const NodeReference before{"Agent", number_ == 0 ? now : id(number_ - 1)};
  put_row(commit, now, 0);
  put_node(commit, agent, {{"name", "agent " + now}, {"rank", static_cast<std::int64_t>(number_)}});
  put_node(commit, task, {{"title", "task " + now}});
  put_edge(commit, {"WORKS_ON", agent, task}, {{"since", static_cast<std::int64_t>(number_)}});
  put_edge(commit, {"PART_OF", task, {"Hub", "hub"}}, {});
  put_edge(commit, {"KNOWS", agent, before}, {{"weight", 0.5 + static_cast<double>(number_)}});
  put_vector(commit, now, workload_seed("vector " + now));
}

void ThreadWorkload::put_blob(Commit& commit) {
  if (number_ % 10 != 0) return;
  const auto now = id(number_);
  auto bytes = workload_bytes(workload_seed("blob " + now), blob_bytes);
  contents_.blobs[now] = base::sha256_hex(bytes);
  commit.changes.emplace_back(PutBlob{now, "log", std::move(bytes)});
}

void ThreadWorkload::update_old(Commit& commit) {
  if (number_ % 3 == 1 && number_ >= 3) {
    const auto old = id(number_ - 3);
    if (contents_.rows.contains(old)) put_row(commit, old, static_cast<std::int64_t>(number_));
    if (contents_.nodes.contains("Task/" + old))
      put_node(commit, {"Task", old}, {{"done", true}, {"title", "task " + old}});
  }
  if (number_ % 4 == 3 && number_ >= 4 && contents_.vectors.contains(id(number_ - 4)))
    put_vector(commit, id(number_ - 4), workload_seed(fmt::format("again {}", id(number_))));
}

void ThreadWorkload::delete_old(Commit& commit) {
  if (number_ % 5 == 4 && number_ >= 5) {
    const auto old = id(number_ - 5);
    delete_node(commit, {"Agent", old});
    commit.changes.emplace_back(DeleteRow{"tasks", {{"id", old}}});
    contents_.rows.erase(old);
    commit.changes.emplace_back(DeleteVector{std::string(workload_collection), old});
    contents_.vectors.erase(old);
  }
  if (number_ % 30 == 29) {
    const auto old = id(number_ - 19);
    commit.changes.emplace_back(DeleteBlob{old, "log"});
    contents_.blobs.erase(old);
  }
}

Commit ThreadWorkload::next() {
  Commit commit{.changes = {}, .idempotency_key = id(number_)};
  put_new(commit);
  put_blob(commit);
  update_old(commit);
  delete_old(commit);
  ++number_;
  return commit;
}

Status prepare_workload(Hive& hive) {
  TRIUNE_TRY(hive.sql(
      hive.dialect() == SqlDialect::postgresql
          ? "CREATE TABLE IF NOT EXISTS tasks (id text PRIMARY KEY, title text NOT NULL, revision bigint)"
          : "CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, title TEXT NOT NULL, revision INTEGER) STRICT"));
  TRIUNE_TRY(hive.create_collection({.name = std::string(workload_collection), .dimension = workload_dimension}));
  TRIUNE_TRY(hive.commit({.changes = {PutNode{{"Hub", "hub"}, {}}}, .idempotency_key = "hub"}));
  return {};
}

namespace {

/// Calls `receive` with each row, as text.
Status each_row(Hive& hive, std::string_view sql, const std::function<void(const std::vector<Value>&)>& receive) {
  ReadOptions options;
  options.max_rows = 10'000'000;
  TRIUNE_ASSIGN(const RowSet rows, hive.sql(sql, {}, options));
  for (const auto& row : rows.rows) receive(row);
  return {};
}

Status read_blobs(Hive& hive, std::map<std::string, Contents>& all) {
  std::vector<std::string> owners;
  TRIUNE_TRY(each_row(hive, "SELECT owner FROM triune_blob_references WHERE name = 'log'",
                      [&](const auto& row) { owners.push_back(to_text(row[0])); }));
  for (const auto& owner : owners) {
    TRIUNE_ASSIGN(const Bytes bytes, hive.get_blob(owner, "log"));
    all[thread_of(owner)].blobs[owner] = base::sha256_hex(bytes);
  }
  return {};
}

}  // namespace

Result<std::map<std::string, Contents>> read_contents(Hive& hive) {
  std::map<std::string, Contents> all;
  TRIUNE_TRY(each_row(hive, "SELECT id, title, revision FROM tasks", [&](const auto& row) {
    all[thread_of(to_text(row[0]))].rows[to_text(row[0])] = row_text(to_text(row[1]), std::get<std::int64_t>(row[2]));
  }));
  TRIUNE_TRY(
      each_row(hive, "SELECT label, id, properties FROM triune_graph_nodes WHERE label <> 'Hub'", [&](const auto& row) {
        const auto name = to_text(row[0]) + "/" + to_text(row[1]);
        all[thread_of(name)].nodes[name] = to_text(row[2]);
      }));
  TRIUNE_TRY(each_row(hive, "SELECT type, from_label, from_id, to_label, to_id, properties FROM triune_graph_edges",
                      [&](const auto& row) {
                        const EdgeReference edge{
                            to_text(row[0]), {to_text(row[1]), to_text(row[2])}, {to_text(row[3]), to_text(row[4])}};
                        all[thread_of(edge.from.id)].edges[describe(edge)] = to_text(row[5]);
                      }));
  TRIUNE_TRY(each_row(hive,
                      "SELECT v.id, x.vector FROM triune_vectors v JOIN triune_vector_values x USING (vector_key)",
                      [&](const auto& row) {
                        const auto& bytes = std::get<Bytes>(row[1]);
                        all[thread_of(to_text(row[0]))].vectors[to_text(row[0])] =
                            std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                      }));
  TRIUNE_TRY(read_blobs(hive, all));
  return all;
}

}  // namespace triune::testing
