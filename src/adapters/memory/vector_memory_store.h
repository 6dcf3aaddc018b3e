// The vector contract in its plainest form: every vector in a map, every search a comparison with all of them. What the
// other engines' answers are held against in tests; nothing is kept on disk.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "contract/vector_store.h"

namespace triune::adapters::memory {

/// Thread rule: any thread; searches run beside each other.
class MemoryVectorStore final : public contract::VectorStore {
 public:
  [[nodiscard]] contract::VectorCapabilities capabilities() const override;
  Status open_collection(const contract::VectorSpecification& specification) override;
  Status drop_collection(std::string_view collection) override;
  Status apply(std::string_view collection, const contract::VectorBatch& batch) override;
  Status bulk_load(std::string_view collection, std::uint64_t expected, const contract::VectorSource& source,
                   const contract::Position& position) override;
  Result<std::optional<contract::Position>> position(std::string_view collection) override;
  /// Always empty: nothing outlives the process.
  Result<std::optional<contract::Position>> saved_position(std::string_view collection) override;
  Result<contract::VectorAnswer> search(std::string_view collection, std::span<const float> query,
                                        const contract::VectorQueryOptions& options) override;
  Status scan(std::string_view collection,
              const std::function<Status(contract::VectorKey, std::span<const float>)>& visitor) override;
  Result<contract::VectorStatistics> statistics(std::string_view collection) override;
  Status save(std::string_view collection) override;

 private:
  struct Collection {
    contract::VectorSpecification specification;
    std::map<contract::VectorKey, contract::VectorEntry> entries;
    std::optional<contract::Position> position;
  };

  Result<Collection*> find(std::string_view collection);
  std::shared_lock<std::shared_mutex> read_lock();
  std::unique_lock<std::shared_mutex> write_lock();

  std::mutex turn_;  ///< Passed by everybody on the way to mutex_, so that readers do not shut a writer out for ever.
  std::shared_mutex mutex_;
  std::map<std::string, Collection, std::less<>> collections_;  // guarded by mutex_
};

}  // namespace triune::adapters::memory
