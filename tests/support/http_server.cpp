#include "support/http_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <stdexcept>

namespace triune::testing {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("HttpServer: ") + what);
}

/// False: the other end is gone, or the server is to stop.
bool wait_for_input(int connection, int wake) {
  std::array<pollfd, 2> watched{pollfd{connection, POLLIN, 0}, pollfd{wake, POLLIN, 0}};
  return ::poll(watched.data(), watched.size(), -1) > 0 && watched[1].revents == 0;
}

bool read_some(int connection, int wake, std::string& to) {
  if (!wait_for_input(connection, wake)) return false;
  std::array<char, 16'384> buffer{};
  const auto count = ::read(connection, buffer.data(), buffer.size());
  if (count <= 0) return false;
  to.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char byte) { return std::tolower(byte); });
  return text;
}

HttpRequest parse_head(const std::string& head) {
  HttpRequest request;
  const auto first = head.find(' ');
  request.target = head.substr(first + 1, head.find(' ', first + 1) - first - 1);
  for (auto at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
    const auto end = std::min(head.find("\r\n", at + 2), head.size());
    const auto line = head.substr(at + 2, end - at - 2);
    const auto colon = line.find(':');
    if (colon != std::string::npos)
      request.headers[lower(line.substr(0, colon))] = line.substr(std::min(line.size(), colon + 2));
    at = end == head.size() ? std::string::npos : end;
  }
  return request;
}

/// The next request; what is behind it stays in `buffer`.
std::optional<HttpRequest> read_request(int connection, int wake, std::string& buffer) {
  while (buffer.find("\r\n\r\n") == std::string::npos)
    if (!read_some(connection, wake, buffer)) return std::nullopt;
  const auto head = buffer.find("\r\n\r\n");
  auto request = parse_head(buffer.substr(0, head));
  const auto length = request.headers.contains("content-length") ? std::stoul(request.headers["content-length"]) : 0UL;
  while (buffer.size() < head + 4 + length)
    if (!read_some(connection, wake, buffer)) return std::nullopt;
  request.body = buffer.substr(head + 4, length);
  buffer.erase(0, head + 4 + length);
  return request;
}

void write_all(int connection, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::send(connection, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (count <= 0) return;
    done += static_cast<std::size_t>(count);
  }
}

std::string text_of(const HttpReply& reply) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " -\r\n";
  for (const auto& [name, value] : reply.headers) text += name + ": " + value + "\r\n";
  return text + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
}

}  // namespace

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(listener_ >= 0 && ::pipe(wake_) == 0, "no socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "no port");
  socklen_t size = sizeof(address);
  require(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "no name");
  require(::listen(listener_, 16) == 0, "cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  const char byte = 0;
  [[maybe_unused]] const auto written = ::write(wake_[1], &byte, 1);
  thread_.join();
  for (const int file : {listener_, wake_[0], wake_[1]}) ::close(file);
}

std::string HttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (wait_for_input(listener_, wake_[0])) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    ::close(connection);
  }
}

void HttpServer::answer(int connection) {
  std::string buffer;
  while (auto request = read_request(connection, wake_[0], buffer)) {
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(*request);
    }
    const auto reply = handler_(*request);
    if (reply.hang_up) return;
    write_all(connection, text_of(reply));
  }
}

}  // namespace triune::testing
