// Where `./dev build --with lancedb` put the official SDK that the worker process runs on.
#pragma once

#include <filesystem>

#include "triune/status.h"

namespace triune::adapters::lancedb {

/// The Python program with `lancedb` beside it: of the folder in TRIUNE_LANCEDB, or of the one in the cache whose name
/// holds the lock file's hash, so that another version is never taken by mistake. Reads the environment; any thread.
/// Errors: `unsupported`, saying how to install it.
Result<std::filesystem::path> find_python();

}  // namespace triune::adapters::lancedb
