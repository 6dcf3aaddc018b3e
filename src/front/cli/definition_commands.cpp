// collection, map and index: what there is to be projected.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

/// Defines something, waits for the projections, says so.
Result<ExitCode> define(const CommandLine& line, std::string_view kind, std::string_view name, const Waiting& waiting,
                        const std::function<Status(Hive&)>& definition) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_TRY(definition(hive));
    TRIUNE_ASSIGN(const Receipt receipt, settle(hive, line.settings, waiting));
    if (!line.settings.json) {
      print(fmt::format("{} {} is defined\n", kind, printable(name)));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().member("kind", kind).member("name", name).key("receipt");
    write_receipt(to, receipt);
    print(to.end_object().text() + "\n");
    return ExitCode::ok;
  });
}

struct CollectionArguments {
  VectorCollection collection;
  std::string metric = "cosine";
  Waiting waiting;
};

Result<ExitCode> run_collection(const CollectionArguments& arguments, const CommandLine& line) {
  VectorCollection collection = arguments.collection;
  TRIUNE_ASSIGN(collection.metric, parse_metric(arguments.metric));
  return define(line, "collection", collection.name, arguments.waiting,
                [&](Hive& hive) { return hive.create_collection(collection); });
}

struct MapNodesArguments {
  NodeMapping mapping;
  Waiting waiting;
};

Result<ExitCode> run_map_nodes(const MapNodesArguments& arguments, const CommandLine& line) {
  return define(line, "node mapping", arguments.mapping.label, arguments.waiting,
                [&](Hive& hive) { return hive.map_nodes(arguments.mapping); });
}

struct MapEdgesArguments {
  EdgeMapping mapping;
  std::string from;
  std::string to;
  Waiting waiting;
};

Result<ExitCode> run_map_edges(const MapEdgesArguments& arguments, const CommandLine& line) {
  EdgeMapping mapping = arguments.mapping;
  std::tie(mapping.from_column, mapping.from_label) = split_pair(arguments.from);
  std::tie(mapping.to_column, mapping.to_label) = split_pair(arguments.to);
  return define(line, "edge mapping", mapping.type, arguments.waiting,
                [&](Hive& hive) { return hive.map_edges(mapping); });
}

struct IndexArguments {
  TextIndex index;
  Waiting waiting;
};

Result<ExitCode> run_index(const IndexArguments& arguments, const CommandLine& line) {
  return define(line, "text index", arguments.index.name, arguments.waiting,
                [&](Hive& hive) { return hive.create_text_index(arguments.index); });
}

void add_collection(CLI::App& root, CommandLine& line) {
  auto* parent = add_command(root, "collection", "Define collections of vectors",
                             "triune collection create code --dimension 384 --metric cosine");
  parent->require_subcommand(1);
  auto arguments = std::make_shared<CollectionArguments>();
  auto* command = add_command(*parent, "create", "Define a collection of vectors",
                              "triune collection create code --dimension 384 --metric cosine --owner-table files");
  command->add_option("name", arguments->collection.name, "Its name")->required()->type_name("NAME");
  command->add_option("--dimension", arguments->collection.dimension, "Numbers in each vector")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(1, 8192).description(""));
  command->add_option("--metric", arguments->metric, "How vectors are compared")
      ->capture_default_str()
      ->type_name("cosine|l2|dot")
      ->check(CLI::IsMember({"cosine", "l2", "dot"}).description(""));
  command
      ->add_option("--owner-table", arguments->collection.owner_table,
                   "Table whose primary key is the vectors' id, so that --where may name its columns")
      ->type_name("TABLE");
  command
      ->add_option("--embedder", arguments->collection.embedder,
                   "What makes vectors of texts: hashing (needs no model), or NAME:MODEL")
      ->type_name("NAME");
  command
      ->add_option("--engine", arguments->collection.engine,
                   "What searches them; `triune vectors move` changes it later. Default: usearch")
      ->type_name("usearch|lancedb");
  add_waiting(command, arguments->waiting);
  when_chosen(command, line, arguments, run_collection);
  add_reembed_command(*parent, line);
}

void add_map_nodes(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<MapNodesArguments>();
  auto* command = add_command(parent, "nodes", "Make every row of a table a node",
                              "triune map nodes --table agents --label Agent --properties name,role");
  command->add_option("--table", arguments->mapping.table, "The table; its primary key is the id")
      ->required()
      ->type_name("TABLE");
  command->add_option("--label", arguments->mapping.label, "Label of the nodes")->required()->type_name("LABEL");
  command->add_option("--properties", arguments->mapping.properties, "Columns that become properties; default: all")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  add_waiting(command, arguments->waiting);
  when_chosen(command, line, arguments, run_map_nodes);
}

void add_map_edges(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<MapEdgesArguments>();
  auto* command =
      add_command(parent, "edges", "Make every row of a table an edge",
                  "triune map edges --table tasks --type OWNED_BY --from id:Task --to owner:Agent --properties since");
  command->add_option("--table", arguments->mapping.table, "The table")->required()->type_name("TABLE");
  command->add_option("--type", arguments->mapping.type, "Type of the edges")->required()->type_name("TYPE");
  command->add_option("--from", arguments->from, "Column with the first node's id, and its label")
      ->required()
      ->type_name("COLUMN:LABEL")
      ->check(is_pair());
  command->add_option("--to", arguments->to, "Column with the second node's id, and its label")
      ->required()
      ->type_name("COLUMN:LABEL")
      ->check(is_pair());
  command->add_option("--properties", arguments->mapping.properties, "Columns that become properties")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  add_waiting(command, arguments->waiting);
  when_chosen(command, line, arguments, run_map_edges);
}

void add_index(CLI::App& root, CommandLine& line) {
  auto* parent =
      add_command(root, "index", "Define text indexes", "triune index text titles --table tasks --columns title,body");
  parent->require_subcommand(1);
  auto arguments = std::make_shared<IndexArguments>();
  auto* command = add_command(*parent, "text", "Index columns of a table for `triune text`",
                              "triune index text titles --table tasks --columns title,body");
  command->add_option("name", arguments->index.name, "Name of the index")->required()->type_name("NAME");
  command->add_option("--table", arguments->index.table, "The table")->required()->type_name("TABLE");
  command->add_option("--columns", arguments->index.columns, "Columns with text")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  add_waiting(command, arguments->waiting);
  when_chosen(command, line, arguments, run_index);
}

}  // namespace

void add_definition_commands(CLI::App& root, CommandLine& line) {
  add_collection(root, line);
  auto* map = add_command(root, "map", "Map tables into the graph", "triune map nodes --table agents --label Agent");
  map->require_subcommand(1);
  add_map_nodes(*map, line);
  add_map_edges(*map, line);
  add_index(root, line);
}

}  // namespace triune::front
