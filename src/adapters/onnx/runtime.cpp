#include "adapters/onnx/runtime.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "adapters/onnx/runtime_functions.h"
#include "base/try.h"

namespace triune::adapters::onnx {
namespace {

constexpr const char* library_name = "libonnxruntime.so.1";

/// The loaded library; it stays until the process ends, because models' threads may outlive any owner.
class Library {
 public:
  explicit Library(const FunctionTable* table) : table_(table) {}

  /// Calls a function that answers with a status.
  template <class... Arguments>
  Status call(Place place, Arguments... arguments) const {
    using Function = NativeStatus* (*)(Arguments...);
    auto* const status = reinterpret_cast<Function>(table_->function[place])(arguments...);
    if (status == nullptr) return {};
    const auto* const message =
        reinterpret_cast<const char* (*)(const NativeStatus*)>(table_->function[get_error_message])(status);
    auto error = failure(ErrorCode::invalid_argument, message);
    error.error().engine = "onnxruntime";
    error.error().native_code =
        std::to_string(reinterpret_cast<int (*)(const NativeStatus*)>(table_->function[get_error_code])(status));
    release(release_status, status);
    return error;
  }

  template <class T>
  void release(Place place, T* what) const {
    if (what != nullptr) reinterpret_cast<void (*)(T*)>(table_->function[place])(what);
  }

