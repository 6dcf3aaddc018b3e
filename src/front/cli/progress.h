// Progress of a long call on standard error.
#pragma once

#include <memory>

#include "triune/hive.h"

namespace triune::front {

/// Shows nothing in the first second, then one line that is redrawn on a terminal and written now and then elsewhere.
/// One thread.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();  ///< Finishes.

  /// What the hive's long calls take. Lives no longer than this object.
  Progress callback();
  void show(std::string_view stage, std::uint64_t done, std::uint64_t total);
  /// Clears the line, so that the answer stands alone. Idempotent.
  void finish();

 private:
  struct Bar;
  std::unique_ptr<Bar> bar_;
};

}  // namespace triune::front
