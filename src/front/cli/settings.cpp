#include "front/cli/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/try.h"
#include "front/cli/interrupt.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

std::chrono::milliseconds to_milliseconds(double seconds) {
  constexpr double longest = 365.0 * 24 * 3600;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::clamp(seconds, 0.0, longest) * 1000));
}

/// How far the slowest projection is; the head when there is none.
std::uint64_t slowest(const Receipt& receipt) {
  std::uint64_t lsn = receipt.lsn;
  for (const auto& projection : receipt.projections) lsn = std::min(lsn, projection.watermark);
  return lsn;
}

/// Waits in short turns, to draw and to notice Ctrl-C between them.
void wait_for_projections(Hive& hive, const Token& token, Deadline deadline, runtime::ProgressBar::Mode mode) {
  runtime::ProgressBar progress(mode);
  while (!deadline.expired() && !interrupted()) {
    const auto turn = std::min(deadline.remaining(), std::chrono::milliseconds(200));
    const auto reached = hive.wait(token, Deadline::after(turn));
    if (reached) return progress.update("projecting", token.lsn, token.lsn);
    if (reached.error().code != ErrorCode::deadline_exceeded) {
      progress.finish();
      note(fmt::format("the projections do not follow: {}", reached.error().message));
      return;
    }
    if (const auto receipt = hive.receipt()) progress.update("projecting", slowest(*receipt), token.lsn);
  }
}

}  // namespace

Result<ExitCode> with_hive(const Settings& settings, const Opening& opening, const Work& work) {
  HiveOptions options;
  options.organization = settings.organization;
  options.create = opening.create;
  options.project_in_background = opening.project_in_background;
  options.graph_memory_bytes = opening.graph_memory_bytes;
  options.vector_memory_bytes = opening.vector_memory_bytes;
  options.projections = settings.projections;
  options.environment = settings.environment;
  options.blobs = settings.blobs;
  options.transaction_pooler = settings.transaction_pooler;
  TRIUNE_ASSIGN(const std::unique_ptr<Hive> hive, Hive::open(settings.hive, std::move(options)));
  auto done = work(*hive);
  flush_output();  // People see the answer before the projections are saved.
  const auto closed = hive->close();
  if (done && !closed) return std::unexpected(closed.error());
  return done;
}

Result<Consistency> parse_consistency(std::string_view text) {
  if (text == "eventual") return Consistency::eventual();
  if (text == "session") return Consistency::session();
  const auto colon = text.rfind(':');
  Token token;
  if (colon != std::string_view::npos && colon > 0) {
    token.incarnation = text.substr(0, colon);
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, token.lsn);
    if (read.ec == std::errc() && read.ptr == end) return Consistency::at_least(std::move(token));
  }
  return failure(ErrorCode::invalid_argument,
                 fmt::format("'{}' is none of eventual, session and a token INCARNATION:LSN", text));
}

Result<ReadOptions> read_options(const Settings& settings, std::size_t max_rows) {
  TRIUNE_ASSIGN(Consistency consistency, parse_consistency(settings.consistency));
  return ReadOptions{.consistency = std::move(consistency), .deadline = deadline_of(settings), .max_rows = max_rows};
}

Deadline deadline_of(const Settings& settings) {
  return Deadline::after(to_milliseconds(settings.deadline_seconds));
}

runtime::ProgressBar::Mode progress_mode(const Settings& settings) {
  using Mode = runtime::ProgressBar::Mode;
  return settings.json && ::isatty(STDERR_FILENO) != 1 ? Mode::quiet : Mode::automatic;
}

Result<Receipt> settle(Hive& hive, Receipt receipt, const Settings& settings, const Waiting& waiting) {
  const CaughtInterrupts caught;
  if (!waiting.skip)
    wait_for_projections(hive, receipt.token(), Deadline::after(to_milliseconds(waiting.seconds)),
                         progress_mode(settings));
  TRIUNE_ASSIGN(Receipt now, hive.receipt());
  receipt.projections = std::move(now.projections);
  return receipt;
}

Result<Receipt> settle(Hive& hive, const Settings& settings, const Waiting& waiting) {
  TRIUNE_ASSIGN(Receipt head, hive.receipt());
  return settle(hive, std::move(head), settings, waiting);
}

}  // namespace triune::front
