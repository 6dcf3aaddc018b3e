// One vector collection of one organization in a vector engine.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "contract/vector_store.h"
#include "projection/digest.h"
#include "projection/generations.h"
#include "projection/projection.h"
#include "projection/set_aside.h"

namespace triune::projection {

class VectorProjection final : public Projection {
 public:
  VectorProjection(Environment environment, std::int64_t collection_id, VectorCollection definition, std::string engine,
                   contract::Factory<contract::VectorStore> factory);

  /// As the dictionary has it now: a collection is renamed when its vectors were made anew.
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string engine() const override { return engine_; }
  Result<std::optional<std::uint64_t>> open() override;
  Result<Step> apply_next(contract::RelationalSession& canonical, std::uint64_t watermark) override;
  Result<std::uint64_t> rebuild(const Progress& progress, Deadline deadline) override;
  Status quarantine(std::string_view reason) override;
  Status remove() override;
  void close() override { set_store(nullptr); }
  Result<Differences> verify(contract::RelationalSession& canonical, bool repair, const Progress& progress) override;
  Result<std::pair<std::uint64_t, std::uint64_t>> count() override;
  Status save(bool force) override;
  Result<std::uint64_t> durable_watermark() override;

  /// The engine in use, for reads. Null before `open`. Any thread.
  [[nodiscard]] std::shared_ptr<contract::VectorStore> store() const;
  [[nodiscard]] const VectorCollection& definition() const { return definition_; }
  [[nodiscard]] std::int64_t collection_id() const { return collection_id_; }

  /// What the engine calls the one collection in a generation's directory.
  static constexpr std::string_view engine_collection = "vectors";

 private:
  /// Before a comparison: what the snapshot shows and the watermark cannot cover yet.
  Status apply_unsettled(contract::RelationalSession& canonical);
  Result<std::shared_ptr<contract::VectorStore>> make_store(const std::filesystem::path& directory);
  Result<contract::VectorBatch> current_state(contract::RelationalSession& canonical,
                                              const std::set<std::int64_t>& keys, std::vector<Refused>& refused);
  /// The vector in `blob`, or why it is none.
  Result<std::vector<float>> decode(const Value& blob) const;
  Status visit_canonical(contract::RelationalSession& canonical, const Progress& progress,
                         const std::function<Status(const contract::VectorEntry&)>& visitor,
                         std::vector<Refused>& refused);
  void set_store(std::shared_ptr<contract::VectorStore> store);
  Status save_now();
  /// Whether the engine has taken so much into its index since it was saved that doing it again is the dearer way: a
  /// large load is indexed behind it.
  Result<bool> is_index_ahead();
  /// Puts `store` in the place of the one in use and waits, for a while, until nobody reads that any more; whether so.
  bool replace_store(std::shared_ptr<contract::VectorStore> store);
  Result<std::set<std::int64_t>> find_different(contract::RelationalSession& canonical);
  Status name_keys(contract::RelationalSession& canonical, const DigestDifferences& found, Differences& differences,
                   std::set<std::int64_t>& keys);

  Environment environment_;
  std::int64_t collection_id_;
  VectorCollection definition_;
  std::string name_;
  std::string engine_;
  contract::Factory<contract::VectorStore> factory_;
  Generations generations_;
  SetAside set_aside_;
  mutable std::mutex store_mutex_;
  std::shared_ptr<contract::VectorStore> store_;  // guarded by store_mutex_ for other threads' reads
  std::uint64_t applied_since_save_ = 0;
  std::uint64_t unindexed_when_saved_ = 0;
  Deadline::Clock::time_point saved_at_ = Deadline::Clock::now();
};

/// What people call a vector, in examples and reasons.
std::string describe_vector(std::int64_t key);

/// The number of a vector as the log has it: an integer in SQLite, its digits in PostgreSQL.
std::optional<std::int64_t> vector_number(const Value& key);

}  // namespace triune::projection
