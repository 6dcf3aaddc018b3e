// A model behind HTTP: any endpoint that speaks OpenAI's `POST /embeddings`.
//
//   ready ──429, 5xx, no connection (after 3 attempts)──▶ resting ──pause over──▶ ready
//
// Invariants
//   O1 The key is in one header of a request and in no message, log or stored name.
//   O2 While the endpoint rests (a rate limit, a failure) calls fail at once and say until when; commits do not queue
//      up behind a server that is down.
#pragma once

#include <mutex>

#include "adapters/openai/endpoint_name.h"
#include "adapters/openai/http_client.h"
#include "triune/embedder.h"

namespace triune::adapters::openai {

/// Thread rule: any thread, several at once. Blocks for the answers.
class EndpointEmbedder final : public Embedder {
 public:
  explicit EndpointEmbedder(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  [[nodiscard]] EmbedderDescription description() const override;
  /// Texts of more than 1 MiB together are sent in several requests.
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t dimension,
                                                Deadline deadline) override;
  void stop() override { client_.stop(); }

 private:
  using Vectors = std::vector<std::vector<float>>;

  Result<Vectors> request(std::span<const std::string> texts, std::uint32_t dimension, Deadline deadline);
  Result<Vectors> attempt(const std::string& body, std::size_t texts, Deadline deadline,
                          std::optional<std::chrono::seconds>& retry_after);
  Status refuse_while_resting();
  void rest(std::optional<std::chrono::seconds> asked);
  void recover();

  const Endpoint endpoint_;
  HttpClient client_;
  std::mutex mutex_;  ///< Guards what follows.
  Deadline::Clock::time_point resting_until_{};
  std::chrono::milliseconds next_rest_{0};
};

}  // namespace triune::adapters::openai
