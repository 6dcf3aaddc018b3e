// The engines under test; a new one is one entry here.
#include "adapters/builtin.h"
#include "conformance/relational/suite.h"

namespace triune::conformance {
namespace {

RelationalQuirks sqlite() {
  return {
      .engine = "sqlite",
      .factory = [] { return adapters::builtin().relational.at("sqlite"); },
      .table_suffix = " STRICT",
      .booleans_are_integers = true,
      .json_is_text = true,
      .longest_value = 64ULL << 20U,
      .endless_query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
      .endless_write =
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
          "INSERT INTO numbers(value) SELECT max(i) FROM n",
      .full_text_create = "CREATE VIRTUAL TABLE words USING fts5(body)",
      .full_text_insert = "INSERT INTO words(body) VALUES(?1)",
      .full_text_query = "SELECT body FROM words WHERE words MATCH ?1 ORDER BY rank",
  };
}

}  // namespace

std::vector<RelationalQuirks> engines() {
  return {sqlite()};
}

std::string engine_name(const testing::TestParamInfo<RelationalQuirks>& parameter) {
  return parameter.param.engine;
}

INSTANTIATE_TEST_SUITE_P(Engines, RelationalConformance, testing::ValuesIn(engines()), engine_name);

}  // namespace triune::conformance
