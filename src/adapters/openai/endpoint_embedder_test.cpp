// Against a server of the test's own, over real sockets.
#include "adapters/openai/endpoint_embedder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>

#include "support/http_server.h"

namespace triune::adapters::openai {
namespace {

using ::testing::HasSubstr;
using testing::HttpReply;
using testing::HttpRequest;
using testing::HttpServer;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::chrono::seconds patience{20};

/// Vectors (index, 1), told from the last to the first.
std::string backwards(std::size_t texts) {
  std::string items;
  for (std::size_t i = texts; i-- > 0;)
    items += fmt::format("{}{{\"index\":{},\"embedding\":[{},1]}}", items.empty() ? "" : ",", i, i);
  return "{\"data\":[" + items + "]}";
}

/// The texts of a request are single letters.
std::size_t texts_of(const HttpRequest& request) {
  const auto input = request.body.substr(request.body.find("\"input\""));
  return static_cast<std::size_t>(std::count(input.begin(), input.end(), ',')) + 1;
}

EndpointEmbedder embedder(const HttpServer& server, std::string model = "letters") {
  return EndpointEmbedder(
      {.model = std::move(model), .url = server.url() + "/v1/embeddings", .key = "sk-secret", .key_variable = "K"});
}

Result<std::vector<std::vector<float>>> ask(EndpointEmbedder& embedder, std::vector<std::string> texts = {"a", "b"},
                                            std::uint32_t dimension = 2) {
  return embedder.embed(texts, dimension, Deadline::after(patience));
}

TEST(EndpointEmbedder, PutsAnswersInTheOrderOfTheTexts) {
  const HttpServer server([](const HttpRequest& request) { return HttpReply{.body = backwards(texts_of(request))}; });
  auto model = embedder(server);
  const auto vectors = ask(model, {"a", "b", "c"});
  ASSERT_TRUE(vectors) << vectors.error().message;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ((*vectors)[i], (std::vector<float>{static_cast<float>(i), 1}));
}

TEST(EndpointEmbedder, SendsModelTextsAndKey) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = backwards(1)}; });
  auto model = embedder(server, "text-embedding-3-small");
  ASSERT_TRUE(ask(model, {"say \"hi\"\n"}, 256));
  ASSERT_THAT(server.requests(), SizeIs(1));
  const auto request = server.requests()[0];
  EXPECT_EQ(request.target, "/v1/embeddings");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer sk-secret");
  EXPECT_THAT(request.body, HasSubstr(R"("input":["say \"hi\"\n"])"));
  EXPECT_THAT(request.body, HasSubstr("\"dimensions\":256"));
}

TEST(EndpointEmbedder, AsksOtherModelsForNoDimension) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.body = backwards(1)}; });
  auto model = embedder(server);
  ASSERT_TRUE(ask(model, {"a"}));
  EXPECT_THAT(server.requests()[0].body, Not(HasSubstr("dimensions")));
}

TEST(EndpointEmbedder, TriesAgainAfterARateLimitAndAServerError) {
  std::atomic<int> calls{0};
  const HttpServer server([&](const HttpRequest&) {
    const int call = calls++;
    if (call == 0) return HttpReply{.status = 429, .headers = {{"Retry-After", "1"}}};
    if (call == 1) return HttpReply{.status = 503};
    return HttpReply{.body = backwards(2)};
  });
  auto model = embedder(server);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(ask(model));
  EXPECT_EQ(calls, 3);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(EndpointEmbedder, NamesItselfInEveryError) {
  std::atomic<int> status{200};
  const HttpServer server([&](const HttpRequest&) { return HttpReply{.status = status, .body = ""}; });
  for (const int each : {200, 401, 429, 500}) {
    status = each;
    auto model = embedder(server);
    const auto vectors = ask(model);
    ASSERT_FALSE(vectors);
    EXPECT_EQ(vectors.error().engine, "openai") << each;
    EXPECT_FALSE(vectors.error().message.ends_with(": ")) << vectors.error().message;
  }
}

TEST(EndpointEmbedder, TriesAgainWhenTheServerHangsUp) {
  std::atomic<int> calls{0};
  const HttpServer server(
      [&](const HttpRequest&) { return calls++ == 0 ? HttpReply{.hang_up = true} : HttpReply{.body = backwards(2)}; });
  auto model = embedder(server);
  EXPECT_TRUE(ask(model));
}

TEST(EndpointEmbedder, LeavesAServerAloneAsLongAsItAsks) {
  const HttpServer server([](const HttpRequest&) {
    return HttpReply{.status = 429, .body = R"({"error":{"message":"slow down"}})", .headers = {{"Retry-After", "30"}}};
  });
  auto model = embedder(server);
  const auto first = ask(model);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::resource_exhausted);
  EXPECT_THAT(first.error().message, HasSubstr("slow down"));
  const auto second = ask(model);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_THAT(server.requests(), SizeIs(1)) << "the second call must not reach the server";
}

