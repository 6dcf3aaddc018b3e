#include "front/cli/progress.h"

namespace triune::front {

struct ProgressLine::Bar {};

ProgressLine::ProgressLine() : bar_(std::make_unique<Bar>()) {}
ProgressLine::~ProgressLine() {
  finish();
}

Progress ProgressLine::callback() {
  return [this](std::string_view stage, std::uint64_t done, std::uint64_t total) { show(stage, done, total); };
}

void ProgressLine::show(std::string_view, std::uint64_t, std::uint64_t) {}

void ProgressLine::finish() {}

}  // namespace triune::front
