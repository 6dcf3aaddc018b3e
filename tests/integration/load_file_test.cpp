// Files into a hive through the library: what is taken, what is left out with its line, and that again changes nothing.
#include <gmock/gmock.h>

#include <array>
#include <fstream>

#include "intake/tables/load.h"
#include "integration/hive_fixture.h"

namespace triune::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoadFile : public HiveTest {
 protected:
  std::unique_ptr<intake::TableReader> reader(std::string_view name, std::string_view text,
                                              intake::TableReaderOptions options = {}) {
    std::ofstream(directory_.path() / name, std::ios::binary) << text;
    auto opened = intake::TableReader::open(directory_.path() / name, std::move(options));
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  /// "LINE REASON" of each row left out.
  static std::vector<std::string> left_out(const Result<intake::LoadReport>& report) {
    EXPECT_TRUE(report) << report.error().message;
    std::vector<std::string> rows;
    if (report)
      for (const auto& bad : report->bad_rows) rows.push_back(std::to_string(bad.line) + " " + bad.reason);
    return rows;
  }

  Result<intake::LoadReport> rows(std::string_view name, std::string_view text, const std::string& table) {
    const auto file = reader(name, text);
    return intake::load_rows(*hive_, *file, {.table = table, .key = {}, .options = {}});
  }
  /// The types of a table's columns.
  std::string types_of(const std::string& table) {
    const auto found =
        hive_->sql(on_postgres() ? "SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
                                   "WHERE a.attrelid = to_regclass(quote_ident(?1)) AND a.attnum > 0 ORDER BY a.attnum"
                                 : "SELECT type FROM pragma_table_info(?1)",
                   std::array<Value, 1>{table});
    EXPECT_TRUE(found) << found.error().message;
    std::string types;
    for (const auto& row : found->rows) types += (types.empty() ? "" : ",") + to_text(row[0]);
    return types;
  }

  Result<intake::LoadReport> nodes(std::string_view name, std::string_view text) {
    const auto file = reader(name, text);
    return intake::load_nodes(*hive_, *file, "N");
  }
  Result<intake::LoadReport> edges(std::string_view text, bool strict = false) {
    const auto file = reader("edges.csv", text);
    return intake::load_edges(*hive_, *file,
                              {.type = "E", .from_label = "N", .to_label = "N", .options = {.strict = strict}});
  }
  Result<intake::LoadReport> vectors(std::string_view name, std::string_view text) {
    const auto file = reader(name, text);
    return intake::load_vectors(*hive_, *file, {.collection = "v", .metric = {}, .owner_table = {}, .options = {}});
  }
};

TEST_F(LoadFile, RowsKeepTypesNullsUnicodeAndLineEnds) {
  const auto report = rows("t.csv",
                           "id,flag,n,x,text,zip,empty\r\n"
                           "1,true,42,0.5,\"two\nlines, \"\"quoted\"\"\",007,\r\n"
                           "2,false,-1,1e3,Žluťoučký 🐎,100,\"\"\r\n"
                           "3,,,,,,\r\n",
                           "t");
  EXPECT_THAT(left_out(report), ElementsAre());
  EXPECT_EQ(report->changed, 3U);
  EXPECT_EQ(scalar("SELECT text FROM t WHERE id = 1"), "two\nlines, \"quoted\"");
  EXPECT_EQ(scalar("SELECT text FROM t WHERE id = 2"), "Žluťoučký 🐎");
  EXPECT_EQ(types_of("t"), on_postgres() ? "bigint,bigint,bigint,double precision,text,text,text"
                                         : "INTEGER,INTEGER,INTEGER,REAL,TEXT,TEXT,TEXT");
  EXPECT_EQ(scalar("SELECT count(*) FROM t WHERE (id = 1 AND empty IS NULL) OR (id = 2 AND empty = '')"), "2");
  EXPECT_EQ(scalar("SELECT count(*) FROM t WHERE flag IS NULL AND n IS NULL AND x IS NULL AND zip IS NULL"), "1");
  EXPECT_EQ(rows("t.csv", "id,n\n1,42\n2,-1\n", "t")->changed, 0U) << "again, with fewer columns";
}

TEST_F(LoadFile, RowsThatTheTableRefusesAreLeftOutWithTheirReason) {
  ASSERT_TRUE(hive_->sql(
      in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n > 0), u TEXT UNIQUE) STRICT")));
  const auto report = rows("t.csv", "id,n,u\n1,1,a\n2,-1,b\n3,,c\n4,x,d\n5,2,a\n,7,e\n1,4,f\n1,4,f\n", "t");
  if (on_postgres())
    EXPECT_THAT(left_out(report),
                ElementsAre(HasSubstr("3 new row for relation \"t\" violates check constraint \"t_n_check\""),
                            HasSubstr("4 null value in column \"n\""), "5 invalid input syntax for type bigint: \"x\"",
                            HasSubstr("6 duplicate key value violates unique constraint"), "7 the key id is missing"));
  else
    EXPECT_THAT(left_out(report), ElementsAre("3 CHECK constraint failed: n > 0", "4 NOT NULL constraint failed: t.n",
                                              "5 cannot store TEXT value in INTEGER column t.n",
                                              "6 UNIQUE constraint failed: t.u", "7 the key id is missing"));
  EXPECT_EQ(scalar("SELECT '' || id || n || u FROM t"), "14f") << "of a key that repeats the last row wins";
}

TEST_F(LoadFile, NumbersAreNotRounded) {
  ASSERT_TRUE(hive_->sql(in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, x REAL) STRICT")));
  const auto report = rows("t.csv", "id,n,x\n1,2.5,1\n2,3.0,2\n3,1e300,3\n", "t");
  EXPECT_THAT(left_out(report), ElementsAre(HasSubstr("2 cannot store"), HasSubstr("4 cannot store")));
  EXPECT_EQ(scalar("SELECT n FROM t"), "3");
  EXPECT_EQ(rows("t.csv", "id,n,x\n2,3.0,2\n", "t")->changed, 0U);
}

TEST_F(LoadFile, ColumnsOfPostgresTakeWhatTheirTypesRead) {
  if (!on_postgres()) GTEST_SKIP() << "types of PostgreSQL";
  ASSERT_TRUE(
      hive_->sql("CREATE TABLE t (id smallint PRIMARY KEY, day date, u uuid, j jsonb, yes boolean, n numeric)"));
  const std::string text =
      "id,day,u,j,yes,n\n1,2026-01-02,018f0000-0000-7000-8000-000000000001,\"{\"\"a\"\": "
      "1}\",true,12345.5\n"
      "2,tomorrowish,,,,\n70000,,,,,\n4,,,,1,7\n";
  EXPECT_THAT(left_out(rows("t.csv", text, "t")),
              ElementsAre(HasSubstr("3 invalid input syntax for type date"), HasSubstr("4 smallint out of range")));
  EXPECT_EQ(scalar("SELECT day || ' ' || u || ' ' || (j ->> 'a') || ' ' || yes || ' ' || n FROM t "
                   "WHERE id = 1"),
            "2026-01-02 018f0000-0000-7000-8000-000000000001 1 true 12345.5");
  const std::string lines = "{\"id\":5,\"j\":[1,{\"b\":2}],\"yes\":0,\"n\":8}\n";
  EXPECT_EQ(rows("t.jsonl", lines, "t")->changed, 1U);
  EXPECT_EQ(rows("t.jsonl", lines, "t")->changed, 0U);
  EXPECT_EQ(scalar("SELECT (j #>> '{1,b}') || ' ' || yes || ' ' || n FROM t WHERE id = 5"), "2 false 8");
}

TEST_F(LoadFile, WhatNoRowCanSatisfyIsRefusedAtOnce) {
  ASSERT_TRUE(hive_->sql(in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")));
  const auto before = lsn();
  const auto unknown = rows("t.csv", "id,m\n1,2\n", "t");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("has a column m that table t has not; it has id, n"));
  EXPECT_EQ(rows("t.csv", "id\n1\n", "triune_nodes").error().code, ErrorCode::permission_denied);
  EXPECT_THAT(nodes("n.csv", "name\na\n").error().message, HasSubstr("no column id, only name"));
  EXPECT_THAT(edges("from,w\na,1\n").error().message, HasSubstr("no column to"));
  EXPECT_THAT(vectors("v.csv", "id,v\na,1\n").error().message, HasSubstr("no column vector"));
  EXPECT_EQ(lsn(), before);
}

TEST_F(LoadFile, NodesTakeTheLastOfOneIdAndLeaveOutWhatCannotBeOne) {
  const auto text = "id,name\na,one\n,nobody\n\"b\xff\",x\na,two\nc,\xfe\nd\n" + std::string(1025, 'i') + ",x\n";
  const auto report = nodes("n.csv", text);
  EXPECT_THAT(left_out(report),
              ElementsAre("3 id is missing", "4 id is not UTF-8 text, or holds a NUL",
                          "6 name is not UTF-8 text, or holds a NUL", "7 1 cells, but there are 2 columns",
                          "8 id has 1025 bytes; 1 to 1024 are allowed"));
  EXPECT_EQ(scalar("SELECT max(id || properties) FROM triune_nodes"), R"(a{"name":"two"})");
  EXPECT_EQ(nodes("n.csv", text)->bad, 5U);
  EXPECT_EQ(nodes("n.csv", "id,name\na,two\n")->changed, 0U);
}

TEST_F(LoadFile, PropertiesThatAreTooLargeAreLeftOut) {
  const auto report =
      nodes("n.jsonl", R"({"id":"a","x":")" + std::string(300'000, 'x') + "\"}\n{\"id\":\"b\",\"x\":1}\n");
  ASSERT_EQ(left_out(report).size(), 1U);
  EXPECT_THAT(left_out(report)[0], HasSubstr("1 the properties have 300"));
  EXPECT_EQ(report->rows, 1U);
}

TEST_F(LoadFile, JsonLinesKeepNestedValuesAndNameWhatIsNone) {
  const auto report = nodes("n.jsonl", "{\"id\":1,\"tags\":[\"a\",{\"b\":null}]}\n\n[1]\n{\"id\":2\n{\"x\":1}\n");
  const auto bad = left_out(report);
  ASSERT_EQ(bad.size(), 3U);
  EXPECT_THAT(bad[0], HasSubstr("3 not a JSON object"));
  EXPECT_THAT(bad[1], HasSubstr("4 not a JSON object"));
  EXPECT_EQ(bad[2], "5 id is missing");
  EXPECT_EQ(scalar(on_postgres() ? "SELECT CAST(properties AS json) #>> '{tags,1}' FROM triune_nodes"
                                 : "SELECT properties ->> '$.tags[1]' FROM triune_nodes"),
            R"({"b":null})");
}

TEST_F(LoadFile, EdgesWithoutTheirEndsAreLeftOut) {
  ASSERT_EQ(nodes("n.csv", "id\na\nb\n")->changed, 2U);
  const std::string text = "from,to,w\na,b,1\na,z,2\nb,a,3\na,b,4\n";
  const auto report = edges(text);
  EXPECT_THAT(left_out(report), ElementsAre("3 the node N z does not exist; load the nodes first"));
  EXPECT_EQ(report->changed, 2U);
  EXPECT_EQ(scalar("SELECT properties FROM triune_graph_edges WHERE from_id = 'a'"), R"({"w":4})");
  EXPECT_EQ(edges(text)->changed, 0U);
  const auto strict = edges(text, true);
  ASSERT_FALSE(strict);
  EXPECT_THAT(strict.error().message, HasSubstr("edges.csv:3: the to node N/z does not exist"));
}

TEST_F(LoadFile, VectorsOfAnotherDimensionAndNumbersThatAreNoneAreLeftOut) {
  const std::string text =
      "id,vector,lang\na,\"1,0\",c\nb,\"1,0,3\",c\nc,\"1,nan\",c\nd,,c\ne,\"[0.5; 2]\",py\nf,\"1,x\",c\na,\"2,2\",d\n";
  const auto report = vectors("v.csv", text);
  EXPECT_THAT(left_out(report), ElementsAre("3 the vector has 3 numbers; collection v has 2 dimensions",
                                            "4 the vector holds a number that is not finite", "5 there is no vector",
                                            "7 '1,x…' is no list of numbers"));
  EXPECT_EQ(hive_->get_vector("v", "a")->values, (std::vector<float>{2, 2}));
  EXPECT_EQ(hive_->get_vector("v", "e")->values, (std::vector<float>{0.5, 2}));
  EXPECT_EQ(vectors("v.csv", "id,vector,lang\na,\"2,2\",d\n")->changed, 0U);
}

TEST_F(LoadFile, NothingToLoadIsNoError) {
  for (const auto& report : {nodes("n.csv", "id,x\n"), nodes("n.jsonl", ""), edges("from,to\n"),
                             rows("r.csv", "id,x\n", "r"), vectors("v.csv", "id,vector\n")}) {
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->rows + report->changed + report->bad, 0U);
    EXPECT_FALSE(report->receipt.incarnation.empty());
  }
  EXPECT_THAT(rows("r.jsonl", "", "none").error().message, HasSubstr("CREATE TABLE"));
}

}  // namespace
}  // namespace triune::testing
