// The program of the worker process, worker.py, compiled in: what speaks the protocol on both sides has one version.
#pragma once

#include <string_view>

namespace triune::adapters::lancedb {

extern const std::string_view worker_script;

}  // namespace triune::adapters::lancedb
