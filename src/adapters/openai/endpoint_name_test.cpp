#include "adapters/openai/endpoint_name.h"

#include <gmock/gmock.h>

#include <map>

namespace triune::adapters::openai {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Result<Endpoint> read(std::string_view name, std::map<std::string, std::string> variables = {}) {
  return read_endpoint(name, [variables](const std::string& variable) -> std::optional<std::string> {
    const auto found = variables.find(variable);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

std::string refusal(std::string_view name, std::map<std::string, std::string> variables = {}) {
  const auto endpoint = read(name, std::move(variables));
  EXPECT_FALSE(endpoint);
  if (endpoint) return {};
  EXPECT_EQ(endpoint.error().code, ErrorCode::invalid_argument);
  return endpoint.error().message;
}

TEST(EndpointName, WithoutAUrlIsOpenAisOwnWithItsVariable) {
  const auto endpoint = read("text-embedding-3-small", {{"OPENAI_API_KEY", "sk-1"}});
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->url, "https://api.openai.com/v1/embeddings");
  EXPECT_EQ(endpoint->key, "sk-1");
  EXPECT_THAT(refusal("text-embedding-3-small"), HasSubstr("OPENAI_API_KEY"));
}

TEST(EndpointName, TakesTheBaseUrlOfTheEnvironment) {
  const auto endpoint = read("m", {{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "https://gateway.example/v1/"}});
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->url, "https://gateway.example/v1/embeddings");
}

TEST(EndpointName, ModelsMayHoldColonsAndSlashes) {
  const auto endpoint = read("org/nomic-embed:latest@http://localhost:11434/v1");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->model, "org/nomic-embed:latest");
  EXPECT_EQ(endpoint->url, "http://localhost:11434/v1/embeddings");
}

TEST(EndpointName, AUrlGetsAKeyOnlyFromTheVariableNamedWithIt) {
  const auto without = read("m@https://models.example/v1", {{"OPENAI_API_KEY", "sk-1"}});
  ASSERT_TRUE(without);
  EXPECT_EQ(without->key, "");
  const auto named = read("m@https://models.example/v1#MODELS_KEY", {{"MODELS_KEY", "k"}});
  ASSERT_TRUE(named);
  EXPECT_EQ(named->key, "k");
  EXPECT_THAT(refusal("m@https://models.example/v1#MODELS_KEY"), HasSubstr("MODELS_KEY"));
}

TEST(EndpointName, AKeyDoesNotTravelUnencryptedToAnotherMachine) {
  EXPECT_THAT(refusal("m@http://models.example/v1#K", {{"K", "top-secret"}}), Not(HasSubstr("top-secret")));
  EXPECT_TRUE(read("m@http://127.0.0.1:8080/v1#K", {{"K", "k"}}));
  EXPECT_TRUE(read("m@http://[::1]:8080/v1#K", {{"K", "k"}}));
  EXPECT_FALSE(read("m@http://localhost.example/v1#K", {{"K", "k"}}));
}

TEST(EndpointName, RefusesWhatIsNoModelOrNoUrl) {
  EXPECT_THAT(refusal(""), HasSubstr("openai:MODEL"));
  EXPECT_THAT(refusal("m@http://"), HasSubstr("https://HOST/v1"));
  EXPECT_THAT(refusal("m@https://user:word@models.example/v1"), Not(HasSubstr("word")));
  EXPECT_THAT(refusal("m@https://models.example/v1?key=secret"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace triune::adapters::openai
