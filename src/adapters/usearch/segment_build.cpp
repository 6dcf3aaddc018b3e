// How a segment is made: codes, a graph over them, and both files.
#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "adapters/usearch/byte_codec.h"
#include "adapters/usearch/graph_build.h"
#include "adapters/usearch/segment.h"
#include "adapters/usearch/segment_format.h"
#include "adapters/usearch/selection.h"
#include "adapters/usearch/snapshot_file.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

// Codes must have this share of the nearest of so many vectors among so many candidates.
constexpr std::size_t faithful_samples = 48;
constexpr std::size_t faithful_nearest = 10;
constexpr std::size_t faithful_among = 100;
constexpr double faithful_share = 0.95;
constexpr std::size_t ways_to_each = 4;

// What a segment is made of, in memory.
struct Parts {
  std::optional<Code> code;
  const Comparer* comparer = nullptr;
  std::size_t stride = 0;
  std::vector<std::byte> ground;
  std::vector<std::byte> links;
  std::vector<Row> strays;

  [[nodiscard]] const std::byte* at(Row row) const { return ground.data() + row * stride; }
};

Result<std::vector<float>> mean_of(const Segment::Source& source) {
  const std::size_t dimension = source.scorer->dimension();
  std::vector<double> sums(dimension);
  std::vector<float> values(dimension);
  TRIUNE_TRY(source.visit([&](const Segment::Entry& entry) -> Status {
    source.scorer->unpack(entry.packed, 1, values);  // without its length, as codes are
    for (std::size_t at = 0; at < dimension; ++at) sums[at] += values[at];
    return {};
  }));
  std::vector<float> mean(dimension);
  const auto count = static_cast<double>(source.keys.size());
  std::ranges::transform(sums, mean.begin(), [count](double sum) { return static_cast<float>(sum / count); });
  return mean;
}

Status fill_ground(const Segment::Source& source, Parts& parts) {
  const std::size_t dimension = source.scorer->dimension();
  parts.comparer = parts.code ? static_cast<const Comparer*>(&*parts.code) : source.scorer;
  parts.stride = ground_stride_of(parts.comparer->bytes());
  parts.ground.resize(source.keys.size() * parts.stride);
  std::vector<float> values(dimension);
  std::byte* place = parts.ground.data();
  return source.visit([&](const Segment::Entry& entry) -> Status {
    if (parts.code) {
      source.scorer->unpack(entry.packed, 1, values);
      parts.code->encode(values, place);
    } else {
      std::copy_n(entry.packed, source.scorer->bytes(), place);
    }
    place += parts.stride;
    return {};
  });
}

// Whether candidates by codes hold the nearest of some of the vectors. They do not where vectors lie in groups that are
// far apart and narrow: the bits go into the distances between the groups then.
Result<bool> is_faithful(const Segment::Source& source, const Parts& parts) {
  const std::size_t count = source.keys.size();
  const std::size_t step = std::max<std::size_t>(1, count / faithful_samples);
  std::vector<std::vector<std::byte>> samples;
  std::vector<std::unique_ptr<Question>> questions;
  std::vector<float> values(source.scorer->dimension());
  std::size_t at = 0;
  TRIUNE_TRY(source.visit([&](const Segment::Entry& entry) -> Status {
    if (at++ % step != 0) return {};
    samples.emplace_back(entry.packed, entry.packed + source.scorer->bytes());
    source.scorer->unpack(entry.packed, 1, values);
    questions.push_back(parts.code->ask(values));
    return {};
  }));
  std::vector<Nearest> nearest(samples.size(), Nearest(faithful_nearest));
  at = 0;
  TRIUNE_TRY(source.visit([&](const Segment::Entry& entry) -> Status {
    for (std::size_t sample = 0; sample < samples.size(); ++sample)
      nearest[sample].offer(at, source.scorer->score(samples[sample].data(), entry.packed));
    ++at;
    return {};
  }));
  std::size_t wanted = 0;
  std::size_t met = 0;
  for (std::size_t sample = 0; sample < samples.size(); ++sample) {
    Nearest candidates(faithful_among);
    for (std::size_t row = 0; row < count; ++row) {
      const std::byte* const code = parts.ground.data() + row * parts.stride;
      float score = 0;
      questions[sample]->score_all(std::span(&code, 1), std::span(&score, 1));
      candidates.offer(row, score);
    }
    std::set<std::uint64_t> rows;
    for (const auto& match : candidates.take()) rows.insert(match.key);
    for (const auto& match : nearest[sample].take()) {
      ++wanted;
      met += rows.count(match.key);
    }
  }
  return static_cast<double>(met) >= faithful_share * static_cast<double>(wanted);
}

// Codes where they serve, else the packed vectors themselves.
Status make_ground(const Segment::Source& source, Parts& parts) {
  const bool worth_it = source.scorer->dimension() >= Code::smallest_dimension;
  // Who keeps f32 among f16 has values of very different size.
  if (worth_it && source.scorer->scalar() == Scalar::f16) {
    TRIUNE_ASSIGN(auto mean, mean_of(source));
    parts.code.emplace(source.scorer->metric(), std::move(mean));
    TRIUNE_TRY(fill_ground(source, parts));
    TRIUNE_ASSIGN(const bool faithful, is_faithful(source, parts));
    if (faithful) return {};
    parts.code.reset();
  }
  return fill_ground(source, parts);
}

