#include "hive/learning.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "placement/learned_text.h"

namespace triune::hive {
namespace {

constexpr std::chrono::minutes between_writes{1};
constexpr std::uint64_t largest_file = 16ULL << 20U;

std::chrono::steady_clock::duration now_steady() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

Learning::Learning(std::filesystem::path file, std::string canonical_engine)
    : file_(std::move(file)),
      graph_(canonical_engine, "kuzu"),
      searches_(canonical_engine, "usearch"),
      due_(now_steady() + between_writes) {
  read();
  kept_ = recorded();
}

std::uint64_t Learning::recorded() const {
  return graph_.counts().calls + searches_.counts().calls + workload_.statements();
}

void Learning::set_trouble(std::string trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

void Learning::read() {
  auto bytes = base::read_file(file_, largest_file);
  if (!bytes) {
    if (bytes.error().code != ErrorCode::not_found) set_trouble(bytes.error().message);
    return;
  }
  auto parts = placement::unsealed(base::as_text(*bytes));
  Status taken;
  if (!parts) taken = failure_of(parts);
  for (const auto& part : taken ? *parts : std::vector<placement::LearnedPart>()) {
    if (!taken) break;
    if (part.name == "graph") taken = graph_.restore(part.lines);
    if (part.name == "searches") taken = searches_.restore(part.lines);
    if (part.name == "workload") taken = workload_.restore(part.lines);
  }
  if (!taken) set_trouble(fmt::format("{} ({}); learning begins anew", taken.error().message, file_.string()));
}

void Learning::write() {
  const auto text =
      placement::sealed({{"graph", graph_.save()}, {"searches", searches_.save()}, {"workload", workload_.save()}});
  const auto written = base::write_durably(file_, base::as_bytes(text));
  trouble_ = written ? std::string() : written.error().message;
}

void Learning::keep(bool now) {
  if (!now && now_steady() < due_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  due_ = now_steady() + between_writes;
  const auto calls = recorded();
  if (calls == kept_) return;
  write();
  kept_ = calls;
}

RouteCounts Learning::counts() const {
  auto counts = graph_.counts();
  const auto searches = searches_.counts();
  counts.calls += searches.calls;
  counts.explorations += searches.explorations;
  counts.degraded += searches.degraded;
  counts.learned += searches.learned;
  counts.moves += searches.moves;
  counts.shapes += searches.shapes;
  const std::lock_guard lock(mutex_);
  counts.trouble = trouble_;
  return counts;
}

std::vector<RouteFigures> Learning::figures() const {
  auto all = graph_.figures();
  for (auto& one : searches_.figures()) all.push_back(std::move(one));
  std::stable_sort(all.begin(), all.end(),
                   [](const RouteFigures& left, const RouteFigures& right) { return left.calls > right.calls; });
  return all;
}

}  // namespace triune::hive
