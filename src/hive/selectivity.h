// How many vectors satisfy a predicate, as past searches found: what decides whether the next one asks the index first
// or the predicate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace triune::hive {

struct Selected {
  std::size_t satisfied = 0;
  std::size_t looked_at = 0;
  [[nodiscard]] double share() const {
    return looked_at == 0 ? 0 : static_cast<double>(satisfied) / static_cast<double>(looked_at);
  }
};

/// By collection and text of the predicate, whatever the values of its parameters are: a wrong figure costs time and
/// no answer. Keeps the 256 used last. Any thread; does not block.
class Selectivity {
 public:
  /// The share that is expected; nothing when the predicate is new.
  std::optional<double> expected(std::int64_t collection_id, const std::string& predicate);
  void note(std::int64_t collection_id, const std::string& predicate, const Selected& found);

 private:
  struct Entry {
    std::string key;
    double share = 0;
  };
  static constexpr std::size_t most_entries = 256;
  std::mutex mutex_;       // guards what follows
  std::list<Entry> used_;  ///< Used last first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace triune::hive
