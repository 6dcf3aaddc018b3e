#include "adapters/lancedb/lance_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>

#include "adapters/lancedb/register.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters {
namespace lancedb {
namespace {

constexpr std::uint32_t largest_dimension = 8'192;
constexpr std::size_t longest_readable_name = 40;
constexpr auto turn = std::chrono::milliseconds(50);

// Runs one call of the contract: every error names the engine, and no exception leaves it.
template <class Call>
auto guarded(const Call& call) -> decltype(call()) {
  Error error;
  try {
    auto result = call();
    if (result) return result;
    error = std::move(result.error());
  } catch (const std::bad_alloc&) {
    error = {.code = ErrorCode::resource_exhausted,
             .message = "not enough memory for the vectors",
             .engine = {},
             .native_code = {},
             .retry = Retry::safe};
  } catch (const std::exception& exception) {
    error = {.code = ErrorCode::internal, .message = exception.what(), .engine = {}, .native_code = {}};
  }
  if (error.engine.empty()) error.engine = "lancedb";
  return std::unexpected(std::move(error));
}

bool is_plain(char character) {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '_';
}

Settings settings_for(const contract::EngineOptions& options) {
  Settings settings;
  if (options.index_from == 0) return settings;
  // Whoever wants an index earlier wants the rest earlier too.
  settings.index_from = options.index_from;
  settings.scalar_index_from = options.index_from;
  settings.flush_rows = std::clamp<std::size_t>(options.index_from / 8, 1, settings.flush_rows);
  settings.flush_age = std::chrono::milliseconds(50);
  return settings;
}

}  // namespace

Result<std::unique_ptr<contract::VectorStore>> LanceVectorStore::open(const contract::EngineOptions& options) {
  return guarded([&]() -> Result<std::unique_ptr<contract::VectorStore>> {
    if (options.path.empty())
      return failure(ErrorCode::invalid_argument, "the vector engine needs a directory for its files");
    if (!options.url.empty() && !options.url.starts_with("s3://"))
      return failure(ErrorCode::invalid_argument,
                     "the vector engine lancedb takes a URL of the form s3://BUCKET/PREFIX");
    WorkerLimits limits;
    limits.threads = std::max(options.threads, 1U);
    if (options.memory_bytes > 0) limits.cache_bytes = options.memory_bytes;
    TRIUNE_ASSIGN(auto worker, Worker::shared(limits));
    return std::unique_ptr<contract::VectorStore>(
        std::make_unique<LanceVectorStore>(options.path, options.url, std::move(worker), settings_for(options)));
  });
}

LanceVectorStore::LanceVectorStore(const std::filesystem::path& directory, std::string url,
                                   std::shared_ptr<Worker> worker, const Settings& settings)
    : directory_(std::filesystem::absolute(directory)),
      url_(std::move(url)),
      worker_(std::move(worker)),
      settings_(settings),
      maintainer_([this] { maintain(); }) {}

LanceVectorStore::~LanceVectorStore() {
  {
    const std::scoped_lock lock(wake_mutex_);
    stop_ = true;
  }
  wake_condition_.notify_one();
  maintainer_.join();
}

contract::VectorCapabilities LanceVectorStore::capabilities() const {
  return {.engine = "lancedb",
          .approximate = true,
          .metadata_filter = true,
          .persistent = true,
          .max_dimension = largest_dimension};
}

std::filesystem::path LanceVectorStore::folder_of(std::string_view collection) const {
  // The readable part is for people; the hash keeps names apart that differ in other characters, case or length.
  std::string name;
  for (const char character : collection.substr(0, longest_readable_name))
    name += is_plain(character) ? character : '_';
  return directory_ / fmt::format("{}-{}", name, base::sha256_hex(base::as_bytes(collection)).substr(0, 32));
}

Result<std::shared_ptr<Collection>> LanceVectorStore::find(std::string_view collection) const {
  const std::shared_lock lock(collections_mutex_);
  const auto at = collections_.find(collection);
  if (at != collections_.end()) return at->second;
  return failure(ErrorCode::not_found,
                 fmt::format("vector collection '{}' is not open; call open_collection first", collection));
}

std::shared_ptr<Collection> LanceVectorStore::make(const contract::VectorSpecification& specification) const {
  const auto folder = folder_of(specification.collection);
  const std::string database = url_.empty() ? folder.string() : url_ + "/" + folder.filename().string();
  return std::make_shared<Collection>(specification, folder, database, worker_, settings_);
}

Status LanceVectorStore::open_collection(const contract::VectorSpecification& specification) {
  return guarded([&]() -> Status {
    TRIUNE_TRY(contract::check_specification(specification, largest_dimension));
    const std::scoped_lock opening(opening_);
    if (const auto known = find(specification.collection)) {
      const auto& other = (*known)->specification();
      if (other.dimension == specification.dimension && other.metric == specification.metric) return {};
      return failure(ErrorCode::conflict,
                     fmt::format("vector collection '{}' is open with dimension {} and metric {}, not {} and {}",
                                 specification.collection, other.dimension, to_string(other.metric),
                                 specification.dimension, to_string(specification.metric)));
    }
    auto collection = make(specification);
    TRIUNE_TRY(collection->load());
    const std::unique_lock lock(collections_mutex_);
    collections_.emplace(specification.collection, std::move(collection));
    return {};
  });
}

Status LanceVectorStore::drop_collection(std::string_view collection) {
  return guarded([&]() -> Status {
    const std::scoped_lock opening(opening_);
    std::shared_ptr<Collection> dropped;
    {
      const std::unique_lock lock(collections_mutex_);
      const auto at = collections_.find(collection);
      if (at != collections_.end()) {
        dropped = std::move(at->second);
        collections_.erase(at);
      }
    }
    // One that is damaged, or not open, has a folder all the same.
    if (!dropped) dropped = make({.collection = std::string(collection), .dimension = 1});
    return dropped->drop();
  });
}

Status LanceVectorStore::apply(std::string_view collection, const contract::VectorBatch& batch) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->apply(batch);
  });
}

