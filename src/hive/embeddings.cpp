// Embedding with a commit and for a query.
#include "hive/embeddings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "adapters/builtin.h"
#include "base/try.h"

namespace triune {

Result<std::shared_ptr<Embedder>> make_embedder(std::string_view name) {
  const auto& known = adapters::builtin().embedder;
  const auto colon = name.find(':');
  const auto found = known.find(std::string(name.substr(0, colon)));
  if (found != known.end())
    return found->second(colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1));
  std::string names;
  for (const auto& [each, make] : known) names += (names.empty() ? "" : ", ") + each;
  return failure(ErrorCode::invalid_argument,
                 fmt::format("there is no embedder \"{}\"; there are: {} (NAME or NAME:MODEL), and those of "
                             "HiveOptions::embedders",
                             name, names));
}

}  // namespace triune

namespace triune::hive {
namespace {

constexpr std::size_t version_limit = 200;

/// With its number; null when there is none.
const std::pair<const std::int64_t, VectorCollection>* collection_of(const PutVector& vector,
                                                                     const projection::CatalogSnapshot& catalog,
                                                                     std::int64_t organization_id) {
  const auto id = catalog.collection(organization_id, projection::CollectionKind::vector, vector.collection);
  const auto found = id ? catalog.vector_collections.find(*id) : catalog.vector_collections.end();
  return found == catalog.vector_collections.end() ? nullptr : &*found;
}

/// A change whose vector is to be made, or null.
const PutVector* to_embed(const Change& change) {
  const auto* const vector = std::get_if<PutVector>(&change);
  return vector != nullptr && !vector->text.empty() && vector->values.empty() ? vector : nullptr;
}

Deadline half_of(Deadline deadline) {
  return Deadline::after(std::min<std::chrono::milliseconds>(deadline.remaining() / 2, std::chrono::seconds(30)));
}

Status check_vector(const std::vector<float>& vector, const VectorCollection& collection) {
  if (vector.size() != collection.dimension)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the embedder {} made a vector of {} values, and collection {} has {} dimensions",
                               collection.embedder, vector.size(), collection.name, collection.dimension));
  if (std::all_of(vector.begin(), vector.end(), [](float value) { return std::isfinite(value); })) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the embedder {} made a vector with a NaN or an infinity", collection.embedder));
}

Result<std::vector<std::vector<float>>> embed_batch(Embedder& model, const VectorCollection& collection,
                                                    std::span<const std::string> texts, Deadline deadline) {
  TRIUNE_ASSIGN(auto made, model.embed(texts, collection.dimension, deadline));
  if (made.size() != texts.size())
    return failure(ErrorCode::internal, fmt::format("the embedder {} made {} vectors of {} texts", collection.embedder,
                                                    made.size(), texts.size()));
  for (const auto& vector : made) TRIUNE_TRY(check_vector(vector, collection));
  return made;
}

}  // namespace

Result<std::shared_ptr<Embedder>> Embeddings::embedder(const std::string& name) {
  if (const auto own = settings_.own.find(name); own != settings_.own.end()) return own->second;
  const std::scoped_lock lock(mutex_);
  if (const auto found = known_.find(name); found != known_.end()) return found->second;
  TRIUNE_ASSIGN(auto made, make_embedder(name));
  known_.emplace(name, made);
  return made;
}

Status Embeddings::check(const VectorCollection& collection) {
  if (collection.embedder.empty()) return {};
  TRIUNE_ASSIGN(const auto model, embedder(collection.embedder));
  const auto dimension = model->description().dimension;
  if (dimension == 0 || dimension == collection.dimension) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the embedder {} makes vectors of {} dimensions, not {}; create the collection with "
                             "dimension {}",
                             collection.embedder, dimension, collection.dimension, dimension));
}

Result<std::uint32_t> Embeddings::dimension_of(const std::string& name) {
  TRIUNE_ASSIGN(const auto model, embedder(name));
  return model->description().dimension;
}

std::string Embeddings::version_of(const VectorCollection& collection) {
  const auto model = collection.embedder.empty() ? failure(ErrorCode::not_found, "") : embedder(collection.embedder);
  return model ? (*model)->description().version.substr(0, version_limit) : std::string();
}

Status Embeddings::check_version(std::int64_t collection_id, const VectorCollection& collection,
                                 const Embedder& model) const {
  const auto catalog = settings_.catalog->snapshot();
  const auto recorded = catalog->embedder_versions.find(collection_id);
  const auto now = model.description().version.substr(0, version_limit);
  if (recorded == catalog->embedder_versions.end() || now.empty() || now == recorded->second) return {};
  return failure(ErrorCode::conflict,
                 fmt::format("the vectors of collection {0} are of version {1} of {2}, which is version {3} now, and "
                             "those of two versions are not comparable; make them anew: triune collection reembed {0}",
                             catalog->name_of(collection_id), recorded->second, collection.embedder, now));
}

