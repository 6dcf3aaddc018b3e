#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/file.h"
#include "model/json.h"

namespace triune::model {
namespace {

Bytes bytes_of(std::string_view text) {
  const auto bytes = base::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

// RFC 4648, section 10.
TEST(Base64, KnowsItsStandard) {
  const std::pair<std::string_view, std::string_view> examples[] = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"},
                                                                    {"\xFB\xFF\xBE", "+/++"}};
  for (const auto& [plain, encoded] : examples) {
    EXPECT_EQ(base64(bytes_of(plain)), encoded);
    EXPECT_EQ(parse_base64(encoded).value_or(bytes_of("error")), bytes_of(plain));
  }
}

TEST(Base64, OtherFormsAreRefused) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=", "====", "Zm 9", "Zm9v\n", "Zm-_", "Z=g="}) {
    const auto bytes = parse_base64(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Base64, RandomBytesRoundTrip) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (std::size_t size = 0; size < 300; ++size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    const auto text = base64(bytes);
    EXPECT_EQ(text.size(), (size + 2) / 3 * 4);
    ASSERT_EQ(parse_base64(text).value_or(Bytes{}), bytes);
  }
}

}  // namespace
}  // namespace triune::model
