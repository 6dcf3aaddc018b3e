// The file that makes a collection's Lance table durable and whole: which table and version it is at, at which
// position, and every file that belongs to it with size and checksum. LanceDB itself neither syncs its files nor checks
// them, and commits a batch in several versions; what the seal does not name did not happen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/vector_store.h"

namespace triune::adapters::lancedb {

struct SealedFile {
  std::uint64_t size = 0;
  std::uint64_t hash = 0;
};

/// By path below the collection's folder.
using SealedFiles = std::map<std::string, SealedFile>;

struct Seal {
  std::string table;          ///< Its name; empty while nothing was ever flushed.
  std::uint64_t version = 0;  ///< Of the table.
  std::uint64_t rows = 0;     ///< In it.
  std::uint64_t trained = 0;  ///< How many rows the vector index was trained on; 0: there is none.
  std::uint32_t probes = 0;   ///< What a trial of it found, as in index_choice.h; 0: it was not tried.
  std::uint32_t refine = 0;
  bool pruning = false;  ///< Old versions were being removed: files may be missing, a newer version may hold the same.
  std::optional<contract::Position> position;
  std::string keys;   ///< Digest of the keys of a table in object storage, and empty for one on disk.
  SealedFiles files;  ///< Empty for a table in object storage, which keeps its own checksums.
};

/// Reads the seal at `path` and checks that it is whole and of this collection. Empty when there is none. Errors:
/// `corruption` (naming the file), `conflict` (another dimension or metric).
Result<std::optional<Seal>> read_seal(const std::filesystem::path& path,
                                      const contract::VectorSpecification& specification);

/// Writes the seal durably in place of the last one (I8).
Status write_seal(const std::filesystem::path& path, const contract::VectorSpecification& specification,
                  const Seal& seal);

/// Makes every file below `folder` durable and measures it; what `known` holds is not read again (Lance never changes a
/// file). Lance's hint at the newest version, the one file it does change, is removed: it finds that version without.
Result<SealedFiles> make_durable(const std::filesystem::path& folder, const SealedFiles& known);

/// Checks that the files below `folder` are those of `seal`, byte for byte, and removes the others, which came after
/// it. Returns whether there were others. Errors: `corruption`, naming the file.
Result<bool> restore_files(const std::filesystem::path& folder, const Seal& seal);

}  // namespace triune::adapters::lancedb
