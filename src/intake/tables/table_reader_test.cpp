#include "intake/tables/table_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "intake/test_files.h"

namespace triune::intake {
namespace {

struct Table {
  std::vector<Record> rows;
  std::vector<std::string> errors;
  std::vector<std::uint64_t> lines;
};

Table read_all(TableReader& reader) {
  Table table;
  Record record;
  for (;;) {
    const auto more = reader.next(record);
    if (!more.has_value()) {
      EXPECT_EQ(more.error().code, ErrorCode::invalid_argument);
      table.errors.push_back(more.error().message);
      continue;
    }
    if (!*more) return table;
    table.rows.push_back(record);
    table.lines.push_back(reader.line());
  }
}

std::unique_ptr<TableReader> open(const std::filesystem::path& path, TableReaderOptions options = {}) {
  auto reader = TableReader::open(path, std::move(options));
  EXPECT_TRUE(reader.has_value()) << (reader.has_value() ? "" : reader.error().message);
  return reader.has_value() ? std::move(*reader) : nullptr;
}

TEST(Csv, ReadsQuotesLineEndsAndNulls) {
  const TestFolder folder;
  const auto path =
      folder.write("a.csv", "\xEF\xBB\xBFid,text,other\r\n1,\"a \"\"b\"\"\nc\",\r\n\r\n2,plain \"x\",\"\"\r\n3,,z");
  const Table table = read_all(*open(path));
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_TRUE(table.errors.empty());
  EXPECT_EQ(table.rows[0], (Record{{"id", std::int64_t{1}}, {"text", std::string("a \"b\"\nc")}, {"other", Null{}}}));
  EXPECT_EQ(table.rows[1],
            (Record{{"id", std::int64_t{2}}, {"text", std::string("plain \"x\"")}, {"other", std::string()}}));
  EXPECT_EQ(table.rows[2], (Record{{"id", std::int64_t{3}}, {"text", Null{}}, {"other", std::string("z")}}));
  EXPECT_EQ(table.lines, (std::vector<std::uint64_t>{2, 5, 6}));
}

TEST(Csv, DecidesTheTypeOfAColumnByAllOfIt) {
  const TestFolder folder;
  const auto path = folder.write("a.csv",
                                 "zip,count,share,flag,mixed,large,exact,none\n"
                                 "007,1,1,true,1,9007199254740993,1,\n"
                                 "123,-2,2.5,FALSE,x,1,9007199254740993,\n"
                                 "456,0,1e3,True,2,2,1.5,\n");
  const auto reader = open(path);
  const auto columns = reader->columns();
  ASSERT_TRUE(columns.has_value());
  std::vector<ColumnType> types;
  for (const auto& column : *columns) types.push_back(column.type);
  EXPECT_EQ(types,
            (std::vector<ColumnType>{ColumnType::text, ColumnType::integer, ColumnType::decimal, ColumnType::boolean,
                                     ColumnType::text, ColumnType::integer, ColumnType::text, ColumnType::null}));
  const Table table = read_all(*reader);
  EXPECT_EQ(table.rows.at(0).at(0).value, Value(std::string("007")));
  EXPECT_EQ(table.rows.at(0).at(2).value, Value(1.0));
  EXPECT_EQ(table.rows.at(1).at(3).value, Value(false));
  EXPECT_EQ(table.rows.at(2).at(4).value, Value(std::string("2")));
  EXPECT_EQ(table.rows.at(0).at(7).value, Value(Null{}));
}

TEST(Csv, TakesColumnNamesADelimiterAndTextColumns) {
  const TestFolder folder;
  TableReaderOptions options;
  options.columns = {"from", "to"};
  options.text_columns = {"from", "to"};
  options.delimiter = ' ';
  const Table table = read_all(*open(folder.write("a.txt", "1 2\n3 4\n"), options));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[1], (Record{{"from", std::string("3")}, {"to", std::string("4")}}));
  const Table tabs = read_all(*open(folder.write("a.tsv", "a\tb\n1\tx,y\n")));
  EXPECT_EQ(tabs.rows.at(0), (Record{{"a", std::int64_t{1}}, {"b", std::string("x,y")}}));
}

TEST(Csv, ReportsBadRowsAndGoesOn) {
  const TestFolder folder;
  const auto path = folder.write("a.csv", "a,b\n1,2\n3\n4,5,6\n\"x\"y,7\n8,9\n\"open,1\n10,11\n");
  const Table table = read_all(*open(path));
  ASSERT_EQ(table.errors.size(), 4U);
  EXPECT_NE(table.errors[0].find("a.csv:3: 1 cells"), std::string::npos) << table.errors[0];
  EXPECT_NE(table.errors[1].find("a.csv:4: 3 cells"), std::string::npos) << table.errors[1];
  EXPECT_NE(table.errors[2].find("a.csv:5: text follows"), std::string::npos) << table.errors[2];
  EXPECT_NE(table.errors[3].find("a.csv:7: a quoted cell is never closed"), std::string::npos) << table.errors[3];
  EXPECT_EQ(table.lines, (std::vector<std::uint64_t>{2, 6, 8}));
  EXPECT_EQ(table.rows.at(0).at(0).value, Value(std::int64_t{1}));  // bad rows do not decide about types
}

TEST(Csv, RefusesAHeaderThatIsNone) {
  const TestFolder folder;
  for (const auto* const header : {"", "a,,b\n", "a,a\n"}) {
    const auto reader = TableReader::open(folder.write("a.csv", header));
    ASSERT_FALSE(reader.has_value()) << header;
    EXPECT_EQ(reader.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_EQ(TableReader::open(folder.path() / "none.csv").error().code, ErrorCode::not_found);
  EXPECT_EQ(TableReader::open(folder.path()).error().code, ErrorCode::invalid_argument);
}

TEST(Csv, SetsARowBeyondTheLimitAside) {
  const TestFolder folder;
  TableReaderOptions options;
  options.max_record_bytes = 1000;
  const auto path = folder.write("a.csv", "a\nx\n" + std::string(3'000'000, 'y') + "\nz\n");
  const Table table = read_all(*open(path, options));
  EXPECT_EQ(table.errors.size(), 1U);
  EXPECT_EQ(table.lines, (std::vector<std::uint64_t>{2, 4}));
}

TEST(Csv, CanBeReadAgain) {
  const TestFolder folder;
  const auto reader = open(folder.write("a.csv", "a\n1\n2\n"));
  EXPECT_EQ(read_all(*reader).rows.size(), 2U);
  ASSERT_TRUE(reader->rewind().has_value());
  EXPECT_EQ(read_all(*reader).lines, (std::vector<std::uint64_t>{2, 3}));
}

std::string in_quotes(const std::string& text) {
  std::string result = "\"";
  for (const char character : text) result += character == '"' ? "\"\"" : std::string(1, character);
  return result + "\"";
}

TEST(Csv, RoundTripsRandomTables) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::string_view alphabet = "ab,\"\n\r;\t 01.-\xC3\xA4";
  const TestFolder folder;
  for (int round = 0; round < 30; ++round) {
    std::vector<std::vector<std::string>> cells(random() % 200, std::vector<std::string>(1 + random() % 4));
    std::string content;
    const std::size_t width = 1 + random() % 4;
    TableReaderOptions options;
    for (std::size_t i = 0; i < width; ++i) options.columns.push_back("c" + std::to_string(i));
    options.text_columns = options.columns;
    for (auto& row : cells) {
      row.resize(width);
      for (std::size_t i = 0; i < width; ++i) {
        row[i].clear();
        for (std::size_t length = random() % (random() % 50 == 0 ? 100'000 : 12); length > 0; --length)
          row[i] += alphabet[random() % alphabet.size()];
        content += (i == 0 ? "" : ",") + in_quotes(row[i]);
      }
      content += random() % 2 == 0 ? "\n" : "\r\n";
    }
    const Table table = read_all(*open(folder.write("r.csv", content), options));
    ASSERT_TRUE(table.errors.empty()) << table.errors[0];
    ASSERT_EQ(table.rows.size(), cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i)
      for (std::size_t j = 0; j < width; ++j) ASSERT_EQ(table.rows[i][j].value, Value(cells[i][j]));
  }
}

TEST(JsonLines, ReadsTypedMembers) {
  const TestFolder folder;
  const auto path = folder.write(
      "a.jsonl", "{\"id\":1,\"x\":null,\"t\":\"a\\nb\"}\n\n{\"t\":\"z\",\"v\":[1, 2.5],\"id\":2.5,\"b\":true}\n");
  const auto reader = open(path);
  const auto columns = reader->columns();
  ASSERT_TRUE(columns.has_value());
  ASSERT_EQ(columns->size(), 5U);
  EXPECT_EQ((*columns)[0].name, "id");
  EXPECT_EQ((*columns)[0].type, ColumnType::decimal);
  EXPECT_EQ((*columns)[3].type, ColumnType::json);
  const Table table = read_all(*reader);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0], (Record{{"id", std::int64_t{1}}, {"x", Null{}}, {"t", std::string("a\nb")}}));
  EXPECT_EQ(table.rows[1], (Record{{"t", std::string("z")}, {"v", Json{"[1,2.5]"}}, {"id", 2.5}, {"b", true}}));
  EXPECT_EQ(table.lines, (std::vector<std::uint64_t>{1, 3}));
}

TEST(JsonLines, ChoosesColumnsAndReportsBadLines) {
  const TestFolder folder;
  TableReaderOptions options;
  options.columns = {"to", "from"};
  const auto path =
      folder.write("a.jsonl", "{\"from\":\"a\",\"to\":\"b\",\"w\":1}\nnope\n[1]\n{\"from\":\"c\",\"from\":\"d\"}");
  const Table table = read_all(*open(path, options));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0], (Record{{"to", std::string("b")}, {"from", std::string("a")}}));
  EXPECT_EQ(table.rows[1].at(0).value, Value(Null{}));
  ASSERT_EQ(table.errors.size(), 2U);
  EXPECT_NE(table.errors[0].find("a.jsonl:2: "), std::string::npos);
}

TEST(VectorCell, IsReadInEveryForm) {
  const std::vector<float> expected{1.0F, -2.5F, 3e-3F};
  EXPECT_EQ(parse_vector(Json{"[1, -2.5, 0.003]"}), expected);
  for (const auto* const text : {"[1, -2.5, 0.003]", "1 -2.5 0.003", "1;-2.5;3e-3", " 1,\t-2.5 ,0.003\n"})
    EXPECT_EQ(parse_vector(std::string(text)), expected) << text;
  for (const auto* const text : {"", "[]", "1 x", "1,2a", "abc"})
    EXPECT_FALSE(parse_vector(std::string(text)).has_value()) << text;
  EXPECT_FALSE(parse_vector(Null{}).has_value());
  EXPECT_FALSE(parse_vector(Json{"[1,\"a\"]"}).has_value());
}

}  // namespace
}  // namespace triune::intake
