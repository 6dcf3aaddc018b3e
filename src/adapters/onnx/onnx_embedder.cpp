#include "adapters/onnx/onnx_embedder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include "base/hash.h"
#include "base/try.h"

namespace triune::adapters::onnx {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t batch_size = 32;
constexpr std::size_t usual_tokens = 256;
constexpr std::size_t most_tokens = 512;
constexpr unsigned most_threads = 4;

Result<std::string> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(ErrorCode::not_found, fmt::format("{} cannot be read", path.string()));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<fs::path> model_file(const fs::path& folder) {
  for (const auto& candidate : {folder, folder / "model.onnx", folder / "onnx" / "model.onnx"})
    if (fs::is_regular_file(candidate)) return candidate;
  return failure(
      ErrorCode::not_found,
      fmt::format("there is no model at {}; give a folder with model.onnx and tokenizer.json (or vocab.txt), "
                  "or run ./dev build --with onnx, which fetches all-minilm-l6-v2",
                  folder.string()));
}

/// Beside the model's file, or above its folder "onnx".
std::optional<fs::path> beside(const fs::path& model, const fs::path& name) {
  for (const auto& folder : {model.parent_path(), model.parent_path().parent_path()})
    if (fs::is_regular_file(folder / name)) return folder / name;
  return std::nullopt;
}

Result<WordPieces> read_pieces(const fs::path& model) {
  if (const auto json = beside(model, "tokenizer.json")) {
    TRIUNE_ASSIGN(const auto text, read_file(*json));
    return WordPieces::from_json(text);
  }
  if (const auto vocabulary = beside(model, "vocab.txt")) {
    TRIUNE_ASSIGN(const auto text, read_file(*vocabulary));
    return WordPieces::from_vocabulary(text);
  }
  return failure(ErrorCode::not_found,
                 fmt::format("neither tokenizer.json nor vocab.txt is beside {}", model.string()));
}

/// A value of a JSON file beside the model; nothing when either is not there.
template <class T>
std::optional<T> setting(const fs::path& model, const fs::path& name, std::string_view member) {
  const auto path = beside(model, name);
  const auto text = path ? read_file(*path) : failure(ErrorCode::not_found, "");
  if (!text) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::element file;
  T value{};
  const bool found = parser.parse(*text).get(file) == simdjson::SUCCESS && file[member].get(value) == simdjson::SUCCESS;
  return found ? std::optional<T>(value) : std::nullopt;
}

void normalise(std::vector<float>& vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (squares == 0) return;
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : vector) value *= scale;
}

/// One text's row of `tokens` × `width` values, of which the first `used` tokens count.
std::vector<float> pooled(const float* row, std::size_t used, std::size_t width, bool first_token) {
  std::vector<float> vector(row, row + width);
  if (first_token) return vector;
  for (std::size_t token = 1; token < used; ++token)
    for (std::size_t i = 0; i < width; ++i) vector[i] += row[token * width + i];
  for (float& value : vector) value /= static_cast<float>(used);
  return vector;
}

/// The tokens of a batch, padded to the longest.
struct Batch {
  std::vector<std::size_t> used;
  std::size_t columns = 0;
  IntegerInput tokens{.name = "input_ids", .values = {}};
  IntegerInput mask{.name = "attention_mask", .values = {}};
  IntegerInput segments{.name = "token_type_ids", .values = {}};
};

Batch make_batch(const WordPieces& pieces, std::span<const std::string> texts, std::size_t limit) {
  Batch batch;
  std::vector<std::vector<std::int64_t>> rows;
  for (const auto& text : texts) {
    rows.push_back(pieces.encode(text, limit));
    batch.used.push_back(rows.back().size());
    batch.columns = std::max(batch.columns, rows.back().size());
  }
  for (auto& row : rows) {
    for (std::size_t i = 0; i < batch.columns; ++i) batch.mask.values.push_back(i < row.size() ? 1 : 0);
    row.resize(batch.columns, pieces.padding());
    batch.tokens.values.insert(batch.tokens.values.end(), row.begin(), row.end());
  }
  batch.segments.values.resize(batch.tokens.values.size(), 0);
  return batch;
}

}  // namespace

Result<std::shared_ptr<Embedder>> OnnxEmbedder::open(const fs::path& folder) {
  TRIUNE_ASSIGN(const auto file, model_file(folder));
  TRIUNE_ASSIGN(auto pieces, read_pieces(file));
  const std::shared_ptr<OnnxEmbedder> embedder(new OnnxEmbedder(std::move(pieces)));
  TRIUNE_TRY(embedder->prepare(file));
  return std::shared_ptr<Embedder>(embedder);
}

