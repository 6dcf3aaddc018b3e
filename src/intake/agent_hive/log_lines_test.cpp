#include "intake/agent_hive/log_lines.h"

#include <gtest/gtest.h>

namespace triune::intake::agent_hive {
namespace {

TEST(LogLines, ReadsColumns) {
  const auto line = parse_log_line("2025-07-15 14:04:56 INFO     fleet.scaling            Scaled up to 3 agents");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->at_ms, 1'752'588'296'000);
  EXPECT_EQ(line->level, "INFO");
  EXPECT_EQ(line->logger, "fleet.scaling");
  EXPECT_EQ(line->message, "Scaled up to 3 agents");
}

TEST(LogLines, ReadsDashesAndMilliseconds) {
  const auto line = parse_log_line("2025-07-15 01:34:03,792 - __main__ - ERROR - no such workflow - really");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->at_ms % 1'000, 792);
  EXPECT_EQ(line->level, "ERROR");
  EXPECT_EQ(line->logger, "__main__");
  EXPECT_EQ(line->message, "no such workflow - really");
}

TEST(LogLines, ReadsJson) {
  const auto line = parse_log_line(
      R"({"timestamp": "2025-07-14T15:57:44.766824Z", "level": "ERROR", "logger": "a.b", "message": "m", "task_id": "t1"})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->at_ms % 1'000, 766);
  EXPECT_EQ(line->task, "t1");
  EXPECT_FALSE(line->data.empty());
}

TEST(LogLines, TellsWhatBeginsNoEntry) {
  for (const auto* text : {"", "    at line 7", "{}", "{\"level\": \"INFO\"}", "2025-07-15 14:04:56 Hello there",
                           "2025-13-45 14:04:56 INFO a b", "Traceback (most recent call last):"})
    EXPECT_FALSE(parse_log_line(text)) << text;
}

TEST(LogLines, ReadsSecondsSince1970) {
  EXPECT_EQ(milliseconds_of("1752588296.25"), 1'752'588'296'250);
  EXPECT_EQ(milliseconds_of("2025-07-15T16:04:56+02:00"), 1'752'588'296'000);
  EXPECT_FALSE(milliseconds_of("soon"));
}

}  // namespace
}  // namespace triune::intake::agent_hive
