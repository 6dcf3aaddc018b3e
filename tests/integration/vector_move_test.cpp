// A collection goes over to another vector engine while it is searched and written to (V1 to V3).
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "adapters/builtin.h"
#include "integration/hive_fixture.h"
#include "triune/reembedding.h"

namespace triune {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t dimension = 16;
constexpr std::size_t nearest_asked = 10;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(3));
}

/// As long as it lives, LanceDB is not installed.
class WithoutLanceDb {
 public:
  WithoutLanceDb() {
    if (const char* before = std::getenv("TRIUNE_LANCEDB")) before_ = before;
    ::setenv("TRIUNE_LANCEDB", "/nowhere", 1);
  }
  ~WithoutLanceDb() {
    if (before_.empty())
      ::unsetenv("TRIUNE_LANCEDB");
    else
      ::setenv("TRIUNE_LANCEDB", before_.c_str(), 1);
  }
  WithoutLanceDb(const WithoutLanceDb&) = delete;
  WithoutLanceDb& operator=(const WithoutLanceDb&) = delete;

 private:
  std::string before_;
};

class VectorMoveTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    std::cout << "seed " << seed_ << "\n";
    ASSERT_TRUE(hive_->create_collection({.name = "notes", .dimension = dimension}));
  }

  /// Around `centre` on the first axis, so that clusters do not mix.
  std::vector<float> draw(float centre, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> values(dimension);
    for (auto& value : values) value = normal(random);
    values[0] += centre;
    return values;
  }

  void put(const std::string& id, const std::vector<float>& values) {
    const auto receipt = hive_->commit({.changes = {PutVector{.collection = "notes", .id = id, .values = values}}});
    ASSERT_TRUE(receipt) << receipt.error().message;
  }

  /// Vectors that stay as they are, and the ids that are nearest to `query_`, by comparing all.
  void fill(std::size_t count) {
    std::vector<Change> changes;
    std::vector<std::pair<double, std::string>> distances;
    query_ = draw(50, random_);
    for (std::size_t i = 0; i < count; ++i) {
      const auto values = draw(50, random_);
      changes.emplace_back(PutVector{.collection = "notes", .id = fmt::format("still {}", i), .values = values});
      distances.emplace_back(distance(query_, values), fmt::format("still {}", i));
    }
    commit(std::move(changes));
    std::sort(distances.begin(), distances.end());
    for (std::size_t i = 0; i < nearest_asked; ++i) expected_.push_back(distances[i].second);
  }

  /// Vectors all around, hardly any of them near `query_`.
  void load(std::size_t count) {
    std::size_t given = 0;
    const auto loaded = hive_->load_vectors("notes", [&](PutVector& to) -> Result<bool> {
      if (given == count) return false;
      to = {.collection = "notes", .id = std::to_string(given++), .values = draw(0, random_)};
      return true;
    });
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  static double distance(const std::vector<float>& left, const std::vector<float>& right) {
    double product = 0;
    double left_length = 0;
    double right_length = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      product += static_cast<double>(left[i]) * right[i];
      left_length += static_cast<double>(left[i]) * left[i];
      right_length += static_cast<double>(right[i]) * right[i];
    }
    return 1 - product / std::sqrt(left_length * right_length);
  }

  /// Searches and compares; how it was answered.
  VectorSearchResult expect_found(Hive& hive) {
    auto found = hive.search({.collection = "notes", .query = query_, .count = nearest_asked});
    EXPECT_TRUE(found) << found.error().message;
    if (!found) return {};
    std::vector<std::string> ids;
    for (const auto& hit : found->hits) ids.push_back(hit.id);
    EXPECT_EQ(ids, expected_) << found->strategy;
    return *found;
  }

  void move(const std::string& engine) {
    const auto moved = hive_->move_vectors("notes", engine, soon());
    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_EQ(moved->to, engine);
  }

  ProjectionStatus status() {
    const auto status = hive_->status();
    EXPECT_TRUE(status) << status.error().message;
    for (const auto& one : status->projections)
      if (one.name == "vector:notes") return one;
    ADD_FAILURE() << "there is no projection of notes";
    return {};
  }

  std::vector<std::string> folders() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place_.files() / "projections"))
      if (const auto name = entry.path().filename().string(); name.starts_with("vector-")) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }

  unsigned seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  std::vector<float> query_;
  std::vector<std::string> expected_;
};