Status OnnxEmbedder::prepare(const fs::path& file) {
  const auto threads = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
  TRIUNE_ASSIGN(model_, open_model(file, static_cast<int>(threads)));
  TRIUNE_TRY(check_inputs());
  const auto& outputs = model_->outputs();
  const auto whole = std::find(outputs.begin(), outputs.end(), "sentence_embedding");
  output_ = whole == outputs.end() ? outputs.front() : *whole;
  first_token_ = setting<bool>(file, fs::path("1_Pooling") / "config.json", "pooling_mode_cls_token").value_or(false);
  auto limit = setting<std::uint64_t>(file, "sentence_bert_config.json", "max_seq_length")
                   .value_or(pieces_.settings().token_limit);
  if (limit < 2) limit = usual_tokens;
  TRIUNE_ASSIGN(const auto bytes, read_file(file));
  const auto folder = file.parent_path().filename() == "onnx" ? file.parent_path().parent_path() : file.parent_path();
  description_ = {.model = folder.filename().string(),
                  .version = fmt::format("{:016x}", base::hash64(bytes)),
                  .dimension = 0,
                  .batch_size = batch_size,
                  .token_limit = std::min<std::size_t>(limit, most_tokens)};
  // A first text tells the dimension, and that the model runs at all.
  const std::array<std::string, 1> probe{"a"};
  TRIUNE_ASSIGN(const auto vectors, compute(probe));
  description_.dimension = static_cast<std::uint32_t>(vectors.front().size());
  return {};
}

Status OnnxEmbedder::check_inputs() const {
  constexpr std::array<std::string_view, 3> known{"input_ids", "attention_mask", "token_type_ids"};
  for (const auto& name : model_->inputs())
    if (std::find(known.begin(), known.end(), name) == known.end())
      return failure(ErrorCode::unsupported,
                     fmt::format("the model wants an input \"{}\"; only input_ids, attention_mask and token_type_ids "
                                 "are given: export it for feature extraction",
                                 name));
  return model_->outputs().empty() ? Status(failure(ErrorCode::unsupported, "the model has no output")) : Status();
}

Result<std::vector<std::vector<float>>> OnnxEmbedder::embed(std::span<const std::string> texts, std::uint32_t,
                                                            Deadline deadline) {
  std::vector<std::vector<float>> vectors;
  for (std::size_t begin = 0; begin < texts.size(); begin += batch_size) {
    if (deadline.expired())
      return failure(ErrorCode::deadline_exceeded,
                     fmt::format("{} of {} texts were embedded in time", vectors.size(), texts.size()));
    TRIUNE_ASSIGN(auto some, compute(texts.subspan(begin, std::min(batch_size, texts.size() - begin))));
    for (auto& vector : some) vectors.push_back(std::move(vector));
  }
  return vectors;
}

Result<std::vector<std::vector<float>>> OnnxEmbedder::compute(std::span<const std::string> texts) const {
  auto batch = make_batch(pieces_, texts, description_.token_limit);
  std::vector<IntegerInput> inputs;
  for (auto* const input : {&batch.tokens, &batch.mask, &batch.segments})
    if (std::count(model_->inputs().begin(), model_->inputs().end(), input->name) > 0)
      inputs.push_back(std::move(*input));
  const auto rows = static_cast<std::int64_t>(texts.size());
  const auto columns = static_cast<std::int64_t>(batch.columns);
  TRIUNE_ASSIGN(const auto tensor, model_->run(inputs, rows, columns, output_));
  const bool is_pooled = tensor.shape.size() == 2;
  const bool fits = is_pooled || (tensor.shape.size() == 3 && tensor.shape[1] == columns);
  if (!fits || tensor.shape[0] != rows)
    return failure(ErrorCode::unsupported, fmt::format("the model's output \"{}\" is neither a vector of each token "
                                                       "nor one of each text",
                                                       output_));
  const auto width = static_cast<std::size_t>(tensor.shape.back());
  const auto stride = is_pooled ? width : width * batch.columns;
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    vectors.push_back(pooled(tensor.values.data() + i * stride, is_pooled ? 1 : batch.used[i], width, first_token_));
    normalise(vectors.back());
  }
  return vectors;
}

}  // namespace triune::adapters::onnx
