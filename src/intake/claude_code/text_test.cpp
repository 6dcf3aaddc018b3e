#include "intake/claude_code/text.h"

#include <gtest/gtest.h>

#include "model/json.h"

namespace triune::intake::claude {
namespace {

TEST(Time, IsNormalisedToMillisecondsInUtc) {
  EXPECT_EQ(normalised_time("2025-07-16T02:08:47.139418"), "2025-07-16T02:08:47.139Z");
  EXPECT_EQ(normalised_time("2025-07-16T02:08:47Z"), "2025-07-16T02:08:47.000Z");
  EXPECT_EQ(normalised_time("2025-07-16 02:08"), "2025-07-16T02:08:00.000Z");
  EXPECT_EQ(normalised_time("2025-07-16T02:08:47.5+02:00"), "2025-07-16T00:08:47.500Z");
  EXPECT_EQ(normalised_time("2025-07-16T23:30:00-0130"), "2025-07-17T01:00:00.000Z");
  EXPECT_EQ(normalised_time("2024-02-29"), "2024-02-29T00:00:00.000Z");
}

TEST(Time, ThatIsNoneIsRefused) {
  for (const auto* const text : {"", "yesterday", "2025-13-01T00:00:00Z", "2023-02-29", "2025-07-16T02:60:00Z",
                                 "2025-07-16T02:08:47Zebra", "2025-7-16", "2025-07-16T-1:00:00"})
    EXPECT_FALSE(normalised_time(text).has_value()) << text;
}

TEST(Time, ComesFromMillisecondsToo) {
  EXPECT_EQ(time_of_milliseconds(1'752'631'727'139.0), "2025-07-16T02:08:47.139Z");
  EXPECT_FALSE(time_of_milliseconds(-1).has_value());
  EXPECT_FALSE(time_of_milliseconds(1e300).has_value());
}

TEST(Text, IsCutBetweenCharacters) {
  EXPECT_EQ(beginning("a\xC3\xA4", 2), "a");
  EXPECT_EQ(beginning("a\xF0\x9F\x90\x9D", 4), "a");
  EXPECT_EQ(beginning("a\xF0\x9F\x90\x9D", 5), "a\xF0\x9F\x90\x9D");
}

TEST(Text, OfAnyBytesBecomesStorable) {
  const std::string bytes("ok \xC3\xA4 \xFF\xC0\xAF \xED\xA0\x80 \xF5 \0 \xE2\x82", 19);
  const std::string text = readable(bytes);
  EXPECT_TRUE(model::is_storable_text(text));
  EXPECT_TRUE(text.starts_with("ok \xC3\xA4 \xEF\xBF\xBD"));
  EXPECT_EQ(without_nul(std::string_view("a\0b", 3)),
            "a\xE2\x90\x80"
            "b");
}

TEST(Text, AsAnIdIsBoundedAndStaysDistinct) {
  const std::string one = std::string(600, 'x') + "1";
  const std::string two = std::string(600, 'x') + "2";
  EXPECT_LE(bounded_id(one).size(), 500U);
  EXPECT_NE(bounded_id(one), bounded_id(two));
  EXPECT_EQ(bounded_id("toolu_1"), "toolu_1");
}

}  // namespace
}  // namespace triune::intake::claude
