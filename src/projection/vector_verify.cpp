// VectorProjection::verify: keys are compared by digest, values by how far the engine's quantised copy is from the
// canonical one (I3, I4).
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>

#include "base/hash.h"
#include "base/try.h"
#include "projection/change_log.h"
#include "projection/vector_projection.h"

namespace triune::projection {
namespace {

constexpr std::size_t example_limit = 20;
constexpr std::size_t chunk_size = 2000;
// Relative distance between a vector and its copy: f16 and bf16 stay below 0.5 %, i8 below 2 %; another vector is far
// off.
constexpr double tolerance = 0.05;

EntityDigest digest_of(std::int64_t key) {
  return {base::hash64(describe_vector(key)), 0};
}

double length(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

/// Whether `copy` stands for `original`; under cosine an engine may have normalised it.
bool matches(std::span<const float> original, std::span<const float> copy, Metric metric) {
  const double original_length = length(original);
  const double copy_length = length(copy);
  if (original_length == 0 || copy_length == 0) return original_length == copy_length;
  const double scale = metric == Metric::cosine ? original_length / copy_length : 1.0;
  double difference = 0;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const double delta = original[i] - scale * copy[i];
    difference += delta * delta;
  }
  return std::sqrt(difference) <= tolerance * original_length;
}

}  // namespace

Result<std::set<std::int64_t>> VectorProjection::find_different(contract::RelationalSession& canonical) {
  std::set<std::int64_t> different;
  std::map<std::int64_t, std::vector<float>> chunk;
  const auto check = [&]() -> Status {
    std::set<std::int64_t> keys;
    for (const auto& [key, values] : chunk) keys.insert(key);
    std::vector<Refused> refused;
    TRIUNE_ASSIGN(const contract::VectorBatch stored, current_state(canonical, keys, refused));
    for (const auto& entry : stored.puts)
      if (const auto key = static_cast<std::int64_t>(entry.key);
          !matches(entry.values, chunk.at(key), definition_.metric))
        different.insert(key);
    chunk.clear();
    return {};
  };
  TRIUNE_TRY(store_->scan(engine_collection, [&](contract::VectorKey key, std::span<const float> values) -> Status {
    chunk[static_cast<std::int64_t>(key)].assign(values.begin(), values.end());
    return chunk.size() < chunk_size ? Status() : check();
  }));
  TRIUNE_TRY(check());
  return different;
}

Status VectorProjection::name_keys(contract::RelationalSession& canonical, const DigestDifferences& found,
                                   Differences& differences, std::set<std::int64_t>& keys) {
  const std::set<std::uint64_t> missing(found.missing.begin(), found.missing.end());
  const std::set<std::uint64_t> extra(found.extra.begin(), found.extra.end());
  const auto note = [&](std::string_view what, std::int64_t key, const std::set<std::uint64_t>& among) {
    if (!among.contains(digest_of(key).key)) return;
    keys.insert(key);
    if (differences.examples.size() < example_limit)
      differences.examples.push_back(fmt::format("{} {}", what, describe_vector(key)));
  };
  std::vector<Refused> refused;
  if (!missing.empty())
    TRIUNE_TRY(visit_canonical(
        canonical, {},
        [&](const contract::VectorEntry& entry) -> Status {
          note("missing", static_cast<std::int64_t>(entry.key), missing);
          return {};
        },
        refused));
  if (extra.empty()) return {};
  return store_->scan(engine_collection, [&](contract::VectorKey key, std::span<const float>) -> Status {
    note("extra", static_cast<std::int64_t>(key), extra);
    return {};
  });
}

Status VectorProjection::apply_unsettled(contract::RelationalSession& canonical) {
  TRIUNE_ASSIGN(const auto entries, read_unsettled(canonical, environment_.organization_id));
  std::set<std::int64_t> keys;
  for (const auto& entry : entries) {
    if (entry.collection_id != collection_id_) continue;
    if (entry.operation == Operation::load) return still_settling(name());
    if (const auto key = vector_number(entry.key)) keys.insert(*key);
  }
  if (keys.empty()) return {};
  std::vector<Refused> refused;
  TRIUNE_ASSIGN(const contract::VectorBatch batch, current_state(canonical, keys, refused));
  TRIUNE_TRY(store_->apply(engine_collection, batch));
  applied_since_save_ += keys.size();
  return set_aside_.add(refused);
}

Result<Differences> VectorProjection::verify(contract::RelationalSession& canonical, bool repair,
                                             const Progress& progress) {
  TRIUNE_TRY(apply_unsettled(canonical));
  std::vector<Refused> refused;
  const DigestScan left = [&](const std::function<void(const EntityDigest&)>& receive) {
    refused.clear();
    return visit_canonical(
        canonical, progress,
        [&](const contract::VectorEntry& entry) -> Status {
          receive(digest_of(static_cast<std::int64_t>(entry.key)));
          return {};
        },
        refused);
  };
  const DigestScan right = [&](const std::function<void(const EntityDigest&)>& receive) {
    return store_->scan(engine_collection, [&](contract::VectorKey key, std::span<const float>) -> Status {
      receive(digest_of(static_cast<std::int64_t>(key)));
      return {};
    });
  };
  TRIUNE_ASSIGN(const DigestDifferences found, compare(left, right));
  TRIUNE_ASSIGN(std::set<std::int64_t> keys, find_different(canonical));
  Differences differences{.projection = name(), .organization = environment_.organization};
  differences.checked = found.checked;
  differences.missing = found.missing.size();
  differences.extra = found.extra.size();
  differences.different = keys.size();
  for (auto key = keys.begin(); key != keys.end() && differences.examples.size() < example_limit; ++key)
    differences.examples.push_back("different " + describe_vector(*key));
  TRIUNE_TRY(name_keys(canonical, found, differences, keys));
  if (!repair || keys.empty()) return differences;
  TRIUNE_ASSIGN(const contract::VectorBatch batch, current_state(canonical, keys, refused));
  TRIUNE_TRY(store_->apply(engine_collection, batch));
  applied_since_save_ += keys.size();
  TRIUNE_TRY(save(true));
  return differences;
}

}  // namespace triune::projection
