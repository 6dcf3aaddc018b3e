#include "adapters/usearch/usearch_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>

#include "adapters/usearch/register.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "contract/vector_rules.h"

namespace triune::adapters {
namespace usearch {
namespace {

constexpr std::uint32_t largest_dimension = 8'192;
constexpr std::size_t longest_readable_name = 40;

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
  if (error.engine.empty()) error.engine = "usearch";
  return std::unexpected(std::move(error));
}

bool is_plain(char character) {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '_';
}

}  // namespace

Result<std::unique_ptr<contract::VectorStore>> UsearchVectorStore::open(const contract::EngineOptions& options) {
  if (options.path.empty())
    return failure(ErrorCode::invalid_argument, "the vector engine needs a directory for its files");
  Settings settings;
  settings.threads = std::max(options.threads, 1U);
  settings.seats = std::max(settings.seats, settings.threads);
  if (options.memory_bytes > 0) {
    settings.held_bytes = settings.held_bytes / settings.freeze_from * options.memory_bytes;
    settings.freeze_from = options.memory_bytes;
    settings.segment_bytes = options.memory_bytes + options.memory_bytes / 2;
  }
  if (options.index_from > 0) {
    // Whoever wants an index earlier wants it used earlier too.
    settings.walk_cost *= static_cast<double>(options.index_from) / static_cast<double>(settings.index_from);
    settings.index_from = options.index_from;
    settings.most_fresh = std::min<std::size_t>(settings.most_fresh, options.index_from / 2);
  }
  return std::unique_ptr<contract::VectorStore>(std::make_unique<UsearchVectorStore>(options.path, settings));
}

UsearchVectorStore::UsearchVectorStore(std::filesystem::path directory, const Settings& settings)
    : directory_(std::move(directory)), settings_(settings), maintainer_([this] { maintain(); }) {}

UsearchVectorStore::~UsearchVectorStore() {
  stop_ = true;
  for (const auto& [name, collection] : collections_) collection->stop();
  wake();
  maintainer_.join();
}

contract::VectorCapabilities UsearchVectorStore::capabilities() const {
  return {.engine = "usearch",
          .approximate = true,
          .metadata_filter = true,
          .persistent = true,
          .max_dimension = largest_dimension};
}

std::filesystem::path UsearchVectorStore::file_of(std::string_view collection) const {
  // The readable part is for people; the hash keeps names apart that differ in other characters, case or length.
  std::string name;
  for (const char character : collection.substr(0, longest_readable_name))
    name += is_plain(character) ? character : '_';
  return directory_ / fmt::format("{}-{}.vectors", name, base::sha256_hex(base::as_bytes(collection)).substr(0, 32));
}

Result<std::shared_ptr<Collection>> UsearchVectorStore::find(std::string_view collection) const {
  const std::shared_lock lock(collections_mutex_);
  const auto at = collections_.find(collection);
  if (at != collections_.end()) return at->second;
  return failure(ErrorCode::not_found,
                 fmt::format("vector collection '{}' is not open; call open_collection first", collection));
}

Status UsearchVectorStore::open_collection(const contract::VectorSpecification& specification) {
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
    auto collection = std::make_shared<Collection>(specification, file_of(specification.collection), settings_);
    TRIUNE_TRY(collection->load());
    {
      const std::unique_lock lock(collections_mutex_);
      collections_.emplace(specification.collection, std::move(collection));
    }
    wake();
    return {};
  });
}

Status UsearchVectorStore::drop_collection(std::string_view collection) {
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
    if (dropped) return dropped->drop();
    return Collection::remove_files(file_of(collection));
  });
}

Status UsearchVectorStore::apply(std::string_view collection, const contract::VectorBatch& batch) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    TRIUNE_TRY(found->apply(batch));
    if (found->needs_maintenance()) wake();
    return {};
  });
}

Status UsearchVectorStore::bulk_load(std::string_view collection, std::uint64_t expected,
                                     const contract::VectorSource& source, const contract::Position& position) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    TRIUNE_TRY(found->bulk_load(expected, source, position));
    wake();
    return {};
  });
}

Result<std::optional<contract::Position>> UsearchVectorStore::position(std::string_view collection) {
  return guarded([&]() -> Result<std::optional<contract::Position>> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->position();
  });
}

Result<std::optional<contract::Position>> UsearchVectorStore::saved_position(std::string_view collection) {
  return guarded([&]() -> Result<std::optional<contract::Position>> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->saved_position();
  });
}

Result<contract::VectorAnswer> UsearchVectorStore::search(std::string_view collection, std::span<const float> query,
                                                          const contract::VectorQueryOptions& options) {
  return guarded([&]() -> Result<contract::VectorAnswer> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->search(query, options);
  });
}

Status UsearchVectorStore::scan(std::string_view collection,
                                const std::function<Status(contract::VectorKey, std::span<const float>)>& visitor) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->scan(visitor);
  });
}

Result<contract::VectorStatistics> UsearchVectorStore::statistics(std::string_view collection) {
  return guarded([&]() -> Result<contract::VectorStatistics> {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->statistics();
  });
}

Status UsearchVectorStore::save(std::string_view collection) {
  return guarded([&]() -> Status {
    TRIUNE_ASSIGN(const auto found, find(collection));
    return found->save();
  });
}

void UsearchVectorStore::wake() {
  {
    const std::scoped_lock lock(wake_mutex_);
    awake_ = true;
  }
  wake_condition_.notify_one();
}

void UsearchVectorStore::maintain() {
  while (true) {
    {
      std::unique_lock lock(wake_mutex_);
      wake_condition_.wait(lock, [this] { return awake_ || stop_.load(); });
      awake_ = false;
    }
    if (stop_.load()) return;
    std::vector<std::shared_ptr<Collection>> all;
    {
      const std::shared_lock lock(collections_mutex_);
      for (const auto& [name, collection] : collections_) all.push_back(collection);
    }
    // A collection whose maintenance fails stays correct, only slower; the next change tries again.
    for (const auto& collection : all) (void)guarded([&] { return collection->maintain(); });
  }
}

}  // namespace usearch

void register_usearch(contract::Registry& registry) {
  registry.vector.emplace(
      "usearch", [](const contract::EngineOptions& options) { return usearch::UsearchVectorStore::open(options); });
}

}  // namespace triune::adapters
