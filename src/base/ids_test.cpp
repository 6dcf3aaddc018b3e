#include "triune/ids.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace triune {
namespace {

std::vector<std::string> make(std::size_t count) {
  std::vector<std::string> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i) ids.push_back(new_id());
  return ids;
}

std::uint64_t unix_milliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// RFC 9562, sections 4 and 5.7: 8-4-4-4-12 lower-case digits, version 7, variant 10.
TEST(Ids, HaveTheFieldsOfVersionSeven) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (const auto& id : make(10'000)) ASSERT_TRUE(std::regex_match(id, form)) << id;
}

TEST(Ids, BeginWithTheTimeInMilliseconds) {
  const auto before = unix_milliseconds();
  const auto id = new_id();
  const auto after = unix_milliseconds();
  const auto time = std::stoull(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  EXPECT_GE(time, before);
  EXPECT_LE(time, after + 1) << "ids of one millisecond may borrow the next one";
}

TEST(Ids, OfOneThreadSortAsTheyWereMade) {
  const auto ids = make(200'000);
  EXPECT_EQ(std::ranges::adjacent_find(ids, std::greater_equal<>{}), ids.end());
}

TEST(Ids, OfManyThreadsAreUniqueAndSortWithinEach) {
  std::vector<std::vector<std::string>> made(8);
  std::vector<std::thread> threads;
  threads.reserve(made.size());
  for (auto& ids : made) threads.emplace_back([&ids] { ids = make(20'000); });
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : made) {
    EXPECT_TRUE(std::ranges::is_sorted(ids));
    all.insert(ids.begin(), ids.end());
  }
  EXPECT_EQ(all.size(), 160'000U);
}

TEST(Ids, OfAForkedProcessAreOthers) {
  // The counter's state is copied by fork; its random steps keep the two apart.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  new_id();
  const auto child = ::fork();
  if (child == 0) {
    const auto id = new_id();
    const auto written = ::write(ends[1], id.data(), id.size());
    ::_exit(written == 36 ? 0 : 1);
  }
  const auto mine = new_id();
  std::string theirs(36, ' ');
  ASSERT_EQ(::read(ends[0], theirs.data(), theirs.size()), 36);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(mine, theirs);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace triune
