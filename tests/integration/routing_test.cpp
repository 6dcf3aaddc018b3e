// The router that learns, on real engines.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "integration/hive_fixture.h"
#include "placement/learned_text.h"
#include "placement/router.h"

namespace triune::testing {
namespace {

using placement::Router;
using placement::Side;

class Routing : public HiveTest {
 protected:
  static constexpr int people = 300;

  static NodeReference person(std::uint64_t number) { return {"Person", "p" + std::to_string(number % people)}; }

  void make_graph(int each, std::uint64_t seed = 11) {
    std::mt19937_64 random(seed);
    std::vector<Change> changes;
    for (std::uint64_t i = 0; i < people; ++i) changes.push_back(PutNode{person(i), {}});
    for (std::uint64_t i = 0; i < people; ++i)
      for (int k = 0; k < each; ++k)
        changes.push_back(PutEdge{{k % 3 == 0 ? "LIKES" : "KNOWS", person(i), person(random())}, {}});
    commit(std::move(changes));
  }

  std::filesystem::path learned_file() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place_.files()))
      if (entry.path().filename() == "learned") return entry.path();
    return {};
  }

  /// Closes the hive, leaves it with these latencies of each shape it has learned of, and opens it again.
  void teach(double sql_us, double engine_us) {
    hive_.reset();
    const auto file = learned_file();
    ASSERT_FALSE(file.empty());
    auto parts = placement::unsealed(base::as_text(*base::read_file(file))).value();
    for (auto& part : parts) {
      if (part.name != "graph") continue;
      Router known(std::string(sql_engine()), "kuzu");
      ASSERT_TRUE(known.restore(part.lines));
      Router taught(std::string(sql_engine()), "kuzu");
      for (const auto& figures : known.figures())
        for (int i = 0; i < 20; ++i) {
          taught.record(figures.shape, {.side = Side::sql, .microseconds = sql_us});
          taught.record(figures.shape, {.side = Side::engine, .microseconds = engine_us});
        }
      part.lines = taught.save();
    }
    ASSERT_TRUE(base::write_durably(file, base::as_bytes(placement::sealed(parts))));
    reopen();
    ASSERT_TRUE(hive_->wait(hive_->receipt()->token(), Deadline::after(std::chrono::seconds(60))));
  }
};

/// All that a traversal says, in an order that does not depend on the engine.
std::string told(std::vector<Neighbor> neighbors) {
  std::vector<std::string> lines;
  for (const auto& one : neighbors) lines.push_back(fmt::format("{}/{} {}", one.node.label, one.node.id, one.distance));
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, "\n"));
}

TEST_F(Routing, RecoversFromAWrongStart) {
  if (on_postgres()) GTEST_SKIP() << "a server at the end of a socket takes about as long as the graph engine";
  make_graph(6);
  const NeighborsQuery query{.node = person(1), .type = "KNOWS", .depth = 2};
  ASSERT_TRUE(hive_->count_neighbors(query));
  // SQLite counts this ten times faster than the graph engine: the hive is taught the opposite.
  const std::string slow = "kuzu";
  const std::string fast(sql_engine());
  teach(2'000, 20);
  const auto misled = hive_->count_neighbors(query);
  ASSERT_TRUE(misled);
  EXPECT_EQ(misled->route.engine, slow) << misled->route.reason;
  EXPECT_THAT(misled->route.reason, ::testing::HasSubstr("learned: " + slow + " p50"));
  std::uint64_t calls = 1;
  std::string engine;
  for (int in_a_row = 0; in_a_row < 60 && calls < 6000; ++calls) {
    const auto answer = hive_->count_neighbors(query);
    ASSERT_TRUE(answer);
    engine = answer->route.engine;
    in_a_row = engine == fast ? in_a_row + 1 : 0;
  }
  EXPECT_EQ(engine, fast) << "after " << calls << " calls";
  const auto counts = hive_->placements()->totals;
  EXPECT_GE(counts.moves, 1U);
  EXPECT_LE(counts.explorations * Router::calls_between, counts.calls + Router::calls_between);
}

TEST_F(Routing, WhatWasLearnedDecidesAfterARestart) {
  make_graph(6);
  const NeighborsQuery query{.node = person(1), .type = "KNOWS", .depth = 2};
  ASSERT_TRUE(hive_->neighbors(query));
  teach(60'000, 200);
  for (int turn = 0; turn < 2; ++turn) {
    const auto answer = hive_->neighbors(query);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->route.engine, "kuzu");
    reopen();
    ASSERT_TRUE(hive_->wait(hive_->receipt()->token(), Deadline::after(std::chrono::seconds(60))));
  }
}

TEST_F(Routing, BothEnginesGiveTheSameAnswers) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  make_graph(5, seed);
  std::mt19937_64 random(seed);
  std::vector<NeighborsQuery> walks;
  std::vector<PathQuery> paths;
  std::vector<PathCountQuery> counts;
  for (int i = 0; i < 25; ++i) {
    const std::string type = i % 4 == 0 ? "" : i % 2 == 0 ? "LIKES" : "KNOWS";
    const auto direction = static_cast<Direction>(random() % 3);
    walks.push_back({person(random()), type, direction, static_cast<std::uint32_t>(1 + random() % 3)});
    paths.push_back({person(random()), person(random()), type, direction, 6});
    counts.push_back({type, static_cast<std::uint32_t>(1 + random() % 3), person(random())});
  }
  counts.push_back({"KNOWS", 2, {}});
  std::vector<std::string> answers[2];
  std::set<std::string> engines[2];
  for (int side = 0; side < 2; ++side) {
    const auto note = [&](const Route& route, std::string answer) {
      engines[side].insert(route.engine);
      answers[side].push_back(std::move(answer));
    };
    for (const auto& walk : walks) {
      const auto found = hive_->neighbors(walk).value();
      note(found.route, told(found.value));
      if (walk.depth > 1) {
        const auto counted = hive_->count_neighbors(walk).value();
        note(counted.route, std::to_string(counted.value));
      }
    }
    for (const auto& path : paths) {
      const auto found = hive_->shortest_path(path).value();
      note(found.route, std::to_string(found.value.nodes.size()));
    }
    for (const auto& count : counts) {
      const auto found = hive_->count_paths(count).value();
      note(found.route, std::to_string(found.value));
    }
    if (side == 0) teach(60'000'000, 10);
  }
  EXPECT_TRUE(engines[0].contains(std::string(sql_engine())));
  EXPECT_EQ(engines[1], std::set<std::string>{"kuzu"});
  EXPECT_EQ(answers[0], answers[1]);
}

TEST_F(Routing, WhoIsNotThereIsNotFoundByEitherEngine) {
  make_graph(3);
  const NeighborsQuery walk{.node = {"Person", "nobody"}, .depth = 2};
  const PathQuery path{.from = person(1), .to = {"Person", "nobody"}};
  for (int side = 0; side < 2; ++side) {
    EXPECT_EQ(hive_->neighbors(walk).error().code, ErrorCode::not_found);
    EXPECT_EQ(hive_->shortest_path(path).error().code, ErrorCode::not_found);
    ASSERT_TRUE(hive_->neighbors({.node = person(1), .depth = 2}));
    ASSERT_TRUE(hive_->shortest_path({.from = person(1), .to = person(2)}));
    if (side == 0) teach(60'000'000, 10);
  }
}

}  // namespace
}  // namespace triune::testing
