// Memory: contexts and their bounds, snapshots, values that expire, and memories that are recalled.
#include "triune/modules/memory.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <span>
#include <thread>

#include "integration/hive_fixture.h"
#include "triune/modules/agents.h"

namespace triune {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Fails when it is told to.
class TiredEmbedder final : public Embedder {
 public:
  [[nodiscard]] EmbedderDescription description() const override {
    return {.model = "tired", .version = "1", .dimension = 4, .batch_size = 16};
  }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t, Deadline) override {
    if (tired) return failure(ErrorCode::unavailable, "the model is down");
    std::vector<std::vector<float>> vectors;
    for (const auto& text : texts) {
      std::vector<float> vector{0.01F, 0, 0, 0};
      for (const char letter : text)
        if (letter >= 'a' && letter <= 'd') vector[static_cast<std::size_t>(letter - 'a')] += 1;
      vectors.push_back(std::move(vector));
    }
    return vectors;
  }
  std::atomic<bool> tired{false};
};

class MemoryTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    open();
    for (const auto* id : {"ada", "bob"}) ASSERT_TRUE(agents_->enroll({.id = id}));
  }

  void open(const MemoryOptions& options = {}) {
    memory_.reset();
    auto agents = Agents::open(*hive_);
    ASSERT_TRUE(agents) << agents.error().message;
    agents_ = std::move(*agents);
    auto opened = Memory::open(*hive_, options);
    ASSERT_TRUE(opened) << opened.error().message;
    memory_ = std::move(*opened);
  }

  void TearDown() override {
    memory_.reset();
    agents_.reset();
  }

  void remember(const std::string& id, const std::string& content, const std::string& agent = "ada",
                const std::string& kind = "note") {
    const auto made = memory_->remember({.id = id, .agent = agent, .kind = kind, .content = content});
    EXPECT_TRUE(made) << made.error().message;
  }

  std::vector<std::string> recalled(const RecallQuery& query) {
    std::vector<std::string> ids;
    const auto found = memory_->recall(query);
    EXPECT_TRUE(found) << found.error().message;
    if (found)
      for (const auto& one : found->memories) ids.push_back(one.memory.id);
    return ids;
  }

  std::string context(std::int64_t tokens = 0, const std::string& content = "hello") {
    const auto made = memory_->start_context({.agent = "ada", .content = content, .tokens = tokens});
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : "";
  }

  std::vector<std::string> events(const std::string& id) {
    std::vector<std::string> told;
    const auto found = memory_->context_events(id);
    EXPECT_TRUE(found) << found.error().message;
    if (found)
      for (const auto& event : *found) told.push_back(event.type + " " + std::string(to_string(event.level)));
    return told;
  }

  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Memory> memory_;
};

TEST_F(MemoryTest, AMemoryIsARowWordsAVectorAndAnEdgeInOneCommit) {
  remember("m1", "The parser rejects empty input");
  EXPECT_EQ(memory_->memory("m1")->content, "The parser rejects empty input");
  EXPECT_TRUE(hive_->get_vector("agent_memories", "m1"));
  EXPECT_EQ(cypher_scalar("MATCH (a:Agent)-[:REMEMBERS]->(m:Memory) RETURN a.id + '>' + m.id"), "ada>m1");
  // Refused as a whole: an agent that is not there, a vector of another size.
  EXPECT_EQ(memory_->remember({.id = "m2", .agent = "nobody", .content = "x"}).error().code, ErrorCode::not_found);
  EXPECT_FALSE(memory_->remember({.id = "m3", .agent = "ada", .content = "x", .vector = {1, 2}}));
  const std::vector<NewMemory> some{{.id = "m4", .content = "fine"}, {.id = "m5", .agent = "nobody", .content = "x"}};
  EXPECT_FALSE(memory_->remember_many(some));
  for (const auto* id : {"m2", "m3", "m4", "m5"}) {
    EXPECT_EQ(memory_->memory(id).error().code, ErrorCode::not_found) << id;
    EXPECT_FALSE(hive_->get_vector("agent_memories", id)) << id;
  }
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_memory_texts"), "1");
  ASSERT_TRUE(memory_->forget("m1"));
  ASSERT_TRUE(memory_->forget("m1"));
  EXPECT_FALSE(hive_->get_vector("agent_memories", "m1"));
  EXPECT_EQ(cypher_scalar("MATCH (m:Memory) RETURN count(m)"), "0");
  EXPECT_THAT(recalled({.text = "parser"}), IsEmpty());
  expect_verified();
}

