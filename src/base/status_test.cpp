#include "triune/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "base/try.h"

namespace triune {
namespace {

Status succeed_if(bool condition) {
  if (condition) return {};
  return failure(ErrorCode::conflict, "refused");
}

Result<std::unique_ptr<int>> make(bool condition) {
  TRIUNE_TRY(succeed_if(condition));
  return std::make_unique<int>(7);
}

Result<std::string> use(bool condition) {
  TRIUNE_ASSIGN(const auto first, make(true));
  TRIUNE_ASSIGN(const auto second, make(condition));
  return std::to_string(*first + *second);
}

TEST(Status, TryReturnsTheErrorWithAllItsFields) {
  EXPECT_EQ(*use(true), "14");
  const auto refused = use(false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().message, "refused");
  EXPECT_EQ(refused.error().retry, Retry::never);
  EXPECT_TRUE(refused.error().connection_usable);
}

TEST(Status, EachCodeHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  const auto last = static_cast<int>(ErrorCode::internal);
  for (int code = 0; code <= last; ++code) words.insert(to_string(static_cast<ErrorCode>(code)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_EQ(to_string(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_EQ(to_string(Retry::outcome_unknown), "outcome_unknown");
  EXPECT_EQ(to_string(Retry::safe), "safe");
  EXPECT_EQ(to_string(Retry::never), "never");
}

}  // namespace
}  // namespace triune