TEST(EndpointEmbedder, ComesBackAfterItsRest) {
  std::atomic<bool> down{true};
  const HttpServer server(
      [&](const HttpRequest&) { return down ? HttpReply{.status = 500} : HttpReply{.body = backwards(2)}; });
  auto model = embedder(server);
  ASSERT_FALSE(ask(model));
  down = false;
  auto vectors = ask(model);
  for (int i = 0; i < 50 && !vectors; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    vectors = ask(model);
  }
  EXPECT_TRUE(vectors);
}

TEST(EndpointEmbedder, DoesNotRepeatWhatIsRefusedForGood) {
  for (const auto& [status, code] : std::map<int, ErrorCode>{{400, ErrorCode::invalid_argument},
                                                             {401, ErrorCode::permission_denied},
                                                             {404, ErrorCode::not_found},
                                                             {413, ErrorCode::invalid_argument}}) {
    const HttpServer server([answered = status](const HttpRequest&) {
      return HttpReply{.status = answered, .body = R"({"error":"the key sk-secret is not known"})"};
    });
    auto model = embedder(server);
    const auto vectors = ask(model);
    ASSERT_FALSE(vectors);
    EXPECT_EQ(vectors.error().code, code);
    EXPECT_THAT(vectors.error().message, HasSubstr("is not known"));
    EXPECT_THAT(vectors.error().message, Not(HasSubstr("sk-secret")));  // O1
    EXPECT_THAT(server.requests(), SizeIs(1));
  }
}

TEST(EndpointEmbedder, TakesNoAnswerThatIsNone) {
  for (const auto* const body :
       {"<html>proxy</html>", "{}", R"({"data":[]})", R"({"data":[{"index":0,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":["x"]},{"index":1,"embedding":[1]}]})"}) {
    const HttpServer server([body](const HttpRequest&) { return HttpReply{.body = body}; });
    auto model = embedder(server);
    const auto vectors = ask(model);
    ASSERT_FALSE(vectors) << body;
    EXPECT_EQ(vectors.error().code, ErrorCode::unavailable) << body;
  }
}

TEST(EndpointEmbedder, SplitsManyBytesIntoSeveralRequests) {
  const HttpServer server([](const HttpRequest& request) { return HttpReply{.body = backwards(texts_of(request))}; });
  auto model = embedder(server);
  const std::vector<std::string> texts(10, std::string(250'000, 'x'));
  const auto vectors = ask(model, texts);
  ASSERT_TRUE(vectors) << vectors.error().message;
  EXPECT_THAT(*vectors, SizeIs(10));
  EXPECT_THAT(server.requests(), SizeIs(3));
}

TEST(EndpointEmbedder, GivesUpAtTheDeadline) {
  const HttpServer server([](const HttpRequest&) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    return HttpReply{.body = backwards(1)};
  });
  auto model = embedder(server);
  const std::vector<std::string> texts{"a"};
  const auto vectors = model.embed(texts, 2, Deadline::after(std::chrono::milliseconds(300)));
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::deadline_exceeded);
}

TEST(EndpointEmbedder, StoppingEndsTheCallsUnderWayAndThoseThatCome) {
  std::atomic<bool> hangs{true};
  const HttpServer server([&](const HttpRequest&) {
    for (int i = 0; i < 600 && hangs; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return HttpReply{.body = backwards(2)};
  });
  auto model = embedder(server);
  std::jthread stopper([&] {
    while (server.requests().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    model.stop();
  });
  const auto ended = ask(model);
  hangs = false;
  ASSERT_FALSE(ended) << "it was stopped long before the server answered";
  EXPECT_EQ(ended.error().code, ErrorCode::cancelled);
  EXPECT_EQ(ask(model).error().code, ErrorCode::cancelled);
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST(EndpointEmbedder, SaysWhereNobodyListens) {
  std::string url;
  {
    url = HttpServer([](const HttpRequest&) { return HttpReply{}; }).url();
  }
  EndpointEmbedder model({.model = "m", .url = url, .key = {}, .key_variable = {}});
  const auto vectors = ask(model);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::unavailable);
  EXPECT_THAT(vectors.error().message, HasSubstr(url));
}

}  // namespace
}  // namespace triune::adapters::openai
