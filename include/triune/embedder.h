// What turns texts into vectors.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/deadline.h"
#include "triune/status.h"

namespace triune {

/// What an embedder says of itself; recorded with a collection, so that vectors of two models are never mixed.
struct EmbedderDescription {
  std::string model;            ///< "hashing", "text-embedding-3-small", …
  std::string version;          ///< Vectors of different versions are not comparable; empty when it is not known.
  std::uint32_t dimension = 0;  ///< Of every vector it makes; 0: the caller's collection decides.
  std::size_t batch_size = 1;   ///< Most texts that it takes in one call.
  std::size_t token_limit = 0;  ///< Tokens of a text beyond which it refuses or cuts; 0: none that is known.
};

/// A model that makes vectors of texts. Thread rule: any thread, several at once.
class Embedder {
 public:
  virtual ~Embedder() = default;
  /// Does not block.
  [[nodiscard]] virtual EmbedderDescription description() const = 0;
  /// One vector for each text, in their order, each of `dimension` finite numbers. At most `batch_size` texts. Blocks
  /// until the answer is there or the deadline. Errors: `unavailable`, `deadline_exceeded` and `resource_exhausted`
  /// (a rate limit) may pass, and the same call may be repeated; `invalid_argument` is of the texts and stays.
  virtual Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t dimension,
                                                        Deadline deadline) = 0;
  /// Ends the calls under way, and those that come, with `cancelled` as soon as it can: a hive that closes asks an
  /// embedder that it has made. Does not block. The default does nothing, and the hive waits for the calls' deadlines.
  virtual void stop() {}
};

/// The embedder that a collection names: "hashing" (words and their parts hashed, no model: lexical likeness),
/// "onnx:NAME" or "onnx:/PATH" (a model on this machine), "openai:MODEL", "openai:MODEL@URL" or
/// "openai:MODEL@URL#VARIABLE" (an endpoint, its key in a variable of the environment); docs/embedders.md. Others are
/// given to the hive (`HiveOptions::embedders`). Blocks for reading a model of this machine. Errors: `invalid_argument`
/// for another name or a key that is not set, `not_found` and `unsupported` for a model that cannot be opened.
Result<std::shared_ptr<Embedder>> make_embedder(std::string_view name);

}  // namespace triune
