#include "adapters/usearch/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <usearch/index.hpp>

#include "adapters/usearch/huge_pages.h"
#include "adapters/usearch/walk.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

namespace native = ::unum::usearch;
using Index = native::index_gt<float, Row, Row, std::allocator<char>, SlabAllocator>;

Error engine_error(ErrorCode code, const char* what, const char* native_message) {
  return {.code = code,
          .message = fmt::format("usearch could not {}: {}", what, native_message),
          .engine = "usearch",
          .native_code = native_message};
}

// usearch's errors abort the program when dropped unread, so each is taken out at once.
template <class NativeResult>
Status check(NativeResult& result, const char* what) {
  if (result) return {};
  const char* message = result.error.release();
  const bool memory = std::string_view(message).find("emory") != std::string_view::npos;
  return std::unexpected(engine_error(memory ? ErrorCode::resource_exhausted : ErrorCode::internal, what, message));
}

constexpr std::size_t cache_line = 64;
// After so many lines the processor has seen which ones come next.
constexpr std::size_t most_hinted = 8 * cache_line;
constexpr std::size_t hinted_links = 3 * cache_line;
constexpr std::size_t few_kept = 16;
constexpr std::size_t thorough = 4;

void hint(const std::byte* at, std::size_t bytes) {
  for (std::size_t offset = 0; offset < bytes; offset += cache_line) __builtin_prefetch(at + offset);
}

// A node of the lowest level, and the share of 1/(connectivity - 1) that have links on upper levels too.
std::size_t links_bytes(const Index& index, const GraphTuning& tuning) {
  const std::size_t node = index.neighbors_base_bytes() + sizeof(Row) + sizeof(std::int16_t);
  return node + index.neighbors_bytes() / (tuning.connectivity - 1);
}

}  // namespace

struct Graph::Implementation {
  // What usearch calls to compare a query with a node, or two nodes.
  struct Measure {
    const Comparer& comparer;
    const std::byte* const* vectors;
    float operator()(const std::byte* query, const Index::member_citerator_t& node) const noexcept {
      return comparer.score(query, vectors[get_slot(node)]);
    }
    float operator()(const std::byte* query, const Index::member_cref_t& node) const noexcept {
      return comparer.score(query, vectors[node.slot]);
    }
    float operator()(const Index::member_citerator_t& left, const Index::member_citerator_t& right) const noexcept {
      return comparer.score(vectors[get_slot(left)], vectors[get_slot(right)]);
    }
  };
  // Asks for the first lines of each neighbour's vector while the first of them is compared: their places are random.
  struct Prefetch {
    const std::byte* const* vectors;
    template <class Iterator, class End>
    void operator()(Iterator node, End end) const noexcept {
      for (; node != end; ++node) hint(vectors[get_slot(node)], 3 * cache_line);
    }
  };
  // What a walk stands on (walk.h).
  struct Ground {
    static constexpr bool only_admitted = false;
    const Implementation& graph;
    const std::byte* query;
    const Allow& allow;
    std::size_t hinted;

    [[nodiscard]] std::size_t size() const { return graph.index.size(); }
    void measure(std::span<const Row> nodes, std::span<float> scores) const {
      thread_local std::vector<const std::byte*> places;
      places.resize(nodes.size());
      std::ranges::transform(nodes, places.begin(), [this](Row node) { return graph.vectors[node]; });
      graph.comparer->score_all(query, places, scores);
    }
    [[nodiscard]] bool admits(Row node) const { return !allow || allow(graph.rows[node]); }
    template <class Visit>
    void visit_links(Row node, const Visit& visit) const {
      const auto links = graph.index.neighbors(node, 0);
      for (auto at = links.begin(); at != links.end(); ++at) visit(at.slot());
    }
    void hint_vector(Row node) const { hint(graph.vectors[node], hinted); }
    void hint_links(Row node) const {
      hint(reinterpret_cast<const std::byte*>(graph.index.at(node).key.ptr()), hinted_links);
    }
  };

  Implementation(const Comparer& comparer_used, const GraphTuning& tuning_used, std::size_t contexts_used)
      : comparer(&comparer_used), tuning(tuning_used), contexts(contexts_used) {}

  // The level that the next addition in a context will draw: usearch draws it from a generator of the context, and this
  // is the same generator, begun and used alike.
  struct Levels {
    std::default_random_engine generator;
    [[nodiscard]] std::size_t next(double inverse_log_connectivity) {
      std::uniform_real_distribution<double> distribution(0.0, 1.0);
      return static_cast<std::size_t>(-std::log(distribution(generator)) * inverse_log_connectivity);
    }
  };

