// onnxruntime, loaded when the first model is opened.
//
// No package that carries its shared library carries its header too, so what is used of the C interface is declared in
// runtime_functions.h: the interface is a table of functions that only grows at its end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "triune/status.h"

namespace triune::adapters::onnx {

/// A tensor that a model made: its shape, and its values row by row.
struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// An input of a model: `rows` × `columns` integers under a name.
struct IntegerInput {
  std::string name;
  std::vector<std::int64_t> values;
};

/// A model in memory. Thread rule: any thread, several runs at once.
class Model {
 public:
  virtual ~Model() = default;
  [[nodiscard]] virtual const std::vector<std::string>& inputs() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& outputs() const = 0;
  /// Blocks for the computation. Errors: `invalid_argument` when the model refuses the inputs, `unsupported` when the
  /// output is not of 32-bit floats.
  virtual Result<Tensor> run(std::span<const IntegerInput> inputs, std::int64_t rows, std::int64_t columns,
                             const std::string& output) = 0;
};

/// Opens a model's file with at most `threads` threads for one run. The library is TRIUNE_ONNXRUNTIME (a path), else
/// the one that `./dev build --with onnx` keeps in the cache, else the system's. Blocks for reading the file. Errors:
/// `unsupported` when there is no library or it is too old, `invalid_argument` when the file is no model.
Result<std::unique_ptr<Model>> open_model(const std::filesystem::path& file, int threads);

/// `$TRIUNE_CACHE`, else `~/.cache/triune`: where `--with onnx` keeps the library and the model.
std::filesystem::path cache_folder();

}  // namespace triune::adapters::onnx
