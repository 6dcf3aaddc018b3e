#include "adapters/postgres/change_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/try.h"
#include "model/sql_text.h"

namespace triune::adapters::postgres {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto connect_patience = std::chrono::seconds(2);
/// Between two that are sent; others wait so long at most.
constexpr auto send_interval = std::chrono::milliseconds(20);
constexpr auto first_pause = std::chrono::milliseconds(250);
constexpr auto longest_pause = std::chrono::milliseconds(30'000);
constexpr int idle_milliseconds = 60'000;

}  // namespace

Signal::Signal(ConnectionOptions options, const std::string& channel, contract::SignalHeard heard)
    : options_(std::move(options)),
      channel_(model::quote_identifier(channel)),
      heard_(std::move(heard)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {}

Signal::~Signal() {
  stopping_ = true;
  wake();
  thread_.join();
  ::close(wake_);
}

void Signal::send() {
  if (!wanted_.exchange(true)) wake();
}

void Signal::wake() const {
  const std::uint64_t one = 1;
  // A full counter wakes as well.
  static_cast<void>(::write(wake_, &one, sizeof one));
}

void Signal::wait(int socket, int milliseconds) const {
  std::array<pollfd, 2> ready{pollfd{.fd = wake_, .events = POLLIN, .revents = 0},
                              pollfd{.fd = socket, .events = POLLIN, .revents = 0}};
  static_cast<void>(::poll(ready.data(), ready.size(), milliseconds));
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_, &count, sizeof count));
}

void Signal::run() {
  auto pause = first_pause;
  while (!stopping_) {
    pause = listen() ? first_pause : std::min<std::chrono::milliseconds>(pause * 2, longest_pause);
    const auto until = Clock::now() + pause;
    while (!stopping_ && Clock::now() < until)
      wait(-1,
           static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count()) + 1);
  }
}

bool Signal::listen() {
  auto opened = Connection::open(options_, Deadline::after(connect_patience));
  if (!opened) return false;
  auto& connection = static_cast<Connection&>(**opened);
  if (!greet(connection)) return false;
  heard_();  // of what was sent before
  while (!stopping_ && serve(connection)) {
  }
  return true;
}

Status Signal::greet(Connection& connection) const {
  auto& pipeline = connection.pipeline();
  // Whoever must not miss a hint looks by itself, so nothing of this needs to be durable.
  TRIUNE_TRY(pipeline.command("SET synchronous_commit = off"));
  TRIUNE_TRY(pipeline.command("LISTEN " + channel_));
  return pipeline.settle(Deadline::after(connect_patience));
}

bool Signal::serve(Connection& connection) {
  wait(PQsocket(connection.handle()), idle_milliseconds);
  if (wanted_.exchange(false)) {
    auto& pipeline = connection.pipeline();
    if (!pipeline.command("NOTIFY " + channel_)) return false;
    pipeline.dispatch();
    std::this_thread::sleep_for(send_interval);
  }
  return take(connection);
}

bool Signal::take(Connection& connection) {
  // Notifications come with whatever else is read, also when no answer is awaited.
  if (!connection.pipeline().absorb() || PQconsumeInput(connection.handle()) != 1) return false;
  bool from_others = false;
  while (PGnotify* const notification = PQnotifies(connection.handle())) {
    from_others = from_others || notification->be_pid != PQbackendPID(connection.handle());
    PQfreemem(notification);
  }
  if (from_others) heard_();
  return true;
}

}  // namespace triune::adapters::postgres
