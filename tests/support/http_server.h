// An HTTP/1.1 server on a port of its own, whose answers the test writes.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace triune::testing {

struct HttpRequest {
  std::string target;                          ///< "/v1/embeddings"
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
};

struct HttpReply {
  int status = 200;
  std::string body;
  std::map<std::string, std::string> headers;
  bool hang_up = false;  ///< Close the connection without an answer.
};

/// Listens on 127.0.0.1 from construction to destruction; one connection at a time, kept alive.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:PORT"
  [[nodiscard]] std::string url() const;
  /// What was asked so far.
  [[nodiscard]] std::vector<HttpRequest> requests() const;

 private:
  void serve();
  void answer(int connection);

  const Handler handler_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

}  // namespace triune::testing
