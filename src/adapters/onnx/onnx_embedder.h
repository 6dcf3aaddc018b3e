// A model on this machine, computed by onnxruntime.
#pragma once

#include <filesystem>
#include <memory>

#include "adapters/onnx/runtime.h"
#include "adapters/onnx/word_pieces.h"
#include "triune/embedder.h"

namespace triune::adapters::onnx {

/// Thread rule: any thread, several at once. Blocks for the computation; the deadline is looked at before each batch.
class OnnxEmbedder final : public Embedder {
 public:
  /// Opens the model in `folder`: `model.onnx` (or `onnx/model.onnx`) with `tokenizer.json` or `vocab.txt`; where
  /// `sentence_bert_config.json` and `1_Pooling/config.json` are beside them, the token limit and the pooling they say.
  /// `folder` may be the path of the model's file too. Errors: `not_found` for a missing file, `unsupported` for a
  /// tokenizer or a model of another kind or without onnxruntime, `invalid_argument` for broken files.
  static Result<std::shared_ptr<Embedder>> open(const std::filesystem::path& folder);

  [[nodiscard]] EmbedderDescription description() const override { return description_; }
  /// Vectors have length 1. A text of more tokens than the limit is cut.
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t dimension,
                                                Deadline deadline) override;

 private:
  explicit OnnxEmbedder(WordPieces pieces) : pieces_(std::move(pieces)) {}
  Status prepare(const std::filesystem::path& folder);
  Status check_inputs() const;
  Result<std::vector<std::vector<float>>> compute(std::span<const std::string> texts) const;

  const WordPieces pieces_;
  std::unique_ptr<Model> model_;
  std::string output_;
  bool first_token_ = false;  ///< The vector is the first token's instead of the mean of all.
  EmbedderDescription description_;
};

}  // namespace triune::adapters::onnx
