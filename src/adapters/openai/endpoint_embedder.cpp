#include "adapters/openai/endpoint_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

#include "adapters/openai/messages.h"
#include "base/try.h"

namespace triune::adapters::openai {
namespace {

using std::chrono::milliseconds;

constexpr int most_attempts = 3;
constexpr milliseconds first_pause{200};
/// A server that asks for more is not waited for within a call.
constexpr milliseconds longest_pause{2'000};
constexpr milliseconds first_rest{1'000};
constexpr milliseconds longest_rest{60'000};
constexpr std::size_t batch_size = 128;
constexpr std::size_t request_bytes = std::size_t{1} << 20U;

/// Between half of `pause` and all of it, so that many callers do not come back at once.
milliseconds jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(std::uniform_int_distribution<milliseconds::rep>(pause.count() / 2, pause.count())(random));
}

ErrorCode code_of(long status) {
  switch (status) {
    case 401:
    case 403: return ErrorCode::permission_denied;
    case 404: return ErrorCode::not_found;
    case 429: return ErrorCode::resource_exhausted;
    case 408:
    case 409:
    case 425: return ErrorCode::unavailable;
    default: return status >= 400 && status < 500 ? ErrorCode::invalid_argument : ErrorCode::unavailable;
  }
}

std::string_view remedy(ErrorCode code) {
  switch (code) {
    case ErrorCode::permission_denied: return "; is the key the right one?";
    case ErrorCode::not_found: return "; are the URL and the model right?";
    default: return "";
  }
}

bool may_pass(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::resource_exhausted;
}

/// As many of the texts as go into one request; at least one.
std::size_t fitting(std::span<const std::string> texts) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < texts.size() && (count == 0 || bytes + texts[count].size() <= request_bytes))
    bytes += texts[count++].size();
  return count;
}

}  // namespace

EmbedderDescription EndpointEmbedder::description() const {
  const bool is_known = endpoint_.model.starts_with("text-embedding-");
  return {.model = endpoint_.model,
          .version = {},
          .dimension = 0,
          .batch_size = batch_size,
          .token_limit = is_known ? std::size_t{8'191} : std::size_t{0}};
}

Result<std::vector<std::vector<float>>> EndpointEmbedder::embed(std::span<const std::string> texts,
                                                                std::uint32_t dimension, Deadline deadline) {
  Vectors vectors;
  vectors.reserve(texts.size());
  while (!texts.empty()) {
    const auto count = fitting(texts);
    TRIUNE_ASSIGN(auto some, request(texts.first(count), dimension, deadline));
    for (auto& vector : some) vectors.push_back(std::move(vector));
    texts = texts.subspan(count);
  }
  return vectors;
}

Result<EndpointEmbedder::Vectors> EndpointEmbedder::request(std::span<const std::string> texts, std::uint32_t dimension,
                                                            Deadline deadline) {
  TRIUNE_TRY(refuse_while_resting());
  const auto body = request_body(endpoint_.model, texts, dimension);
  auto pause = first_pause;
  for (int attempts = 1;; ++attempts) {
    std::optional<std::chrono::seconds> retry_after;
    auto vectors = attempt(body, texts.size(), deadline, retry_after);
    if (vectors) {
      recover();
      return vectors;
    }
    if (!may_pass(vectors.error().code)) return vectors;
    const auto wait = std::max<milliseconds>(jittered(pause), retry_after.value_or(std::chrono::seconds(0)));
    if (attempts == most_attempts || wait > longest_pause || wait >= deadline.remaining()) {
      rest(retry_after);
      return vectors;
    }
    std::this_thread::sleep_for(wait);
    pause *= 2;
  }
}

Result<EndpointEmbedder::Vectors> EndpointEmbedder::attempt(const std::string& body, std::size_t texts,
                                                            Deadline deadline,
                                                            std::optional<std::chrono::seconds>& retry_after) {
  TRIUNE_ASSIGN(const auto answer, client_.post(endpoint_.url, endpoint_.key, body, deadline));
  retry_after = answer.retry_after;
  if (answer.status == 200) {
    auto vectors = read_vectors(answer.body, texts);
    if (!vectors) vectors.error().engine = "openai";
    return vectors;
  }
  const auto code = code_of(answer.status);
  const auto complaint = read_complaint(answer.body, endpoint_.key);
  auto error = failure(code, fmt::format("the embedder {} at {} answered {}{}{}{}", endpoint_.model, endpoint_.url,
                                         answer.status, complaint.empty() ? "" : ": ", complaint, remedy(code)));
  error.error().engine = "openai";
  error.error().native_code = fmt::format("HTTP {}", answer.status);
  error.error().retry = may_pass(code) ? Retry::safe : Retry::never;
  return error;
}

Status EndpointEmbedder::refuse_while_resting() {
  const std::scoped_lock lock(mutex_);
  const auto left = std::chrono::duration_cast<milliseconds>(resting_until_ - Deadline::Clock::now());
  if (left.count() <= 0) return {};
  auto error = failure(ErrorCode::unavailable,
                       fmt::format("the embedder {} at {} failed a moment ago and is asked again in {:.1f} s",
                                   endpoint_.model, endpoint_.url, static_cast<double>(left.count()) / 1000));
  error.error().engine = "openai";
  error.error().retry = Retry::safe;
  return error;
}

void EndpointEmbedder::rest(std::optional<std::chrono::seconds> asked) {
  const std::scoped_lock lock(mutex_);
  next_rest_ = next_rest_.count() == 0 ? first_rest : std::min(longest_rest, next_rest_ * 2);
  const auto pause = std::min<milliseconds>(
      longest_rest, std::max<milliseconds>(jittered(next_rest_), asked.value_or(std::chrono::seconds(0))));
  resting_until_ = Deadline::Clock::now() + pause;
}

void EndpointEmbedder::recover() {
  const std::scoped_lock lock(mutex_);
  next_rest_ = milliseconds(0);
  resting_until_ = {};
}

}  // namespace triune::adapters::openai
