// The queries of LSQB on its smallest data set: nine counts over joins of 3 to 8 relations.
#include <gtest/gtest.h>

#include "oracle/loaded_hive.h"

namespace triune::testing {
namespace {

class Lsqb : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    statements_ = read_statements("lsqb/lsqb_queries.test");
    loaded_ = std::make_unique<LoadedHive>("lsqb-sf01", mentioned(read_tables("lsqb-sf01"), statements_));
  }
  static void TearDownTestSuite() { loaded_.reset(); }

  static inline std::vector<OracleStatement> statements_;
  static inline std::unique_ptr<LoadedHive> loaded_;
};

TEST_F(Lsqb, EveryQueryCountsInTheGraphEngineWhatIsExpected) {
  EXPECT_EQ(statements_.size(), 9U);
  for (const auto& statement : statements_) {
    EXPECT_EQ(loaded_->rows(federated(statement.text)), statement.rows) << statement.name;
  }
}

}  // namespace
}  // namespace triune::testing
