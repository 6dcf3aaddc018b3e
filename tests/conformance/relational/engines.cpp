// The engines under test; a new one is one entry here.
#include "conformance/relational/suite.h"

namespace triune::conformance {

std::vector<RelationalQuirks> engines() {
  return {sqlite_quirks(), postgres_quirks(), postgres_pooler_quirks()};
}

std::string engine_name(const ::testing::TestParamInfo<RelationalQuirks>& parameter) {
  return parameter.param.name;
}

INSTANTIATE_TEST_SUITE_P(Engines, RelationalConformance, ::testing::ValuesIn(engines()), engine_name);

}  // namespace triune::conformance
