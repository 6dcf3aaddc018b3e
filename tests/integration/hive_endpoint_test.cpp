// A hive whose collection names an endpoint: texts become vectors over HTTP, and a failing server loses none.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "integration/hive_fixture.h"
#include "support/http_server.h"

namespace triune {
namespace {

using ::testing::HasSubstr;
using testing::HttpReply;
using testing::HttpRequest;

/// One vector for each text in a request of texts without quotes: how often a and b occur in it.
HttpReply count_letters(const HttpRequest& request) {
  auto input = request.body.substr(request.body.find("\"input\":[") + 9);
  input.resize(input.find(']'));
  std::string items;
  for (std::size_t begin = input.find('"'); begin != std::string::npos;) {
    const auto end = input.find('"', begin + 1);
    const auto text = input.substr(begin + 1, end - begin - 1);
    items += fmt::format("{}{{\"embedding\":[{},{}]}}", items.empty() ? "" : ",",
                         std::count(text.begin(), text.end(), 'a') + 0.1, std::count(text.begin(), text.end(), 'b'));
    begin = input.find('"', end + 1);
  }
  return {.body = "{\"data\":[" + items + "]}"};
}

class HiveEndpoint : public testing::HiveTest {
 protected:
  void SetUp() override {
    reopen();
    ASSERT_TRUE(
        hive_->create_collection({.name = "notes", .dimension = 2, .embedder = "openai:m@" + server_.url() + "/v1"}));
  }

  std::string nearest(const std::string& text) {
    const auto found = hive_->search({.collection = "notes", .query = EmbeddedText{text}, .count = 1});
    EXPECT_TRUE(found) << found.error().message;
    return found && !found->hits.empty() ? found->hits[0].id : "";
  }

  std::atomic<bool> down_{false};
  std::atomic<bool> hangs_{false};
  testing::HttpServer server_{[this](const HttpRequest& request) {
    for (int i = 0; i < 600 && hangs_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return down_ ? HttpReply{.status = 503} : count_letters(request);
  }};
};

TEST_F(HiveEndpoint, FindsByMeaningWhatTheEndpointSays) {
  ASSERT_TRUE(hive_->commit({.changes = {PutVector{.collection = "notes", .id = "n1", .text = "aaa"},
                                         PutVector{.collection = "notes", .id = "n2", .text = "bbb"}}}));
  EXPECT_EQ(nearest("a"), "n1");
  EXPECT_EQ(nearest("bb"), "n2");
}

TEST_F(HiveEndpoint, KeepsTextsOfADownServerAndEmbedsThemWhenItIsBack) {
  down_ = true;
  const auto receipt = hive_->commit({.changes = {PutVector{.collection = "notes", .id = "n1", .text = "aaa"}}});
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->pending_embeddings, 1U);
  const auto refused = hive_->search({.collection = "notes", .query = EmbeddedText{"a"}, .count = 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  down_ = false;
  std::uint64_t pending = 1;
  for (int i = 0; i < 300 && pending > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto found = hive_->search({.collection = "notes", .query = std::vector<float>{1, 0}, .count = 1});
    ASSERT_TRUE(found) << found.error().message;
    pending = found->pending;
  }
  ASSERT_EQ(pending, 0U);
  EXPECT_EQ(nearest("a"), "n1");
}

TEST_F(HiveEndpoint, AHiveClosesWithoutWaitingForAServerThatHangs) {
  hangs_ = true;
  ASSERT_TRUE(hive_->commit({.changes = {PutVector{.collection = "notes", .id = "n1", .text = "aaa"}}},
                            {.deadline = Deadline::after(std::chrono::milliseconds(200))}));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // by now it is asked again
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(hive_->close());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << "the server would take 30";
  hangs_ = false;
  reopen();
  for (int i = 0; i < 300 && nearest("a").empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(nearest("a"), "n1");
}

TEST_F(HiveEndpoint, RefusesACollectionWhoseKeyIsNotThere) {
  const auto made = hive_->create_collection(
      {.name = "keyed", .dimension = 2, .embedder = "openai:m@" + server_.url() + "/v1#TRIUNE_TEST_NO_SUCH_KEY"});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("TRIUNE_TEST_NO_SUCH_KEY"));
}

}  // namespace
}  // namespace triune
