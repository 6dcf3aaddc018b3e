#include "fault_postgres/node_process.h"

#include <algorithm>
#include <csignal>
#include <sstream>

namespace triune::testing {
namespace {

constexpr auto patience = std::chrono::minutes(3);

}  // namespace

std::uint64_t NodeRun::commits() const {
  std::uint64_t sum = 0;
  for (const auto& [name, thread] : threads) sum += thread.commits;
  return sum;
}

std::uint64_t NodeRun::failed() const {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : failures) sum += count;
  return sum;
}

NodeProcess::NodeProcess(const std::string& url, const std::filesystem::path& directory, const std::string& name,
                         unsigned threads, std::uint64_t commits)
    : child_({TRIUNE_NODE_WRITER, "commits", url, directory.string(), name, std::to_string(threads),
              std::to_string(commits)}) {}

void NodeProcess::note(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  if (word == "ready") ready_ = true;
  if (word == "finished") finished_ = true;
  if (word == "error") run_.errors.push_back(line);
  if (word == "refused") ++run_.refused;
  if (word == "graph") words >> run_.graph;
  if (word == "vectors") words >> run_.vectors;
  if (word == "fail") {
    std::string code;
    std::string retry;
    words >> code >> retry;
    ++run_.failures[code + " " + retry];
    if (line.find("is not asked meanwhile") != std::string::npos) ++run_.not_asked;
    // What a lost server, connection or deadline may be called; anything else would mislead the caller.
    if (code != "unavailable" && code != "deadline_exceeded" && code != "resource_exhausted" && code != "conflict")
      run_.unclear.push_back(line);
  }
  if (word != "ack") return;
  std::string thread;
  std::uint64_t number = 0;
  std::uint64_t lsn = 0;
  words >> thread >> number >> lsn;
  auto& known = run_.threads[thread];
  if (number != known.commits) run_.errors.push_back("out of order: " + line);
  if (lsn <= known.lsn) run_.errors.push_back("an lsn that does not grow: " + line);
  known = {.commits = number + 1, .lsn = lsn};
}

bool NodeProcess::collect(std::chrono::milliseconds time) {
  return child_.read_lines(time, [this](const std::string& line) {
    note(line);
    return true;
  });
}

bool NodeProcess::wait_until(const bool& reached) {
  if (reached) return true;
  child_.read_lines(patience, [&](const std::string& line) {
    note(line);
    return !reached;
  });
  return reached;
}

bool NodeProcess::wait_until_ready() {
  return wait_until(ready_);
}

bool NodeProcess::wait_until_finished() {
  return wait_until(finished_);
}

void NodeProcess::settle() const {
  child_.send(SIGUSR1);
}

void NodeProcess::stop_writing() const {
  child_.send(SIGUSR2);
}

void NodeProcess::kill9() {
  child_.send(SIGKILL);
}

Ending NodeProcess::finish() {
  if (collect(patience)) {
    run_.errors.emplace_back("the node does not end");
    child_.send(SIGKILL);
    collect(patience);
  }
  return child_.wait();
}

}  // namespace triune::testing