Status LanceVectorStore::bulk_load(std::string_view collection, std::uint64_t expected,
                                   const contract::VectorSource& source, const contract::Position& position) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->bulk_load(expected, source, position);
  });
}

Result<std::optional<contract::Position>> LanceVectorStore::position(std::string_view collection) {
  return guarded([&]() -> Result<std::optional<contract::Position>> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->position();
  });
}

Result<std::optional<contract::Position>> LanceVectorStore::saved_position(std::string_view collection) {
  return guarded([&]() -> Result<std::optional<contract::Position>> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->saved_position();
  });
}

Result<contract::VectorAnswer> LanceVectorStore::search(std::string_view collection, std::span<const float> query,
                                                        const contract::VectorQueryOptions& options) {
  return guarded([&]() -> Result<contract::VectorAnswer> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->search(query, options);
  });
}

Status LanceVectorStore::scan(std::string_view collection,
                              const std::function<Status(contract::VectorKey, std::span<const float>)>& visitor) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->scan(visitor);
  });
}

Result<contract::VectorStatistics> LanceVectorStore::statistics(std::string_view collection) {
  return guarded([&]() -> Result<contract::VectorStatistics> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->statistics();
  });
}

Status LanceVectorStore::save(std::string_view collection) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->save();
  });
}

Result<std::vector<TableVersion>> LanceVectorStore::versions(std::string_view collection) {
  return guarded([&]() -> Result<std::vector<TableVersion>> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->versions();
  });
}

Result<contract::VectorAnswer> LanceVectorStore::search_version(std::string_view collection, std::uint64_t version,
                                                                std::span<const float> query,
                                                                const contract::VectorQueryOptions& options) {
  return guarded([&]() -> Result<contract::VectorAnswer> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->search_version(version, query, options);
  });
}

Result<std::vector<contract::VectorMatch>> LanceVectorStore::search_text(std::string_view collection,
                                                                         std::string_view text, std::size_t count,
                                                                         Deadline deadline) {
  return guarded([&]() -> Result<std::vector<contract::VectorMatch>> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->search_text(text, count, deadline);
  });
}

Result<TableStatistics> LanceVectorStore::table_statistics(std::string_view collection) {
  return guarded([&]() -> Result<TableStatistics> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->table_statistics();
  });
}

void LanceVectorStore::maintain() {
  std::unique_lock lock(wake_mutex_);
  while (!wake_condition_.wait_for(lock, turn, [this] { return stop_; })) {
    lock.unlock();
    std::vector<std::shared_ptr<Collection>> all;
    {
      const std::shared_lock collections(collections_mutex_);
      for (const auto& [name, collection] : collections_) all.push_back(collection);
    }
    // A collection whose upkeep fails stays correct, only slower; it is tried again.
    for (const auto& collection : all) (void)guarded([&] { return collection->upkeep(); });
    lock.lock();
  }
}

}  // namespace lancedb

void register_lancedb(contract::Registry& registry) {
  registry.vector.emplace(
      "lancedb", [](const contract::EngineOptions& options) { return lancedb::LanceVectorStore::open(options); });
}

}  // namespace triune::adapters
