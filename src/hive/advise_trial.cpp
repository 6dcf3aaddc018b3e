#include "hive/advise_trial.h"

#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/file.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::hive {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t searches = 9;
constexpr std::uint64_t graph_memory = 64ULL << 20U;
constexpr std::size_t nearest = 10;
// As many rows as the statement on the copy may return.
constexpr std::size_t most_found = 1000;

double since(Clock::time_point began) {
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times.empty() ? 0 : times[times.size() / 2];
}

/// The floats of a cell; empty when it holds none.
std::vector<float> floats_in(const Value& cell) {
  if (const auto* const bytes = std::get_if<Bytes>(&cell)) {
    std::vector<float> values(bytes->size() / sizeof(float));
    std::memcpy(values.data(), bytes->data(), values.size() * sizeof(float));
    return values;
  }
  auto parsed = model::parse_json_vector(to_text(cell));
  return parsed ? std::move(*parsed) : std::vector<float>();
}

}  // namespace

Result<std::unique_ptr<TrialHive>> TrialHive::open() {
  std::unique_ptr<TrialHive> trial(new TrialHive());
  auto pattern = (std::filesystem::temp_directory_path() / "triune-advise-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return failure(ErrorCode::unavailable, "no directory for measuring could be made in " + pattern);
  trial->directory_ = pattern;
  TRIUNE_ASSIGN(trial->hive_, Hive::open((trial->directory_ / "hive").string(), {.graph_memory_bytes = graph_memory}));
  return trial;
}

TrialHive::~TrialHive() {
  hive_.reset();
  // What cannot be removed lies where the system cleans up.
  if (!directory_.empty()) static_cast<void>(base::remove_all(directory_));
}

Status TrialHive::load_edges(std::span<const std::vector<Value>> pairs) {
  std::set<std::string> ends;
  for (const auto& pair : pairs)
    for (const auto& end : pair) ends.insert(to_text(end));
  auto next_end = ends.begin();
  TRIUNE_TRY(hive_->load_nodes("Node", [&](PutNode& node) -> Result<bool> {
    if (next_end == ends.end()) return false;
    node = {{"Node", *next_end++}, {}};
    return true;
  }));
  std::size_t next = 0;
  TRIUNE_ASSIGN(const Receipt receipt, hive_->load_edges("TIE", "Node", "Node", [&](PutEdge& edge) -> Result<bool> {
    if (next == pairs.size()) return false;
    edge = {{"TIE", {"Node", to_text(pairs[next][0])}, {"Node", to_text(pairs[next][1])}}, {}};
    ++next;
    return true;
  }));
  return hive_->wait(receipt.token(), Deadline::after(std::chrono::seconds(60)));
}

Result<double> TrialHive::walk_us(std::span<const Value> starts, std::uint32_t depth) {
  std::vector<double> times;
  for (const auto& start : starts) {
    const auto began = Clock::now();
    const auto found =
        hive_->neighbors({.node = {"Node", to_text(start)}, .type = "TIE", .depth = depth, .count = most_found});
    if (found) times.push_back(since(began));
    if (!found && found.error().code != ErrorCode::not_found) return std::unexpected<Error>(found.error());
  }
  if (times.empty()) return failure(ErrorCode::not_found, "no walk could begin at the values that were drawn");
  return median(std::move(times));
}

Status TrialHive::load_vectors(std::span<const Value> cells, std::uint32_t dimension) {
  TRIUNE_TRY(hive_->create_collection({.name = "tried", .dimension = dimension}));
  std::size_t next = 0;
  TRIUNE_ASSIGN(const Receipt receipt, hive_->load_vectors("tried", [&](PutVector& vector) -> Result<bool> {
    for (; next < cells.size(); ++next) {
      auto values = floats_in(cells[next]);
      if (values.size() != dimension) continue;
      vector = {.collection = "tried", .id = std::to_string(next++), .values = std::move(values), .metadata = {}};
      return true;
    }
    return false;
  }));
  return hive_->wait(receipt.token(), Deadline::after(std::chrono::seconds(60)));
}

Result<double> TrialHive::search_us() {
  std::vector<double> times;
  for (std::size_t i = 0; i <= searches; ++i) {
    const auto vector = hive_->get_vector("tried", std::to_string(i));
    if (!vector) continue;
    const auto began = Clock::now();
    TRIUNE_TRY(hive_->search({.collection = "tried", .query = vector->values, .count = nearest}));
    if (i > 0) times.push_back(since(began));
  }
  if (times.empty()) return failure(ErrorCode::not_found, "there are too few vectors to search");
  return median(std::move(times));
}

}  // namespace triune::hive
