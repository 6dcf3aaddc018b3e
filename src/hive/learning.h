// What this node learned from its queries, and the file it is kept in beside the projections: it may be lost at any
// time, and then the estimates decide again.
//
// Thread rule: any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "placement/router.h"
#include "placement/workload.h"

namespace triune::hive {

class Learning {
 public:
  /// Reads `file` where there is one. One that is damaged is ignored, told of in `counts().trouble`, and made anew.
  Learning(std::filesystem::path file, std::string canonical_engine);

  /// SQL or the graph engine.
  placement::Router& graph() { return graph_; }
  /// The canonical store or the vector engine: counted and timed, chosen by the search itself.
  placement::Router& searches(std::string_view engine);
  /// What is read by SQL.
  placement::Workload& workload() { return workload_; }

  /// Writes the file when something is new and the last time is a minute ago; `now`: whenever something is new. What
  /// cannot be written is told of in `counts().trouble`: no query fails for it.
  void keep(bool now);
  [[nodiscard]] RouteCounts counts() const;
  [[nodiscard]] std::vector<RouteFigures> figures() const;

 private:
  void read();
  void write();
  [[nodiscard]] std::vector<std::pair<std::string, const placement::Router*>> all_searches() const;
  void set_trouble(std::string trouble);
  [[nodiscard]] std::uint64_t recorded() const;

  const std::filesystem::path file_;
  placement::Router graph_;
  placement::Workload workload_;
  const std::string canonical_engine_;
  mutable std::mutex searches_mutex_;
  std::map<std::string, placement::Router, std::less<>> searches_;  // by engine, guarded by searches_mutex_; grows only
  mutable std::mutex mutex_;                                        // guards trouble_, and one writes at a time
  std::string trouble_;
  std::uint64_t kept_ = 0;  // what was recorded when the file was written; guarded by mutex_
  std::atomic<std::chrono::steady_clock::duration> due_;
};

}  // namespace triune::hive