  [[nodiscard]] Measure measure() const { return {*comparer, vectors.data()}; }
  [[nodiscard]] Prefetch prefetch() const { return {vectors.data()}; }

  // The node that was first on the highest level.
  [[nodiscard]] Row entry() const {
    Row node = 0;
    while (index.level_of(node) != index.max_level()) ++node;
    return node;
  }

  // By node, whether a path from the entry leads to it.
  [[nodiscard]] std::vector<bool> reached() const {
    std::vector<bool> seen(index.size());
    std::vector<Row> open{entry()};
    seen[open.back()] = true;
    while (!open.empty()) {
      const Row node = open.back();
      open.pop_back();
      for (std::size_t level = 0; level <= index.level_of(node); ++level)
        for (const auto& neighbour : index.neighbors(node, level)) {
          if (seen[neighbour.slot]) continue;
          seen[neighbour.slot] = true;
          open.push_back(static_cast<Row>(neighbour.slot));
        }
    }
    return seen;
  }

  const Comparer* comparer;
  GraphTuning tuning;
  std::size_t contexts;
  Index index;
  std::vector<const std::byte*> vectors;  ///< By node.
  std::vector<Row> rows;                  ///< By node.
  std::vector<Levels> levels;             ///< By context.
  std::shared_mutex upper_levels;         ///< Held alone while a node is added that has upper levels.
};

