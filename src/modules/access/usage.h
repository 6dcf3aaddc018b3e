// How often keys are used, counted in memory and written at most once a minute for each.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "modules/kit/module.h"

namespace triune::modules::access {

/// Thread rule: any thread. What a killed process had not written is lost: at most a minute of counts.
class KeyUsage {
 public:
  /// The module outlives it.
  KeyUsage(const Module& module, std::size_t most) : module_(module), most_(most) {}

  /// Blocks for a commit when it is time to write; that it cannot be written is no error, the count is kept.
  void note(const std::string& key, std::int64_t now_ms);
  /// Writes what was not written.
  void flush();

 private:
  struct Count {
    std::int64_t uses = 0;  ///< Not yet written.
    std::int64_t last_used_at_ms = 0;
    std::int64_t written_at_ms = 0;
  };
  struct Entry {
    std::string key;
    std::int64_t uses = 0;
    std::int64_t last_used_at_ms = 0;
  };
  [[nodiscard]] Status write(const std::vector<Entry>& entries) const;
  void take_back(const Entry& entry);

  const Module& module_;
  std::size_t most_;
  std::mutex mutex_;
  std::unordered_map<std::string, Count> counts_;  // guarded by mutex_
};

}  // namespace triune::modules::access
