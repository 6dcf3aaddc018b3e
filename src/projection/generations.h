// The directories a projection lives in, one after the other.
//
//   ROOT/CURRENT                the name of the generation in use, written durably
//   ROOT/gen-000007-usearch/    its files, and which engine wrote them: no other one opens them
//   ROOT/quarantine/            generations that failed, with the reason beside them; the last two are kept
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
  /// `engine` writes and reads them; any file name without a dash. Generations without an engine in their name are from
  /// before it was written there, and whoever has the root wrote them.
  Generations(std::filesystem::path root, std::string engine) : root_(std::move(root)), engine_(std::move(engine)) {}

  /// The generation in use; empty when there is none, its directory is gone, or another engine wrote it.
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
  [[nodiscard]] bool is_ours(const std::string& name) const;

  std::filesystem::path root_;
  std::string engine_;
};

}  // namespace triune::projection
