// load rows|nodes|edges|vectors: files into the hive.
#include <fmt/format.h>

#include <functional>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/interrupt.h"
#include "front/cli/terminal.h"
#include "intake/tables/load.h"
#include "intake/tables/table_reader.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

/// A reader that ends the load when Ctrl-C was pressed.
class InterruptibleReader final : public intake::TableReader {
 public:
  explicit InterruptibleReader(std::unique_ptr<intake::TableReader> reader) : reader_(std::move(reader)) {}

  Result<bool> next(Record& record) override {
    TRIUNE_TRY(stop_if_interrupted());
    return reader_->next(record);
  }
  [[nodiscard]] const std::string& name() const override { return reader_->name(); }
  [[nodiscard]] std::vector<std::string> header() const override { return reader_->header(); }
  [[nodiscard]] std::uint64_t line() const override { return reader_->line(); }
  Result<std::vector<intake::TableColumn>> columns() override { return reader_->columns(); }
  Status rewind() override { return reader_->rewind(); }
  [[nodiscard]] std::uint64_t bytes_done() const override { return reader_->bytes_done(); }
  [[nodiscard]] std::uint64_t bytes_total() const override { return reader_->bytes_total(); }

 private:
  std::unique_ptr<intake::TableReader> reader_;
};

/// What all four have.
struct LoadArguments {
  std::string file;
  std::string format = "auto";
  std::string delimiter;
  intake::TableReaderOptions reader;
  intake::LoadOptions options;
  Waiting waiting;
};

intake::TableFormat format_of(const std::string& word) {
  if (word == "csv") return intake::TableFormat::csv;
  return word == "jsonl" ? intake::TableFormat::json_lines : intake::TableFormat::automatic;
}

/// The options of the reader; columns named in `identifiers` stay text, since 007 is not 7.
intake::TableReaderOptions reader_options(const LoadArguments& arguments, const std::vector<std::string>& identifiers) {
  intake::TableReaderOptions options = arguments.reader;
  options.format = format_of(arguments.format);
  if (arguments.delimiter == "tab" || arguments.delimiter == "\\t")
    options.delimiter = '\t';
  else if (!arguments.delimiter.empty())
    options.delimiter = arguments.delimiter.front();
  options.text_columns.insert(options.text_columns.end(), identifiers.begin(), identifiers.end());
  return options;
}

std::string load_document(const intake::LoadReport& report, const std::string& file) {
  JsonWriter to;
  to.begin_object().member("rows", report.rows).member("changed", report.changed).member("bad", report.bad);
  to.key("bad_lines").begin_array();
  for (const auto& bad : report.bad_rows)
    to.begin_object().member("file", file).member("line", bad.line).member("reason", bad.reason).end_object();
  to.end_array().key("receipt");
  write_receipt(to, report.receipt);
  return to.end_object().text();
}

void print_load(const intake::LoadReport& report, const std::string& file, bool json) {
  if (json)
    print(load_document(report, file) + "\n");
  else
    print(fmt::format("{} rows taken from {}, {} changed, {} left out\n{}", grouped(report.rows), printable(file),
                      grouped(report.changed), grouped(report.bad), position_text(report.receipt)));
  if (json || report.bad == 0) return;
  for (const auto& bad : report.bad_rows) note(fmt::format("{}:{}: {}", file, bad.line, bad.reason));
  if (report.bad > report.bad_rows.size())
    note(fmt::format("… and {} more", grouped(report.bad - report.bad_rows.size())));
}

using Load = std::function<Result<intake::LoadReport>(Hive&, intake::TableReader&, const Progress&)>;

/// Opens the file, then the hive, loads, waits for the projections, prints. Rows left out make the exit code 1.
Result<ExitCode> run_load(const LoadArguments& arguments, const CommandLine& line,
                          const std::vector<std::string>& identifiers, const Load& load) {
  TRIUNE_ASSIGN(auto file, intake::TableReader::open(arguments.file, reader_options(arguments, identifiers)));
  InterruptibleReader reader(std::move(file));
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    const CaughtInterrupts caught;
    runtime::ProgressBar progress(progress_mode(line.settings));
    TRIUNE_ASSIGN(intake::LoadReport report, load(hive, reader, progress.callback()));
    progress.finish();
    TRIUNE_ASSIGN(report.receipt, settle(hive, std::move(report.receipt), line.settings, arguments.waiting));
    print_load(report, arguments.file, line.settings.json);
    return report.bad == 0 ? ExitCode::ok : ExitCode::failure;
  });
}

struct RowsArguments {
  LoadArguments common;
  intake::RowLoad load;
};

Result<ExitCode> run_rows(const RowsArguments& arguments, const CommandLine& line) {
  intake::RowLoad rows = arguments.load;
  rows.options = arguments.common.options;
  return run_load(arguments.common, line, {}, [&](Hive& hive, intake::TableReader& reader, const Progress& progress) {
    return intake::load_rows(hive, reader, rows, progress);
  });
}

struct NodesArguments {
  LoadArguments common;
  std::string label;
};

