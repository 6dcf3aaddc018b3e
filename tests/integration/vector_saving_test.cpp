// When a vector projection writes its engine's files although no vector changed.
#include <gtest/gtest.h>

#include "adapters/builtin.h"
#include "migrate/migrate.h"
#include "projection/vector_projection.h"
#include "schema/store_places.h"

namespace triune::projection {
namespace {

/// An engine whose index is as far as the test says; it counts how often it was saved.
struct Script {
  std::uint64_t unindexed = 0;
  unsigned saves = 0;
};

class ScriptedStore final : public contract::VectorStore {
 public:
  explicit ScriptedStore(Script& script) : script_(script) {}

  [[nodiscard]] contract::VectorCapabilities capabilities() const override { return {}; }
  Status open_collection(const contract::VectorSpecification& /*specification*/) override { return {}; }
  Status drop_collection(std::string_view /*collection*/) override { return {}; }
  Status apply(std::string_view /*collection*/, const contract::VectorBatch& /*batch*/) override { return {}; }
  Status bulk_load(std::string_view /*collection*/, std::uint64_t /*expected*/, const contract::VectorSource& source,
                   const contract::Position& position) override {
    position_ = position;
    return source([](const contract::VectorEntry&) { return Status{}; });
  }
  Result<std::optional<contract::Position>> position(std::string_view /*collection*/) override { return position_; }
  Result<std::optional<contract::Position>> saved_position(std::string_view /*collection*/) override { return saved_; }
  Result<contract::VectorAnswer> search(std::string_view /*collection*/, std::span<const float> /*query*/,
                                        const contract::VectorQueryOptions& /*options*/) override {
    return contract::VectorAnswer{};
  }
  Status scan(std::string_view /*collection*/,
              const std::function<Status(contract::VectorKey, std::span<const float>)>& /*visitor*/) override {
    return {};
  }
  Result<contract::VectorStatistics> statistics(std::string_view /*collection*/) override {
    return contract::VectorStatistics{.vectors = 100'000, .unindexed = script_.unindexed};
  }
  Status save(std::string_view /*collection*/) override {
    ++script_.saves;
    saved_ = position_;
    return {};
  }

 private:
  Script& script_;
  std::optional<contract::Position> position_;
  std::optional<contract::Position> saved_;
};

class VectorSaving : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(migrate::apply(place_.store(), "hive", migrate::migrations(contract::Dialect::sqlite),
                               Deadline::after(std::chrono::minutes(1))));
    const Environment environment{.canonical = &place_.store(),
                                  .catalog = &catalog_,
                                  .incarnation = "one",
                                  .organization_id = 1,
                                  .root = directory_.path(),
                                  .engine = {}};
    projection_ = std::make_unique<VectorProjection>(
        environment, 1, VectorCollection{.name = "notes", .dimension = 2}, "scripted",
        [this](const contract::EngineOptions&) -> Result<std::unique_ptr<contract::VectorStore>> {
          return std::make_unique<ScriptedStore>(script_);
        });
    script_.unindexed = 90'000;
    const auto rebuilt = projection_->rebuild({}, Deadline::never());
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
    ASSERT_EQ(script_.saves, 1U);
  }

  testing::StorePlace place_{contract::Dialect::sqlite};
  testing::TemporaryDirectory directory_;
  Catalog catalog_;
  Script script_;
  std::unique_ptr<VectorProjection> projection_;
};

TEST_F(VectorSaving, WhatWasIndexedBehindALoadIsSavedOnceWhenTheProjectionCloses) {
  script_.unindexed = 5'000;
  ASSERT_TRUE(projection_->save(false));
  EXPECT_EQ(script_.saves, 1U) << "in the course of things nothing is written for it";
  ASSERT_TRUE(projection_->save(true));
  EXPECT_EQ(script_.saves, 2U);
  ASSERT_TRUE(projection_->save(true));
  EXPECT_EQ(script_.saves, 2U) << "nothing was indexed since";
}

TEST_F(VectorSaving, ALittleIndexingIsNotWorthWritingEverythingAgain) {
  script_.unindexed = 80'000;
  ASSERT_TRUE(projection_->save(true));
  EXPECT_EQ(script_.saves, 1U);
}

}  // namespace
}  // namespace triune::projection