class VectorMoveTo : public VectorMoveTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    const auto opened = adapters::builtin().vector.at(GetParam())({.path = directory_.path() / "probe"});
    if (!opened && opened.error().code == ErrorCode::unsupported) GTEST_SKIP() << opened.error().message;
    VectorMoveTest::SetUp();
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, VectorMoveTo, ::testing::Values("memory", "lancedb"),
                         [](const auto& instance) { return instance.param; });

TEST_P(VectorMoveTo, AnswersFromTheOtherEngineAndComesBack) {
  fill(300);
  EXPECT_EQ(expect_found(*hive_).engine, "usearch");
  ASSERT_EQ(folders().size(), 1U);
  move(GetParam());
  EXPECT_EQ(expect_found(*hive_).engine, GetParam());
  EXPECT_EQ(status().engine, GetParam());
  EXPECT_EQ(status().moving_to, "");
  EXPECT_EQ(folders(), std::vector<std::string>{fmt::format("vector-1-{}", GetParam())}) << "the one before is gone";
  expect_verified();
  reopen();
  EXPECT_EQ(status().state, ProjectionState::current) << "what is kept in memory alone is made anew first";
  EXPECT_EQ(expect_found(*hive_).engine, GetParam());
  put("later", query_);
  EXPECT_EQ(hive_->search({.collection = "notes", .query = query_, .count = 1})->hits.at(0).id, "later");
  ASSERT_TRUE(hive_->commit({.changes = {DeleteVector{"notes", "later"}}}));
  move("usearch");
  EXPECT_EQ(expect_found(*hive_).engine, "usearch");
  EXPECT_EQ(folders(), std::vector<std::string>{"vector-1"});
  expect_verified();
}

TEST_P(VectorMoveTo, SearchesAndWritesGoOnAllTheTime) {
  fill(400);
  std::atomic<bool> over = false;
  std::atomic<std::uint64_t> searches = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      for (; !over && !HasFailure(); ++searches) EXPECT_FALSE(expect_found(*hive_).degraded);
    });
  std::map<std::string, std::vector<float>> written;
  threads.emplace_back([&] {
    std::mt19937 random(seed_ + 1);
    for (unsigned i = 0; !over && !HasFailure(); ++i) {
      const auto id = fmt::format("moving {}", i % 50);
      written[id] = draw(-50, random);
      put(id, written[id]);
      const auto own = hive_->search({.collection = "notes", .query = written[id], .count = 1});
      ASSERT_TRUE(own) << own.error().message;
      ASSERT_EQ(own->hits.size(), 1U);
      EXPECT_EQ(own->hits[0].id, id) << "one reads what one has written";
      if (i % 7 != 0) continue;
      ASSERT_TRUE(hive_->commit({.changes = {DeleteVector{"notes", id}}}));
      written.erase(id);
    }
  });
  for (const auto& engine : {GetParam(), std::string("usearch"), GetParam()}) {
    move(engine);
    EXPECT_EQ(status().engine, engine);
  }
  over = true;
  for (auto& thread : threads) thread.join();
  std::cout << searches << " searches\n";
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_vectors"), std::to_string(400 + written.size()));
  for (const auto& [id, values] : written) EXPECT_EQ(hive_->get_vector("notes", id)->values, values);
  expect_verified();
}

TEST_P(VectorMoveTo, EveryAnswerNamesTheEngine) {
  fill(50);
  move(GetParam());
  expect_found(*hive_);
  const auto rows = hive_->execute("SELECT id FROM vector_search('notes', 'still 1', 1)");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->routes.at(0).engine, GetParam());
  const auto explained = hive_->explain_placement("notes");
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_EQ(explained->current.cause, "move_vectors");
  EXPECT_EQ(to_text(*find(explained->current.parameters, "engine")), GetParam());
  EXPECT_THAT(explained->routes, ::testing::Contains(::testing::Field(&RouteFigures::engine, GetParam())));
  const auto receipt = hive_->receipt();
  EXPECT_EQ(receipt->projections.at(0).engine, GetParam());
}

