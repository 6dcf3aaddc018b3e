#include "intake/line_reader.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "intake/test_files.h"

namespace triune::intake {
namespace {

std::vector<std::string> read_all(LineReader& reader) {
  std::vector<std::string> lines;
  Line line;
  for (;;) {
    const auto more = reader.next(line);
    EXPECT_TRUE(more.has_value());
    if (!more.value_or(false)) return lines;
    EXPECT_EQ(line.number, lines.size() + 1);
    lines.emplace_back(line.text);
  }
}

TEST(LineReader, SplitsAtBothLineEndsAndSkipsTheByteOrderMark) {
  const TestFolder folder;
  const auto path = folder.write("a.txt", "\xEF\xBB\xBFone\r\n\ntwo\nthree");
  auto reader = LineReader::open(path, 0, 1, 1000);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(read_all(*reader), (std::vector<std::string>{"one", "", "two", "three"}));
}

TEST(LineReader, TellsWhetherTheLastLineIsTerminated) {
  const TestFolder folder;
  auto reader = LineReader::open(folder.write("a.txt", "one\ntwo"), 0, 1, 1000);
  ASSERT_TRUE(reader.has_value());
  Line line;
  ASSERT_TRUE(*reader->next(line));
  EXPECT_TRUE(line.terminated);
  EXPECT_EQ(line.end, 4U);
  ASSERT_TRUE(*reader->next(line));
  EXPECT_FALSE(line.terminated);
  EXPECT_EQ(line.end, 7U);
  EXPECT_FALSE(*reader->next(line));
}

TEST(LineReader, ContinuesAtAnOffset) {
  const TestFolder folder;
  auto reader = LineReader::open(folder.write("a.txt", "one\ntwo\nthree\n"), 4, 2, 1000);
  ASSERT_TRUE(reader.has_value());
  Line line;
  ASSERT_TRUE(*reader->next(line));
  EXPECT_EQ(line.text, "two");
  EXPECT_EQ(line.number, 2U);
  EXPECT_EQ(line.end, 8U);
}

TEST(LineReader, DoesNotCountTheEndOfALineThatWasReadWithoutIt) {
  const TestFolder folder;
  for (const std::string end : {"\n", "\r\n"}) {
    auto reader = LineReader::open(folder.write("a.txt", "one" + end + "two\n\nfour"), 3, 2, 1000);
    ASSERT_TRUE(reader.has_value());
    Line line;
    ASSERT_TRUE(*reader->next(line));
    EXPECT_EQ(line.text, "two");
    EXPECT_EQ(line.number, 2U);
    EXPECT_EQ(line.end, 3 + end.size() + 4);
    ASSERT_TRUE(*reader->next(line));
    EXPECT_EQ(line.text, "") << "an empty line is one";
    ASSERT_TRUE(*reader->next(line));
    EXPECT_EQ(line.number, 4U);
  }
}

TEST(LineReader, SkipsAnOversizedLineAndGoesOn) {
  const TestFolder folder;
  const std::string huge(3U << 20U, 'x');
  auto reader = LineReader::open(folder.write("a.txt", "one\n" + huge + "\ntwo\n" + huge), 0, 1, 1U << 20U);
  ASSERT_TRUE(reader.has_value());
  Line line;
  ASSERT_TRUE(*reader->next(line));
  ASSERT_TRUE(*reader->next(line));
  EXPECT_TRUE(line.oversized);
  EXPECT_EQ(line.size, huge.size());
  EXPECT_EQ(line.text, huge.substr(0, LineReader::kept_of_oversized));
  ASSERT_TRUE(*reader->next(line));
  EXPECT_EQ(line.text, "two");
  EXPECT_EQ(line.number, 3U);
  ASSERT_TRUE(*reader->next(line));
  EXPECT_TRUE(line.oversized);
  EXPECT_FALSE(line.terminated);
  EXPECT_FALSE(*reader->next(line));
}

TEST(LineReader, ReadsRandomLinesAcrossItsBuffer) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> lines(300);
  std::string content;
  for (auto& line : lines) {
    line.assign(random() % (random() % 20 == 0 ? 700'000 : 200), static_cast<char>('a' + random() % 26));
    content += line + '\n';
  }
  const TestFolder folder;
  auto reader = LineReader::open(folder.write("a.txt", content), 0, 1, 1U << 20U);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(read_all(*reader), lines);
}

TEST(LineReader, MissingFileIsNotFound) {
  const auto reader = LineReader::open("/nonexistent/a.txt", 0, 1, 1000);
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace triune::intake
