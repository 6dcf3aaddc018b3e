#include "fault/writer_process.h"

#include <algorithm>
#include <csignal>
#include <sstream>

namespace triune::testing {
namespace {

constexpr auto patience = std::chrono::minutes(3);

}  // namespace

std::uint64_t WriterRun::commits() const {
  std::uint64_t sum = 0;
  for (const auto& [name, thread] : threads) sum += thread.commits;
  return sum;
}

std::uint64_t WriterRun::lsn() const {
  std::uint64_t highest = 0;
  for (const auto& [name, thread] : threads) highest = std::max(highest, thread.lsn);
  return highest;
}

std::uint64_t WriterRun::failed() const {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : failures) sum += count;
  return sum;
}

WriterProcess::WriterProcess(const std::vector<std::string>& arguments, const ChildProcess::Environment& environment)
    : child_(arguments, environment) {}

void WriterProcess::note(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  if (word == "ready") ready_ = true;
  if (word == "finished") finished_ = true;
  if (word == "loaded") run_.loaded = true;
  if (word == "error") run_.errors.push_back(line);
  if (word == "refused") ++run_.refused;
  if (word == "graph") words >> run_.graph;
  if (word == "vectors") words >> run_.vectors;
  if (word == "fail") note_failure(line);
  if (word == "ack") note_acknowledgement(line);
}

void WriterProcess::note_failure(const std::string& line) {
  std::istringstream words(line);
  std::string code;
  std::string retry;
  words >> code >> code >> retry;
  ++run_.failures[code + " " + retry];
  if (line.find("is not asked meanwhile") != std::string::npos) ++run_.not_asked;
  // What a lost server, connection or deadline may be called; anything else would mislead the caller.
  if (code != "unavailable" && code != "deadline_exceeded" && code != "resource_exhausted" && code != "conflict")
    run_.unclear.push_back(line);
}

void WriterProcess::note_acknowledgement(const std::string& line) {
  std::istringstream words(line);
  std::string thread;
  std::uint64_t number = 0;
  std::uint64_t lsn = 0;
  words >> thread >> thread >> number >> lsn;
  auto& known = run_.threads[thread];
  if (number != known.commits) run_.errors.push_back("out of order: " + line);
  if (lsn <= known.lsn) run_.errors.push_back("an lsn that does not grow: " + line);
  known = {.commits = number + 1, .lsn = lsn};
}

bool WriterProcess::collect(std::chrono::milliseconds time) {
  return child_.read_lines(time, [this](const std::string& line) {
    note(line);
    return true;
  });
}

bool WriterProcess::wait_until(const bool& reached) {
  if (reached) return true;
  child_.read_lines(patience, [&](const std::string& line) {
    note(line);
    return !reached;
  });
  return reached;
}

bool WriterProcess::wait_until_ready() {
  return wait_until(ready_);
}

bool WriterProcess::wait_until_finished() {
  return wait_until(finished_);
}

void WriterProcess::stop_writing() const {
  send(SIGUSR2);
}

void WriterProcess::settle() const {
  send(SIGUSR1);
}

WriterRun WriterProcess::finish() {
  if (collect(patience)) {
    run_.errors.emplace_back("the writer does not end");
    send(SIGKILL);
    collect(patience);
  }
  run_.ending = child_.wait();
  return run_;
}

}  // namespace triune::testing
