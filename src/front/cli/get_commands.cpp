// get row|node|edge|vector|blob: point reads of the canonical store.
#include <fmt/format.h>

#include "base/file.h"
#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "model/json.h"

namespace triune::front {
namespace {

constexpr Opening quick{.create = false, .project_in_background = false};

/// Names and values, one a line.
std::string record_text(const Record& record, bool wide) {
  RowSet table{.columns = {"name", "value"}, .rows = {}};
  for (const auto& field : record) table.rows.push_back({field.name, to_text(field.value)});
  return format_table(table, style_of_output(wide));
}

struct RowArguments {
  std::string table;
  std::vector<std::string> key;
};

Result<ExitCode> run_row(const RowArguments& arguments, const CommandLine& line) {
  Record key;
  for (const auto& pair : arguments.key) {
    const auto equals = pair.find('=');
    key.push_back({pair.substr(0, equals), parse_parameter(pair.substr(equals + 1))});
  }
  return with_hive(line.settings, quick, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const Record row, hive.get_row(arguments.table, key));
    print(line.settings.json ? to_json(row) + "\n" : record_text(row, line.settings.wide));
    return ExitCode::ok;
  });
}

struct NodeArguments {
  NodeReference node;
};

Result<ExitCode> run_node(const NodeArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, quick, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const Record properties, hive.get_node(arguments.node));
    if (!line.settings.json) {
      print(record_text(properties, line.settings.wide));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().member("label", arguments.node.label).member("id", arguments.node.id);
    print(to.member("properties", properties).end_object().text() + "\n");
    return ExitCode::ok;
  });
}

struct EdgeArguments {
  EdgeReference edge;
};

Result<ExitCode> run_edge(const EdgeArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, quick, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const Record properties, hive.get_edge(arguments.edge));
    if (!line.settings.json) {
      print(record_text(properties, line.settings.wide));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().member("type", arguments.edge.type).key("from");
    write_node(to, arguments.edge.from);
    write_node(to.key("to"), arguments.edge.to);
    print(to.member("properties", properties).end_object().text() + "\n");
    return ExitCode::ok;
  });
}

struct VectorArguments {
  std::string collection;
  std::string id;
};

std::string numbers(const std::vector<float>& values) {
  std::string text = "[";
  for (const float value : values) fmt::format_to(std::back_inserter(text), "{}{}", text.size() > 1 ? "," : "", value);
  return text + "]";
}

Result<ExitCode> run_vector(const VectorArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, quick, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const PutVector vector, hive.get_vector(arguments.collection, arguments.id));
    if (!line.settings.json) {
      Record record = vector.metadata;
      record.push_back({"vector", Json{numbers(vector.values)}});
      print(record_text(record, line.settings.wide));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().member("collection", vector.collection).member("id", vector.id);
    to.key("vector").raw(numbers(vector.values));
    print(to.member("metadata", vector.metadata).end_object().text() + "\n");
    return ExitCode::ok;
  });
}

struct BlobArguments {
  std::string owner;
  std::string name;
  std::string output;
};

Result<ExitCode> run_blob(const BlobArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, quick, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const Bytes bytes, hive.get_blob(arguments.owner, arguments.name));
    if (!arguments.output.empty()) TRIUNE_TRY(base::write_durably(arguments.output, bytes));
    if (line.settings.json) {
      JsonWriter to;
      to.begin_object().member("owner", arguments.owner).member("name", arguments.name).member("size", bytes.size());
      if (arguments.output.empty()) to.member("base64", model::base64(bytes));
      print(to.end_object().text() + "\n");
    } else if (arguments.output.empty()) {
      print(base::as_text(bytes));
    }
    return ExitCode::ok;
  });
}

void add_row(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<RowArguments>();
  auto* command = add_command(parent, "row", "Read one row by its primary key", "triune get row tasks id=7");
  command->add_option("table", arguments->table, "The table")->required()->type_name("TABLE");
  command->add_option("key", arguments->key, "Each column of the primary key")
      ->required()
      ->type_name("COLUMN=VALUE")
      ->check(is_assignment());
  when_chosen(command, line, arguments, run_row);
}

void add_node(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<NodeArguments>();
  auto* command = add_command(parent, "node", "Read the properties of one node", "triune get node Agent ada");
  command->add_option("label", arguments->node.label, "Its label")->required()->type_name("LABEL");
  command->add_option("id", arguments->node.id, "Its id")->required()->type_name("ID");
  when_chosen(command, line, arguments, run_node);
}

void add_edge(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<EdgeArguments>();
  auto* command =
      add_command(parent, "edge", "Read the properties of one edge", "triune get edge KNOWS Agent ada Agent bob");
  command->add_option("type", arguments->edge.type, "Its type")->required();
  command->add_option("from-label", arguments->edge.from.label, "Label of the node it leaves")->required();
  command->add_option("from-id", arguments->edge.from.id, "Id of that node")->required();
  command->add_option("to-label", arguments->edge.to.label, "Label of the node it reaches")->required();
  command->add_option("to-id", arguments->edge.to.id, "Id of that node")->required();
  when_chosen(command, line, arguments, run_edge);
}

void add_vector(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<VectorArguments>();
  auto* command =
      add_command(parent, "vector", "Read one vector and its metadata", "triune get vector code main.cpp --json");
  command->add_option("collection", arguments->collection, "Its collection")->required()->type_name("NAME");
  command->add_option("id", arguments->id, "Its id")->required()->type_name("ID");
  when_chosen(command, line, arguments, run_vector);
}

void add_blob(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<BlobArguments>();
  auto* command = add_command(parent, "blob", "Read the bytes of one blob",
                              "triune get blob session-1 transcript --output transcript.txt");
  command->add_option("owner", arguments->owner, "Its owner")->required()->type_name("OWNER");
  command->add_option("name", arguments->name, "Its name")->required()->type_name("NAME");
  command->add_option("--output", arguments->output, "Write them to a file instead of standard output")
      ->type_name("FILE");
  when_chosen(command, line, arguments, run_blob);
}

}  // namespace

void add_get_commands(CLI::App& root, CommandLine& line) {
  auto* get = add_command(root, "get", "Read one row, node, edge, vector or blob", "triune get node Agent ada");
  get->require_subcommand(1);
  add_row(*get, line);
  add_node(*get, line);
  add_edge(*get, line);
  add_vector(*get, line);
  add_blob(*get, line);
}

}  // namespace triune::front