// Of the rows that searches miss, links that lead to each from those that a search for it finds: whoever looks for it
// comes there.
Result<std::vector<Links::Link>> ways_to(std::span<const Row> lost, const Graph& graph, const Parts& parts) {
  std::vector<Links::Link> ways;
  for (const Row row : lost) {
    TRIUNE_ASSIGN(const auto answer, graph.search(parts.at(row), ways_to_each + 1, 0, {}));
    for (const auto& found : answer.found)
      if (found.row != row) ways.push_back({.from = found.row, .to = row});
  }
  std::ranges::sort(ways, {}, [](const Links::Link& link) { return std::pair(link.from, link.to); });
  return ways;
}

// Whether a search misses a row all the same. Another one with an equal vector is as good.
bool misses(const Links& links, const Parts& parts, Row row, std::size_t kept) {
  const KeptQuestion question(*parts.comparer, parts.at(row));
  const auto all = [](Row) { return true; };
  const LinkedGround ground(links, {.rows = parts.ground.data(), .stride = parts.stride}, question, all);
  Walk walk;
  std::size_t scores = 0;
  const auto& nearest = ground.nearest(walk, {.most = kept}, scores);
  return nearest[0].node != row && nearest[0].score > parts.comparer->score(parts.at(row), parts.at(row));
}

Status link(const SegmentHome& home, const std::atomic<bool>& stop, Parts& parts) {
  const Metric metric = home.specification.metric;
  std::vector<Row> rows(parts.ground.size() / parts.stride);
  std::iota(rows.begin(), rows.end(), 0U);
  const auto vector_of = [&](Row row) { return parts.at(row); };
  TRIUNE_ASSIGN(auto graph, build_graph(*parts.comparer, home.settings, rows, vector_of, stop));
  TRIUNE_ASSIGN(parts.strays, lost_of(*graph, metric, home.settings.threads, vector_of, stop));
  std::ranges::sort(parts.strays);
  std::vector<Links::Link> ways;
  // By inner product a vector is not the nearest to itself: what a search for it finds is no way to it.
  if (metric != Metric::dot) {
    TRIUNE_ASSIGN(ways, ways_to(parts.strays, *graph, parts));
  }
  parts.links.reserve(rows.size() * Segment::links_row_bytes(home.settings.tuning));
  TRIUNE_TRY(Links::write(*graph, ways, [&](std::span<const std::byte> bytes) -> Status {
    parts.links.insert(parts.links.end(), bytes.begin(), bytes.end());
    return {};
  }));
  graph.reset();
  const auto links = Links::view(parts.links, rows.size());
  if (!links) return failure(ErrorCode::internal, "the links of a new segment cannot be read");
  const std::size_t kept = home.settings.tuning.expansion_search;
  if (metric != Metric::dot) std::erase_if(parts.strays, [&](Row row) { return !misses(*links, parts, row, kept); });
  return {};
}

Status write_records(const SegmentHome& home, const Segment::Identity& identity, const Segment::Source& source) {
  TRIUNE_ASSIGN(auto writer,
                RecordWriter::create(home.record_file(identity.number), identity.id, source.scorer->bytes()));
  TRIUNE_TRY(
      source.visit([&](const Segment::Entry& entry) { return writer.add(entry.key, entry.packed, entry.length); }));
  return writer.publish();
}

Status write_segment(const SegmentHome& home, const Segment::Identity& identity, const Segment::Source& source,
                     const Parts& parts) {
  TRIUNE_ASSIGN(auto writer, SnapshotWriter::create(home.segment_file(identity.number)));
  TRIUNE_TRY(writer.write_all(std::vector<std::byte>(cache_line - SnapshotWriter::header_bytes)));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(parts.ground));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(source.keys));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(parts.links));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(parts.strays));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(parts.code ? parts.code->mean() : std::vector<float>()));
  TRIUNE_TRY(writer.end_section());
  Encoder about;
  about.text(home.specification.collection);
  about.number(home.specification.dimension);
  about.number(static_cast<std::uint64_t>(home.specification.metric));
  about.number(static_cast<std::uint64_t>(source.scorer->scalar()));
  about.number(identity.number);
  about.number(identity.id);
  TRIUNE_TRY(writer.write(about.bytes()));
  TRIUNE_TRY(writer.end_section());
  return writer.publish();
}

std::uint64_t random_id() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

Result<std::shared_ptr<const Segment>> Segment::build(const SegmentHome& home, std::uint64_t number,
                                                      const Source& source, const std::atomic<bool>& stop) {
  const Identity identity{.number = number, .id = random_id()};
  const auto write = [&]() -> Status {
    Parts parts;
    TRIUNE_TRY(make_ground(source, parts));
    TRIUNE_TRY(write_records(home, identity, source));  // before the long part, since a full disk shows here
    TRIUNE_TRY(link(home, stop, parts));
    return write_segment(home, identity, source, parts);  // syncs the directory for both files
  };
  const auto build = [&]() -> Result<std::shared_ptr<const Segment>> {
    TRIUNE_TRY(write());
    base::release_free_memory();  // ground and links, which stand in the file now
    base::failpoint("usearch.segment.written");
    return open(home, identity);
  };
  auto segment = build();
  if (!segment) {
    (void)base::remove_all(home.record_file(number));
    (void)base::remove_all(home.segment_file(number));
  }
  return segment;
}

}  // namespace triune::adapters::usearch
