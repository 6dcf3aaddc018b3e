// The vector engine over LanceDB: collections by name, their folders, and a thread that writes and maintains them.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>

#include "adapters/lancedb/collection.h"
#include "contract/registry.h"
#include "contract/vector_store.h"

namespace triune::adapters::lancedb {

/// Implements contract::VectorStore, and what only LanceDB has: versions and full-text search.
///
/// Thread rule: any thread. Errors name the engine; exceptions (no memory) stop here.
class LanceVectorStore final : public contract::VectorStore {
 public:
  /// Collections stand in `options.path`, which is created when first needed; nobody else may use that directory (I9).
  /// With `options.url` (`s3://BUCKET/PREFIX`, credentials and endpoint from the AWS_… environment) only the seals
  /// stand there, and the vectors below the URL. Errors: `unsupported` when LanceDB is not installed.
  static Result<std::unique_ptr<contract::VectorStore>> open(const contract::EngineOptions& options);

  LanceVectorStore(const std::filesystem::path& directory, std::string url, std::shared_ptr<Worker> worker,
                   const Settings& settings);
  ~LanceVectorStore() override;
  LanceVectorStore(const LanceVectorStore&) = delete;
  LanceVectorStore& operator=(const LanceVectorStore&) = delete;

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

  /// The versions that can still be read, oldest first. What is not flushed yet has none.
  Result<std::vector<TableVersion>> versions(std::string_view collection);
  /// Searches a version exactly as it was. Errors: `not_found` when it was pruned.
  Result<contract::VectorAnswer> search_version(std::string_view collection, std::uint64_t version,
                                                std::span<const float> query,
                                                const contract::VectorQueryOptions& options);
  /// The vectors whose metadata's texts match best (BM25); `distance` is the score, larger is better.
  Result<std::vector<contract::VectorMatch>> search_text(std::string_view collection, std::string_view text,
                                                         std::size_t count, Deadline deadline);
  /// Versions, fragments and indices of a collection's table.
  Result<TableStatistics> table_statistics(std::string_view collection);

  /// The folder of a collection, whatever characters its name has.
  [[nodiscard]] std::filesystem::path folder_of(std::string_view collection) const;

 private:
  Result<std::shared_ptr<Collection>> find(std::string_view collection) const;
  std::shared_ptr<Collection> make(const contract::VectorSpecification& specification) const;
  void maintain();

  const std::filesystem::path directory_;
  const std::string url_;
  const std::shared_ptr<Worker> worker_;
  const Settings settings_;
  std::mutex opening_;  ///< Held while a collection is opened or dropped; before collections_mutex_.
  mutable std::shared_mutex collections_mutex_;
  std::map<std::string, std::shared_ptr<Collection>, std::less<>> collections_;  // guarded by collections_mutex_

  std::mutex wake_mutex_;
  std::condition_variable wake_condition_;
  bool stop_ = false;  // guarded by wake_mutex_
  std::thread maintainer_;
};

}  // namespace triune::adapters::lancedb