TEST_F(MemoryTest, RecallFusesWordsAndVectorsAndSaysWhichFoundWhat) {
  remember("m1", "the parser fails on empty input");
  remember("m2", "quarterly revenue grew in Norway");
  remember("m3", "parsers of dates failed yesterday");
  const auto found = memory_->recall({.text = "why does the parser fail?", .count = 2});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->memories.size(), 2U);
  EXPECT_EQ(found->memories[0].memory.id, "m1");
  EXPECT_EQ(found->memories[0].text_rank, 1);
  EXPECT_EQ(found->memories[0].vector_rank, 1);
  EXPECT_DOUBLE_EQ(found->memories[0].score, 2.0 / 61);
  EXPECT_TRUE(found->memories[0].distance);
  EXPECT_EQ(found->memories[1].memory.id, "m3");
  EXPECT_FALSE(found->memories[1].text_rank);
  EXPECT_EQ(found->degraded, "");
  EXPECT_NE(found->strategy, "");
}

TEST_F(MemoryTest, FiltersHoldForBothWays) {
  const auto at = now_ms();
  const auto put = [&](NewMemory memory) { ASSERT_TRUE(memory_->remember(memory)); };
  put({.id = "m1",
       .agent = "ada",
       .session = "s1",
       .kind = "fact",
       .content = "blue whale",
       .created_at_ms = at - 100});
  put({.id = "m2", .agent = "ada", .session = "s2", .kind = "note", .content = "blue whale", .created_at_ms = at - 50});
  put({.id = "m3",
       .agent = "bob",
       .session = "s1",
       .kind = "error",
       .content = "blue whale",
       .created_at_ms = at - 10});
  put({.id = "m4", .content = "blue whale", .created_at_ms = at - 5});
  EXPECT_THAT(recalled({.text = "blue whale"}), UnorderedElementsAre("m1", "m2", "m3", "m4"));
  EXPECT_THAT(recalled({.text = "blue whale", .agent = "ada"}), UnorderedElementsAre("m1", "m2"));
  EXPECT_THAT(recalled({.text = "blue whale", .session = "s1"}), UnorderedElementsAre("m1", "m3"));
  EXPECT_THAT(recalled({.text = "blue whale", .kinds = {"fact", "error"}}), UnorderedElementsAre("m1", "m3"));
  EXPECT_THAT(recalled({.text = "blue whale", .since_ms = at - 50, .until_ms = at - 5}),
              UnorderedElementsAre("m2", "m3"));
  EXPECT_THAT(recalled({.agent = "ada"}), ElementsAre("m2", "m1"));
  EXPECT_THAT(recalled({.text = "\" OR ' -- ); DROP TABLE x; ?? blue"}), Contains("m1"));
  EXPECT_FALSE(memory_->recall({.text = "x", .count = 0}));
}

