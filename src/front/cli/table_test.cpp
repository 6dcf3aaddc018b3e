#include "front/cli/table.h"

#include <gtest/gtest.h>

#include "front/cli/json_writer.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

TEST(Table, NumbersStandToTheRightAndTextToTheLeft) {
  const RowSet rows{.columns = {"name", "n"}, .rows = {{"ada", std::int64_t{7}}, {"charles", std::int64_t{1234}}}};
  EXPECT_EQ(format_table(rows, {}),
            "name        n\n"
            "───────  ────\n"
            "ada         7\n"
            "charles  1234\n");
}

TEST(Table, NullsLeaveAColumnOfNumbersOneOfNumbers) {
  const RowSet rows{.columns = {"score"}, .rows = {{0.5}, {Null{}}, {std::int64_t{12}}}};
  EXPECT_EQ(format_table(rows, {}), "score\n─────\n  0.5\n\n   12\n");
}

TEST(Table, CutsTheLongestCellsToFit) {
  const RowSet rows{.columns = {"id", "text"}, .rows = {{"a", std::string(100, 'x')}}};
  const auto text = format_table(rows, {.columns = 30});
  EXPECT_NE(text.find("a   " + std::string(25, 'x') + "…\n"), std::string::npos) << text;
}

TEST(Table, WithoutAWidthNothingIsCutAndALongCellPadsNoOther) {
  const RowSet rows{.columns = {"text", "n"},
                    .rows = {{std::string(1000, 'x'), std::int64_t{1}}, {"y", std::int64_t{2}}}};
  const auto text = format_table(rows, {});
  EXPECT_NE(text.find(std::string(1000, 'x') + "  1\n"), std::string::npos);
  EXPECT_NE(text.find("\ny     2\n"), std::string::npos) << text;
}

TEST(Table, KeepsEveryCellOnOneHarmlessLine) {
  const RowSet rows{.columns = {"a\nb"}, .rows = {{"x\ny\t\033[2J"}}};
  EXPECT_EQ(format_table(rows, {}).find("x\\ny\\t\\x1b[2J\n"), format_table(rows, {}).rfind("x\\n"));
  EXPECT_TRUE(format_table(rows, {}).starts_with("a\\nb\n"));
}

TEST(Table, EmptyResultShowsItsColumns) {
  EXPECT_EQ(format_table({.columns = {"a", "b"}, .rows = {}}, {}), "a  b\n─  ─\n");
}

TEST(Terminal, WidthCountsWhatAScreenShows) {
  EXPECT_EQ(display_width("héllo"), 5U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("\xFF\xFE"), 2U);
}

TEST(Terminal, CutNeverSplitsACharacter) {
  EXPECT_EQ(cut_to_width("abc", 3), "abc");
  EXPECT_EQ(cut_to_width("abcd", 3), "ab…");
  EXPECT_EQ(cut_to_width("日本語", 5), "日本…");
  EXPECT_EQ(cut_to_width("日本語", 4), "日…");
}

TEST(Terminal, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(byte_size(999), "999 bytes");
  EXPECT_EQ(byte_size(1'250'000), "1.2 MB");
}

TEST(JsonWriter, SeparatesAndEscapes) {
  JsonWriter to;
  to.begin_object().member("a\"", "x\n").key("list").begin_array().value(1).value(true).value(0.5).end_array();
  to.key("none").begin_array().end_array().member("null", Value(Null{})).end_object();
  EXPECT_EQ(to.text(), R"({"a\"":"x\n","list":[1,true,0.5],"none":[],"null":null})");
}

}  // namespace
}  // namespace triune::front