Embeddings::Embedded Embeddings::embed_all(std::int64_t collection_id, const VectorCollection& collection,
                                           std::span<const std::string> texts, Deadline deadline, Pace* pace) {
  Embedded embedded;
  auto model = embedder(collection.embedder);
  const Status usable = model ? check_version(collection_id, collection, **model) : Status(failure_of(model));
  if (!usable) {
    embedded.trouble = usable.error();
    return embedded;
  }
  const std::size_t batch = std::max<std::size_t>(1, (*model)->description().batch_size);
  while (embedded.vectors.size() < texts.size()) {
    const auto left = texts.subspan(embedded.vectors.size());
    const auto size = std::min({left.size(), batch, pace == nullptr ? batch : pace->batch});
    auto made = pace != nullptr && is_stopped() ? Result<Vectors>(failure(ErrorCode::cancelled, "the hive was closed"))
                                                : embed_batch(**model, collection, left.first(size), deadline);
    if (!made) {
      if (pace != nullptr && took_too_long(made.error())) pace->batch = std::max<std::size_t>(1, size / 4);
      embedded.trouble = made.error();
      return embedded;
    }
    if (pace != nullptr) pace->batch = std::min(batch, pace->batch * 2);
    std::ranges::move(*made, std::back_inserter(embedded.vectors));
  }
  return embedded;
}

Result<std::vector<float>> Embeddings::query(std::int64_t collection_id, const VectorCollection& collection,
                                             const std::string& text, Deadline deadline) {
  if (collection.embedder.empty())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("collection {} has no embedder that would make a vector of a text; search by values or "
                               "by the id of a stored vector",
                               collection.name));
  const std::array<std::string, 1> texts{text};
  auto made = embed_all(collection_id, collection, texts, deadline);
  if (made.trouble) {
    made.trouble->message = fmt::format("embedding the query: {}", made.trouble->message);
    return std::unexpected<Error>(*made.trouble);
  }
  return std::move(made.vectors.front());
}

std::optional<EmbeddedChanges> Embeddings::embed(std::span<const Change> changes,
                                                 const projection::CatalogSnapshot& catalog, Deadline deadline) {
  std::map<const std::pair<const std::int64_t, VectorCollection>*, std::vector<std::size_t>> by_collection;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto* const vector = to_embed(changes[i]);
    const auto* const collection =
        vector == nullptr ? nullptr : collection_of(*vector, catalog, settings_.organization_id);
    // What is wrong about the others is told where changes are applied.
    if (collection != nullptr && !collection->second.embedder.empty()) by_collection[collection].push_back(i);
  }
  if (by_collection.empty()) return std::nullopt;
  EmbeddedChanges embedded{.changes = {changes.begin(), changes.end()}};
  const auto until = half_of(deadline);
  for (const auto& [collection, places] : by_collection) {
    std::vector<std::string> texts;
    for (const auto place : places) texts.push_back(std::get<PutVector>(changes[place]).text);
    auto made = embed_all(collection->first, collection->second, texts, until);
    for (std::size_t i = 0; i < made.vectors.size(); ++i)
      std::get<PutVector>(embedded.changes[places[i]]).values = std::move(made.vectors[i]);
    embedded.pending += places.size() - made.vectors.size();
    if (made.trouble) embedded.trouble = made.trouble->message;
  }
  return embedded;
}

Result<std::uint64_t> Embeddings::pending(contract::RelationalSession& session, std::int64_t collection_id) const {
  const std::array<Value, 2> parameters{settings_.organization_id, collection_id};
  TRIUNE_ASSIGN(const RowSet counted,
                session.query("SELECT count(*) FROM triune_vector_texts WHERE organization_id = ?1 AND "
                              "collection_id = ?2 AND pending_since_ms IS NOT NULL",
                              parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(counted.rows.at(0).at(0)));
}

Result<std::string> Embeddings::last_error(contract::RelationalSession& session, std::int64_t collection_id) const {
  const std::array<Value, 2> parameters{settings_.organization_id, collection_id};
  TRIUNE_ASSIGN(const RowSet errors,
                session.query("SELECT last_error FROM triune_vector_texts WHERE organization_id = ?1 AND "
                              "collection_id = ?2 AND pending_since_ms IS NOT NULL AND last_error <> '' "
                              "ORDER BY next_attempt_ms DESC LIMIT 1",
                              parameters, 1));
  return errors.rows.empty() ? std::string() : to_text(errors.rows[0][0]);
}

Result<std::vector<EmbeddingStatus>> Embeddings::statuses(contract::RelationalSession& session) const {
  std::vector<EmbeddingStatus> statuses;
  const auto catalog = settings_.catalog->snapshot();
  for (const auto id : catalog->collections_of(settings_.organization_id, projection::CollectionKind::vector)) {
    const auto found = catalog->vector_collections.find(id);
    if (found == catalog->vector_collections.end() || found->second.embedder.empty()) continue;
    EmbeddingStatus status{.collection = found->second.name, .embedder = found->second.embedder};
    TRIUNE_ASSIGN(status.pending, pending(session, id));
    TRIUNE_ASSIGN(status.last_error, last_error(session, id));
    statuses.push_back(std::move(status));
  }
  return statuses;
}

}  // namespace triune::hive
