#include "runtime/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace triune::runtime {
namespace {

constexpr double silent_seconds = 1;    // shorter work shows nothing
constexpr double redraw_seconds = 0.1;  // on a terminal
constexpr double log_seconds = 5;       // elsewhere
constexpr std::size_t bar_width = 24;
constexpr double one_day = 86'400;

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(std::clamp(seconds, 0.0, one_day)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string bar_text(double share) {
  const auto filled = static_cast<std::size_t>(share * bar_width);
  return fmt::format("[{}{}] {:3.0f} %", std::string(filled, '#'), std::string(bar_width - filled, '-'),
                     std::floor(share * 100));
}

std::size_t columns_of_terminal() {
  if (::isatty(STDERR_FILENO) == 0) return 0;
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void write_to_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string to_text(const ProgressLine& line) {
  std::string text(line.stage);
  const auto share =
      line.total > 0 ? std::min(1.0, static_cast<double>(line.done) / static_cast<double>(line.total)) : 0;
  if (line.total > 0) text += "  " + bar_text(share);
  text += "  " + grouped(line.done);
  if (line.total > 0) text += "/" + grouped(line.total);
  const double seconds = line.elapsed.count();
  const double rate = seconds > 0 ? static_cast<double>(line.done) / seconds : 0;
  if (rate > 0)
    text += rate < 10 ? fmt::format("  {:.1f}/s", rate) : "  " + grouped(static_cast<std::uint64_t>(rate)) + "/s";
  if (share >= 1 || line.total == 0)
    text += "  " + duration_text(seconds);
  else if (rate > 0)
    text += "  " + duration_text(static_cast<double>(line.total - line.done) / rate) + " left";
  return text;
}

ProgressBar::ProgressBar(Mode mode)
    : ProgressBar(mode,
                  {.seconds = steady_seconds, .write = write_to_stderr, .terminal_columns = columns_of_terminal()}) {}

ProgressBar::ProgressBar(Mode mode, Surroundings surroundings) : mode_(mode), surroundings_(std::move(surroundings)) {}

ProgressBar::~ProgressBar() {
  finish();
}

void ProgressBar::update(std::string_view stage, std::uint64_t done, std::uint64_t total) {
  if (mode_ == Mode::quiet) return;
  const double now = surroundings_.seconds();
  if (stage != stage_) {
    finish();
    stage_ = stage;
    started_ = drawn_ = now;
  }
  done_ = done;
  total_ = total;
  const double pause = surroundings_.terminal_columns > 0 ? redraw_seconds : log_seconds;
  if (now - started_ < silent_seconds || (is_shown_ && now - drawn_ < pause)) return;
  draw(now);
}

void ProgressBar::finish() {
  if (is_shown_) {
    draw(surroundings_.seconds());
    if (surroundings_.terminal_columns > 0) surroundings_.write("\n");
  }
  stage_.clear();
  is_shown_ = false;
}

void ProgressBar::draw(double now) {
  auto text = to_text(
      {.stage = stage_, .done = done_, .total = total_, .elapsed = std::chrono::duration<double>(now - started_)});
  if (surroundings_.terminal_columns > 0) {
    // A line that wraps could not be redrawn; no character is cut in two; the rest of an older, longer line is erased.
    auto size = std::min(text.size(), surroundings_.terminal_columns - 1);
    while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    text.resize(size);
    surroundings_.write("\r" + text + "\x1b[K");
  } else {
    surroundings_.write(text + "\n");
  }
  drawn_ = now;
  is_shown_ = true;
}

std::function<void(std::string_view, std::uint64_t, std::uint64_t)> ProgressBar::callback() {
  return [this](std::string_view stage, std::uint64_t done, std::uint64_t total) { update(stage, done, total); };
}

}  // namespace triune::runtime