// Few are found by their rows and many by asking the index first: of either, as many come back as are asked for.
TEST_F(MemoryTest, AmongFewAndAmongManyAsMuchIsRecalledAsIsAskedFor) {
  const auto at = now_ms();
  constexpr int count = 7'000;
  std::vector<NewMemory> memories;
  for (int i = 0; i < count; ++i)
    memories.push_back({.id = "m" + std::to_string(i),
                        .agent = i % 100 == 0 ? "bob" : "ada",
                        .session = "s" + std::to_string(i / 50),
                        .kind = i % 10 == 0 ? "fact" : "note",
                        .content = "whale number " + std::to_string(i) + " of class c" + std::to_string(i % 7),
                        .expires_at_ms = i % 4 == 1 ? std::optional(at - 1) : std::nullopt,
                        .created_at_ms = at - count + i});
  constexpr std::size_t at_once = 500;  // so that a busy machine keeps them within the deadline of a call
  for (std::size_t begin = 0; begin < memories.size(); begin += at_once) {
    const auto made = memory_->remember_many(std::span(memories).subspan(begin, at_once));
    ASSERT_TRUE(made) << made.error().message;
  }
  const auto expect_all = [&](const RecallQuery& query, const std::function<bool(const StoredMemory&)>& fits) {
    const auto found = memory_->recall(query);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->degraded, "");
    EXPECT_EQ(found->memories.size(), query.count);
    for (const auto& one : found->memories) {
      EXPECT_TRUE(fits(one.memory)) << one.memory.id;
      EXPECT_TRUE(!one.memory.expires_at_ms || *one.memory.expires_at_ms > at) << one.memory.id;
    }
  };
  const std::string text = "a whale of class c3, number 4242";
  expect_all({.text = text, .count = 20}, [](const auto&) { return true; });
  expect_all({.text = text, .agent = "ada", .count = 20}, [](const auto& one) { return one.agent == "ada"; });
  expect_all({.text = text, .agent = "bob", .count = 20}, [](const auto& one) { return one.agent == "bob"; });
  expect_all({.text = text, .session = "s7", .count = 20}, [](const auto& one) { return one.session == "s7"; });
  expect_all({.text = text, .kinds = {"fact"}, .count = 20}, [](const auto& one) { return one.kind == "fact"; });
  expect_all({.text = text, .kinds = {"note"}, .count = 20}, [](const auto& one) { return one.kind == "note"; });
  expect_all({.text = text, .since_ms = at - 100, .count = 20},
             [&](const auto& one) { return one.created_at_ms >= at - 100; });
  expect_all({.text = text, .until_ms = at - 500, .count = 20},
             [&](const auto& one) { return one.created_at_ms < at - 500; });
  expect_all({.text = text, .agent = "ada", .kinds = {"fact"}, .count = 20},
             [](const auto& one) { return one.agent == "ada" && one.kind == "fact"; });
  const auto found = memory_->recall({.text = "whale number 4242", .count = 1'000});
  ASSERT_TRUE(found) << found.error().message;
  const auto only = std::find_if(found->memories.begin(), found->memories.end(),
                                 [](const Recalled& one) { return one.memory.id == "m4242"; });
  ASSERT_NE(only, found->memories.end());
  EXPECT_EQ(only->text_rank, 1);
  // A word that occurs nowhere takes nothing from those that are everywhere.
  const auto common = memory_->recall({.text = "xyzzy whale"});
  ASSERT_TRUE(common) << common.error().message;
  EXPECT_THAT(common->memories, Contains(::testing::Field(&Recalled::text_rank, 1)));
}

TEST_F(MemoryTest, OfManyMemoriesTheOneThatIsRefusedIsNamedAndTheLastOfAnIdCounts) {
  const std::vector<NewMemory> refused{{.id = "m1", .content = "fine"}, {.id = "m2", .content = "x", .importance = 7}};
  const auto made = memory_->remember_many(refused);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("memory m2"));
  EXPECT_EQ(memory_->memory("m1").error().code, ErrorCode::not_found);
  const std::vector<NewMemory> twice{{.id = "m3", .content = "ebb"}, {.id = "m3", .content = "flood"}};
  ASSERT_TRUE(memory_->remember_many(twice));
  EXPECT_EQ(memory_->memory("m3")->content, "flood");
  EXPECT_THAT(memory_->recall({.text = "ebb"})->memories, Not(Contains(::testing::Field(&Recalled::text_rank, 1))));
  expect_verified();
}

TEST_F(MemoryTest, AReplacedMemoryIsFoundByItsNewWordsAlone) {
  remember("m1", "alpha centauri");
  remember("m1", "omega point", "bob");
  const auto old = memory_->recall({.text = "alpha"});
  ASSERT_TRUE(old) << old.error().message;
  for (const auto& one : old->memories) EXPECT_FALSE(one.text_rank);
  EXPECT_EQ(memory_->recall({.text = "omega"})->memories.at(0).text_rank, 1);
  EXPECT_EQ(cypher_scalar("MATCH (a:Agent)-[:REMEMBERS]->(m:Memory) RETURN a.id"), "bob");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_memories"), "1");
  expect_verified();
}