Graph::Graph(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
Graph::~Graph() = default;

Result<std::unique_ptr<Graph>> Graph::make(const Comparer& comparer, const GraphTuning& tuning, std::size_t capacity,
                                           std::size_t contexts) {
  auto implementation = std::make_unique<Implementation>(comparer, tuning, contexts);
  auto made = Index::make(native::index_config_t(tuning.connectivity));
  TRIUNE_TRY(check(made, "make an index"));
  implementation->index = std::move(made.index);
  std::unique_ptr<Graph> graph(new Graph(std::move(implementation)));
  TRIUNE_TRY(graph->reserve(capacity));
  return graph;
}

Status Graph::reserve(std::size_t capacity) {
  auto& self = *implementation_;
  if (self.vectors.size() >= std::max(capacity, std::size_t{1}) && self.index.capacity() >= capacity) return {};
  // Growing makes the contexts anew and so restarts their random levels: rarely and by half, never a few at a time.
  capacity = std::max({capacity, self.vectors.size() + self.vectors.size() / 2, std::size_t{1024}});
  self.vectors.resize(capacity);
  self.rows.resize(capacity);
  if (!self.index.try_reserve(native::index_limits_t(capacity, self.contexts)))
    return failure(ErrorCode::resource_exhausted, fmt::format("no memory for an index of {} vectors", capacity));
  self.levels.assign(self.contexts, {});
  return {};
}

Status Graph::add(Row row, const std::byte* vector, std::size_t context) {
  auto& self = *implementation_;
  native::index_update_config_t config;
  config.expansion = self.tuning.expansion_add;
  config.thread = context;
  const auto note = [&](const Index::member_ref_t& node) {
    self.vectors[node.slot] = vector;
    self.rows[node.slot] = row;
  };
  if (self.index.size() >= self.vectors.size())
    return failure(ErrorCode::internal, "a vector was added to an index without room for it");
  // A node with upper levels is led to before its lower levels have links, and what others link to it there meanwhile
  // is thrown away: nodes added beside it become unreachable (USearch#735). A node of level 0 only is led to when it is
  // whole.
  const std::size_t level = self.levels[context].next(self.index.inverse_log_connectivity());
  std::unique_lock<std::shared_mutex> alone(self.upper_levels, std::defer_lock);
  std::shared_lock<std::shared_mutex> together(self.upper_levels, std::defer_lock);
  if (level > 0)
    alone.lock();
  else
    together.lock();
  auto result = self.index.add(row, vector, self.measure(), config, note, self.prefetch());
  TRIUNE_TRY(check(result, "add a vector"));
  if (self.index.level_of(result.slot) == level) return {};
  return failure(ErrorCode::internal, "usearch draws levels otherwise than expected; its version was changed");
}

Result<Graph::Answer> Graph::search(const std::byte* query, std::size_t count, std::size_t context, const Allow& allow,
                                    std::size_t expansion) const {
  const auto& self = *implementation_;
  if (size() == 0) return Answer{};
  native::index_cluster_config_t config;
  config.thread = context;
  config.expansion = 1;
  // Down to the lowest level.
  auto entry = self.index.cluster(query, 0, self.measure(), config, native::dummy_predicate_t{}, self.prefetch());
  TRIUNE_TRY(check(entry, "search"));
  const Implementation::Ground ground{self, query, allow, std::min(self.comparer->bytes(), most_hinted)};
  thread_local Walk walk;
  const auto& nearest = walk.run(ground, {entry.cluster.distance, static_cast<Row>(entry.cluster.member.slot)},
                                 {.most = std::max(expansion > 0 ? expansion : self.tuning.expansion_search, count)});
  Answer answer;
  answer.distances = entry.computed_distances + walk.scores();
  answer.found.reserve(std::min(count, nearest.size()));
  for (const auto& [score, node] : std::span(nearest).first(std::min(count, nearest.size())))
    answer.found.push_back({self.rows[node], score});
  return answer;
}

std::size_t Graph::size() const {
  return implementation_->index.size();
}

std::size_t Graph::memory_bytes() const {
  const auto& self = *implementation_;
  return size() * links_bytes(self.index, self.tuning) + self.index.capacity() * sizeof(void*) +
         self.vectors.capacity() * sizeof(void*) + self.rows.capacity() * sizeof(Row);
}

std::size_t Graph::node_bytes(const GraphTuning& tuning) {
  return links_bytes(Index(native::index_config_t(tuning.connectivity)), tuning) + 2 * sizeof(void*) + sizeof(Row);
}

std::span<const Row> Graph::rows() const {
  return std::span(implementation_->rows).first(size());
}

Row Graph::entry() const {
  return implementation_->entry();
}

std::size_t Graph::level_of(Row node) const {
  return static_cast<std::size_t>(implementation_->index.level_of(node));
}

void Graph::visit_links(Row node, std::size_t level, const std::function<void(Row)>& visit) const {
  for (const auto& neighbour : implementation_->index.neighbors(node, level)) visit(static_cast<Row>(neighbour.slot));
}

std::vector<Row> Graph::unreached() const {
  const auto& self = *implementation_;
  if (size() == 0) return {};
  std::vector<bool> is_linked(size());
  for (std::size_t node = 0; node < size(); ++node)
    for (const auto& neighbour : self.index.neighbors(static_cast<Row>(node), 0)) is_linked[neighbour.slot] = true;
  const auto reached = self.reached();
  std::vector<Row> found;
  for (std::size_t node = 0; node < size(); ++node)
    if (!reached[node] || !is_linked[node]) found.push_back(self.rows[node]);
  return found;
}

Result<bool> Graph::misses(Row row, const std::byte* vector, std::size_t context) const {
  // Nearly all are found by a walk that keeps few, in a quarter of the time. Of words' vectors one in a hundred is
  // found only by one that keeps more than usual: that is what effort is for, and no vector without a way to it.
  const std::size_t usual = implementation_->tuning.expansion_search;
  for (const std::size_t expansion : {few_kept, usual, thorough * usual}) {
    TRIUNE_ASSIGN(const auto answer, search(vector, 1, context, {}, expansion));
    if (answer.found.empty()) continue;
    // Another row with an equal vector is as good: then this one is found when it is the nearer of a filter.
    const auto& nearest = answer.found[0];
    if (nearest.row == row || nearest.score <= implementation_->comparer->score(vector, vector)) return false;
  }
  return true;
}

void Graph::retarget(const Comparer& comparer, const VectorOf& vector_of) {
  auto& self = *implementation_;
  self.comparer = &comparer;
  for (std::size_t node = 0; node < size(); ++node) self.vectors[node] = vector_of(self.rows[node]);
}

Status Graph::save(const Sink& sink) const {
  auto result = implementation_->index.save_to_stream(sink);
  return check(result, "write an index");
}

Status Graph::load(const Source& source, Row rows, const VectorOf& vector_of) {
  // Loading frees the contexts and takes their number from the limits known before: none must be made first.
  auto result = implementation_->index.load_from_stream(source);
  TRIUNE_TRY(check(result, "read an index"));
  auto& self = *implementation_;
  self.vectors.clear();
  self.rows.clear();
  TRIUNE_TRY(reserve(size()));
  for (std::size_t node = 0; node < size(); ++node) {
    const Row row = self.index.at(static_cast<Row>(node)).key;
    if (row >= rows) return failure(ErrorCode::corruption, fmt::format("the index names row {} of {}", row, rows));
    self.rows[node] = row;
    self.vectors[node] = vector_of(row);
  }
  return {};
}

}  // namespace triune::adapters::usearch
