#include "front/cli/change_lines.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file.h"

namespace triune::front {
namespace {

template <class T>
T parsed(std::string_view line) {
  auto change = parse_change(line);
  if (!change) {
    ADD_FAILURE() << line << "\n" << change.error().message;
    return {};
  }
  auto* wanted = std::get_if<T>(&*change);
  EXPECT_NE(wanted, nullptr) << "another kind of change: " << line;
  return wanted == nullptr ? T{} : *wanted;
}

std::string refusal(std::string_view line) {
  auto change = parse_change(line);
  EXPECT_FALSE(change.has_value()) << line;
  if (change.has_value()) return {};
  EXPECT_EQ(change.error().code, ErrorCode::invalid_argument) << line;
  return change.error().message;
}

std::string text_of(const Bytes& bytes) {
  return std::string(base::as_text(bytes));
}

TEST(ChangeLines, RowKeepsTypesOfItsValues) {
  const auto row = parsed<PutRow>(
      R"({"op":"put_row","table":"tasks","values":{"id":7,"score":0.5,"done":false,"note":null,"tags":["a"],"t":"x"}})");
  EXPECT_EQ(row.table, "tasks");
  const Record expected = {{"id", std::int64_t{7}},    {"score", 0.5}, {"done", false}, {"note", Null{}},
                           {"tags", Json{R"(["a"])"}}, {"t", "x"}};
  EXPECT_EQ(row.values, expected);
}

TEST(ChangeLines, DeletedRowIsNamedByItsKey) {
  const auto row = parsed<DeleteRow>(R"({"op":"delete_row","table":"t","key":{"a":1,"b":"x"}})");
  EXPECT_EQ(row.table, "t");
  EXPECT_EQ(row.key, (Record{{"a", std::int64_t{1}}, {"b", "x"}}));
}

TEST(ChangeLines, NodeNeedsNoProperties) {
  const auto node = parsed<PutNode>(R"({"op":"put_node","label":"Agent","id":"ada"})");
  EXPECT_EQ(node.node, (NodeReference{"Agent", "ada"}));
  EXPECT_TRUE(node.properties.empty());
  EXPECT_EQ(parsed<PutNode>(R"({"op":"put_node","label":"A","id":"1","properties":{"role":"x"}})").properties,
            (Record{{"role", "x"}}));
  EXPECT_EQ(parsed<DeleteNode>(R"({"op":"delete_node","label":"Agent","id":"ada"})").node,
            (NodeReference{"Agent", "ada"}));
}

TEST(ChangeLines, WholeNumberAsIdIsItsDigits) {
  EXPECT_EQ(parsed<PutNode>(R"({"op":"put_node","label":"A","id":42})").node.id, "42");
  EXPECT_EQ(parsed<PutEdge>(R"({"op":"put_edge","type":"T","from":["A",1],"to":{"label":"B","id":2}})").edge,
            (EdgeReference{"T", {"A", "1"}, {"B", "2"}}));
}

TEST(ChangeLines, EndsOfAnEdgeHaveALongAndAShortForm) {
  const EdgeReference expected{"KNOWS", {"Agent", "ada"}, {"Agent", "bob"}};
  EXPECT_EQ(parsed<PutEdge>(R"({"op":"put_edge","type":"KNOWS","from":{"label":"Agent","id":"ada"},)"
                            R"("to":["Agent","bob"],"properties":{"since":2026}})")
                .edge,
            expected);
  EXPECT_EQ(
      parsed<DeleteEdge>(R"({"op":"delete_edge","type":"KNOWS","from":["Agent","ada"],"to":["Agent","bob"]})").edge,
      expected);
}

TEST(ChangeLines, VectorCarriesItsNumbersAndMetadata) {
  const auto vector = parsed<PutVector>(
      R"({"op":"put_vector","collection":"code","id":"a","vector":[1,-0.5,2e-3],"metadata":{"lang":"c"}})");
  EXPECT_EQ(vector.collection, "code");
  EXPECT_EQ(vector.values, (std::vector<float>{1.0F, -0.5F, 2e-3F}));
  EXPECT_EQ(vector.metadata, (Record{{"lang", "c"}}));
  EXPECT_EQ(parsed<DeleteVector>(R"({"op":"delete_vector","collection":"code","id":"a"})").id, "a");
}

TEST(ChangeLines, BlobComesFromTextBase64OrFile) {
  EXPECT_EQ(text_of(parsed<PutBlob>(R"({"op":"put_blob","owner":"o","name":"n","text":"hé"})").bytes), "hé");
  EXPECT_EQ(text_of(parsed<PutBlob>(R"({"op":"put_blob","owner":"o","name":"n","base64":"aGk="})").bytes), "hi");
  const auto path =
      std::filesystem::temp_directory_path() / ("triune-change-lines-" + std::to_string(::getpid()) + ".bin");
  std::ofstream(path) << "from a file";
  EXPECT_EQ(
      text_of(parsed<PutBlob>(R"({"op":"put_blob","owner":"o","name":"n","file":")" + path.string() + "\"}").bytes),
      "from a file");
  std::filesystem::remove(path);
  EXPECT_EQ(parsed<DeleteBlob>(R"({"op":"delete_blob","owner":"o","name":"n"})").name, "n");
}

TEST(ChangeLines, AbsentBlobFileIsNotFound) {
  auto change = parse_change(R"({"op":"put_blob","owner":"o","name":"n","file":"/nonexistent/file"})");
  ASSERT_FALSE(change.has_value());
  EXPECT_EQ(change.error().code, ErrorCode::not_found);
}

TEST(ChangeLines, RefusalSaysWhatIsWrong) {
  EXPECT_NE(refusal("{").find("not valid JSON"), std::string::npos);
  EXPECT_NE(refusal("[]").find("not valid JSON"), std::string::npos);
  EXPECT_NE(refusal(R"({"table":"t"})").find("\"op\" is missing"), std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_rows"})").find("unknown op \"put_rows\"; there are put_row"), std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_node","lable":"A","id":"1"})").find("unknown field \"lable\" in put_node"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_node","label":"A"})").find("put_node needs the field \"id\""), std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_node","label":1,"id":"1"})").find("\"label\" must be a string"), std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_node","label":"A","id":1.5})").find("whole number"), std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_row","table":"t","values":[1]})").find("\"values\" must be an object"),
            std::string::npos);
}