TEST_F(MemoryTest, WhatHasExpiredIsNeverReturnedAndIsSwept) {
  const auto at = now_ms();
  ASSERT_TRUE(memory_->remember({.id = "gone", .agent = "ada", .content = "old news", .expires_at_ms = at - 1}));
  ASSERT_TRUE(memory_->remember({.id = "stays", .agent = "ada", .content = "old news", .expires_at_ms = at + 900'000}));
  EXPECT_THAT(recalled({.text = "old news"}), ElementsAre("stays"));
  EXPECT_THAT(recalled({.agent = "ada"}), ElementsAre("stays"));
  EXPECT_EQ(memory_->memory("gone").error().code, ErrorCode::not_found);
  ASSERT_TRUE(memory_->put("ns", "k", Json{"1"}, 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(memory_->value("ns", "k").error().code, ErrorCode::not_found);
  EXPECT_THAT(*memory_->values("ns"), IsEmpty());
  const auto session = context();
  const auto snapshot =
      memory_->save_snapshot({.session = session, .content = Json{"{\"a\":1}"}, .expires_at_ms = at - 1});
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(memory_->snapshot_content(snapshot->id).error().code, ErrorCode::not_found);
  const auto swept = memory_->sweep();
  ASSERT_TRUE(swept) << swept.error().message;
  EXPECT_EQ(swept->memories, 1);
  EXPECT_EQ(swept->snapshots, 1);
  EXPECT_EQ(swept->key_values, 1);
  EXPECT_FALSE(hive_->get_vector("agent_memories", "gone"));
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_blob_references WHERE owner = 'triune_snapshots'"), "0");
}

TEST_F(MemoryTest, ATextThatCannotBeEmbeddedNowIsFoundByItsWords) {
  auto model = std::make_shared<TiredEmbedder>();
  memory_.reset();
  agents_.reset();
  hive_.reset();
  testing::HivePlace other(directory_.path(), "other");
  HiveOptions options;
  options.embedders.emplace("tired", model);
  auto hive = Hive::open(other.location(), other.options(std::move(options)));
  ASSERT_TRUE(hive) << hive.error().message;
  {
    auto memory = Memory::open(**hive, {.embedder = "tired", .dimension = 4});
    ASSERT_TRUE(memory) << memory.error().message;
    model->tired = true;
    ASSERT_TRUE((*memory)->remember({.id = "m1", .content = "abba cab"}));
    const auto found = (*memory)->recall({.text = "cab"});
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_EQ(found->memories.size(), 1U);
    EXPECT_EQ(found->memories[0].text_rank, 1);
    EXPECT_THAT(found->degraded, HasSubstr("the model is down"));
    model->tired = false;
    for (int i = 0; i < 300 && (*memory)->recall({.text = "cab"})->pending > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ((*memory)->recall({.text = "cab"})->memories.at(0).vector_rank, 1);
  }
  hive->reset();
}

TEST_F(MemoryTest, ABoundOfAContextIsToldOnceWhenItIsReached) {
  const auto id = context(100'000, "text");
  EXPECT_EQ(memory_->context(id)->level, ContextLevel::normal);
  EXPECT_EQ(memory_->context(id)->max_tokens, 200'000);
  for (const auto tokens : {149'999, 150'000, 160'000, 170'000, 190'000, 199'000})
    ASSERT_TRUE(memory_->update_context(id, {.tokens = tokens}));
  EXPECT_THAT(events(id),
              ElementsAre("overflow_warning light", "overflow_warning consolidate", "overflow_warning emergency"));
  EXPECT_EQ(memory_->context(id)->level, ContextLevel::emergency);
  const auto short_one = memory_->consolidate(id, "in short", 60'000, {.content = Json{R"({"text":"long"})"}});
  ASSERT_TRUE(short_one) << short_one.error().message;
  EXPECT_EQ(short_one->level, ContextLevel::normal);
  EXPECT_EQ(short_one->consolidations, 1);
  EXPECT_EQ(memory_->context_content(id).value(), "in short");
  EXPECT_EQ(memory_->snapshots(id)->size(), 1U);
  EXPECT_FALSE(memory_->consolidate(id, "longer", 70'000, {.content = Json{"{}"}}));
  ASSERT_TRUE(memory_->update_context(id, {.tokens = 191'000}));
  ASSERT_TRUE(memory_->sleep(id));
  ASSERT_TRUE(memory_->sleep(id));
  EXPECT_EQ(memory_->update_context(id, {.tokens = 1}).error().code, ErrorCode::conflict);
  EXPECT_THAT(*memory_->contexts("ada"), IsEmpty());
  ASSERT_TRUE(memory_->wake(id));
  EXPECT_THAT(events(id),
              ElementsAre("overflow_warning light", "overflow_warning consolidate", "overflow_warning emergency",
                          "consolidation normal", "overflow_warning emergency", "sleep emergency", "wake emergency"));
  EXPECT_EQ(memory_->start_context({.agent = "nobody"}).error().code, ErrorCode::not_found);
}

TEST_F(MemoryTest, EqualSnapshotsAreOneAndTheirCompressionIsReal) {
  const auto session = context();
  std::string text = "[";
  for (int i = 0; i < 5'000; ++i) text += (i == 0 ? "" : ",") + std::string("\"the same words again\"");
  text += "]";
  const auto first = memory_->save_snapshot(
      {.session = session, .content = Json{R"({"b":)" + text + R"(,"a":1})"}, .importance = 0.2});
  const auto again = memory_->save_snapshot(
      {.session = session, .content = Json{R"({ "a" : 1, "b" : )" + text + "}"}, .importance = 0.9});
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(first->existed);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(first->id, again->id);
  const auto snapshot = memory_->snapshot(first->id);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_DOUBLE_EQ(snapshot->importance, 0.9);
  EXPECT_GT(snapshot->compression_ratio, 20);
  EXPECT_EQ(snapshot->content_hash.size(), 64U);
  EXPECT_EQ(memory_->snapshot_content(first->id)->text, R"({"a":1,"b":)" + text + "}");
  const auto tiny = memory_->save_snapshot({.session = session, .content = Json{"7"}});
  EXPECT_DOUBLE_EQ(memory_->snapshot(tiny->id)->compression_ratio, 1);
  EXPECT_EQ(memory_->snapshot_content(tiny->id)->text, "7");
  EXPECT_EQ(memory_->save_snapshot({.session = session, .content = Json{"{no"}}).error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(memory_->save_snapshot({.session = "none", .content = Json{"{}"}}).error().code, ErrorCode::not_found);
  ASSERT_TRUE(memory_->set_snapshot_level(first->id, MemoryLevel::critical));
  EXPECT_EQ(memory_->snapshot(first->id)->level, MemoryLevel::critical);
  ASSERT_TRUE(memory_->remove_snapshot(first->id));
  EXPECT_EQ(memory_->snapshot(first->id).error().code, ErrorCode::not_found);
}

TEST_F(MemoryTest, ALostOrChangedSnapshotIsAnErrorAndNoEmptyDocument) {
  const auto session = context();
  const auto lost = memory_->save_snapshot({.session = session, .content = Json{R"({"a":"lost"})"}});
  const auto changed = memory_->save_snapshot({.session = session, .content = Json{R"({"a":"changed"})"}});
  ASSERT_TRUE(lost && changed);
  const auto name = [&](const std::string& id) { return session + "/" + memory_->snapshot(id)->content_hash; };
  commit({DeleteBlob{"triune_snapshots", name(lost->id)},
          PutBlob{"triune_snapshots", name(changed->id), Bytes(15, std::byte{'7'})},
          PutBlob{"triune_context", session, Bytes(5, std::byte{'7'})}});
  EXPECT_EQ(memory_->snapshot_content(lost->id).error().code, ErrorCode::corruption);
  EXPECT_EQ(memory_->snapshot_content(changed->id).error().code, ErrorCode::corruption);
  EXPECT_EQ(memory_->context_content(session).error().code, ErrorCode::corruption);
  EXPECT_EQ(memory_->snapshot_content("none").error().code, ErrorCode::not_found);
}

TEST_F(MemoryTest, ContextsAndMemoriesGoWithTheirAgent) {
  const auto session = context();
  ASSERT_TRUE(memory_->save_snapshot({.session = session, .content = Json{"[1]"}}));
  remember("m1", "something");
  ASSERT_TRUE(agents_->remove("ada"));
  EXPECT_EQ(memory_->context(session).error().code, ErrorCode::not_found);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_blob_references"), "0");
  EXPECT_FALSE(hive_->get_vector("agent_memories", "m1"));
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_memory_texts"), "0");
  expect_verified();
}

TEST_F(MemoryTest, ValuesHaveVersionsNamespacesAndConditions) {
  EXPECT_EQ(memory_->put("a", "k", Json{R"({"b":1, "a":2})"}).value(), 1);
  EXPECT_EQ(memory_->put("a", "k", Json{"2"}).value(), 2);
  EXPECT_EQ(memory_->put("b", "k", Json{"3"}).value(), 1);
  EXPECT_EQ(memory_->value("a", "k")->value.text, "2");
  EXPECT_EQ(memory_->put_if("a", "k", 1, Json{"9"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(memory_->put_if("a", "k", 2, Json{"9"}).value(), 3);
  EXPECT_EQ(memory_->put_if("a", "k", 0, Json{"9"}).error().code, ErrorCode::conflict);
  EXPECT_EQ(memory_->put_if("a", "k2", 0, Json{"9"}).value(), 1);
  EXPECT_EQ(memory_->put("a", "j", Json{"{"}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(memory_->values("a", "k")->size(), 2U);
  EXPECT_EQ(memory_->values("a", "k2")->size(), 1U);
  ASSERT_TRUE(memory_->erase("a", "k"));
  ASSERT_TRUE(memory_->erase("a", "k"));
  EXPECT_EQ(memory_->value("a", "k").error().code, ErrorCode::not_found);
}

TEST_F(MemoryTest, IdsMadeAtTheSameMomentDiffer) {
  constexpr int each = 200;
  std::vector<std::vector<std::string>> made(4);
  {
    std::vector<std::jthread> writers;
    for (auto& ids : made)
      writers.emplace_back([&] {
        const auto some = memory_->remember_many(std::vector<NewMemory>(each, {.content = "x"}));
        ASSERT_TRUE(some) << some.error().message;
        ids = *some;
      });
  }
  std::set<std::string> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), static_cast<std::size_t>(4 * each));
}

TEST_F(MemoryTest, RandomWorkIsAsAPlainModelHasIt) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> words{"red", "green", "blue", "fox", "whale", "stone"};
  struct Kept {
    std::string agent;
    std::set<std::string> words;
  };
  std::map<std::string, Kept> model;
  std::map<std::string, std::pair<std::string, std::int64_t>> values;
  for (int round = 0; round < 120; ++round) {
    const auto id = "m" + std::to_string(random() % 20);
    switch (random() % 5) {
      case 0:
      case 1: {
        Kept kept{.agent = random() % 2 == 0 ? "ada" : "bob"};
        std::string content = "about";
        for (int i = 0; i < 3; ++i) {
          const auto& word = words[random() % words.size()];
          kept.words.insert(word);
          content += " " + word;
        }
        remember(id, content, kept.agent);
        model[id] = kept;
        break;
      }
      case 2:
        ASSERT_TRUE(memory_->forget(id));
        model.erase(id);
        break;
      case 3: {
        const auto value = std::to_string(random() % 100);
        auto& [stored, version] = values[id];
        stored = value;
        EXPECT_EQ(memory_->put("n", id, Json{value}).value(), ++version);
        break;
      }
      default: ASSERT_TRUE(memory_->erase("n", id)); values.erase(id);
    }
  }
  for (const auto& word : words)
    for (const auto* agent : {"ada", "bob"}) {
      std::set<std::string> expected;
      for (const auto& [id, kept] : model)
        if (kept.agent == agent && kept.words.contains(word)) expected.insert(id);
      std::set<std::string> by_words;
      std::set<std::string> by_vector;
      const auto found = memory_->recall({.text = word, .agent = agent, .count = 100});
      ASSERT_TRUE(found) << found.error().message;
      for (const auto& one : found->memories) {
        if (one.text_rank) by_words.insert(one.memory.id);
        if (one.vector_rank) by_vector.insert(one.memory.id);
        EXPECT_EQ(one.memory.agent, agent);
      }
      EXPECT_EQ(by_words, expected) << word << " of " << agent;
      EXPECT_EQ(by_vector.size(),
                static_cast<std::size_t>(std::count_if(model.begin(), model.end(),
                                                       [&](const auto& one) { return one.second.agent == agent; })));
    }
  for (const auto& [key, kept] : values) {
    EXPECT_EQ(memory_->value("n", key)->value.text, kept.first);
    EXPECT_EQ(memory_->value("n", key)->version, kept.second);
  }
  EXPECT_EQ(memory_->values("n")->size(), values.size());
  expect_verified();
}

}  // namespace
}  // namespace triune
