// The vector engine over usearch: collections by name, their files, and a thread that maintains their graphs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>

#include "adapters/usearch/collection.h"
#include "contract/registry.h"
#include "contract/vector_store.h"

namespace triune::adapters::usearch {

/// Implements contract::VectorStore. A collection's `distance`s come from quantised vectors (relative error about
/// 2^-10): ask for more than needed and rank again where the last digits matter.
///
/// Thread rule: any thread. Errors name the engine; exceptions (no memory) stop here.
class UsearchVectorStore final : public contract::VectorStore {
 public:
  /// Snapshots stand in `options.path`, which is created when first needed. Nobody else may use that directory (I9).
  static Result<std::unique_ptr<contract::VectorStore>> open(const contract::EngineOptions& options);

  UsearchVectorStore(std::filesystem::path directory, const Settings& settings);
  ~UsearchVectorStore() override;
  UsearchVectorStore(const UsearchVectorStore&) = delete;
  UsearchVectorStore& operator=(const UsearchVectorStore&) = delete;

  [[nodiscard]] contract::VectorCapabilities capabilities() const override;
  Status open_collection(const contract::VectorSpecification& specification) override;
  Status drop_collection(std::string_view collection) override;
  Status apply(std::string_view collection, const contract::VectorBatch& batch) override;
  Status bulk_load(std::string_view collection, std::uint64_t expected, const contract::VectorSource& source,
                   const contract::Position& position) override;
  Result<std::optional<contract::Position>> position(std::string_view collection) override;
  Result<std::optional<contract::Position>> saved_position(std::string_view collection) override;
  Result<contract::VectorAnswer> search(std::string_view collection, std::span<const float> query,
                                        const contract::VectorQueryOptions& options) override;
  Status scan(std::string_view collection,
              const std::function<Status(contract::VectorKey, std::span<const float>)>& visitor) override;
  Result<contract::VectorStatistics> statistics(std::string_view collection) override;
  Status save(std::string_view collection) override;

  /// The file of a collection, whatever characters its name has.
  [[nodiscard]] std::filesystem::path file_of(std::string_view collection) const;

 private:
  Result<std::shared_ptr<Collection>> find(std::string_view collection) const;
  void wake();
  void maintain();

  const std::filesystem::path directory_;
  const Settings settings_;
  std::mutex opening_;  ///< Held while a collection is opened or dropped; before collections_mutex_.
  mutable std::shared_mutex collections_mutex_;
  std::map<std::string, std::shared_ptr<Collection>, std::less<>> collections_;  // guarded by collections_mutex_

  std::mutex wake_mutex_;
  std::condition_variable wake_condition_;
  bool awake_ = false;  // guarded by wake_mutex_
  std::atomic<bool> stop_{false};
  std::thread maintainer_;
};

}  // namespace triune::adapters::usearch
