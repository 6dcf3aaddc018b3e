#include "support/s3_server.h"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "support/child_process.h"

namespace triune::testing {
namespace {

constexpr auto patience = std::chrono::seconds(60);

std::filesystem::path python() {
  const char* const cache = std::getenv("TRIUNE_CACHE");
  const char* const home = std::getenv("HOME");
  const std::filesystem::path root = cache != nullptr
                                         ? std::filesystem::path(cache)
                                         : std::filesystem::path(home == nullptr ? "/" : home) / ".cache" / "triune";
  return root / "s3_server" / TRIUNE_S3_SERVER_LOCK / "bin" / "python3";
}

std::string run(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{python().string(), TRIUNE_S3_SERVER_SCRIPT};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const auto output = run_program(all);
  if (output.exit_code != 0) throw std::runtime_error("the S3 server's objects cannot be changed: " + output.text);
  return output.text;
}

}  // namespace

bool S3Server::is_installed() {
  std::error_code ignored;
  return std::filesystem::exists(python().parent_path().parent_path() / ".complete", ignored);
}

S3Server::S3Server()
    : process_(std::make_unique<ChildProcess>(
          std::vector<std::string>{python().string(), TRIUNE_S3_SERVER_SCRIPT, "serve", bucket_})) {
  std::string address;
  process_->read_lines(patience, [&](const std::string& line) {
    if (line.starts_with("http://")) address = line;
    return address.empty();
  });
  if (address.empty()) throw std::runtime_error("the S3 server does not start");
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"AWS_ENDPOINT", address.c_str()},
                                                                  {"AWS_ALLOW_HTTP", "true"},
                                                                  {"AWS_REGION", "us-east-1"},
                                                                  {"AWS_ACCESS_KEY_ID", "test"},
                                                                  {"AWS_SECRET_ACCESS_KEY", "test"}})
    ::setenv(name, value, 1);
}

S3Server::~S3Server() {
  for (const auto* const name :
       {"AWS_ENDPOINT", "AWS_ALLOW_HTTP", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
    ::unsetenv(name);
}

void S3Server::replace_folder(const std::string& from, const std::string& to) const {
  run({"replace", bucket_, from, to});
}

int S3Server::remove(const std::string& prefix, const std::string& part) const {
  return std::stoi(run({"remove", bucket_, prefix, part}));
}

}  // namespace triune::testing
