// `vectors move` and `collection reembed` as processes that are interrupted and killed anywhere: what was there goes on
// answering, nothing is lost, and the same command again comes to the end.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "integration/cli_process.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;

class CliVectors : public CliTest {
 protected:
  void SetUp() override { make_hive(); }

  /// The exit code of a command that is killed at a failpoint; 0 when it was not.
  [[nodiscard]] int kill_at(const std::string& failpoint, const std::vector<std::string>& command) const {
    ::setenv("TRIUNE_FAILPOINT", failpoint.c_str(), 1);
    const auto ended = triune(command);
    ::unsetenv("TRIUNE_FAILPOINT");
    place().wait_until_alone();
    return ended.exit_code;
  }

  [[nodiscard]] Json projection(const std::string& name) const {
    const auto status = succeed({"status"}).document();
    for (const auto& one : status.at("projections"))
      if (one.at("name") == name) return one;
    ADD_FAILURE() << "there is no " << name;
    return {};
  }

  /// The engine memory keeps nothing for the next process, which answers from the store until its copy is made.
  void expect_searched_in(const std::string& engine) const {
    const auto found = succeed({"search", "--collection", "code", "--id", "v"}).document();
    EXPECT_EQ(found.at("hits").size(), 1U) << found;
    const std::string answered = found.at("engine");
    EXPECT_TRUE(answered == engine || (engine == "memory" && answered == (on_postgres() ? "postgres" : "sqlite")))
        << found;
  }

  [[nodiscard]] int count(const std::string& sql) const {
    return succeed({"sql", sql}).lines().at(0).begin().value().get<int>();
  }

  void put_texts(int from, int to) const {
    std::vector<std::string> lines;
    for (int i = from; i < to; ++i)
      lines.push_back(
          fmt::format(R"({{"op":"put_vector","collection":"texts","id":"t{0}","text":"word{0} and more"}})", i));
    const auto put = commit(lines);
    ASSERT_EQ(put.exit_code, 0) << put;
  }

  /// The vector of a text is found by the text itself; others may be as near.
  void expect_found(int number) const {
    const auto found =
        succeed({"search", "--collection", "texts", "--text", fmt::format("word{} and more", number), "-k", "1"})
            .document();
    ASSERT_EQ(found.at("hits").size(), 1U) << found;
    EXPECT_NEAR(found.at("hits").at(0).at("distance").get<double>(), 0, 1e-5) << found;
  }

  [[nodiscard]] std::size_t dimension_of(const std::string& id) const {
    return succeed({"get", "vector", "texts", id}).document().at("vector").size();
  }
};

TEST_F(CliVectors, MoveTakesACollectionToAnotherEngine) {
  static_cast<void>(succeed({"collection", "create", "code", "--dimension", "2"}));
  ASSERT_EQ(commit({R"({"op":"put_vector","collection":"code","id":"v","vector":[0.5,-2]})"}).exit_code, 0);
  const auto moved = succeed({"vectors", "move", "code", "--to", "memory"}).document();
  EXPECT_EQ(moved, Json::parse(R"({"collection":"code","from":"usearch","to":"memory","vectors":1,"resumed":false})"));
  EXPECT_EQ(projection("vector:code").at("engine"), "memory");
  expect_searched_in("memory");
  EXPECT_THAT(triune({"vectors", "move", "code", "--to", "usearch"}).out,
              HasSubstr("1 vectors are searched in usearch"));
  const auto again = triune({"vectors", "move", "code", "--to", "usearch"});
  EXPECT_NE(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("on usearch already"));
  EXPECT_THAT(triune({"vectors", "move", "code"}).err, HasSubstr("--to usearch"));
  EXPECT_THAT(triune({"vectors", "move", "code", "--abort"}).err, HasSubstr("not on the way"));
}

TEST_F(CliVectors, AMoveThatIsKilledGoesOnOrIsGivenUp) {
  static_cast<void>(succeed({"collection", "create", "code", "--dimension", "2"}));
  ASSERT_EQ(commit({R"({"op":"put_vector","collection":"code","id":"v","vector":[0.5,-2]})"}).exit_code, 0);
  const std::vector<std::string> move{"vectors", "move", "code", "--to", "memory"};
  for (const auto* const step : {"recorded", "built", "verified"}) {
    SCOPED_TRACE(step);
    EXPECT_EQ(kill_at(fmt::format("vector_move.{}:1", step), move), 128 + SIGKILL);
    EXPECT_EQ(projection("vector:code").at("engine"), "usearch");
    EXPECT_EQ(projection("vector:code").at("moving_to"), "memory");
    expect_searched_in("usearch");
  }
  static_cast<void>(succeed({"vectors", "move", "code", "--abort"}));
  EXPECT_EQ(projection("vector:code").at("moving_to"), "");
  EXPECT_EQ(kill_at("vector_move.built:1", move), 128 + SIGKILL);
  EXPECT_TRUE(succeed(move).document().at("resumed"));
  EXPECT_EQ(projection("vector:code").at("engine"), "memory");
  for (const auto* const step : {"switched", "in_use"}) {
    SCOPED_TRACE(step);
    const std::string to = projection("vector:code").at("engine") == "memory" ? "usearch" : "memory";
    EXPECT_EQ(kill_at(fmt::format("vector_move.{}:1", step), {"vectors", "move", "code", "--to", to}), 128 + SIGKILL);
    EXPECT_EQ(projection("vector:code").at("engine"), to) << "it was switched";
    expect_searched_in(to);
    EXPECT_TRUE(succeed({"verify"}).document().at("ok"));
  }
}

