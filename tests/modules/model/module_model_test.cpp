// Random operations of each module, with kills between, against a plain model of it. TRIUNE_STRESS_ROUNDS and
// TRIUNE_STRESS_SEED change how long and which.
#include <gtest/gtest.h>

#include "modules/model/model_rig.h"
#include "stress/settings.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

class ModuleModelTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ModuleModelTest, WhatWasAcknowledgedIsThereAfterEveryKillAndNothingElse) {
  const auto seed = stress_seed();
  SCOPED_TRACE(::testing::Message() << "TRIUNE_STRESS_SEED=" << seed);
  const auto rounds = stress_size("TRIUNE_STRESS_ROUNDS", 4, 60);
  const TemporaryDirectory directory;
  const HivePlace place(directory.path(), "hive");
  ModelRig rig(place, GetParam(), seed);
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) rig.round(120);
  rig.finish();
  std::cout << rig.operations() << " operations, " << rig.in_flight() << " in flight when their process ended\n";
}

INSTANTIATE_TEST_SUITE_P(Modules, ModuleModelTest, ::testing::ValuesIn(module_models()),
                         [](const auto& module) { return module.param; });

}  // namespace
}  // namespace triune::testing
