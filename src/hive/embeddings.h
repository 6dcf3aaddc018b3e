// Texts that become vectors: with a commit where the embedder answers, later where it does not.
//
//   text ─embedder answers─▶ vector
//     └──it fails──▶ pending ─attempt─▶ vector
//                     ▲  └─it fails again─┐
//                     └──longer pause─────┘
//
// Invariants
//   E1 A text is committed with its row, whether the embedder answers or not; until it is a vector it is pending, and
//      is told of in the receipt, the status and every search.
//   E2 While a text is pending, no vector of an older text of the same id is found.
//   E3 A vector is stored only for the text it was made of: one that changed meanwhile stays pending.
//   E4 What was embedded before something failed is kept, and a text that nobody can embed holds no other back.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "contract/relational_store.h"
#include "projection/catalog.h"
#include "triune/change.h"
#include "triune/embedder.h"
#include "triune/hive.h"

namespace triune::hive {

/// A commit's changes with the vectors of its texts. Texts whose embedder failed have none.
struct EmbeddedChanges {
  std::vector<Change> changes;
  std::uint64_t pending = 0;
  std::string trouble;  ///< Why some are pending.
};

/// Thread rule: any thread. One thread of its own makes vectors of what is pending.
class Embeddings {
 public:
  struct Settings {
    contract::RelationalStore* store = nullptr;
    projection::Catalog* catalog = nullptr;
    std::int64_t organization_id = 0;
    std::string node;  ///< This process among those that share the database; empty: nobody shares it.
    std::map<std::string, std::shared_ptr<Embedder>> own;
    /// Is told the lsn of every commit of the thread, and whether the dictionary changed.
    std::function<void(std::uint64_t, bool)> committed;
    bool background = true;  ///< False: what is pending waits for another process.
  };

  explicit Embeddings(Settings settings);
  ~Embeddings() { stop(); }
  Embeddings(const Embeddings&) = delete;
  Embeddings& operator=(const Embeddings&) = delete;
  /// Ends the thread after the attempt at work, which is given five seconds and then given up where the embedder can.
  /// Idempotent.
  void stop();

  /// Whether the collection's embedder exists and makes vectors of its dimension.
  Status check(const VectorCollection& collection);
  /// What the embedder says of its dimension; 0: any.
  Result<std::uint32_t> dimension_of(const std::string& name);
  /// Of the model as it is now, at most 200 bytes; empty when it is not known.
  std::string version_of(const VectorCollection& collection);
  /// The vector of a query. Errors: the embedder's; `invalid_argument` when the collection has none; `conflict` when
  /// its vectors are of another version of the model.
  Result<std::vector<float>> query(std::int64_t collection_id, const VectorCollection& collection,
                                   const std::string& text, Deadline deadline);
  /// Nothing when no change has a text to be embedded. An embedder gets half of the time there is, and its failure is
  /// no error here (E1).
  std::optional<EmbeddedChanges> embed(std::span<const Change> changes, const projection::CatalogSnapshot& catalog,
                                       Deadline deadline);
  /// Something is pending.
  void wake();
  Result<std::uint64_t> pending(contract::RelationalSession& session, std::int64_t collection_id) const;
  /// Of the attempts at texts that are pending; empty when none failed.
  Result<std::string> last_error(contract::RelationalSession& session, std::int64_t collection_id) const;
  Result<std::vector<EmbeddingStatus>> statuses(contract::RelationalSession& session) const;

 private:
  struct PendingText {
    std::int64_t vector_key = 0;
    std::string content;
    std::int64_t attempts = 0;
  };
  using Vectors = std::vector<std::vector<float>>;
  /// Of the first texts that were given, in their order: of all unless something failed.
  struct Embedded {
    Vectors vectors;
    std::optional<Error> trouble;
  };
  /// Of the texts of one attempt.
  struct Progress {
    std::size_t embedded = 0;
    std::size_t refused = 0;  ///< Alone, and no other's fault.
  };
  /// How many texts go into one call of the thread's: few at first and after a call that took too long, so that a slow
  /// model gets something done; twice as many after each that succeeds.
  struct Pace {
    std::size_t batch = 8;
  };

  Result<std::shared_ptr<Embedder>> embedder(const std::string& name);
  /// For the batch, so that a smaller one may succeed.
  static bool took_too_long(const Error& error) {
    return error.code == ErrorCode::deadline_exceeded || error.code == ErrorCode::cancelled;
  }
  /// In batches as large as the embedder takes; every vector is checked. With a pace, which is kept: in smaller ones,
  /// and not when the thread is to end.
  Embedded embed_all(std::int64_t collection_id, const VectorCollection& collection, std::span<const std::string> texts,
                     Deadline deadline, Pace* pace = nullptr);
  Status check_version(std::int64_t collection_id, const VectorCollection& collection, const Embedder& model) const;
  /// Older generations of collections that were made anew go after a while.
  Status drop_replaced_collections();
  void run();
  void work_until_stopped();
  /// A process that was killed leaves what it took to nobody for a while: where no other is at work, it is free now.
  Status release_abandoned();
  /// Whether some text of a collection is due, or when the next will be.
  Result<std::optional<std::int64_t>> next_due_ms();
  Status attempt_all();
  /// Whether there may be more that the embedder would take.
  Result<bool> attempt(std::int64_t collection_id, const VectorCollection& collection);
  Result<bool> attempt_some(std::int64_t collection_id, const VectorCollection& collection,
                            std::span<const PendingText> texts, Progress& progress);
  /// Takes texts that are due, and keeps others from taking them for a while.
  Result<std::vector<PendingText>> claim(std::int64_t collection_id);
  Status store_vectors(std::span<const PendingText> texts, const Vectors& vectors);
  Status put_off(std::span<const PendingText> texts, const Error& error);
  /// Nobody's fault: as if they had not been taken.
  Status give_back(std::span<const PendingText> texts);
  [[nodiscard]] bool is_stopped() const;

  const Settings settings_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  std::condition_variable woken_;
  std::map<std::string, std::shared_ptr<Embedder>> known_;
  bool stopped_ = false;
  bool work_ = true;                    ///< At first it is not known what an earlier process left.
  bool ended_ = false;                  ///< The thread does nothing more.
  std::map<std::int64_t, Pace> paces_;  ///< By collection. The thread's alone.
  std::thread thread_;
};

}  // namespace triune::hive
