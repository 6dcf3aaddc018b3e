// A TCP proxy in front of a PostgreSQL server that breaks connections where a test wants it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace triune::testing {

/// Where the next COMMIT that comes by is cut off, with a reset on both sides.
enum class Cut : std::uint8_t {
  none,
  before_commit,  ///< The server never gets the COMMIT.
  after_commit,   ///< The server has answered it; the client never gets the answer.
};

/// What happens to all bytes.
enum class Flow : std::uint8_t {
  open,       ///< They pass.
  blackhole,  ///< Connections are made and stay, and nothing passes: a machine that is gone, half-open connections.
  refused,    ///< Nobody listens and what was connected is reset: a machine without a server.
};

/// Serves 127.0.0.1. The setters may be called from any thread; what they set holds for what arrives afterwards.
class TcpProxy {
 public:
  explicit TcpProxy(int server_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  /// `postgresql://…` through the proxy, as the tests' servers want it.
  [[nodiscard]] std::string url(const std::string& database) const;

  /// The next COMMIT is cut, once.
  void cut_next_commit(Cut where) { cut_ = where; }
  void set_flow(Flow flow);
  /// Every piece waits so long before it is passed on.
  void set_delay(std::chrono::milliseconds delay) { delay_ = delay; }
  /// Connections that were cut at a COMMIT.
  [[nodiscard]] std::uint64_t cuts() const { return cuts_; }
  /// COMMITs that the server was seen to have done.
  [[nodiscard]] std::uint64_t commits() const { return commits_; }

 private:
  struct Connection;
  void run();
  void listen();
  void stop_listening();
  void follow_flow();
  void accept_one();
  /// False: the connection is over.
  bool serve(Connection& connection, short client_events, short server_events);
  bool forward_client(Connection& connection);
  bool forward_server(Connection& connection);

  const int server_port_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<Cut> cut_ = Cut::none;
  std::atomic<Flow> flow_ = Flow::open;
  std::atomic<Flow> followed_ = Flow::open;  ///< What the thread has put into force.
  std::atomic<std::chrono::milliseconds> delay_ = std::chrono::milliseconds(0);
  std::atomic<std::uint64_t> cuts_ = 0;
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<bool> over_ = false;
  std::list<Connection> connections_;  // of the thread
  std::thread thread_;
};

}  // namespace triune::testing
