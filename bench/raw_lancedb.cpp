// The peer LanceDB, in a Python process: the SDK that ./dev build --with lancedb installs, driven by raw_lancedb.py.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "model/json.h"
#include "vector_run.h"
#include "vector_set.h"

namespace triune::bench {
namespace {

/// A Python program that answers each line with a line.
class LineProcess {
 public:
  LineProcess(const std::string& python, const std::string& program) {
    std::array<int, 2> down{};
    std::array<int, 2> up{};
    if (::pipe2(down.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("cannot make a pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, down[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, up[1], STDOUT_FILENO);
    std::array<std::string, 3> words{python, "-I", program};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    // As many threads as the other contenders build with; what ours is bounded to as well.
    std::vector<std::string> variables{"TOKIO_WORKER_THREADS=2",
                                       "LANCE_CPU_THREADS=2",
                                       "RAYON_NUM_THREADS=2",
                                       "OMP_NUM_THREADS=1",
                                       "LANCE_LOG=error",
                                       "RUST_LOG=error",
                                       "LANCE_INCLUDE_VECTOR_CENTROIDS=false"};
    for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
    std::vector<char*> environment;
    for (auto& each : variables) environment.push_back(each.data());
    environment.push_back(nullptr);
    const int error = ::posix_spawn(&process_, python.c_str(), &actions, nullptr, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(down[0]);
    ::close(up[1]);
    if (error != 0) throw std::runtime_error("cannot start " + python);
    to_ = ::fdopen(down[1], "w");
    from_ = ::fdopen(up[0], "r");
  }
  ~LineProcess() {
    std::fclose(to_);
    std::fclose(from_);
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  LineProcess(const LineProcess&) = delete;
  LineProcess& operator=(const LineProcess&) = delete;

  Record ask(const Record& request) {
    const auto line = to_json(request) + "\n";
    if (std::fputs(line.c_str(), to_) < 0 || std::fflush(to_) != 0) throw std::runtime_error("raw LanceDB has ended");
    char* answer = nullptr;
    std::size_t size = 0;
    const auto got = ::getline(&answer, &size, from_);
    const std::string text = got > 0 ? std::string(answer, static_cast<std::size_t>(got)) : std::string();
    std::free(answer);
    if (text.empty()) throw std::runtime_error("raw LanceDB has ended; its reason stands above");
    return must(model::parse_json_object(text));
  }
  [[nodiscard]] pid_t id() const { return process_; }

 private:
  pid_t process_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

std::filesystem::path python() {
  const char* const given = std::getenv("TRIUNE_LANCEDB");
  if (given != nullptr) return std::filesystem::path(given) / "bin" / "python3";
  const char* const cache = std::getenv("TRIUNE_CACHE");
  const char* const home = std::getenv("HOME");
  const auto root = cache != nullptr ? std::filesystem::path(cache)
                                     : std::filesystem::path(home == nullptr ? "." : home) / ".cache" / "triune";
  return root / "lancedb" / TRIUNE_LANCEDB_LOCK / "bin" / "python3";
}

/// [[1,2],[3]] to numbers.
std::vector<Keys> lists_of(std::string_view json) {
  std::vector<Keys> lists;
  bool in_number = false;
  for (const char each : json.substr(1)) {
    const bool is_digit = each >= '0' && each <= '9';
    if (each == '[') lists.emplace_back();
    if (is_digit && !in_number) lists.back().push_back(0);
    if (is_digit) lists.back().back() = 10 * lists.back().back() + static_cast<std::uint64_t>(each - '0');
    in_number = is_digit;
  }
  return lists;
}

template <class Number>
void write_numbers(const std::filesystem::path& path, std::span<const Number> numbers) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(numbers.size_bytes()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

class Lancedb final : public VectorContender {
 public:
  Lancedb(std::filesystem::path folder, std::string kind)
      : folder_(std::move(folder)), kind_(std::move(kind)), process_(python(), TRIUNE_RAW_LANCEDB_PROGRAM) {
    std::filesystem::create_directories(folder_);
  }

  [[nodiscard]] std::string name() const override { return "LanceDB " + kind_; }
  [[nodiscard]] std::string effort_name() const override { return kind_ == "hnsw_sq" ? "ef" : "nprobe"; }
  [[nodiscard]] bool can_filter() const override { return true; }
  [[nodiscard]] bool can_change() const override { return true; }
  [[nodiscard]] std::vector<std::size_t> efforts() const override {
    if (kind_ == "hnsw_sq") return {20, 32, 64, 96, 128, 192, 256, 384};
    return {1, 2, 4, 8, 12, 16, 24, 48};
  }

  void build(const VectorTable& table) override {
    std::vector<std::int64_t> buckets;
    for (std::uint32_t row = 0; row < table.size(); ++row) buckets.push_back(VectorSet::bucket(row));
    write_numbers<float>(folder_ / "vectors", table.values);
    write_numbers<std::int64_t>(folder_ / "buckets", buckets);
    process_.ask({{"op", std::string("build")},
                  {"kind", kind_},
                  {"dimension", static_cast<std::int64_t>(table.dimension)},
                  {"folder", (folder_ / "lance").string()},
                  {"vectors", (folder_ / "vectors").string()},
                  {"buckets", (folder_ / "buckets").string()}});
  }

  VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count, std::size_t effort,
                const AdmittedRows* admitted) override {
    write_numbers<float>(folder_ / "queries", queries.values);
    const auto answer = process_.ask({{"op", std::string("run")},
                                      {"queries", (folder_ / "queries").string()},
                                      {"first", static_cast<std::int64_t>(first)},
                                      {"last", static_cast<std::int64_t>(last)},
                                      {"count", static_cast<std::int64_t>(count)},
                                      {"effort", static_cast<std::int64_t>(effort)},
                                      {"limit", admitted == nullptr ? std::int64_t{0} : admitted->limit}});
    const auto* const found = find(answer, "found");
    VectorRun run{.found = lists_of(std::get<Json>(*found).text), .seconds = number(answer, "seconds")};
    return run;
  }

  void churn(const VectorTable& /*table*/, const Keys& rows) override {
    write_numbers<std::uint64_t>(folder_ / "rows", rows);
    process_.ask({{"op", std::string("churn")},
                  {"rows", (folder_ / "rows").string()},
                  {"vectors", (folder_ / "vectors").string()},
                  {"buckets", (folder_ / "buckets").string()}});
  }

  [[nodiscard]] std::uint64_t other_kilobytes() const override { return kilobytes_of(process_.id()); }

 private:
  std::filesystem::path folder_;
  std::string kind_;
  LineProcess process_;
};

}  // namespace

std::unique_ptr<VectorContender> lancedb_contender(const std::filesystem::path& folder, const std::string& kind) {
  std::error_code ignored;
  if (!std::filesystem::exists(python().parent_path().parent_path() / ".complete", ignored)) return nullptr;
  return std::make_unique<Lancedb>(folder, kind);
}

}  // namespace triune::bench
