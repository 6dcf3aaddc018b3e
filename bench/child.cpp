#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "model/json.h"
#include "scenarios.h"

namespace triune::bench {

Record in_child(const Settings& settings, std::string_view task, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{settings.program.string(), "--child", std::string(task)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
  const auto child = ::fork();
  if (child < 0) throw std::runtime_error("cannot make a process");
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string output;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    output.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(fmt::format("the child process for {} failed", task));
  return must(model::parse_json_object(output));
}

double number(const Record& record, std::string_view name) {
  const auto* const value = find(record, name);
  if (value != nullptr) {
    if (const auto* const real = std::get_if<double>(value)) return *real;
    if (const auto* const integer = std::get_if<std::int64_t>(value)) return static_cast<double>(*integer);
  }
  throw std::runtime_error(fmt::format("the child process did not say its {}", name));
}

}  // namespace triune::bench
