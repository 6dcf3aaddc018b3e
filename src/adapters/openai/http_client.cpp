#include "adapters/openai/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"

namespace triune::adapters::openai {
namespace {

constexpr std::size_t body_limit = std::size_t{64} << 20U;
constexpr std::size_t most_idle = 4;
constexpr long connect_patience_ms = 10'000;

/// libcurl's own state, made before any thread uses it.
bool initialised() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

std::size_t append_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + count > body_limit) return 0;  // libcurl then fails with CURLE_WRITE_ERROR
  body.append(bytes, count);
  return count;
}

/// libcurl calls it about once a second, also while nothing comes.
int ends_when_stopped(void* stopped, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(stopped) ? 1 : 0;
}

struct HeaderList {
  HeaderList() = default;
  ~HeaderList() { curl_slist_free_all(first); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  void add(const std::string& header) { first = curl_slist_append(first, header.c_str()); }
  curl_slist* first = nullptr;
};

}  // namespace

class HttpClient::Connection {
 public:
  explicit Connection(const std::atomic<bool>& stopped) : curl_(curl_easy_init()), stopped_(stopped) {}
  ~Connection() { curl_easy_cleanup(curl_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<HttpAnswer> post(const std::string& url, const std::string& bearer, const std::string& body,
                          Deadline deadline) {
    if (curl_ == nullptr) return failure(ErrorCode::unavailable, "libcurl has no memory for a connection");
    HeaderList headers;
    headers.add("Content-Type: application/json");
    headers.add("Expect:");
    if (!bearer.empty()) headers.add("Authorization: Bearer " + bearer);
    HttpAnswer answer;
    prepare(url, body, headers, answer, deadline);
    const auto code = curl_easy_perform(curl_);
    if (code != CURLE_OK) return trouble(code, url);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(curl_, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
      answer.retry_after = std::chrono::seconds(seconds);
    return answer;
  }

 private:
  void prepare(const std::string& url, const std::string& body, const HeaderList& headers, HttpAnswer& answer,
               Deadline deadline) {
    curl_easy_reset(curl_);  // keeps the connection
    complaint_.fill('\0');
    const auto patience = static_cast<long>(std::max<std::int64_t>(1, deadline.remaining().count()));
    curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_USERAGENT, "triune");
    curl_easy_setopt(curl_, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.first);
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, std::min(patience, connect_patience_ms));
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, patience);
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, complaint_.data());
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, ends_when_stopped);
    curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, &stopped_);
  }

  std::unexpected<Error> trouble(CURLcode code, const std::string& url) const {
    const std::string_view complaint = complaint_.front() != '\0' ? complaint_.data() : curl_easy_strerror(code);
    auto error =
        code == CURLE_ABORTED_BY_CALLBACK
            ? failure(code_of(code), fmt::format("the embedder at {} had not answered when the hive was closed", url))
            : failure(code_of(code), fmt::format("the embedder at {} gave no answer: {}", url, complaint));
    error.error().engine = "openai";
    error.error().native_code = fmt::format("CURLE_{}", static_cast<int>(code));
    error.error().retry = Retry::safe;
    return error;
  }

  static ErrorCode code_of(CURLcode code) {
    switch (code) {
      case CURLE_OPERATION_TIMEDOUT: return ErrorCode::deadline_exceeded;
      case CURLE_ABORTED_BY_CALLBACK: return ErrorCode::cancelled;
      default: return ErrorCode::unavailable;
    }
  }

  CURL* curl_;
  const std::atomic<bool>& stopped_;
  std::array<char, CURL_ERROR_SIZE> complaint_{};
};

HttpClient::HttpClient() = default;
HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::post(const std::string& url, const std::string& bearer, const std::string& body,
                                    Deadline deadline) {
  if (!initialised()) return failure(ErrorCode::unavailable, "libcurl could not be initialised");
  if (stopped_) return failure(ErrorCode::cancelled, "the embedder is not asked any more");
  if (deadline.expired()) return failure(ErrorCode::deadline_exceeded, "no time was left to ask the embedder");
  auto connection = take();
  auto answer = connection->post(url, bearer, body, deadline);
  give_back(std::move(connection));
  return answer;
}

std::unique_ptr<HttpClient::Connection> HttpClient::take() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return std::make_unique<Connection>(stopped_);
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::give_back(std::unique_ptr<Connection> connection) {
  const std::scoped_lock lock(mutex_);
  if (idle_.size() < most_idle) idle_.push_back(std::move(connection));
}

}  // namespace triune::adapters::openai