 private:
  const FunctionTable* table_;
};

/// What the library made, given back at the end of its scope.
template <class T>
class Owned {
 public:
  Owned(const Library& library, Place release) : library_(library), release_(release) {}
  ~Owned() { library_.release(release_, what_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T** out() { return &what_; }
  [[nodiscard]] T* get() const { return what_; }

 private:
  const Library& library_;
  const Place release_;
  T* what_ = nullptr;
};

void* load(std::string& complaints) {
  std::vector<std::string> candidates;
  if (const char* const given = std::getenv("TRIUNE_ONNXRUNTIME"); given != nullptr && *given != '\0')
    candidates = {given};
  else
    candidates = {(cache_folder() / "onnxruntime" / library_name).string(), library_name};
  for (const auto& candidate : candidates) {
    if (void* const handle = ::dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    complaints += fmt::format("{}{}", complaints.empty() ? "" : "; ", ::dlerror());
  }
  return nullptr;
}

Result<Library> find_library() {
  std::string complaints;
  void* const handle = load(complaints);
  if (handle == nullptr)
    return failure(
        ErrorCode::unsupported,
        fmt::format("onnxruntime is not here ({}); run ./dev build --with onnx, or set TRIUNE_ONNXRUNTIME to "
                    "the path of its shared library",
                    complaints));
  auto* const base = reinterpret_cast<const ApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
  const auto* const table = base == nullptr ? nullptr : base()->get_api(interface_version);
  if (table == nullptr)
    return failure(ErrorCode::unsupported,
                   fmt::format("the onnxruntime found is {}; 1.{} or later is needed",
                               base == nullptr ? "none" : base()->version_text(), interface_version));
  return Library(table);
}

/// One for the process. A library that was not there is looked for again.
Result<const Library*> library() {
  static std::mutex mutex;
  static std::unique_ptr<const Library> known;
  const std::scoped_lock lock(mutex);
  if (!known) {
    TRIUNE_ASSIGN(const auto found, find_library());
    known = std::make_unique<const Library>(found);
  }
  return known.get();
}

Result<Environment*> environment(const Library& library) {
  static std::mutex mutex;
  static Environment* made = nullptr;
  const std::scoped_lock lock(mutex);
  if (made == nullptr) TRIUNE_TRY(library.call(create_environment, log_errors_only, "triune", &made));
  return made;
}

class SessionModel final : public Model {
 public:
  explicit SessionModel(const Library& library)
      : library_(library), session_(library, release_session), memory_(library, release_memory_information) {}

  Status open(const std::filesystem::path& file, int threads) {
    TRIUNE_ASSIGN(auto* const shared, environment(library_));
    Owned<SessionOptions> options(library_, release_session_options);
    TRIUNE_TRY(library_.call(create_session_options, options.out()));
    TRIUNE_TRY(library_.call(set_threads_within, options.get(), threads));
    TRIUNE_TRY(library_.call(set_threads_between, options.get(), 1));
    TRIUNE_TRY(library_.call(set_graph_optimization, options.get(), all_optimizations));
    TRIUNE_TRY(library_.call(create_session, std::as_const(shared), file.c_str(), options.get(), session_.out()));
    TRIUNE_TRY(library_.call(create_cpu_memory_information, arena_allocator, default_memory, memory_.out()));
    TRIUNE_TRY(read_names(input_count, input_name, inputs_));
    return read_names(output_count, output_name, outputs_);
  }

  [[nodiscard]] const std::vector<std::string>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<std::string>& outputs() const override { return outputs_; }

  Result<Tensor> run(std::span<const IntegerInput> inputs, std::int64_t rows, std::int64_t columns,
                     const std::string& output) override {
    const std::int64_t shape[] = {rows, columns};
    std::vector<std::unique_ptr<Owned<NativeValue>>> values;
    std::vector<const NativeValue*> natives;
    std::vector<const char*> names;
    for (const auto& input : inputs) {
      auto& value = values.emplace_back(std::make_unique<Owned<NativeValue>>(library_, release_value));
      // The library's parameter is not const, and it only reads.
      auto* const data = const_cast<std::int64_t*>(input.values.data());
      TRIUNE_TRY(library_.call(create_tensor_with_data, static_cast<const MemoryInformation*>(memory_.get()),
                               static_cast<void*>(data), input.values.size() * sizeof(std::int64_t),
                               static_cast<const std::int64_t*>(shape), std::size_t{2}, int64_elements, value->out()));
      natives.push_back(value->get());
      names.push_back(input.name.c_str());
    }
    Owned<NativeValue> made(library_, release_value);
    const char* const wanted = output.c_str();
    TRIUNE_TRY(library_.call(
        run_session, session_.get(), static_cast<const void*>(nullptr), static_cast<const char* const*>(names.data()),
        static_cast<const NativeValue* const*>(natives.data()), natives.size(), &wanted, std::size_t{1}, made.out()));
    return read(made.get());
  }

 private:
  Status read_names(Place count_place, Place name_place, std::vector<std::string>& to) {
    Allocator* allocator = nullptr;
    TRIUNE_TRY(library_.call(default_allocator, &allocator));
    std::size_t count = 0;
    const auto* const session = std::as_const(*this).session_.get();
    TRIUNE_TRY(library_.call(count_place, static_cast<const Session*>(session), &count));
    for (std::size_t i = 0; i < count; ++i) {
      char* name = nullptr;
      TRIUNE_TRY(library_.call(name_place, static_cast<const Session*>(session), i, allocator, &name));
      to.emplace_back(name);
      TRIUNE_TRY(library_.call(allocator_free, allocator, static_cast<void*>(name)));
    }
    return {};
  }

  Result<Tensor> read(NativeValue* value) const {
    Owned<TensorInformation> information(library_, release_tensor_information);
    TRIUNE_TRY(library_.call(tensor_information, static_cast<const NativeValue*>(value), information.out()));
    const auto* const of = static_cast<const TensorInformation*>(information.get());
    int type = 0;
    TRIUNE_TRY(library_.call(element_type, of, &type));
    if (type != float_elements)
      return failure(ErrorCode::unsupported, "the model's output is not of 32-bit floats; export it with float output");
    std::size_t rank = 0;
    TRIUNE_TRY(library_.call(dimensions_count, of, &rank));
    Tensor tensor{.shape = std::vector<std::int64_t>(rank), .values = {}};
    TRIUNE_TRY(library_.call(dimensions, of, tensor.shape.data(), rank));
    std::size_t size = 1;
    for (const auto extent : tensor.shape) size *= static_cast<std::size_t>(extent);
    void* data = nullptr;
    TRIUNE_TRY(library_.call(tensor_data, value, &data));
    const auto* const begin = static_cast<const float*>(data);
    tensor.values.assign(begin, begin + size);
    return tensor;
  }

  const Library& library_;
  Owned<Session> session_;
  Owned<MemoryInformation> memory_;
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
};

}  // namespace

std::filesystem::path cache_folder() {
  if (const char* const given = std::getenv("TRIUNE_CACHE"); given != nullptr && *given != '\0') return given;
  const char* const home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "/" : home) / ".cache" / "triune";
}

Result<std::unique_ptr<Model>> open_model(const std::filesystem::path& file, int threads) {
  TRIUNE_ASSIGN(const auto* const loaded, library());
  auto model = std::make_unique<SessionModel>(*loaded);
  if (auto opened = model->open(file, threads); !opened) {
    opened.error().message =
        fmt::format("{} is no model that onnxruntime reads: {}", file.string(), opened.error().message);
    return std::unexpected<Error>(opened.error());
  }
  return std::unique_ptr<Model>(std::move(model));
}

}  // namespace triune::adapters::onnx
