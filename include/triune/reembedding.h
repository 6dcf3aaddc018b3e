// Making a collection's vectors anew by another model, while it is searched and written to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triune/deadline.h"
#include "triune/hive.h"

namespace triune {

/// By what a collection's vectors are to be made.
struct ReembeddingRequest {
  std::string collection;
  std::string embedder;         ///< Empty: the one it has, of which another version is there now.
  std::uint32_t dimension = 0;  ///< 0: the embedder's own; where it has none, the collection's.
};

/// How far it is.
struct ReembeddingStatus {
  std::string collection;
  std::string embedder;
  std::uint32_t dimension = 0;
  std::uint64_t vectors = 0;  ///< Of the older generation.
  std::uint64_t copied = 0;   ///< Texts that the newer one has.
  std::uint64_t pending = 0;  ///< Of them, those that are no vectors yet.
  std::string last_error;     ///< Of the last attempt at one of them.
  bool ready = false;         ///< `finish` may be called.
};

/// The older vectors are found until `finish`, which gives the collection's name to the newer ones in one transaction.
/// What is written meanwhile, by whoever, is in both. The older generation goes a minute later. Everything is in the
/// store: a process that dies is followed by another that calls `begin` again. Thread rule: any thread; the hive
/// outlives it.
class Reembedding {
 public:
  explicit Reembedding(Hive& hive) : hive_(hive) {}

  /// Begins, or goes on with what was begun so; copies the texts, while `progress` is told. Blocks until all are
  /// copied; their vectors are made in the background. Errors: `not_found`; `invalid_argument` for an embedder that
  /// does not exist or makes other dimensions, and for a collection that holds vectors without texts; `conflict` when
  /// it is under way to another model, or became what it is less than two minutes ago.
  Status begin(const ReembeddingRequest& request, const Progress& progress = {});
  /// Error: `not_found` when none is under way. Counts: milliseconds for each 10,000 vectors.
  Result<ReembeddingStatus> status(std::string_view collection);
  /// Until it is ready. Error: `deadline_exceeded` with the last error of the embedder.
  Result<ReembeddingStatus> wait(std::string_view collection, Deadline deadline, const Progress& progress = {});
  /// Compares both generations, waits until the newer one's projection holds it, and gives it the name. Errors:
  /// `not_found`; `conflict` when a text is pending, or a vector of the older one is not in the newer one.
  Status finish(std::string_view collection, Deadline deadline);
  /// The newer generation goes; the older one stays as it is. Error: `not_found`.
  Status abort(std::string_view collection);

 private:
  Hive& hive_;
};

}  // namespace triune
