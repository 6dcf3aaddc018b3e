// Policies in memory, as new as a decision may ask for.
//
//   A policy may be used while nothing that decisions rest on was changed in this process since the epoch was last
//   read, and that was no longer ago than `staleness`. Otherwise the epoch is read; when it grew, all is forgotten.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "modules/access/policy_rows.h"
#include "modules/kit/module.h"
#include "triune/modules/access.h"

namespace triune::modules::access {

/// Thread rule: any thread.
class PolicyStore {
 public:
  /// The module outlives it.
  PolicyStore(const Module& module, const AccessOptions& options)
      : module_(module), staleness_(options.staleness), most_(options.cached_principals) {}

  Result<std::shared_ptr<const Policy>> policy(const Principal& principal);
  /// Nothing when no key has the prefix.
  Result<std::shared_ptr<const KeyRecord>> key(std::string_view prefix);
  /// As the store has it now.
  [[nodiscard]] Result<std::shared_ptr<const Policy>> fresh_policy(const Principal& principal) const;

  /// Something that decisions rest on was, or may have been, changed in this process.
  static void changed() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  /// What was true when an epoch began to be read.
  struct Reading {
    std::uint64_t changes = 0;
    Clock::time_point at;
    std::optional<std::int64_t> epoch;
  };

  template <class T>
  using Shelf = std::unordered_map<std::string, std::shared_ptr<const T>>;

  [[nodiscard]] bool is_valid() const;  // mutex_ held
  template <class T>
  std::shared_ptr<const T> find_valid(const Shelf<T>& shelf, const std::string& name);
  /// What is shelved under the name when the reading shows that it still holds; takes the reading for all.
  template <class T>
  std::shared_ptr<const T> refresh(const Shelf<T>& shelf, const std::string& name, const Reading& reading);
  template <class T>
  void keep(Shelf<T>& shelf, const std::string& name, const std::shared_ptr<const T>& made, const Reading& reading);

  const Module& module_;
  std::chrono::milliseconds staleness_;
  std::size_t most_;

  std::shared_mutex mutex_;
  // Guarded by mutex_:
  Reading last_;
  Shelf<Policy> policies_;
  Shelf<KeyRecord> keys_;
};

/// How long a decision may wait for the store.
Deadline patience();

}  // namespace triune::modules::access
