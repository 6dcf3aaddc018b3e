// A disk whose power can be cut: an ext4 file system in a file, shut down without flushing its journal. What was not
// synced is gone then, as after a real cut.
//
// Traps:
// - Freeze the writer before the cut (`ChildProcess::freeze`). A sync that races the cut may return success for what
//   the disk then lacks, which no disk does.
// - By default ext4 flushes a file that is renamed over another or truncated to nothing, and so hides syncs that are
//   missing: mounted with noauto_da_alloc it does not. With data=writeback it also commits a file's size before its
//   bytes.
// - Mounts are private to this process, and the loop device goes with its last user, so a test that dies leaves none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <string>

#include "support/temporary_directory.h"

namespace triune::testing {

/// What the file system promises beyond what is synced.
enum class Journaling : std::uint8_t { ordered, writeback };

/// Thread rule: belongs to the thread that made it. Failures throw.
class PowerCutDisk {
 public:
  /// Why there can be none on this machine; none when there can.
  static std::optional<std::string> why_not();

  explicit PowerCutDisk(Journaling journaling);
  ~PowerCutDisk();
  PowerCutDisk(const PowerCutDisk&) = delete;
  PowerCutDisk& operator=(const PowerCutDisk&) = delete;

  /// Where it is mounted.
  [[nodiscard]] const std::filesystem::path& path() const { return mounted_; }
  /// Syncs some files, as the kernel may at any time: what is lost is then not merely the newest.
  void write_back_some(std::mt19937_64& random) const;
  /// From now on nothing reaches the disk.
  void cut() const;
  /// Mounts what the disk holds after a cut. Nobody may have files open on it.
  void restart();

 private:
  void mount() const;
  void unmount() const;

  TemporaryDirectory directory_;
  std::filesystem::path mounted_ = directory_.path() / "disk";
  Journaling journaling_;
  int device_ = -1;
  std::string device_path_;
};

}  // namespace triune::testing