Result<ExitCode> run_nodes(const NodesArguments& arguments, const CommandLine& line) {
  return run_load(arguments.common, line, {"id"},
                  [&](Hive& hive, intake::TableReader& reader, const Progress& progress) {
                    return intake::load_nodes(hive, reader, arguments.label, arguments.common.options, progress);
                  });
}

struct EdgesArguments {
  LoadArguments common;
  intake::EdgeLoad load;
};

Result<ExitCode> run_edges(const EdgesArguments& arguments, const CommandLine& line) {
  intake::EdgeLoad edges = arguments.load;
  edges.options = arguments.common.options;
  return run_load(arguments.common, line, {"from", "to"},
                  [&](Hive& hive, intake::TableReader& reader, const Progress& progress) {
                    return intake::load_edges(hive, reader, edges, progress);
                  });
}

struct VectorsArguments {
  LoadArguments common;
  intake::VectorLoad load;
  std::string metric;
};

Result<ExitCode> run_vectors(const VectorsArguments& arguments, const CommandLine& line) {
  intake::VectorLoad vectors = arguments.load;
  vectors.options = arguments.common.options;
  if (!arguments.metric.empty()) {
    TRIUNE_ASSIGN(vectors.metric, parse_metric(arguments.metric));
  }
  return run_load(arguments.common, line, {"id", "vector"},
                  [&](Hive& hive, intake::TableReader& reader, const Progress& progress) {
                    return intake::load_vectors(hive, reader, vectors, progress);
                  });
}

void add_common(CLI::App* command, LoadArguments& arguments) {
  command->add_option("file", arguments.file, "CSV or JSON lines; - for standard input")->required()->type_name("FILE");
  command->add_option("--columns", arguments.reader.columns, "Names of the columns of a file without a header")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,C");
  command->add_option("--text-columns", arguments.reader.text_columns, "Columns that stay text, as 007 does")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command->add_option("--delimiter", arguments.delimiter, "Between cells: one character, or tab; default: a comma")
      ->type_name("CHARACTER")
      ->check(CLI::Validator(
          [](const std::string& text) {
            const bool fits = text.size() == 1 || text == "tab" || text == "\\t";
            return fits ? std::string() : fmt::format("'{}' is not one character", text);
          },
          ""));
  command->add_option("--format", arguments.format, "By the file's name, or this")
      ->capture_default_str()
      ->type_name("auto|csv|jsonl")
      ->check(CLI::IsMember({"auto", "csv", "jsonl"}).description(""));
  command->add_flag("--strict", arguments.options.strict, "Stop at the first bad row instead of leaving it out");
  add_waiting(command, arguments.waiting);
}

void add_rows(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<RowsArguments>();
  auto* command = add_command(parent, "rows", "Load rows into a table, which is made when absent",
                              "triune load rows tasks.csv --table tasks --key id");
  add_common(command, arguments->common);
  command->add_option("--table", arguments->load.table, "The table")->required()->type_name("TABLE");
  command->add_option("--key", arguments->load.key, "Primary key of a table that is made; default: id, else the first")
      ->type_name("COLUMN");
  when_chosen(command, line, arguments, run_rows);
}

void add_nodes(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<NodesArguments>();
  auto* command = add_command(parent, "nodes", "Load nodes: column id, every other column a property",
                              "triune load nodes agents.csv --label Agent");
  add_common(command, arguments->common);
  command->add_option("--label", arguments->label, "Their label")->required()->type_name("LABEL");
  when_chosen(command, line, arguments, run_nodes);
}

void add_edges(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<EdgesArguments>();
  auto* command = add_command(parent, "edges", "Load edges: columns from and to, every other column a property",
                              "triune load edges knows.csv --type KNOWS --from Agent --to Agent");
  add_common(command, arguments->common);
  command->add_option("--type", arguments->load.type, "Their type")->required()->type_name("TYPE");
  command->add_option("--from", arguments->load.from_label, "Label of the nodes they leave")
      ->required()
      ->type_name("LABEL");
  command->add_option("--to", arguments->load.to_label, "Label of the nodes they reach")
      ->required()
      ->type_name("LABEL");
  when_chosen(command, line, arguments, run_edges);
}

void add_vectors(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<VectorsArguments>();
  auto* command = add_command(parent, "vectors", "Load vectors: columns id and vector, every other column metadata",
                              "triune load vectors code.jsonl --collection code --metric cosine");
  add_common(command, arguments->common);
  command->add_option("--collection", arguments->load.collection, "Their collection, which is made when absent")
      ->required()
      ->type_name("NAME");
  command->add_option("--metric", arguments->metric, "Of a collection that is made; default: cosine")
      ->type_name("cosine|l2|dot")
      ->check(CLI::IsMember({"cosine", "l2", "dot"}).description(""));
  command->add_option("--owner-table", arguments->load.owner_table, "Of a collection that is made")->type_name("TABLE");
  when_chosen(command, line, arguments, run_vectors);
}

}  // namespace

void add_load_commands(CLI::App& root, CommandLine& line) {
  auto* load = add_command(root, "load", "Load rows, nodes, edges or vectors from a file",
                           "triune load nodes agents.csv --label Agent");
  load->require_subcommand(1);
  add_rows(*load, line);
  add_nodes(*load, line);
  add_edges(*load, line);
  add_vectors(*load, line);
}

}  // namespace triune::front
