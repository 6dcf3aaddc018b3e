#include "adapters/onnx/register.h"

#include <fmt/format.h>

#include "adapters/onnx/onnx_embedder.h"

namespace triune::adapters {

void register_onnx(contract::Registry& registry) {
  registry.embedder.emplace("onnx", [](std::string_view name) -> Result<std::shared_ptr<Embedder>> {
    const std::filesystem::path path(name);
    if (path.is_absolute()) return onnx::OnnxEmbedder::open(path);
    // The name is stored with the collection, and a relative path would mean another file for each caller.
    if (name.empty() || path.has_parent_path() || name == "." || name == "..")
      return failure(ErrorCode::invalid_argument,
                     fmt::format("onnx:{} names no model: give an absolute path (onnx:/PATH/TO/FOLDER), or the name of "
                                 "a folder in {} (onnx:all-minilm-l6-v2)",
                                 name, (onnx::cache_folder() / "models").string()));
    return onnx::OnnxEmbedder::open(onnx::cache_folder() / "models" / path);
  });
}

}  // namespace triune::adapters
