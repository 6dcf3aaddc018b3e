#include "harness.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>

#include "base/hash.h"
#include "migrate/migrate.h"

namespace triune::bench {
namespace {

// Raised when what the generators make changes.
constexpr int generators_version = 1;

std::string expected_stamp() {
  std::string text = fmt::format("generators {}", generators_version);
  for (const auto& migration : migrate::migrations(contract::Dialect::sqlite))
    text += fmt::format("\n{}", migration.sql);
  return fmt::format("{:016x}\n", base::hash64(text));
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

double Samples::percentile(double percent) const {
  if (values_.empty()) return 0;
  auto sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::optional<double> Row::ratio() const {
  if (!peer || *peer == 0) return std::nullopt;
  return ours / *peer;
}

Row& Row::against(std::string name_of_peer, double value) {
  peer_name = std::move(name_of_peer);
  peer = value;
  return *this;
}

Row& Row::ratio_at_least(double limit) {
  goal = fmt::format("≥ {} × peer", limit);
  met = ratio().value_or(0) >= limit;
  return *this;
}

Row& Row::ratio_at_most(double limit) {
  goal = fmt::format("≤ {} × peer", limit);
  met = ratio() && *ratio() <= limit;
  return *this;
}

Row& Row::at_least(double limit) {
  goal = fmt::format("≥ {} {}", limit, unit);
  met = ours >= limit;
  return *this;
}

Row& Row::at_most(double limit) {
  goal = fmt::format("≤ {} {}", limit, unit);
  met = ours <= limit;
  return *this;
}

Row& Row::detail(std::string name_of_detail, Value value) {
  details.push_back({std::move(name_of_detail), std::move(value)});
  return *this;
}

Row measured(std::string name, std::string unit, double ours) {
  Row row;
  row.name = std::move(name);
  row.unit = std::move(unit);
  row.ours = ours;
  return row;
}

std::string_view Bench::size_name() const {
  return sized<std::string_view>("quick", "normal", "full");
}

void Bench::say(const std::string& text) {
  bar_.finish();
  std::cerr << text << '\n';
}

void Bench::add(Row row) {
  const auto ratio = row.ratio();
  say(fmt::format("  {:<28} {:>12.4g} {:<10} {:<34} {:<22} {}", row.name, row.ours, row.unit,
                  ratio ? fmt::format("{:.3g} × {} ({:.4g})", *ratio, row.peer_name, *row.peer) : "", row.goal,
                  row.met ? (*row.met ? "met" : "MISSED") : ""));
  rows_.push_back(std::move(row));
}

double timed(const std::function<void()>& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void wait_until_idle() {
  const Stopwatch watch;
  for (double before = -1; watch.seconds() < 1'800;) {
    const auto now = processor_seconds();
    if (before >= 0 && now - before < 0.05) return;
    before = now;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  throw std::runtime_error("this process did not come to rest within half an hour");
}

std::uint64_t process_kilobytes(std::string_view name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name) && line[name.size()] == ':') return std::stoull(line.substr(name.size() + 1));
  return 0;
}

void read_into_page_cache(const std::filesystem::path& path) {
  const auto read = [](const std::filesystem::path& file) {
    std::ifstream stored(file, std::ios::binary);
    std::ofstream("/dev/null", std::ios::binary) << stored.rdbuf();
  };
  if (!std::filesystem::is_directory(path)) return read(path);
  std::error_code gone;  // an engine's upkeep removes files
  for (auto at = std::filesystem::recursive_directory_iterator(path, gone); !gone && at != end(at);
       at.increment(gone)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored)) read(at->path());
  }
}

WorkFolder::WorkFolder(const Settings& settings, std::string_view name)
    : path_(settings.cache / fmt::format("work-{}-{}", name, ::getpid())) {
  std::filesystem::remove_all(path_);
  std::filesystem::create_directories(path_);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path prepared(Bench& bench, const std::string& name,
                               const std::function<void(const std::filesystem::path&)>& make) {
  const auto folder = bench.settings().cache / fmt::format("{}-{}", name, bench.size_name());
  const auto stamp = folder / "stamp";
  const auto expected = expected_stamp();
  if (!bench.settings().fresh && read_text(stamp) == expected) return folder;
  bench.say(fmt::format("  preparing {}", name));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  make(folder);
  std::ofstream(stamp) << expected;
  return folder;
}

}  // namespace triune::bench
