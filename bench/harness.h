// What every scenario works with: the settings of a run, the rows it reports, time, samples, progress.
//
// A scenario is a function that takes a `Bench` and adds rows. It gives up by throwing; `main` then reports the failure
// as a row of its own and goes on with the next one.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/progress_bar.h"
#include "triune/hive.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::bench {

/// How large the data are: `quick` a tenth and shorter, `normal` what DESIGN.md's table names, `full` longer.
enum class Size : std::uint8_t { quick, normal, full };

struct Settings {
  Size size = Size::normal;
  bool fresh = false;             ///< Make prepared data anew.
  std::filesystem::path cache;    ///< Where generated data stay between runs.
  std::filesystem::path program;  ///< This program, for child processes.
};

/// The value of a result that must be there; its error is thrown.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
inline void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  [[nodiscard]] double milliseconds() const { return seconds() * 1e3; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// Measured values of one thing.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  void add(const Samples& others) { values_.insert(values_.end(), others.values_.begin(), others.values_.end()); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] double median() const { return percentile(50); }
  /// The smallest value that `percent` of all do not exceed; 0 when there are none.
  [[nodiscard]] double percentile(double percent) const;
  [[nodiscard]] double largest() const { return percentile(100); }

 private:
  std::vector<double> values_;
};

/// One line of the table: ours, the peer, and whether the goal was met.
struct Row {
  std::string name;
  std::string unit;
  double ours = 0;
  std::optional<double> peer;
  std::string peer_name;
  std::string goal;
  std::optional<bool> met;
  Record details;

  [[nodiscard]] std::optional<double> ratio() const;  ///< ours / peer
  Row& against(std::string name_of_peer, double value);
  Row& ratio_at_least(double limit);
  Row& ratio_at_most(double limit);
  Row& at_least(double limit);
  Row& at_most(double limit);
  Row& detail(std::string name_of_detail, Value value);
};

/// A row without a peer and a goal yet.
Row measured(std::string name, std::string unit, double ours);

/// One run.
class Bench {
 public:
  explicit Bench(Settings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] const Settings& settings() const { return settings_; }
  /// The value for the size of this run.
  template <class T>
  [[nodiscard]] T sized(T quick, T normal, T full) const {
    return settings_.size == Size::quick ? quick : settings_.size == Size::normal ? normal : full;
  }
  [[nodiscard]] std::string_view size_name() const;

  /// Says what is going on, on stderr.
  void say(const std::string& text);
  Progress progress() { return bar_.callback(); }
  void update(std::string_view stage, std::uint64_t done, std::uint64_t total) { bar_.update(stage, done, total); }

  /// Reports a row and prints it.
  void add(Row row);
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }

 private:
  Settings settings_;
  runtime::ProgressBar bar_;
  std::vector<Row> rows_;
};

/// Seconds that `work` takes.
double timed(const std::function<void()>& work);

/// Seconds of processor time that all threads of this process have taken: of use where the machine is shared.
double processor_seconds();

/// Waits until this process does next to nothing for a second: until indexes are built behind what was loaded. Throws
/// after half an hour.
void wait_until_idle();

/// Kilobytes of this process in /proc/self/status under `name` ("VmRSS", "VmHWM", "RssAnon").
std::uint64_t process_kilobytes(std::string_view name);

/// Reads a file, or all files below a folder, so that they are in the system's page cache: peers hold all of theirs in
/// memory, and disks are not compared.
void read_into_page_cache(const std::filesystem::path& path);

/// A directory on the cache's file system that goes with the object.
class WorkFolder {
 public:
  WorkFolder(const Settings& settings, std::string_view name);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A folder of generated data that stays in the cache. `make` fills it when it is not there yet, was made by another
/// schema of the hive or another version of the generators, or when `--fresh` asks for it.
std::filesystem::path prepared(Bench& bench, const std::string& name,
                               const std::function<void(const std::filesystem::path&)>& make);

}  // namespace triune::bench
