// What the graph suite's cases share: a store in a directory of its own, and short ways to write and to read it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "conformance/graph/engines.h"
#include "conformance/graph/truth.h"
#include "contract/graph_store.h"

namespace triune::conformance {

using contract::GraphBatch;
using contract::GraphSchema;
using contract::Position;
using contract::PropertyType;

/// A deadline that no test reaches unless something hangs.
inline Deadline soon() {
  return Deadline::after(std::chrono::seconds(60));
}

/// The error of a call that must fail.
template <class Outcome>
Error must_fail(Outcome outcome) {
  EXPECT_FALSE(outcome.has_value()) << "the call succeeded";
  return outcome.has_value() ? Error{} : outcome.error();
}

class GraphConformance : public testing::TestWithParam<GraphEngine> {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Closes and opens the store. What is not persistent is gone then.
  void reopen();
  void must(Status status);
  void must_apply(const GraphBatch& batch) { must(store_->apply(batch, soon())); }
  RowSet must_query(std::string_view cypher, const Record& parameters = {},
                    const contract::GraphQueryOptions& options = {});
  /// The only cell of the answer.
  Value must_value(std::string_view cypher, const Record& parameters = {});
  std::string text(const GraphSchema& schema) { return Truth::text_of(*store_, schema); }

  /// Person(name, age, height, member) and City(name), KNOWS(since) among persons, LIVES_IN to cities.
  static GraphSchema people();
  static PutNode person(const std::string& id, Record properties = {}) {
    return {{"Person", id}, std::move(properties)};
  }
  static PutNode city(const std::string& id, Record properties = {}) { return {{"City", id}, std::move(properties)}; }
  static PutEdge knows(const std::string& from, const std::string& to, Record properties = {}) {
    return {{"KNOWS", {"Person", from}, {"Person", to}}, std::move(properties)};
  }
  static PutEdge lives_in(const std::string& from, const std::string& to) {
    return {{"LIVES_IN", {"Person", from}, {"City", to}}, {}};
  }

  std::filesystem::path directory_;
  std::unique_ptr<contract::GraphStore> store_;
};

/// Skips the case when the engine lacks a capability; what it must do then has a case of its own.
#define SKIP_UNLESS(capability) \
  if (!store_->capabilities().capability) GTEST_SKIP() << "the engine has no " #capability

/// One instance of a suite for each engine.
#define FOR_EACH_GRAPH_ENGINE(suite)                                           \
  INSTANTIATE_TEST_SUITE_P(Engines, suite, testing::ValuesIn(graph_engines()), \
                           [](const auto& information) { return information.param.name; })

}  // namespace triune::conformance
