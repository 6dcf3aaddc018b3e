#include "adapters/postgres/cancel.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

namespace triune::adapters::postgres {
namespace {

constexpr int most_requests = 8;
constexpr auto patience = std::chrono::seconds(1);

std::atomic<int>& requests() {
  static std::atomic<int> count{0};
  return count;
}

void send(PGcancel* request, std::promise<void> done) {
  char message[256];
  PQcancel(request, message, sizeof message);
  PQfreeCancel(request);
  requests().fetch_sub(1);
  done.set_value();
}

}  // namespace

void request_cancel(PGconn* connection) {
  if (requests().fetch_add(1) >= most_requests) {
    requests().fetch_sub(1);
    return;
  }
  PGcancel* request = PQgetCancel(connection);
  if (request == nullptr) {
    requests().fetch_sub(1);
    return;
  }
  std::promise<void> done;
  auto sent = done.get_future();
  // Detached: a server that does not answer may hold it for minutes, and it touches nothing of ours.
  std::thread(send, request, std::move(done)).detach();
  sent.wait_for(patience);
}

}  // namespace triune::adapters::postgres
