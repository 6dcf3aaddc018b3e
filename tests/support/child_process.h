// A child process whose standard output is read line by line.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace triune::testing {

/// How a process ended.
struct Ending {
  int exit_code = -1;  ///< -1 when a signal ended it.
  int signal = 0;      ///< The signal that ended it; 0 when it ended by itself.
};

/// Thread rule: belongs to one thread. Destruction kills a process that still runs.
class ChildProcess {
 public:
  using Environment = std::vector<std::string>;  ///< "NAME=VALUE", besides the parent's.

  /// Starts `arguments[0]`, looked up in PATH. Throws when it cannot be started.
  explicit ChildProcess(std::vector<std::string> arguments, const Environment& environment = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Reads whole lines until `patience` has passed, the output ends, or `receive` returns false. Returns false once the
  /// output has ended.
  bool read_lines(std::chrono::milliseconds patience, const std::function<bool(const std::string&)>& receive);
  void send(int signal) const;
  /// Stops the process and waits until each of its threads rests, between two system calls. A thread that waits for the
  /// disk first gets its answer.
  void freeze() const;
  /// Waits for the end. The output must have been read, or be short.
  Ending wait();

 private:
  pid_t process_ = -1;
  int output_ = -1;
  std::string pending_;  // a line that is not whole yet
};

/// What a program that ran to its end left.
struct Output {
  int exit_code = -1;
  std::string text;  ///< Standard output and standard error.
};

/// Runs a program to its end.
Output run_program(const std::vector<std::string>& arguments);

}  // namespace triune::testing
