// What the contenders in this process share.
#pragma once

#include <atomic>
#include <thread>

#include "harness.h"
#include "vector_contenders.h"

namespace triune::bench {

inline constexpr std::size_t building_threads = 2;

/// Of searches in graphs: candidates that are kept.
inline std::vector<std::size_t> usual_expansions() {
  return {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768};
}

template <class Search>
VectorRun run_each(const VectorTable& queries, std::size_t first, std::size_t last, const Search& search) {
  VectorRun run;
  run.found.reserve(last - first);
  const Stopwatch watch;
  for (std::size_t at = first; at < last; ++at) run.found.push_back(search(queries.at(at)));
  run.seconds = watch.seconds();
  return run;
}

/// Calls `work(number, thread)` for each number below `count`. The first exception is thrown again at the end.
template <class Work>
void in_threads(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::vector<std::jthread> workers;
  for (std::size_t thread = 0; thread < building_threads; ++thread)
    workers.emplace_back([&, thread] {
      try {
        for (std::size_t at = next++; at < count && !failed; at = next++) work(at, thread);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    });
  workers.clear();
  if (error) std::rethrow_exception(error);
}

}  // namespace triune::bench
