// Hints between processes by LISTEN and NOTIFY, on a connection of their own.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "adapters/postgres/connection.h"
#include "contract/change_signal.h"

namespace triune::adapters::postgres {

/// A thread listens, and sends at most once in a while: a NOTIFY takes a lock of the whole server while it commits, so
/// it never is part of a commit that somebody waits for. When the server goes away it connects again.
///
///     away ──connected, LISTEN──▶ listening ──error──▶ away (a pause that grows)
class Signal final : public contract::ChangeSignal {
 public:
  Signal(ConnectionOptions options, const std::string& channel, contract::SignalHeard heard);
  ~Signal() override;
  void send() override;

 private:
  void run();
  /// Until the connection fails or the end comes; whether it had listened.
  bool listen();
  Status greet(Connection& connection) const;
  bool serve(Connection& connection);
  /// Reads what has come; false when the connection is of no use any more.
  bool take(Connection& connection);
  /// Waits for `milliseconds`, a wake-up or the socket (-1: none).
  void wait(int socket, int milliseconds) const;
  void wake() const;

  const ConnectionOptions options_;
  const std::string channel_;  ///< Quoted.
  const contract::SignalHeard heard_;
  const int wake_;  ///< An eventfd.
  std::atomic<bool> wanted_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace triune::adapters::postgres
