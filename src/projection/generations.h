// The directories a projection lives in, one after the other.
//
//   ROOT/CURRENT        the name of the generation in use, written durably
//   ROOT/gen-000007/    its files
//   ROOT/quarantine/    generations that failed, with the reason beside them; the last two are kept
//
// A rebuild fills a new generation beside the one in use and then publishes it, so that reads go on and a kill at any
// moment leaves the old one in place (I4).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::projection {

class Generations {
 public:
  explicit Generations(std::filesystem::path root) : root_(std::move(root)) {}

  /// The generation in use; empty when there is none, or its directory is gone.
  Result<std::optional<std::filesystem::path>> current() const;
  /// An empty directory for the next generation. What unfinished rebuilds left is removed.
  Result<std::filesystem::path> begin() const;
  /// Makes `generation` the one in use.
  Status publish(const std::filesystem::path& generation) const;
  /// Removes every generation but the one in use. Call when nobody reads them any more.
  Status remove_others() const;
  /// Moves the generation in use aside and notes why. Afterwards there is none.
  Status quarantine(std::string_view reason) const;
  /// Removes everything.
  Status drop() const;

 private:
  std::filesystem::path root_;
};

}  // namespace triune::projection
