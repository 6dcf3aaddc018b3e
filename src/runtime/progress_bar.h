// Progress for people, on stderr, so that stdout holds only answers.
//
// On a terminal one line is redrawn, with a bar, the rate and the time left; elsewhere (a log, CI) a plain line appears
// every few seconds. Work that is over within a second shows nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace triune::runtime {

/// How long, how far, what a line of it looks like: the pure half, for tests.
struct ProgressLine {
  std::string_view stage;
  std::uint64_t done = 0;
  std::uint64_t total = 0;  ///< 0: unknown.
  std::chrono::duration<double> elapsed{0};
};

/// "loading nodes  [#####-----]  50 %  1,234/2,468  617/s  2 s left"; without a total no bar, share and time left.
std::string to_text(const ProgressLine& line);

/// Belongs to one thread. Its `update` has the form of `triune::Progress`, so a bar can be handed to the hive:
///   ProgressBar bar; hive->verify(bar.callback());
class ProgressBar {
 public:
  enum class Mode : std::uint8_t {
    automatic,  ///< Redraws on a terminal, plain lines elsewhere.
    quiet,      ///< Nothing, ever.
  };

  explicit ProgressBar(Mode mode = Mode::automatic);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();  ///< Finishes.

  /// Work has come to `done` of `total` (0: unknown) in `stage`. Cheap: draws at most ten times a second. Another stage
  /// starts its time anew.
  void update(std::string_view stage, std::uint64_t done, std::uint64_t total);
  /// Ends the stage: its last line stays on a terminal, so that a person sees what it came to.
  void finish();

  /// `update` as a function; valid as long as the bar.
  std::function<void(std::string_view, std::uint64_t, std::uint64_t)> callback();

  /// For tests: the clock in seconds, where to write, and whether that is a terminal of so many columns (0: it is
  /// none).
  struct Surroundings {
    std::function<double()> seconds;
    std::function<void(std::string_view)> write;
    std::size_t terminal_columns = 0;
  };
  ProgressBar(Mode mode, Surroundings surroundings);

 private:
  void draw(double now);

  Mode mode_;
  Surroundings surroundings_;
  std::string stage_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  double started_ = 0;     ///< When the stage began, in seconds.
  double drawn_ = 0;       ///< When it was drawn last.
  bool is_shown_ = false;  ///< Whether a line of this stage was drawn.
};

}  // namespace triune::runtime
