// Many threads against one pool: what must hold however they interleave.
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <random>
#include <thread>
#include <vector>

#include "runtime/connection_pool.h"
#include "runtime/fake_server.h"

namespace triune::runtime {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t largest = 6;

struct Tally {
  std::atomic<int> served = 0;
  std::atomic<int> timed_out = 0;
  std::atomic<int> unavailable = 0;
  std::atomic<int> defects = 0;
};

/// One caller: takes, works, breaks connections at times, gives up early at times.
void work(contract::ConnectionPool& pool, Tally& tally, std::uint64_t seed, int rounds) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < rounds; ++round) {
    const bool hurried = random() % 4 == 0;
    const auto lease = pool.take(random() % 2, Deadline::after(hurried ? 1ms : 60'000ms));
    if (!lease) {
      const auto code = lease.error().code;
      if (code == ErrorCode::deadline_exceeded && hurried)
        ++tally.timed_out;
      else if (code == ErrorCode::unavailable)
        ++tally.unavailable;
      else
        ++tally.defects;
      continue;
    }
    auto& connection = FakeServer::of(*lease);
    if (++connection.users != 1) ++tally.defects;  // lent twice
    connection.prepared = random() % 2;
    if (random() % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    if (random() % 50 == 0) connection.broken = true;
    --connection.users;
    ++tally.served;
  }
}

/// The server's moods meanwhile.
void disturb(contract::ConnectionPool& pool, FakeServer& server, const std::atomic<bool>& over, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  while (!over) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));
    if (random() % 4 == 0) pool.evict_all();
    if (random() % 4 == 0) server.restart();
    if (random() % 4 == 0) server.refusals = 1;
    server.answers = random() % 4 != 0;
    static_cast<void>(pool.statistics());
  }
}

TEST(ConnectionPoolStress, LendsEachConnectionToOneAndServesEveryPatientCaller) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  FakeServer server;
  server.connect_time = 1ms;
  Tally tally;
  constexpr int callers = 24;
  constexpr int rounds = 400;
  auto pool = make_connection_pool_with({.pauses = {.first = 1ms, .longest = 2ms}},
                                        {.name = "stress",
                                         .smallest = 1,
                                         .largest = largest,
                                         .validate_after = 1ms,
                                         .idle_timeout = 10ms,
                                         .lifetime = 50ms},
                                        server.connector());
  std::atomic<bool> over = false;
  std::thread moods([&] { disturb(*pool, server, over, seed); });
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller)
    threads.emplace_back([&, caller] { work(*pool, tally, seed + 1 + static_cast<std::uint64_t>(caller), rounds); });
  for (auto& thread : threads) thread.join();
  over = true;
  moods.join();
  const auto statistics = pool->statistics();
  EXPECT_EQ(statistics.active, 0U);
  EXPECT_EQ(statistics.waiting, 0U);
  EXPECT_EQ(statistics.taken, static_cast<std::uint64_t>(tally.served));
  EXPECT_EQ(statistics.timeouts, static_cast<std::uint64_t>(tally.timed_out));
  pool.reset();
  EXPECT_EQ(server.open, 0);
  EXPECT_LE(server.most_open, static_cast<int>(largest));
  EXPECT_EQ(tally.defects, 0);
  EXPECT_EQ(tally.served + tally.timed_out + tally.unavailable, callers * rounds);
  EXPECT_GT(tally.served, callers * rounds / 2);
}

TEST(ConnectionPoolStress, ConnectionsThatComeBackDuringDestructionAreClosed) {
  for (int round = 0; round < 100; ++round) {
    FakeServer server;
    auto pool = make_connection_pool({.name = "stress", .largest = largest}, server.connector());
    std::vector<contract::ConnectionPool::Lease> leases;
    for (std::uint32_t i = 0; i < largest; ++i) {
      auto lease = pool->take(0, Deadline::after(20s));
      ASSERT_TRUE(lease);
      leases.push_back(std::move(*lease));
    }
    std::vector<std::thread> threads;
    for (auto& lease : leases) threads.emplace_back([mine = std::move(lease)]() mutable { mine = {}; });
    pool.reset();
    EXPECT_EQ(server.open, 0);
    for (auto& thread : threads) thread.join();
  }
}

TEST(ConnectionPoolStress, TicketsAreServedInTheirOrder) {
  FakeServer server;
  auto pool = make_connection_pool({.name = "stress", .largest = 1}, server.connector());
  for (int round = 0; round < 20; ++round) {
    auto first = pool->take(0, Deadline::after(20s));
    ASSERT_TRUE(first);
    std::vector<int> order;  // written by whoever holds the only connection
    std::vector<std::thread> threads;
    for (int ticket = 0; ticket < 16; ++ticket) {
      threads.emplace_back([&, ticket] {
        const auto lease = pool->take(0, Deadline::after(20s));
        if (lease) order.push_back(ticket);
      });
      while (pool->statistics().waiting != static_cast<std::uint32_t>(ticket) + 1) std::this_thread::yield();
    }
    *first = {};
    for (auto& thread : threads) thread.join();
    for (int ticket = 0; ticket < 16; ++ticket) ASSERT_EQ(order.at(static_cast<std::size_t>(ticket)), ticket);
  }
}

}  // namespace
}  // namespace triune::runtime
