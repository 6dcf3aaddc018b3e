#include "integration/cli_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace triune::testing {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

void redirect(const std::filesystem::path& path, int flags, int descriptor) {
  const int opened = ::open(path.c_str(), flags, 0600);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
  ::close(opened);
}

/// Becomes the binary, with the three streams in files.
[[noreturn]] void become(const std::filesystem::path& directory, std::vector<std::string> arguments) {
  redirect(directory / "stdin", O_RDONLY, STDIN_FILENO);
  redirect(directory / "stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(directory / "stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  ::unsetenv("TRIUNE_HIVE");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());
  ::_exit(127);
}

}  // namespace

std::vector<Json> Outcome::lines() const {
  std::vector<Json> documents;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);) documents.push_back(Json::parse(line));
  return documents;
}

std::ostream& operator<<(std::ostream& to, const Outcome& outcome) {
  return to << "exit code " << outcome.exit_code << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err;
}

CliTest::CliTest() {
  if (!on_postgres()) return;
  const auto options = place_.options();
  ::setenv("TRIUNE_PROJECTIONS", options.projections.c_str(), 1);
  if (options.transaction_pooler) ::setenv("TRIUNE_POOLER", "1", 1);
}

CliTest::~CliTest() {
  ::unsetenv("TRIUNE_PROJECTIONS");
  ::unsetenv("TRIUNE_POOLER");
}

bool CliTest::hive_exists() const {
  if (!on_postgres()) return std::filesystem::exists(hive());
  return place_.other_program("SELECT to_regclass('triune_hive') IS NOT NULL") == "t\n";
}

pid_t CliTest::start(std::vector<std::string> arguments) const {
  return start_program(TRIUNE_BINARY, std::move(arguments));
}

pid_t CliTest::start_program(const std::string& program, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program);
  if (!std::filesystem::exists(path("stdin"))) std::ofstream(path("stdin")).close();
  const pid_t process = ::fork();
  if (process == 0) become(directory_.path(), std::move(arguments));
  return process;
}

Outcome CliTest::finish(pid_t process) const {
  int status = 0;
  if (process <= 0 || ::waitpid(process, &status, 0) != process) return {};
  Outcome outcome{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                  .out = read_text(path("stdout")),
                  .err = read_text(path("stderr"))};
  return outcome;
}

Outcome CliTest::interrupt_at(const std::string& failpoint, std::vector<std::string> arguments) const {
  ::setenv("TRIUNE_FAILPOINT", (failpoint + ":stop").c_str(), 1);
  const auto process = start(std::move(arguments));
  ::unsetenv("TRIUNE_FAILPOINT");
  int status = 0;
  if (::waitpid(process, &status, WUNTRACED) != process || !WIFSTOPPED(status)) {
    ADD_FAILURE() << failpoint << " was not reached\n" << read_text(path("stdout")) << read_text(path("stderr"));
    return {};
  }
  EXPECT_EQ(::kill(process, SIGINT), 0);
  EXPECT_EQ(::kill(process, SIGCONT), 0);
  return finish(process);
}

Outcome CliTest::bare(std::vector<std::string> arguments, std::string_view input) const {
  std::ofstream(path("stdin"), std::ios::binary) << input;
  return finish(start(std::move(arguments)));
}

Outcome CliTest::triune(std::vector<std::string> arguments, std::string_view input) const {
  arguments.insert(arguments.begin(), {"--hive", hive()});
  return bare(std::move(arguments), input);
}

Outcome CliTest::succeed(std::vector<std::string> arguments, std::string_view input) const {
  std::string command;
  for (const auto& argument : arguments) command += " " + argument;
  arguments.push_back("--json");
  auto outcome = triune(std::move(arguments), input);
  EXPECT_EQ(outcome.exit_code, 0) << "triune" << command << "\n" << outcome;
  return outcome;
}

void CliTest::make_hive() const {
  ASSERT_EQ(triune({"init"}).exit_code, 0);
}

Outcome CliTest::commit(const std::vector<std::string>& changes, std::vector<std::string> options) const {
  std::string input;
  for (const auto& change : changes) input += change + "\n";
  options.insert(options.begin(), {"commit", "-", "--json"});
  return triune(std::move(options), input);
}

std::string CliTest::file(std::string_view name, std::string_view text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name).string();
}

}  // namespace triune::testing
