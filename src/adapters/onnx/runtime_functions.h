// The places of onnxruntime's C functions in its table, as far as they are used here.
//
// Since version 1 of the interface places never change; a later version has more of them (onnxruntime's documentation
// of `OrtApi`: https://onnxruntime.ai/docs/api/c/struct_ort_api.html). The version asked for is that of release 1.16.
#pragma once

#include <cstddef>
#include <cstdint>

namespace triune::adapters::onnx {

// What the library hands out and takes back.
struct Environment;
struct Session;
struct SessionOptions;
struct NativeValue;
struct NativeStatus;
struct MemoryInformation;
struct TensorInformation;
struct Allocator;

constexpr std::uint32_t interface_version = 16;

struct FunctionTable {
  void* function[512];
};

struct ApiBase {
  const FunctionTable* (*get_api)(std::uint32_t version);
  const char* (*version_text)();
};

enum Place : std::size_t {
  get_error_code = 1,
  get_error_message = 2,
  create_environment = 3,
  create_session = 7,
  run_session = 9,
  create_session_options = 10,
  set_graph_optimization = 23,
  set_threads_within = 24,
  set_threads_between = 25,
  input_count = 30,
  output_count = 31,
  input_name = 36,
  output_name = 37,
  create_tensor_with_data = 49,
  tensor_data = 51,
  element_type = 60,
  dimensions_count = 61,
  dimensions = 62,
  tensor_information = 65,
  create_cpu_memory_information = 69,
  allocator_free = 76,
  default_allocator = 78,
  release_environment = 92,
  release_status = 93,
  release_memory_information = 94,
  release_session = 95,
  release_value = 96,
  release_tensor_information = 99,
  release_session_options = 100,
};

constexpr int float_elements = 1;
constexpr int int64_elements = 7;
constexpr int arena_allocator = 1;
constexpr int default_memory = 0;
constexpr int log_errors_only = 3;
constexpr int all_optimizations = 99;

}  // namespace triune::adapters::onnx