TEST_F(VectorMoveTest, WhatCannotBeMovedStaysWhereItIs) {
  fill(20);
  const auto refused = [&](const std::string& collection, const std::string& engine) {
    const auto moved = hive_->move_vectors(collection, engine, soon());
    EXPECT_FALSE(moved) << collection << " to " << engine;
    return moved ? Error{} : moved.error();
  };
  EXPECT_EQ(refused("nothing", "memory").code, ErrorCode::not_found);
  const auto unknown = refused("notes", "faiss");
  EXPECT_EQ(unknown.code, ErrorCode::invalid_argument);
  EXPECT_THAT(unknown.message, HasSubstr("usearch and lancedb"));
  const auto same = refused("notes", "usearch");
  EXPECT_EQ(same.code, ErrorCode::conflict);
  EXPECT_THAT(same.message, HasSubstr("on usearch already"));
  const WithoutLanceDb without;
  const auto missing = refused("notes", "lancedb");
  EXPECT_EQ(missing.code, ErrorCode::unsupported);
  EXPECT_THAT(missing.message, HasSubstr("./dev build --with lancedb"));
  EXPECT_EQ(hive_->create_collection({.name = "more", .dimension = 3, .engine = "lancedb"}).error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(status().engine, "usearch");
  EXPECT_EQ(status().moving_to, "");
  EXPECT_EQ(folders(), std::vector<std::string>{"vector-1"});
  EXPECT_EQ(expect_found(*hive_).engine, "usearch");
}

TEST_F(VectorMoveTest, ASecondMoveOfTheSameCollectionIsRefused) {
  load(10'000);
  unsigned asked = 0;
  const auto moved =
      hive_->move_vectors("notes", "memory", soon(), [&](std::string_view, std::uint64_t, std::uint64_t) {
        if (asked++ > 0) return;
        const auto second = hive_->move_vectors("notes", "memory", soon());
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, ErrorCode::conflict);
        EXPECT_THAT(second.error().message, HasSubstr("being moved"));
        EXPECT_EQ(hive_->abort_vector_move("notes").error().code, ErrorCode::conflict);
        EXPECT_EQ(hive_->receipt()->projections.at(0).engine, "usearch");
        EXPECT_EQ(hive_->receipt()->projections.at(0).moving_to, "memory");
      });
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_GT(asked, 0U);
  EXPECT_EQ(moved->vectors, 10'000U);
}

TEST_F(VectorMoveTest, ADeadlineEndsTheMakingOfTheCopyAndTheNextMoveGoesOn) {
  fill(20);
  load(20'000);
  const auto deadline = Deadline::after(std::chrono::seconds(5));
  bool was_reading = false;
  const auto late =
      hive_->move_vectors("notes", "memory", deadline, [&](std::string_view, std::uint64_t, std::uint64_t) {
        was_reading = true;
        std::this_thread::sleep_until(deadline.at() + std::chrono::milliseconds(50));
      });
  EXPECT_TRUE(was_reading);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::deadline_exceeded) << late.error().message;
  EXPECT_EQ(status().moving_to, "memory");
  EXPECT_EQ(expect_found(*hive_).engine, "usearch");
  const auto moved = hive_->move_vectors("notes", "memory", soon());
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_TRUE(moved->resumed);
  EXPECT_EQ(moved->vectors, 20'020U);
  EXPECT_EQ(expect_found(*hive_).engine, "memory");
}

TEST_F(VectorMoveTest, ACollectionCanBeginOnAnotherEngine) {
  ASSERT_TRUE(hive_->create_collection({.name = "more", .dimension = 3, .engine = "memory"}));
  EXPECT_TRUE(hive_->create_collection({.name = "more", .dimension = 3})) << "the same definition";
  const auto other = hive_->create_collection({.name = "more", .dimension = 3, .engine = "usearch"});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("triune vectors move more --to usearch"));
  commit({PutVector{.collection = "more", .id = "a", .values = {1, 0, 0}}});
  EXPECT_EQ(hive_->search({.collection = "more", .query = std::vector<float>{1, 0, 0}, .count = 1})->engine, "memory");
}

TEST_F(VectorMoveTest, WithoutTheRecordedEngineTheCanonicalStoreAnswers) {
  fill(100);
  commit({PutNode{{"Person", "ada"}, {}}});
  ASSERT_TRUE(hive_->close());
  hive_.reset();
  std::filesystem::remove_all(place_.files() / "projections");  // as on a node that comes new
  place_.other_program("UPDATE triune_vector_collections SET engine = 'lancedb'");
  const WithoutLanceDb without;
  reopen();
  const auto found = expect_found(*hive_);
  EXPECT_TRUE(found.degraded);
  EXPECT_EQ(found.strategy, "canonical scan");
  const auto out = status();
  EXPECT_EQ(out.state, ProjectionState::quarantined);
  EXPECT_EQ(out.engine, "lancedb");
  EXPECT_THAT(out.error, HasSubstr("./dev build --with lancedb"));
  put("later", query_);
  EXPECT_EQ(hive_->search({.collection = "notes", .query = query_, .count = 1})->hits.at(0).id, "later");
  EXPECT_EQ(cypher_scalar("MATCH (p:Person) RETURN p.id"), "ada");
  ASSERT_TRUE(hive_->commit({.changes = {DeleteVector{"notes", "later"}}}));
  move("usearch");
  EXPECT_FALSE(expect_found(*hive_).degraded);
  expect_verified();
}

TEST_F(VectorMoveTest, WhatAnotherNodeMovedIsSearchedHereUntilItsCopyIsMade) {
  fill(100);
  ASSERT_TRUE(hive_->close());
  place_.other_program("UPDATE triune_vector_collections SET engine = 'lancedb'");
  {
    const WithoutLanceDb without;
    reopen();
    EXPECT_FALSE(expect_found(*hive_).degraded);
    put("later", query_);
    EXPECT_EQ(hive_->search({.collection = "notes", .query = query_, .count = 1})->hits.at(0).id, "later");
    ASSERT_TRUE(hive_->commit({.changes = {DeleteVector{"notes", "later"}}}));
    for (int i = 0; i < 100 && status().error.empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(status().engine, "usearch");
    EXPECT_EQ(status().moving_to, "lancedb");
    EXPECT_THAT(status().error, HasSubstr("./dev build --with lancedb"));
    ASSERT_TRUE(hive_->close());
  }
  place_.other_program("UPDATE triune_vector_collections SET engine = 'memory'");
  reopen();
  for (int i = 0; i < 200 && expect_found(*hive_).engine != "memory"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(expect_found(*hive_).engine, "memory");
  expect_verified();
}

TEST_F(VectorMoveTest, AMoveThatWasLeftCanBeGivenUp) {
  fill(20);
  EXPECT_EQ(hive_->abort_vector_move("notes").error().code, ErrorCode::not_found);
  ASSERT_TRUE(hive_->close());
  place_.other_program("UPDATE triune_vector_collections SET moving_to = 'memory', moved_by = 'somebody'");
  reopen();
  EXPECT_EQ(status().moving_to, "memory");
  EXPECT_EQ(expect_found(*hive_).engine, "usearch");
  const auto given_up = hive_->abort_vector_move("notes");
  ASSERT_TRUE(given_up) << given_up.error().message;
  EXPECT_EQ(status().moving_to, "");
  move("memory");
  EXPECT_EQ(expect_found(*hive_).engine, "memory");
}

TEST_F(VectorMoveTest, AMoveAndAReembeddingExcludeEachOther) {
  ASSERT_TRUE(hive_->create_collection({.name = "texts", .dimension = 64, .embedder = "hashing"}));
  commit({PutVector{.collection = "texts", .id = "a", .text = "a whale of a tale"}});
  Reembedding reembedding(*hive_);
  const auto begun = reembedding.begin({.collection = "texts", .dimension = 128});
  ASSERT_TRUE(begun) << begun.error().message;
  const auto moved = hive_->move_vectors("texts", "memory", soon());
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ErrorCode::conflict);
  EXPECT_THAT(moved.error().message, HasSubstr("--abort"));
  ASSERT_TRUE(reembedding.abort("texts"));
  const auto second = hive_->move_vectors("texts", "memory", soon());
  ASSERT_TRUE(second) << second.error().message;
  // What takes its place is on the same engine.
  ASSERT_TRUE(reembedding.begin({.collection = "texts", .dimension = 128}));
  ASSERT_TRUE(reembedding.wait("texts", soon()));
  ASSERT_TRUE(reembedding.finish("texts", soon()));
  EXPECT_EQ(hive_->search({.collection = "texts", .query = EmbeddedText{"whale"}, .count = 1})->engine, "memory");
}

TEST_F(VectorMoveTest, TheReviewAdvisesByMemoryAndMovesNothing) {
  fill(200);
  reopen({.vector_memory_bytes = 1'000});
  const auto reviewed = hive_->review_placements();
  ASSERT_TRUE(reviewed) << reviewed.error().message;
  const auto explained = hive_->explain_placement("notes");
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_EQ(to_text(*find(explained->current.parameters, "engine")), "usearch");
  EXPECT_EQ(to_text(*find(explained->current.parameters, "advised_engine")), "lancedb");
  EXPECT_THAT(explained->current.reasons, ::testing::Contains(HasSubstr("`triune vectors move notes --to lancedb`")));
  EXPECT_EQ(status().engine, "usearch");
  for (int i = 0; i < 60; ++i) put("still 1", draw(50, random_));
  ASSERT_TRUE(hive_->review_placements());
  const auto churned = hive_->explain_placement("notes");
  EXPECT_EQ(find(churned->current.parameters, "advised_engine"), nullptr) << "a third was overwritten";
}

}  // namespace
}  // namespace triune
