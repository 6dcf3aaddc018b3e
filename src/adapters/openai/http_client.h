// One POST after another over libcurl, connections kept.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::openai {

struct HttpAnswer {
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  ///< The server asks to be left alone so long.
};

/// Thread rule: any thread; each call has a connection of its own, and some are kept for the next.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends `body` as JSON; `bearer` is the secret of the Authorization header, none when empty. Redirects are not
  /// followed: the secret would go along. Blocks until the answer or the deadline. Errors: `unavailable` (no
  /// connection, TLS, an answer of more than 64 MiB), `deadline_exceeded`, `cancelled`.
  Result<HttpAnswer> post(const std::string& url, const std::string& bearer, const std::string& body,
                          Deadline deadline);
  /// Ends the calls under way within about a second, and those that come, with `cancelled`. Does not block.
  void stop() { stopped_ = true; }

 private:
  class Connection;
  std::unique_ptr<Connection> take();
  void give_back(std::unique_ptr<Connection> connection);

  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace triune::adapters::openai
