// neighbors and path.
#include <fmt/format.h>

#include <map>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

const std::map<std::string, Direction>& directions() {
  static const std::map<std::string, Direction> words = {
      {"out", Direction::out}, {"in", Direction::in}, {"both", Direction::both}};
  return words;
}

struct NeighborsArguments {
  NeighborsQuery query;
  std::string direction = "out";
  bool count_only = false;
  bool explain = false;
};

std::string neighbors_document(const Routed<std::vector<Neighbor>>& found) {
  JsonWriter to;
  to.begin_object().member("count", found.value.size()).key("neighbors").begin_array();
  for (const auto& neighbor : found.value)
    to.begin_object()
        .member("label", neighbor.node.label)
        .member("id", neighbor.node.id)
        .member("distance", neighbor.distance)
        .end_object();
  to.end_array().key("route");
  write_route(to, found.route);
  return to.end_object().text();
}

std::string neighbors_text(const std::vector<Neighbor>& neighbors, bool wide) {
  RowSet table{.columns = {"label", "id", "distance"}, .rows = {}};
  for (const auto& neighbor : neighbors)
    table.rows.push_back({neighbor.node.label, neighbor.node.id, std::int64_t{neighbor.distance}});
  return format_table(table, style_of_output(wide));
}

Status print_count(Hive& hive, const NeighborsQuery& query, const ReadOptions& options, bool json, bool explain) {
  TRIUNE_ASSIGN(const Routed<std::uint64_t> counted, hive.count_neighbors(query, options));
  if (!json) {
    if (explain) print(route_text(counted.route));
    print(fmt::format("{}\n", counted.value));
    return {};
  }
  JsonWriter to;
  to.begin_object().member("count", counted.value).key("route");
  write_route(to, counted.route);
  print(to.end_object().text() + "\n");
  return {};
}

Status print_neighbors(Hive& hive, const NeighborsQuery& query, const ReadOptions& options, const Settings& settings,
                       bool explain) {
  TRIUNE_ASSIGN(const Routed<std::vector<Neighbor>> found, hive.neighbors(query, options));
  if (settings.json) {
    print(neighbors_document(found) + "\n");
    return {};
  }
  if (explain) print(route_text(found.route));
  print(neighbors_text(found.value, settings.wide));
  return {};
}

Result<ExitCode> run_neighbors(const NeighborsArguments& arguments, const CommandLine& line) {
  NeighborsQuery query = arguments.query;
  query.direction = directions().at(arguments.direction);
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings));
    if (arguments.count_only)
      TRIUNE_TRY(print_count(hive, query, options, line.settings.json, arguments.explain));
    else
      TRIUNE_TRY(print_neighbors(hive, query, options, line.settings, arguments.explain));
    return ExitCode::ok;
  });
}

struct PathArguments {
  PathQuery query;
  std::string direction = "out";
  bool explain = false;
};

std::string path_document(const Routed<Path>& found) {
  const auto& nodes = found.value.nodes;
  JsonWriter to;
  to.begin_object().member("found", !nodes.empty()).key("length");
  if (nodes.empty())
    to.raw("null");
  else
    to.value(nodes.size() - 1);
  to.key("nodes").begin_array();
  for (const auto& node : nodes) write_node(to, node);
  to.end_array().key("route");
  write_route(to, found.route);
  return to.end_object().text();
}

std::string path_text(const Path& path) {
  std::string text;
  for (const auto& node : path.nodes)
    text += fmt::format("{}{}/{}", text.empty() ? "" : " → ", printable(node.label), printable(node.id));
  return text + "\n";
}

Result<ExitCode> run_path(const PathArguments& arguments, const CommandLine& line) {
  PathQuery query = arguments.query;
  query.direction = directions().at(arguments.direction);
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings));
    TRIUNE_ASSIGN(const Routed<Path> found, hive.shortest_path(query, options));
    if (line.settings.json) {
      print(path_document(found) + "\n");
      return ExitCode::ok;
    }
    if (arguments.explain) print(route_text(found.route));
    if (found.value.nodes.empty())
      note(fmt::format("there is no path of at most {} steps", query.max_length));
    else
      print(path_text(found.value));
    return ExitCode::ok;
  });
}

void add_direction(CLI::App* command, std::string& direction) {
  command->add_option("--direction", direction, "Which way edges are followed")
      ->capture_default_str()
      ->type_name("out|in|both")
      ->check(CLI::IsMember({"out", "in", "both"}).description(""));
}

void add_neighbors(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<NeighborsArguments>();
  auto* command = add_command(root, "neighbors", "List the nodes within some steps of a node",
                              "triune neighbors Agent ada --type KNOWS --depth 2 --explain");
  command->add_option("label", arguments->query.node.label, "Label of the node")->required()->type_name("LABEL");
  command->add_option("id", arguments->query.node.id, "Its id")->required()->type_name("ID");
  command->add_option("--type", arguments->query.type, "Only edges of this type")->type_name("TYPE");
  add_direction(command, arguments->direction);
  command->add_option("--depth", arguments->query.depth, "Steps")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::Range(1, 10).description(""));
  command->add_option("--limit", arguments->query.count, "Nodes at most")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
  command->add_flag("--count", arguments->count_only, "Only say how many there are");
  command->add_flag("--explain", arguments->explain, "Say which engine answered, and why");
  when_chosen(command, line, arguments, run_neighbors);
}

void add_path(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<PathArguments>();
  auto* command = add_command(root, "path", "Find a shortest path between two nodes",
                              "triune path Agent ada Task 7 --max 5 --explain");
  command->add_option("from-label", arguments->query.from.label, "Label of the first node")->required();
  command->add_option("from-id", arguments->query.from.id, "Its id")->required();
  command->add_option("to-label", arguments->query.to.label, "Label of the last node")->required();
  command->add_option("to-id", arguments->query.to.id, "Its id")->required();
  command->add_option("--type", arguments->query.type, "Only edges of this type")->type_name("TYPE");
  add_direction(command, arguments->direction);
  command->add_option("--max", arguments->query.max_length, "Steps at most")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::Range(1, 30).description(""));
  command->add_flag("--explain", arguments->explain, "Say which engine answered, and why");
  when_chosen(command, line, arguments, run_path);
}

}  // namespace

void add_graph_commands(CLI::App& root, CommandLine& line) {
  add_neighbors(root, line);
  add_path(root, line);
}

}  // namespace triune::front
