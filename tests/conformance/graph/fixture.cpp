#include "conformance/graph/fixture.h"

#include "triune/ids.h"

namespace triune::conformance {

void GraphConformance::SetUp() {
  directory_ = std::filesystem::temp_directory_path() / ("triune-graph-" + new_id());
  reopen();
}

void GraphConformance::TearDown() {
  store_.reset();
  std::filesystem::remove_all(directory_);
}

void GraphConformance::reopen() {
  store_.reset();
  auto opened = open_engine(GetParam(), directory_);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  store_ = std::move(*opened);
}

void GraphConformance::must(Status status) {
  ASSERT_TRUE(status.has_value()) << status.error().message;
}

RowSet GraphConformance::must_query(std::string_view cypher, const Record& parameters,
                                    const contract::GraphQueryOptions& options) {
  auto rows = store_->query(cypher, parameters, options);
  EXPECT_TRUE(rows.has_value()) << cypher << ": " << (rows ? "" : rows.error().message);
  return rows ? std::move(rows->rows) : RowSet{};
}

Value GraphConformance::must_value(std::string_view cypher, const Record& parameters) {
  const auto rows = must_query(cypher, parameters);
  EXPECT_EQ(rows.rows.size(), 1U) << cypher;
  return rows.rows.size() == 1 && rows.rows[0].size() == 1 ? rows.rows[0][0] : Value(Null{});
}

GraphSchema GraphConformance::people() {
  return {.labels = {{"Person",
                      {{"name", PropertyType::text},
                       {"age", PropertyType::int64},
                       {"height", PropertyType::float64},
                       {"member", PropertyType::boolean}}},
                     {"City", {{"name", PropertyType::text}}}},
          .types = {{"KNOWS", {{"Person", "Person"}}, {{"since", PropertyType::int64}, {"note", PropertyType::text}}},
                    {"LIVES_IN", {{"Person", "City"}}, {}}}};
}

}  // namespace triune::conformance
