// The options that every command has, and the opened hive they lead to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "front/cli/exit_code.h"
#include "runtime/progress_bar.h"
#include "triune/hive.h"
#include "triune/status.h"

namespace triune::front {

struct Settings {
  std::string hive = "./hive";  ///< A directory, or the URL of a database, which may hold a password: never printed.
  std::string organization = "default";
  std::string consistency = "session";
  double deadline_seconds = 30;
  bool json = false;
  bool wide = false;
  // What only a hive on a server needs.
  std::string projections;  ///< Empty: below the user's state directory.
  std::string environment = "development";
  std::string blobs = "database";
  bool transaction_pooler = false;
};

/// How a command that writes waits for the projections before it prints its receipt.
struct Waiting {
  double seconds = 30;
  bool skip = false;
};

/// What a command needs of the hive.
struct Opening {
  bool create = false;  ///< Makes the hive when there is none.
  bool project_in_background = true;
  std::uint64_t graph_memory_bytes = 192ULL << 20U;  ///< As in HiveOptions.
  std::uint64_t vector_memory_bytes = 1ULL << 30U;   ///< As in HiveOptions.
};

/// The work of a command; errors are printed by the caller.
using Work = std::function<Result<ExitCode>(Hive&)>;

/// Opens the hive, does the work, writes out what was printed and closes the hive.
Result<ExitCode> with_hive(const Settings& settings, const Opening& opening, const Work& work);

/// The meaning of --consistency: eventual, session, or a token INCARNATION:LSN.
Result<Consistency> parse_consistency(std::string_view text);

/// The reading options of --consistency, --deadline and --limit.
Result<ReadOptions> read_options(const Settings& settings, std::size_t max_rows = ReadOptions{}.max_rows);

/// --deadline from now.
Deadline deadline_of(const Settings& settings);

/// The progress bar of a command: none for a program that reads errors as JSON from a pipe.
runtime::ProgressBar::Mode progress_mode(const Settings& settings);

/// Waits, with a progress bar, until the projections hold the receipt's commit, the time is over or Ctrl-C was pressed.
/// Returns the receipt with what they have reached; that they lag is no error, the receipt says so.
Result<Receipt> settle(Hive& hive, Receipt receipt, const Settings& settings, const Waiting& waiting);

/// The same for the head of the log.
Result<Receipt> settle(Hive& hive, const Settings& settings, const Waiting& waiting);

}  // namespace triune::front
