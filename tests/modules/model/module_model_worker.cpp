// The process that is killed: performs random operations of a module and says what it was told.
//
//   module_model_worker HIVE FILES MODULE SEED OPERATIONS
//
// Each operation is a line `do JSON` before it begins and a line `told JSON` once it was answered.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <exception>

#include "modules/model/module_model.h"

namespace triune::testing {
namespace {

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void run(char** arguments) {
  HiveOptions options;
  options.projections = arguments[2];  // of no effect in a directory
  const auto hive = expect(Hive::open(arguments[1], options));
  const auto model = module_model(arguments[3]);
  model->open(*hive);
  const auto seed = number(arguments[4]);
  const auto operations = number(arguments[5]);
  Random random(seed);
  say("ready");
  for (std::uint64_t i = 0; i < operations; ++i) {
    const auto operation = model->next(random);
    say("do " + operation.dump());
    const Actor actor{.id = "model", .request_id = fmt::format("{}-{}", seed, i)};
    say("told " + model->perform(operation, actor).dump());
  }
}

}  // namespace
}  // namespace triune::testing

int main(int count, char** arguments) {
  if (count != 6) return 2;
  try {
    triune::testing::run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
