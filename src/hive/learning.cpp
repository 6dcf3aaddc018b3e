#include "hive/learning.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "hive/vector_engines.h"
#include "placement/learned_text.h"

namespace triune::hive {
namespace {

constexpr std::chrono::minutes between_writes{1};
constexpr std::uint64_t largest_file = 16ULL << 20U;
constexpr std::string_view searches_part = "searches";
constexpr std::size_t most_engines = 16;

std::chrono::steady_clock::duration now_steady() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

Learning::Learning(std::filesystem::path file, std::string canonical_engine)
    : file_(std::move(file)),
      graph_(canonical_engine, "kuzu"),
      canonical_engine_(std::move(canonical_engine)),
      due_(now_steady() + between_writes) {
  read();
  kept_ = recorded();
}

placement::Router& Learning::searches(std::string_view engine) {
  const std::lock_guard lock(searches_mutex_);
  const auto known = searches_.find(engine);
  if (known != searches_.end()) return known->second;
  return searches_.try_emplace(std::string(engine), canonical_engine_, std::string(engine)).first->second;
}

std::vector<std::pair<std::string, const placement::Router*>> Learning::all_searches() const {
  const std::lock_guard lock(searches_mutex_);
  std::vector<std::pair<std::string, const placement::Router*>> all;
  for (const auto& [engine, router] : searches_) all.emplace_back(engine, &router);
  return all;
}

std::uint64_t Learning::recorded() const {
  auto calls = graph_.counts().calls + workload_.statements();
  for (const auto& [engine, router] : all_searches()) calls += router->counts().calls;
  return calls;
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
    if (part.name == searches_part) taken = searches(default_vector_engine).restore(part.lines);
    // An engine that a newer program had stays among the figures.
    const auto prefix = std::string(searches_part) + "-";
    if (part.name.starts_with(prefix) && searches_.size() < most_engines)
      taken = searches(std::string_view(part.name).substr(prefix.size())).restore(part.lines);
    if (part.name == "workload") taken = workload_.restore(part.lines);
  }
  if (!taken) set_trouble(fmt::format("{} ({}); learning begins anew", taken.error().message, file_.string()));
}

void Learning::write() {
  std::vector<placement::LearnedPart> parts{{"graph", graph_.save()}, {"workload", workload_.save()}};
  for (const auto& [engine, router] : all_searches())
    parts.push_back(
        {engine == default_vector_engine ? std::string(searches_part) : fmt::format("{}-{}", searches_part, engine),
         router->save()});
  const auto text = placement::sealed(parts);
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
  for (const auto& [engine, router] : all_searches()) {
    const auto searches = router->counts();
    counts.calls += searches.calls;
    counts.explorations += searches.explorations;
    counts.degraded += searches.degraded;
    counts.learned += searches.learned;
    counts.moves += searches.moves;
    counts.shapes += searches.shapes;
  }
  const std::lock_guard lock(mutex_);
  counts.trouble = trouble_;
  return counts;
}

std::vector<RouteFigures> Learning::figures() const {
  auto all = graph_.figures();
  for (const auto& [engine, router] : all_searches())
    for (auto& one : router->figures()) all.push_back(std::move(one));
  std::stable_sort(all.begin(), all.end(),
                   [](const RouteFigures& left, const RouteFigures& right) { return left.calls > right.calls; });
  return all;
}

}  // namespace triune::hive
