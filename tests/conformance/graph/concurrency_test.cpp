// Readers see whole batches while a writer works, and nobody waits for ever.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

class Concurrency : public GraphConformance {};

TEST_P(Concurrency, Readers_see_every_batch_whole_or_not_at_all) {
  must(store_->ensure_schema(people()));
  const auto both = [](std::int64_t value) {
    return GraphBatch{.put_nodes = {person("left", {{"age", value}}), person("right", {{"age", value}})}};
  };
  must_apply(both(0));
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      do {
        std::vector<std::int64_t> ages;
        const auto status =
            store_->scan(people(), {.node = [&](const PutNode& node) -> Status {
                                      ages.push_back(std::get<std::int64_t>(*find(node.properties, "age")));
                                      return {};
                                    },
                                    .edge = [](const PutEdge&) -> Status { return {}; }});
        if (!status) ++failed;
        if (ages.size() != 2 || ages[0] != ages[1]) ++torn;
      } while (!done);
    });
  }
  for (std::int64_t value = 1; value <= 150; ++value) must_apply(both(value));
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(failed, 0);
}

TEST_P(Concurrency, Every_kind_of_call_runs_beside_the_others) {
  must(store_->ensure_schema(people()));
  GraphBatch start;
  for (int i = 0; i < 30; ++i) start.put_nodes.push_back(person(std::to_string(i)));
  must_apply(start);
  std::atomic<int> failed{0};
  const auto check = [&](const auto& outcome) {
    if (!outcome.has_value()) {
      ++failed;
      ADD_FAILURE() << outcome.error().message;
    }
  };
  const auto repeat = [](int times, const auto& work) {
    return std::thread([=] {
      for (int i = 0; i < times; ++i) work(i);
    });
  };
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 3; ++writer)
    threads.push_back(repeat(40, [&, writer](int i) {
      check(store_->apply({.put_edges = {knows(std::to_string(writer), std::to_string(i % 30))}}, soon()));
      check(
          store_->apply({.delete_edges = {knows(std::to_string(writer), std::to_string((i + 7) % 30)).edge}}, soon()));
    }));
  threads.push_back(repeat(10, [&](int i) {
    auto wider = people();
    wider.labels.push_back({"Extra" + std::to_string(i), {{"p", PropertyType::text}}});
    check(store_->ensure_schema(wider));
  }));
  threads.push_back(repeat(40, [&](int) {
    check(store_->neighbors({.node = {"Person", "0"}, .type = "", .direction = Direction::both, .depth = 3}, soon()));
    check(store_->shortest_path({.from = {"Person", "0"}, .to = {"Person", "9"}, .type = "KNOWS"}, soon()));
  }));
  threads.push_back(repeat(20, [&](int) {
    check(store_->count_paths({.type = "KNOWS", .length = 3}, soon()));
    check(store_->analyze({}, soon()));
    check(store_->statistics());
    check(store_->position());
  }));
  if (store_->capabilities().query_language)
    threads.push_back(repeat(40, [&](int) { check(store_->query("MATCH (n)-[e]->(m) RETURN count(*)", {}, {})); }));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

TEST_P(Concurrency, Waiting_ends_at_the_deadline) {
  SKIP_UNLESS(query_language);
  must(store_->ensure_schema(people()));
  // The writer's turn is taken by a statement that would run for ever.
  std::thread holder([&] {
    contract::GraphQueryOptions options;
    options.read_only = false;
    options.deadline = Deadline::after(std::chrono::seconds(2));
    const auto outcome = store_->query(
        "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b UNWIND range(1, 100000) AS c "
        "RETURN sum(a * b - c)",
        {}, options);
    EXPECT_FALSE(outcome.has_value());
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto error =
      must_fail(store_->apply({.put_nodes = {person("a")}}, Deadline::after(std::chrono::milliseconds(100))));
  EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(error.retry, Retry::safe);
  holder.join();
  must_apply({.put_nodes = {person("a")}});
}

FOR_EACH_GRAPH_ENGINE(Concurrency);

}  // namespace
}  // namespace triune::conformance
