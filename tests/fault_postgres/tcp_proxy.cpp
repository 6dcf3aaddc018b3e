#include "fault_postgres/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <vector>

#include "fault_postgres/wire_messages.h"
#include "support/postgres_process.h"

namespace triune::testing {
namespace {

constexpr int step_milliseconds = 10;
constexpr short readable = POLLIN | POLLHUP | POLLERR;

sockaddr_in local_address(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_option(int socket, int level, int name) {
  const int on = 1;
  ::setsockopt(socket, level, name, &on, sizeof on);
}

/// Closes with a reset, as when a machine forgot the connection.
void reset(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

/// All of it; false when the other side is gone. Both sides of this proxy read all that is sent, so it does not block
/// for long.
bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// What has arrived; empty at the end.
std::string receive(int socket) {
  std::array<char, 65536> buffer{};
  ssize_t count = 0;
  do count = ::recv(socket, buffer.data(), buffer.size(), 0);
  while (count < 0 && errno == EINTR);
  return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

}  // namespace

struct TcpProxy::Connection {
  int client;
  int server;
  MessageSplitter from_client{true};
  MessageSplitter from_server{false};
  ClientMessages messages;
  bool cut_answer = false;  ///< The COMMIT under way is cut after its answer.

  Connection(int client_socket, int server_socket) : client(client_socket), server(server_socket) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    reset(client);
    reset(server);
  }
};

TcpProxy::TcpProxy(int server_port) : server_port_(server_port), port_(free_port()) {
  listen();
  if (listener_ < 0) throw std::runtime_error("the proxy cannot listen");
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  over_ = true;
  thread_.join();
  stop_listening();
}

std::string TcpProxy::url(const std::string& database) const {
  return "postgresql://triune@127.0.0.1:" + std::to_string(port_) + "/" + database +
         "?sslmode=disable&gssencmode=disable";
}

void TcpProxy::set_flow(Flow flow) {
  flow_ = flow;
  while (followed_ != flow) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void TcpProxy::listen() {
  const auto address = local_address(port_);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_option(listener_, SOL_SOCKET, SO_REUSEADDR);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 128) != 0)
    stop_listening();
}

void TcpProxy::stop_listening() {
  if (listener_ >= 0) ::close(listener_);
  listener_ = -1;
}

void TcpProxy::follow_flow() {
  const Flow flow = flow_;
  if (flow == Flow::refused) {
    stop_listening();
    connections_.clear();
  } else if (listener_ < 0) {
    listen();
  }
  followed_ = flow;
}

void TcpProxy::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = local_address(server_port_);
  set_option(client, IPPROTO_TCP, TCP_NODELAY);
  set_option(server, IPPROTO_TCP, TCP_NODELAY);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    connections_.emplace_back(client, server);
    return;
  }
  reset(client);
  ::close(server);
}

bool TcpProxy::forward_client(Connection& connection) {
  const auto bytes = receive(connection.client);
  if (bytes.empty()) return false;
  connection.from_client.add(bytes);
  std::string passing;
  while (auto message = connection.from_client.next()) {
    if (connection.messages.commits(*message)) {
      auto cut = cut_.exchange(Cut::none);
      if (cut == Cut::before_commit) {
        ++cuts_;
        return false;
      }
      connection.cut_answer = cut == Cut::after_commit;
    }
    passing += *message;
  }
  return send_all(connection.server, passing);
}

bool TcpProxy::forward_server(Connection& connection) {
  const auto bytes = receive(connection.server);
  if (bytes.empty()) return false;
  connection.from_server.add(bytes);
  std::string passing;
  while (auto message = connection.from_server.next()) {
    if (says_committed(*message)) {
      ++commits_;
      if (connection.cut_answer) {
        ++cuts_;
        return false;
      }
    }
    passing += *message;
  }
  return send_all(connection.client, passing);
}

bool TcpProxy::serve(Connection& connection, short client_events, short server_events) {
  if ((client_events | server_events) & readable) std::this_thread::sleep_for(delay_.load());
  if ((client_events & readable) != 0 && !forward_client(connection)) return false;
  return (server_events & readable) == 0 || forward_server(connection);
}

void TcpProxy::run() {
  while (!over_) {
    follow_flow();
    std::vector<pollfd> waiting{{.fd = listener_, .events = POLLIN, .revents = 0}};  // a negative one is skipped
    if (followed_ == Flow::open)
      for (const auto& connection : connections_)
        for (const int socket : {connection.client, connection.server})
          waiting.push_back({.fd = socket, .events = POLLIN, .revents = 0});
    ::poll(waiting.data(), waiting.size(), step_milliseconds);
    auto connection = connections_.begin();
    for (std::size_t at = 1; at < waiting.size() && flow_ == followed_; at += 2) {
      const bool goes_on = serve(*connection, waiting[at].revents, waiting[at + 1].revents);
      connection = goes_on ? std::next(connection) : connections_.erase(connection);
    }
    if ((waiting[0].revents & POLLIN) != 0) accept_one();
  }
  connections_.clear();
}

}  // namespace triune::testing