TEST(ChangeLines, MalformedEndOfAnEdgeIsRefused) {
  for (const auto* end : {R"("A")", R"(["A"])", R"(["A","1","2"])", R"([1,"a"])", R"({"label":"A"})",
                          R"({"label":"A","id":"1","x":0})", "7", "null"}) {
    const auto message = refusal(R"({"op":"put_edge","type":"T","to":["B","1"],"from":)" + std::string(end) + "}");
    EXPECT_FALSE(message.empty()) << end;
  }
}

TEST(ChangeLines, MalformedVectorOrBlobIsRefused) {
  EXPECT_FALSE(refusal(R"({"op":"put_vector","collection":"c","id":"1","vector":"1,2"})").empty());
  EXPECT_FALSE(refusal(R"({"op":"put_vector","collection":"c","id":"1","vector":[1,"2"]})").empty());
  EXPECT_FALSE(refusal(R"({"op":"put_vector","collection":"c","id":"1","vector":{}})").empty());
  EXPECT_NE(refusal(R"({"op":"put_blob","owner":"o","name":"n"})").find("exactly one"), std::string::npos);
  EXPECT_NE(refusal(R"({"op":"put_blob","owner":"o","name":"n","text":"a","base64":"aGk="})").find("exactly one"),
            std::string::npos);
  EXPECT_FALSE(refusal(R"({"op":"put_blob","owner":"o","name":"n","base64":"?"})").empty());
}

TEST(ChangeLines, StreamSkipsEmptyLinesAndKeepsTheOrder) {
  std::istringstream lines(
      "{\"op\":\"put_node\",\"label\":\"A\",\"id\":\"1\"}\n\n  \r\n"
      "{\"op\":\"delete_node\",\"label\":\"A\",\"id\":\"1\"}");
  const auto changes = read_change_lines(lines, "x.jsonl");
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 2U);
  EXPECT_TRUE(std::holds_alternative<PutNode>((*changes)[0]));
  EXPECT_TRUE(std::holds_alternative<DeleteNode>((*changes)[1]));
}

TEST(ChangeLines, ErrorInAStreamNamesFileAndLine) {
  std::istringstream lines("{\"op\":\"put_node\",\"label\":\"A\",\"id\":\"1\"}\n\n{\"op\":\"nothing\"}\n");
  const auto changes = read_change_lines(lines, "x.jsonl");
  ASSERT_FALSE(changes.has_value());
  EXPECT_TRUE(changes.error().message.starts_with("x.jsonl:3: unknown op")) << changes.error().message;
}

TEST(ChangeLines, StreamWithoutAChangeIsRefused) {
  std::istringstream lines("\n \n");
  const auto changes = read_change_lines(lines, "x.jsonl");
  ASSERT_FALSE(changes.has_value());
  EXPECT_EQ(changes.error().code, ErrorCode::invalid_argument);
}

TEST(ChangeLines, StreamLargerThanACommitIsRefused) {
  std::string text;
  for (int i = 0; i <= 100'000; ++i) text += "{\"op\":\"delete_node\",\"label\":\"A\",\"id\":\"1\"}\n";
  std::istringstream lines(text);
  const auto changes = read_change_lines(lines, "x.jsonl");
  ASSERT_FALSE(changes.has_value());
  EXPECT_TRUE(changes.error().message.starts_with("x.jsonl:100001: ")) << changes.error().message;
}

}  // namespace
}  // namespace triune::front
