#include "adapters/memory/vector_memory_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters::memory {
namespace {

constexpr std::uint32_t largest_dimension = 65'536;

bool is_wanted(const contract::VectorEntry& entry, const contract::VectorFilter& filter) {
  if (filter.keys && !std::ranges::binary_search(*filter.keys, entry.key)) return false;
  return contract::metadata_matches(entry.metadata, filter.equals);
}

bool is_nearer(const contract::VectorMatch& left, const contract::VectorMatch& right) {
  return left.distance != right.distance ? left.distance < right.distance : left.key < right.key;
}

}  // namespace

contract::VectorCapabilities MemoryVectorStore::capabilities() const {
  return {.engine = "memory",
          .approximate = false,
          .metadata_filter = true,
          .persistent = false,
          .max_dimension = largest_dimension};
}

std::shared_lock<std::shared_mutex> MemoryVectorStore::read_lock() {
  const std::scoped_lock turn(turn_);
  return std::shared_lock(mutex_);
}

std::unique_lock<std::shared_mutex> MemoryVectorStore::write_lock() {
  const std::scoped_lock turn(turn_);
  return std::unique_lock(mutex_);
}

Result<MemoryVectorStore::Collection*> MemoryVectorStore::find(std::string_view collection) {
  const auto at = collections_.find(collection);
  if (at != collections_.end()) return &at->second;
  return failure(ErrorCode::not_found,
                 fmt::format("vector collection '{}' is not open; call open_collection first", collection));
}

Status MemoryVectorStore::open_collection(const contract::VectorSpecification& specification) {
  TRIUNE_TRY(contract::check_specification(specification, largest_dimension));
  const auto lock = write_lock();
  const auto known = collections_.find(specification.collection);
  if (known == collections_.end()) {
    collections_.emplace(specification.collection, Collection{specification, {}, {}});
    return {};
  }
  const auto& other = known->second.specification;
  if (other.dimension == specification.dimension && other.metric == specification.metric) return {};
  return failure(ErrorCode::conflict, fmt::format("vector collection '{}' is open with dimension {} and metric {}",
                                                  other.collection, other.dimension, to_string(other.metric)));
}

Status MemoryVectorStore::drop_collection(std::string_view collection) {
  const auto lock = write_lock();
  if (const auto at = collections_.find(collection); at != collections_.end()) collections_.erase(at);
  return {};
}

Status MemoryVectorStore::apply(std::string_view collection, const contract::VectorBatch& batch) {
  const auto lock = write_lock();
  TRIUNE_ASSIGN(Collection* const found, find(collection));
  TRIUNE_TRY(contract::check_batch(batch, found->specification.dimension));
  for (const auto key : batch.deletes) found->entries.erase(key);
  for (const auto& entry : batch.puts) found->entries.insert_or_assign(entry.key, entry);
  if (batch.position) found->position = batch.position;
  return {};
}

Status MemoryVectorStore::bulk_load(std::string_view collection, std::uint64_t /*expected*/,
                                    const contract::VectorSource& source, const contract::Position& position) {
  const auto lock = write_lock();
  TRIUNE_ASSIGN(Collection* const found, find(collection));
  if (!found->entries.empty())
    return failure(ErrorCode::conflict, fmt::format("vector collection '{}' is not empty", collection));
  std::map<contract::VectorKey, contract::VectorEntry> entries;
  TRIUNE_TRY(source([&](const contract::VectorEntry& entry) -> Status {
    TRIUNE_TRY(contract::check_values(entry.values, found->specification.dimension, entry.key));
    if (entries.emplace(entry.key, entry).second) return {};
    return failure(ErrorCode::invalid_argument, fmt::format("key {} came twice in the load", entry.key));
  }));
  found->entries = std::move(entries);
  found->position = position;
  return {};
}

Result<std::optional<contract::Position>> MemoryVectorStore::position(std::string_view collection) {
  const auto lock = read_lock();
  TRIUNE_ASSIGN(const Collection* const found, find(collection));
  return found->position;
}

Result<std::optional<contract::Position>> MemoryVectorStore::saved_position(std::string_view collection) {
  const auto lock = read_lock();
  TRIUNE_TRY(find(collection));
  return std::optional<contract::Position>();
}

Result<contract::VectorAnswer> MemoryVectorStore::search(std::string_view collection, std::span<const float> query,
                                                         const contract::VectorQueryOptions& options) {
  const auto lock = read_lock();
  TRIUNE_ASSIGN(const Collection* const found, find(collection));
  TRIUNE_TRY(contract::check_query(query, options, found->specification.dimension));
  contract::VectorAnswer answer;
  for (const auto& [key, entry] : found->entries) {
    if (!is_wanted(entry, options.filter)) continue;
    const double exact = contract::exact_distance(found->specification.metric, query, entry.values);
    answer.matches.push_back({key, static_cast<float>(exact)});
    if (options.deadline.expired())
      return failure(ErrorCode::deadline_exceeded, "the vector search reached its deadline; search again");
  }
  answer.strategy = fmt::format("scan of {}", answer.matches.size());
  std::ranges::sort(answer.matches, is_nearer);
  if (answer.matches.size() > options.count) answer.matches.resize(options.count);
  return answer;
}

Status MemoryVectorStore::scan(std::string_view collection,
                               const std::function<Status(contract::VectorKey, std::span<const float>)>& visitor) {
  // The visitor may call this store, so it runs over a copy.
  std::map<contract::VectorKey, contract::VectorEntry> entries;
  {
    const auto lock = read_lock();
    TRIUNE_ASSIGN(const Collection* const found, find(collection));
    entries = found->entries;
  }
  for (const auto& [key, entry] : entries) TRIUNE_TRY(visitor(key, entry.values));
  return {};
}

Result<contract::VectorStatistics> MemoryVectorStore::statistics(std::string_view collection) {
  const auto lock = read_lock();
  TRIUNE_ASSIGN(const Collection* const found, find(collection));
  const std::uint64_t count = found->entries.size();
  return contract::VectorStatistics{.vectors = count,
                                    .unindexed = count,
                                    .memory_bytes = count * (found->specification.dimension * sizeof(float) + 128),
                                    .file_bytes = 0};
}

Status MemoryVectorStore::save(std::string_view collection) {
  const auto lock = read_lock();
  TRIUNE_TRY(find(collection));
  return {};
}

}  // namespace triune::adapters::memory
