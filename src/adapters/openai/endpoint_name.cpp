#include "adapters/openai/endpoint_name.h"

#include <fmt/format.h>

#include "base/try.h"

namespace triune::adapters::openai {
namespace {

constexpr std::string_view own_url = "https://api.openai.com/v1";
constexpr std::string_view own_variable = "OPENAI_API_KEY";

struct Parts {
  std::string_view model;
  std::string_view url;
  std::string_view variable;
};

/// Models' names may hold a colon and a slash, so the URL begins at the first "@http".
Parts split(std::string_view name) {
  Parts parts;
  const auto at = name.find("@http");
  parts.model = name.substr(0, at);
  if (at == std::string_view::npos) return parts;
  parts.url = name.substr(at + 1);
  if (const auto hash = parts.url.find('#'); hash != std::string_view::npos) {
    parts.variable = parts.url.substr(hash + 1);
    parts.url = parts.url.substr(0, hash);
  }
  return parts;
}

/// Host and port; empty when the URL has none.
std::string_view authority_of(std::string_view url) {
  const auto begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  const auto rest = url.substr(begin + 3);
  return rest.substr(0, rest.find('/'));
}

bool is_this_machine(std::string_view authority) {
  if (authority.starts_with("[::1]")) return true;
  const auto host = authority.substr(0, authority.find(':'));
  return host == "localhost" || host.starts_with("127.");
}

Status check_url(std::string_view url) {
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  const auto authority = authority_of(url);
  if (!known || authority.empty())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("\"{}\" is no endpoint; give http://HOST:PORT/v1 or https://HOST/v1", url));
  if (authority.find('@') != std::string_view::npos || url.find('?') != std::string_view::npos)
    return failure(ErrorCode::invalid_argument,
                   "the endpoint's URL holds a user or a query, which are stored and shown; put the key into a "
                   "variable of the environment and name it: MODEL@URL#VARIABLE");
  return {};
}

std::string with_path(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url.ends_with("/embeddings") ? url : url + "/embeddings";
}

Result<std::string> key_from(const std::string& variable, const Environment& environment) {
  if (variable.empty()) return std::string();
  if (auto key = environment(variable)) return std::move(*key);
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the key of the embedder is to be in the variable {}, which is not set", variable));
}

}  // namespace

Result<Endpoint> read_endpoint(std::string_view name, const Environment& environment) {
  const auto parts = split(name);
  if (parts.model.empty())
    return failure(ErrorCode::invalid_argument,
                   "the embedder \"openai\" needs a model: openai:MODEL, openai:MODEL@URL or "
                   "openai:MODEL@URL#VARIABLE, where VARIABLE of the environment holds the key");
  Endpoint endpoint{.model = std::string(parts.model), .url = std::string(parts.url), .key = {}, .key_variable = {}};
  endpoint.key_variable = parts.url.empty() ? own_variable : parts.variable;
  if (endpoint.url.empty()) endpoint.url = environment("OPENAI_BASE_URL").value_or(std::string(own_url));
  TRIUNE_TRY(check_url(endpoint.url));
  TRIUNE_ASSIGN(endpoint.key, key_from(endpoint.key_variable, environment));
  if (!endpoint.key.empty() && endpoint.url.starts_with("http://") && !is_this_machine(authority_of(endpoint.url)))
    return failure(ErrorCode::invalid_argument, fmt::format("the key in {} would go unencrypted to {}; use https",
                                                            endpoint.key_variable, authority_of(endpoint.url)));
  endpoint.url = with_path(std::move(endpoint.url));
  return endpoint;
}

}  // namespace triune::adapters::openai
