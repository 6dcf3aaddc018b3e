// The parts a collection is made of, each by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "adapters/usearch/byte_codec.h"
#include "adapters/usearch/gate.h"
#include "adapters/usearch/key_map.h"
#include "adapters/usearch/rows.h"
#include "adapters/usearch/scorer.h"
#include "adapters/usearch/selection.h"
#include "adapters/usearch/walk_costs.h"

namespace triune::adapters::usearch {
namespace {

using contract::VectorKey;

std::mt19937_64 seeded() {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  return std::mt19937_64(seed);
}

TEST(Gate, GivesEveryReaderASeatOfItsOwn) {
  Gate gate(3);
  std::set<std::uint32_t> seats;
  for (int count = 0; count < 3; ++count) seats.insert(gate.enter(Deadline::never()).value());
  EXPECT_EQ(seats, (std::set<std::uint32_t>{0, 1, 2}));
  EXPECT_FALSE(gate.enter(Deadline::after(std::chrono::milliseconds(1))).has_value()) << "a fourth must wait";
  gate.leave(1);
  EXPECT_EQ(gate.enter(Deadline::after(std::chrono::seconds(10))), 1U);
}

TEST(Gate, AReaderThatGivesUpLetsOthersPass) {
  Gate gate(2);
  gate.close();
  EXPECT_FALSE(gate.enter(Deadline::after(std::chrono::milliseconds(1))).has_value());
  gate.open();
  EXPECT_TRUE(gate.enter(Deadline::after(std::chrono::milliseconds(1))).has_value());
}

TEST(Gate, AWriterIsNotStarvedByReaders) {
  Gate gate(4);
  std::atomic<bool> done{false};
  std::atomic<int> inside{0};
  std::vector<std::jthread> readers;
  for (int count = 0; count < 4; ++count)
    readers.emplace_back([&] {
      while (!done) {
        const Seat seat(gate, Deadline::never());
        ++inside;
        std::this_thread::yield();
        --inside;
      }
    });
  for (int turn = 0; turn < 200; ++turn) {
    const Closed closed(gate);
    ASSERT_EQ(inside.load(), 0) << "a reader is inside a closed gate";
  }
  done = true;
}

TEST(KeyMap, AgreesWithAMapOverRandomHistories) {
  auto random = seeded();
  KeyMap map;
  KeyMap::Keys keys;
  std::map<VectorKey, Row> truth;
  for (int step = 0; step < 20'000; ++step) {
    const VectorKey key = random() % 700 * (random() % 2 == 0 ? 1 : 0x1'0000'0000ULL);
    const auto known = truth.find(key);
    ASSERT_EQ(map.find(key, keys), known == truth.end() ? std::nullopt : std::optional(known->second));
    if (known == truth.end()) {
      keys.push_back(key);
      map.insert(static_cast<Row>(keys.size() - 1), keys);
      truth.emplace(key, keys.size() - 1);
    } else {
      map.erase(key, keys);
      truth.erase(known);
    }
  }
  for (const auto& [key, row] : truth) EXPECT_EQ(map.find(key, keys), row);
}

TEST(Rows, AVectorStaysWhileAPinLives) {
  Rows rows(16);
  const std::vector<std::byte> first(16, std::byte{1});
  const std::vector<std::byte> second(16, std::byte{2});
  rows.reserve(1);
  const Row old_row = rows.put(7, first.data(), 1);
  {
    const Rows::Pin pin(rows);
    for (int again = 0; again < 5; ++again) {
      rows.reserve(1);
      EXPECT_NE(rows.put(7, second.data(), 1), old_row);
    }
    EXPECT_EQ(std::memcmp(pin.vector(old_row), first.data(), 16), 0);
  }
  const Row rows_used = rows.end();
  for (int again = 0; again < 20; ++again) {
    rows.reserve(1);
    rows.put(7, first.data(), 1);
  }
  EXPECT_EQ(rows.end(), rows_used) << "freed rows are used again once nobody holds a pin";
  EXPECT_EQ(rows.live(), 1U);
}

TEST(Rows, AGraphThatComesLateFindsTheDeadOfMeanwhile) {
  Rows rows(16);
  const std::vector<std::byte> bytes(16);
  rows.reserve(6);
  for (VectorKey key = 0; key < 4; ++key) rows.put(key, bytes.data(), 1);
  std::vector<bool> members(4, true);  // a graph of the four is begun
  const auto pin = std::make_unique<Rows::Pin>(rows);
  EXPECT_TRUE(rows.erase(1));
  const Row late = rows.put(9, bytes.data(), 1);
  EXPECT_GE(late, 4U);
  rows.adopt(members);
  EXPECT_EQ(rows.state(0), RowState::indexed);
  EXPECT_EQ(rows.state(1), RowState::tombstone) << "the graph leads over it";
  EXPECT_EQ(rows.state(late), RowState::fresh);
  EXPECT_EQ(rows.tombstones(), 1U);
  EXPECT_EQ(rows.scanned().size(), 1U);
  rows.adopt({});
  EXPECT_EQ(rows.tombstones(), 0U);
  EXPECT_EQ(rows.scanned().size(), 4U);
}

TEST(Scorer, AgreesWithDoublePrecision) {
  auto random = seeded();
  std::normal_distribution<float> normal;
  for (const std::uint32_t dimension : {1U, 3U, 31U, 32U, 100U, 384U, 1'000U}) {
    std::vector<float> left(dimension);
    std::vector<float> right(dimension);
    for (float& value : left) value = normal(random);
    for (float& value : right) value = normal(random);
    double product = 0;
    double left_square = 0;
    double right_square = 0;
    double squares = 0;
    for (std::size_t at = 0; at < dimension; ++at) {
      product += static_cast<double>(left[at]) * right[at];
      left_square += static_cast<double>(left[at]) * left[at];
      right_square += static_cast<double>(right[at]) * right[at];
      squares += std::pow(static_cast<double>(left[at]) - right[at], 2);
    }
    for (const auto scalar : {Scalar::f16, Scalar::f32})
      for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
        const Scorer scorer(metric, dimension, scalar);
        std::vector<std::byte> packed_left(scorer.bytes());
        std::vector<std::byte> packed_right(scorer.bytes());
        scorer.pack(left, packed_left.data());
        scorer.pack(right, packed_right.data());
        const double found = scorer.distance_of(scorer.score(packed_left.data(), packed_right.data()));
        const double lengths = std::sqrt(left_square * right_square);
        const double exact = metric == Metric::l2    ? squares
                             : metric == Metric::dot ? 1 - product
                                                     : 1 - product / lengths;
        const double terms = metric == Metric::cosine ? 1 : left_square + right_square + 1;
        EXPECT_NEAR(found, exact, terms * (scalar == Scalar::f16 ? 1e-3 : 1e-6)) << dimension << to_string(metric);
      }
  }
}

TEST(Scorer, ComparesManyAtOnceAsOneByOne) {
  auto random = seeded();
  std::normal_distribution<float> normal;
  for (const std::uint32_t dimension : {1U, 15U, 16U, 33U, 100U, 385U})
    for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
      const Scorer scorer(metric, dimension, Scalar::f16);
      std::vector<float> values(dimension);
      std::vector<std::vector<std::byte>> packed(12, std::vector<std::byte>(scorer.bytes()));
      std::vector<const std::byte*> places;
      for (auto& each : packed) {
        for (float& value : values) value = normal(random);
        scorer.pack(values, each.data());
        places.push_back(each.data());
      }
      for (std::size_t count = 0; count < packed.size(); ++count) {
        std::vector<float> scores(count);
        scorer.score_all(packed.back().data(), std::span(places).first(count), scores);
        // To the last bit: whether a search finds a vector by itself is decided by comparing such scores.
        for (std::size_t at = 0; at < count; ++at)
          ASSERT_EQ(scores[at], scorer.score(packed.back().data(), places[at])) << dimension << ", " << at;
      }
    }
}

TEST(Scorer, UnpacksTheLengthOfTinyAndHugeVectors) {
  for (const float scale : {1e-30F, 1e-5F, 1.0F, 1e30F}) {
    const Scorer scorer(Metric::cosine, 64, Scalar::f16);
    std::vector<float> values(64, scale);
    std::vector<std::byte> packed(scorer.bytes());
    const float length = scorer.pack(values, packed.data());
    std::vector<float> restored(64);
    scorer.unpack(packed.data(), length, restored);
    for (const float value : restored) EXPECT_NEAR(value / scale, 1, 1e-3);
  }
}

TEST(Scorer, KnowsWhatHalfPrecisionCannotHold) {
  const Scorer narrow(Metric::l2, 64, Scalar::f16);
  std::vector<float> values(64, 1.0F);
  EXPECT_TRUE(narrow.fits(values));
  values[3] = 70'000;
  EXPECT_FALSE(narrow.fits(values));
  EXPECT_FALSE(narrow.fits(std::vector<float>(64, 1e-6F)));
  EXPECT_TRUE(narrow.fits(std::vector<float>(64, 0.0F)));
  EXPECT_TRUE(Scorer(Metric::cosine, 64, Scalar::f16).fits(values)) << "cosine scales before it packs";
  EXPECT_TRUE(Scorer(Metric::l2, 64, Scalar::f32).fits(values));
}

TEST(KeySet, HoldsExactlyItsKeys) {
  auto random = seeded();
  const VectorKey last = std::numeric_limits<VectorKey>::max();
  for (const VectorKey spread : {1ULL, 3ULL, 50ULL, 1'000ULL, 1'000'000'000ULL}) {
    std::set<VectorKey> truth{0, last};
    for (int count = 0; count < 500; ++count) truth.insert(last / 2 + random() % 500 * spread);
    if (random() % 2 == 0) truth.erase(0);
    if (spread < 100) truth.erase(last), truth.erase(0);
    const std::vector<VectorKey> keys(truth.begin(), truth.end());
    const KeySet set(keys);
    EXPECT_EQ(set.is_dense(), spread < 50) << spread;
    for (const VectorKey key : {VectorKey{0}, VectorKey{1}, last, last - 1, last / 2, last / 2 - 1})
      EXPECT_EQ(set.contains(key) && KeySet::holds(keys, key), truth.contains(key)) << key;
    for (int count = 0; count < 2'000; ++count) {
      const VectorKey key = last / 2 + random() % (600 * spread);
      ASSERT_EQ(set.contains(key), truth.contains(key)) << key;
      ASSERT_EQ(KeySet::holds(keys, key), truth.contains(key)) << key;
    }
  }
  EXPECT_FALSE(KeySet(std::vector<VectorKey>{}).contains(0));
}

TEST(WalkCosts, AFilteredWalkGoesAsFarAsOneThatKeepsWhatItMeets) {
  WalkCosts costs(2.5);
  costs.note(16, 250);
  EXPECT_FALSE(costs.exceed_scan(60'000, 60'000, 16));
  EXPECT_FALSE(costs.exceed_scan(60'000, 6'000, 16)) << "the way to the first ones is paid once";
  EXPECT_TRUE(costs.exceed_scan(60'000, 600, 16));
  // What was learned of 160 counts for a tenth of them.
  costs.note(160, 4'000);
  EXPECT_TRUE(costs.exceed_scan(60'000, 6'000, 16));
  EXPECT_FALSE(costs.exceed_scan(60'000, 60'000, 16));
}

TEST(WalkCosts, FollowWhatIsSeen) {
  WalkCosts costs(1);
  EXPECT_TRUE(costs.exceed_scan(100'000, 500, 100'000));
  costs.note(128, 100);
  EXPECT_FALSE(costs.exceed_scan(1'000, 1'000, 128));
  for (int walk = 0; walk < 200; ++walk) costs.note(128, 2'000);
  EXPECT_TRUE(costs.exceed_scan(1'000, 1'000, 128));
}

TEST(WalkCosts, OverCandidatesItIsTheirShareThatMatters) {
  WalkCosts costs(2.5);
  costs.note(32, 300);
  EXPECT_FALSE(costs.of_candidates_exceed_scan(200'000, 20'000, 32));
  EXPECT_TRUE(costs.of_candidates_exceed_scan(200'000, 4'000, 32)) << "too few lead to one another";
  EXPECT_TRUE(costs.of_candidates_exceed_scan(10'000, 2'000, 32)) << "so few are compared sooner";
}

TEST(Nearest, KeepsTheNearestAndBreaksTiesByKey) {
  Nearest nearest(3);
  for (const VectorKey key : {9, 4, 7, 1, 5}) nearest.offer(key, key == 9 ? 0.5F : 1.0F);
  const auto matches = nearest.take();
  ASSERT_EQ(matches.size(), 3U);
  EXPECT_EQ(matches[0].key, 9U);
  EXPECT_EQ(matches[1].key, 1U);
  EXPECT_EQ(matches[2].key, 4U);
}

TEST(ByteCodec, ReturnsWhatWentInAndNoticesWhatIsMissing) {
  const Record record{{"null", Value{}},
                      {"truth", true},
                      {"integer", std::int64_t{-5}},
                      {"real", -0.25},
                      {"text", std::string("ä")},
                      {"bytes", Bytes{std::byte{0}, std::byte{255}}},
                      {"json", Json{"{}"}},
                      {"", std::string()}};
  Encoder encoder;
  encoder.record(record);
  const std::span<const std::byte> bytes = encoder.bytes();
  Decoder decoder(bytes);
  EXPECT_EQ(decoder.record(), record);
  EXPECT_TRUE(decoder.at_end());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(Decoder(bytes.first(size)).record().has_value()) << size;
}

}  // namespace
}  // namespace triune::adapters::usearch
