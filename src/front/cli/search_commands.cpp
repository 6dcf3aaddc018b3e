// search and text.
#include <fmt/format.h>

#include <cmath>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "intake/tables/table_reader.h"

namespace triune::front {
namespace {

struct SearchArguments {
  std::string collection;
  std::string file;
  std::string id;
  std::string json;
  std::string text;
  std::size_t count = 10;
  std::string where;
  std::vector<std::string> parameters;
  bool exact = false;
  std::uint32_t effort = 0;
};

Result<VectorQuery> query_of(const SearchArguments& arguments) {
  if (!arguments.id.empty()) return VectorQuery(arguments.id);
  if (!arguments.text.empty()) return VectorQuery(EmbeddedText{arguments.text});
  std::string text = arguments.json;
  if (!arguments.file.empty()) {
    TRIUNE_ASSIGN(text, read_statement(arguments.file == "-" ? "-" : "", arguments.file == "-" ? "" : arguments.file));
  }
  TRIUNE_ASSIGN(std::vector<float> values, intake::parse_vector(Value(std::move(text))));
  return VectorQuery(std::move(values));
}

/// For people; the JSON has every digit.
double rounded(double number) {
  return std::round(number * 1e6) / 1e6;
}

std::string search_document(const VectorSearch& search, const VectorSearchResult& found) {
  JsonWriter to;
  to.begin_object()
      .member("collection", search.collection)
      .member("strategy", found.strategy)
      .member("engine", found.engine)
      .member("watermark", found.watermark)
      .member("pending", found.pending)
      .key("hits")
      .begin_array();
  for (const auto& hit : found.hits)
    to.begin_object()
        .member("id", hit.id)
        .member("distance", hit.distance)
        .member("metadata", hit.metadata)
        .end_object();
  return to.end_array().end_object().text();
}

std::string search_text(const VectorSearchResult& found, bool wide) {
  RowSet table{.columns = {"id", "distance", "metadata"}, .rows = {}};
  for (const auto& hit : found.hits) table.rows.push_back({hit.id, rounded(hit.distance), Json{to_json(hit.metadata)}});
  return format_table(table, style_of_output(wide));
}

Result<ExitCode> run_search(const SearchArguments& arguments, const CommandLine& line) {
  VectorSearch search{.collection = arguments.collection,
                      .query = {},
                      .count = arguments.count,
                      .where = arguments.where,
                      .parameters = {},
                      .exact = arguments.exact,
                      .effort = arguments.effort};
  TRIUNE_ASSIGN(search.query, query_of(arguments));
  for (const auto& text : arguments.parameters) search.parameters.push_back(parse_parameter(text));
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings));
    TRIUNE_ASSIGN(const VectorSearchResult found, hive.search(search, options));
    print(line.settings.json ? search_document(search, found) + "\n" : search_text(found, line.settings.wide));
    if (!line.settings.json) note(fmt::format("answered by: {}", found.strategy));
    if (!line.settings.json && found.pending > 0)
      note(fmt::format("{} texts of {} wait for their embedding and were not searched", found.pending,
                       search.collection));
    return ExitCode::ok;
  });
}

struct TextArguments {
  TextSearch search;
};

std::string hits_document(const std::vector<TextHit>& hits) {
  JsonWriter to;
  to.begin_object().key("hits").begin_array();
  for (const auto& hit : hits)
    to.begin_object()
        .member("collection", hit.collection)
        .member("id", hit.id)
        .member("score", hit.score)
        .member("snippet", hit.snippet)
        .end_object();
  return to.end_array().end_object().text();
}

std::string hits_text(const std::vector<TextHit>& hits, bool wide) {
  RowSet table{.columns = {"index", "id", "score", "passage"}, .rows = {}};
  for (const auto& hit : hits) table.rows.push_back({hit.collection, hit.id, rounded(hit.score), hit.snippet});
  return format_table(table, style_of_output(wide));
}

Result<ExitCode> run_text(const TextArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {.project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const ReadOptions options, read_options(line.settings));
    TRIUNE_ASSIGN(const std::vector<TextHit> hits, hive.text(arguments.search, options));
    print(line.settings.json ? hits_document(hits) + "\n" : hits_text(hits, line.settings.wide));
    return ExitCode::ok;
  });
}

void add_search(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<SearchArguments>();
  auto* command = add_command(root, "search", "Find the nearest vectors of a collection",
                              "triune search --collection code --id main.cpp -k 5 --where \"language = 'c'\"");
  command->add_option("--collection", arguments->collection, "Where to search")->required()->type_name("NAME");
  auto* file = command
                   ->add_option("--vector", arguments->file,
                                "Near the vector in a file: a JSON array, or numbers; - is standard input")
                   ->type_name("FILE");
  auto* id = command->add_option("--id", arguments->id, "Near the vector stored under this id")->type_name("ID");
  auto* array = command->add_option("--vector-json", arguments->json, "Near this vector, a JSON array of numbers")
                    ->type_name("ARRAY");
  auto* text =
      command->add_option("--text", arguments->text, "Near this text, by the collection's embedder")->type_name("TEXT");
  command->parse_complete_callback([file, id, array, text] {
    if (file->count() + id->count() + array->count() + text->count() != 1)
      throw CLI::RequiredError("one of --vector, --id, --vector-json and --text");
  });
  command->add_option("-k,--count", arguments->count, "How many")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::Range(1, 10'000).description(""));
  command->add_option("--where", arguments->where, "SQL predicate over the metadata and the owner row")
      ->type_name("SQL");
  command->add_option("--param", arguments->parameters, "Value of ?1, ?2, … of --where, in turn")
      ->allow_extra_args(false)
      ->type_name("VALUE");
  command->add_flag("--exact", arguments->exact, "Compare with every vector instead of asking the index");
  command
      ->add_option("--effort", arguments->effort,
                   "Candidates kept while the index is searched: fewer are faster and miss more; default: the engine's")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000).description(""));
  when_chosen(command, line, arguments, run_search);
}

void add_text(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<TextArguments>();
  auto* command = add_command(root, "text", "Search texts by words", "triune text 'crash AND \"write-ahead log\"'");
  command->add_option("query", arguments->search.query, "Words, \"phrases\", prefix*, OR, NOT")
      ->required()
      ->type_name("QUERY");
  command->add_option("--collection", arguments->search.collection, "One text index; default: all")->type_name("NAME");
  command->add_option("-k,--count", arguments->search.count, "How many at most")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::Range(1, 10'000).description(""));
  when_chosen(command, line, arguments, run_text);
}

}  // namespace

void add_search_commands(CLI::App& root, CommandLine& line) {
  add_search(root, line);
  add_text(root, line);
}

}  // namespace triune::front
