// Runs the crash writer on a hive, kills it, and compares what is left with what was acknowledged.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fault/workload.h"
#include "fault/writer_process.h"
#include "support/hive_place.h"
#include "triune/hive.h"

namespace triune::testing {

/// What goes on beside the writing threads.
enum class Beside : std::uint8_t { maintenance, maintenance_and_load, moves };

/// One hive through many crashes. Its methods report violations as test failures.
class CrashRig {
 public:
  /// In a directory, whatever the store of this run is.
  explicit CrashRig(const std::filesystem::path& directory, unsigned writers = 16)
      : location_(directory.string()), files_(directory), writers_(writers) {}
  /// On the store of this run. The place outlives the rig.
  explicit CrashRig(const HivePlace& place, unsigned writers = 16)
      : place_(&place), location_(place.location()), files_(place.directory()), writers_(writers) {}

  /// Begins a round; its threads are named by `thread_name`.
  void next_round() { ++round_; }
  [[nodiscard]] std::string thread_name(unsigned number) const;
  /// Begins a round and starts its 16 writing threads in a process. `failpoint` is "NAME:N" or empty.
  std::unique_ptr<WriterProcess> start(const std::string& failpoint = {}, Beside beside = Beside::maintenance);
  /// Opens the hive after the run's process is gone and checks everything: acknowledged commits whole, unacknowledged
  /// ones whole or absent, projections current and equal, blobs there; then sends what was not acknowledged again (I1,
  /// I3, I8, I11).
  void check(const WriterRun& run);

  /// Runs the bulk load that crashes interrupted to its end: it leaves what one leaves that nothing disturbed.
  void finish_load();

  [[nodiscard]] std::uint64_t commits_checked() const { return commits_checked_; }
  /// Opens the hive, as a test failure when it cannot be.
  [[nodiscard]] std::unique_ptr<Hive> open() const;

 private:
  void settle(Hive& hive, const std::string& thread, const Acknowledged& acknowledged, const Contents& found);

  const HivePlace* place_ = nullptr;
  std::string location_;
  std::filesystem::path files_;
  unsigned writers_;
  unsigned round_ = 0;
  std::map<std::string, Contents> settled_;  // of the threads of earlier rounds
  std::uint64_t commits_checked_ = 0;
};

/// Waits until every projection holds the head of the log and is current.
void expect_current(Hive& hive, std::chrono::milliseconds patience = std::chrono::minutes(2));

/// Compares canonical store and projections: by `verify`, and by counting in the graph engine itself.
void expect_equal_everywhere(Hive& hive);

/// What one thread may have left: what it was told of, or that and the commit that was under way. Sent again, the last
/// one it was told of has no second effect and gets the same answer (I1, I11). Whether the commit under way is there;
/// `workload` is then at what is `found`.
bool expect_acknowledged(Hive& hive, ThreadWorkload& workload, const Acknowledged& acknowledged, const Contents& found);

/// The arguments of a crash writer: `mode` on a hive whose node keeps its files in `files`.
std::vector<std::string> crash_writer(const std::string& mode, const std::string& location,
                                      const std::filesystem::path& files, const std::vector<std::string>& more = {});
std::vector<std::string> crash_writer(const std::string& mode, const HivePlace& place);

/// Opens a hive, as a test failure when it cannot be.
std::unique_ptr<Hive> open_hive(const std::string& location, HiveOptions options = {});
std::unique_ptr<Hive> open_hive(const HivePlace& place, HiveOptions options = {});

}  // namespace triune::testing