TEST_F(CliVectors, AMoveThatIsInterruptedGoesOn) {
  static_cast<void>(succeed({"collection", "create", "code", "--dimension", "2"}));
  ASSERT_EQ(commit({R"({"op":"put_vector","collection":"code","id":"v","vector":[0.5,-2]})"}).exit_code, 0);
  const auto interrupted =
      interrupt_at("vector_move.built:1", {"--hive", hive(), "vectors", "move", "code", "--to", "memory"});
  EXPECT_EQ(interrupted.exit_code, 130) << interrupted;
  place().wait_until_alone();
  expect_searched_in("usearch");
  EXPECT_TRUE(succeed({"vectors", "move", "code", "--to", "memory"}).document().at("resumed"));
}

/// Vectors made anew, killed on the way.
class CliReembedding : public CliVectors {
 protected:
  static constexpr int texts = 2'500;  // more than are copied at a time

  void SetUp() override {
    CliVectors::SetUp();
    static_cast<void>(succeed({"collection", "create", "texts", "--dimension", "32", "--embedder", "hashing"}));
    put_texts(0, texts);
  }

  const std::vector<std::string> anew_{"collection", "reembed", "texts", "--dimension", "64"};
};

class CliReembeddingKilled : public CliReembedding, public ::testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(At, CliReembeddingKilled,
                         ::testing::Values("reembed.recorded:1", "reembed.copied:1", "reembed.copied:2",
                                           "reembed.handing_over:1"),
                         [](const auto& instance) {
                           auto name = instance.param;
                           for (auto& letter : name) letter = letter == '.' || letter == ':' ? '_' : letter;
                           return name;
                         });

TEST_P(CliReembeddingKilled, TheOlderVectorsServeAndNothingIsLost) {
  EXPECT_EQ(kill_at(GetParam(), anew_), 128 + SIGKILL);
  EXPECT_EQ(dimension_of("t7"), 32U);
  expect_found(7);
  put_texts(texts, texts + 5);
  put_texts(3, 4);
  ASSERT_EQ(commit({R"({"op":"delete_vector","collection":"texts","id":"t9"})"}).exit_code, 0);
  const auto finished = succeed(anew_).document();
  EXPECT_TRUE(finished.at("finished"));
  for (const auto* const id : {"t3", "t7", "t2502"}) EXPECT_EQ(dimension_of(id), 64U) << id;
  expect_found(7);
  expect_found(2502);
  EXPECT_NE(triune({"get", "vector", "texts", "t9"}).exit_code, 0);
  EXPECT_EQ(count("SELECT count(*) FROM triune_stored_vectors WHERE collection = 'texts'"), texts + 4);
  EXPECT_TRUE(succeed({"verify"}).document().at("ok"));
}

TEST_F(CliReembedding, AfterTheNamesAreExchangedTheNewerVectorsServe) {
  EXPECT_EQ(kill_at("reembed.handed_over:1", anew_), 128 + SIGKILL);
  EXPECT_EQ(dimension_of("t7"), 64U);
  expect_found(7);
  EXPECT_EQ(count("SELECT count(*) FROM triune_stored_vectors WHERE collection = 'texts'"), texts);
  EXPECT_NE(triune({"collection", "reembed", "texts", "--status"}).exit_code, 0) << "none is under way";
  EXPECT_TRUE(succeed({"verify"}).document().at("ok"));
}

TEST_F(CliReembedding, GivingUpGoesOnToo) {
  EXPECT_EQ(kill_at("reembed.copied:1", anew_), 128 + SIGKILL);
  EXPECT_EQ(kill_at("reembed.given_up:1", {"collection", "reembed", "texts", "--abort"}), 128 + SIGKILL);
  EXPECT_EQ(dimension_of("t7"), 32U);
  expect_found(7);
  const auto finished = succeed(anew_).document();
  EXPECT_TRUE(finished.at("finished"));
  EXPECT_EQ(dimension_of("t7"), 64U);
  EXPECT_EQ(count("SELECT count(*) FROM triune_stored_vectors"), 2 * texts) << "the older ones go in a minute";
  EXPECT_TRUE(succeed({"verify"}).document().at("ok"));
}

TEST_F(CliReembedding, WhatAKilledProcessTookIsTakenUpAtOnce) {
  EXPECT_EQ(kill_at("embedding.claimed:2", anew_), 128 + SIGKILL);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(succeed(anew_).document().at("finished"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(45)) << "a claim keeps others away for 60 s";
}

TEST_F(CliReembedding, AtRandomMomentsItComesToTheEnd) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  unsigned killed = 0;
  for (unsigned i = 0; i < 8; ++i) {
    std::vector<std::string> words{"--hive", hive()};
    words.insert(words.end(), anew_.begin(), anew_.end());
    const auto process = start(words);
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 1'500));
    ::kill(process, SIGKILL);
    const bool was_killed = finish(process).exit_code == 128 + SIGKILL;
    place().wait_until_alone();
    killed += was_killed ? 1 : 0;
    if (!was_killed) break;
    expect_found(7);
  }
  std::cout << killed << " kills\n";
  if (dimension_of("t7") != 64U) {
    EXPECT_TRUE(succeed(anew_).document().at("finished"));
  }
  EXPECT_EQ(dimension_of("t7"), 64U);
  expect_found(7);
  EXPECT_EQ(count("SELECT count(*) FROM triune_stored_vectors WHERE collection = 'texts'"), texts);
  EXPECT_TRUE(succeed({"verify"}).document().at("ok"));
}

}  // namespace
}  // namespace triune::testing
