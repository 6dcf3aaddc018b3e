#include "adapters/usearch/links.h"

#include <limits>
#include <numeric>

#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t written_at_once = 1UL << 16U;

// Numbers on their way to the sink.
class NumberWriter {
 public:
  explicit NumberWriter(const Links::Sink& sink) : sink_(sink) {}
  Status put(std::size_t number) {
    numbers_.push_back(static_cast<Row>(number));
    return numbers_.size() < written_at_once ? Status{} : flush();
  }
  Status flush() {
    TRIUNE_TRY(sink_(std::as_bytes(std::span(numbers_))));
    numbers_.clear();
    return {};
  }

 private:
  const Links::Sink& sink_;
  std::vector<Row> numbers_;
};

// Numbers one after the other; what is asked for beyond the end is empty, and noticed.
class NumberReader {
 public:
  explicit NumberReader(std::span<const Row> numbers) : left_(numbers) {}
  std::span<const Row> take(std::size_t count) {
    if (count > left_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  Row next() {
    const auto one = take(1);
    return one.empty() ? 0 : one[0];
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return left_.empty(); }

 private:
  std::span<const Row> left_;
  bool failed_ = false;
};

// The nodes of one level, in the order of their rows, and who they link to.
class LevelWriter {
 public:
  LevelWriter(const Graph& graph, std::size_t level, std::vector<Row> nodes, std::span<const Links::Link> more = {})
      : graph_(graph), level_(level), nodes_(std::move(nodes)), numbers_(graph.size()), more_(more) {
    for (std::size_t at = 0; at < nodes_.size(); ++at) numbers_[nodes_[at]] = static_cast<Row>(at);
  }

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] Row number_of(Row node) const { return numbers_[node]; }

  Status write(NumberWriter& writer) const {
    if (level_ > 0)
      for (const Row node : nodes_) TRIUNE_TRY(writer.put(graph_.rows()[node]));
    std::size_t offset = 0;
    TRIUNE_TRY(writer.put(0));
    for (const Row node : nodes_) {
      visit_links(node, [&](Row) { ++offset; });
      if (offset > std::numeric_limits<Row>::max())
        return failure(ErrorCode::resource_exhausted, "a segment has more links than its file can number");
      TRIUNE_TRY(writer.put(offset));
    }
    for (const Row node : nodes_) {
      Status status;
      visit_links(node, [&](Row number) {
        if (status) status = writer.put(number);
      });
      TRIUNE_TRY(status);
    }
    return {};
  }

 private:
  void visit_links(Row node, const std::function<void(Row number)>& visit) const {
    graph_.visit_links(node, level_, [&](Row neighbour) { visit(numbers_[neighbour]); });
    for (const auto& link : std::ranges::equal_range(more_, graph_.rows()[node], {}, &Links::Link::from))
      visit(link.to);
  }

  const Graph& graph_;
  std::size_t level_;
  std::vector<Row> nodes_;
  std::vector<Row> numbers_;  ///< By node, where it is of this level.
  std::span<const Links::Link> more_;
};

// Of the nodes given, those that are on a level too.
std::vector<Row> on_level(const Graph& graph, std::size_t level, std::vector<Row> nodes) {
  std::erase_if(nodes, [&](Row node) { return graph.level_of(node) < level; });
  return nodes;
}

}  // namespace

Status Links::write(const Graph& graph, std::span<const Link> more, const Sink& sink) {
  NumberWriter writer(sink);
  std::vector<Row> nodes(graph.size());
  for (Row node = 0; node < graph.size(); ++node) nodes[graph.rows()[node]] = node;
  const std::size_t highest = graph.level_of(graph.entry());
  std::vector<std::size_t> sizes;
  Row entry = graph.rows()[graph.entry()];
  for (std::size_t level = 1; level <= highest; ++level) {
    const LevelWriter upper(graph, level, on_level(graph, level, nodes));
    sizes.push_back(upper.size());
    entry = upper.number_of(graph.entry());
  }
  TRIUNE_TRY(writer.put(highest));
  TRIUNE_TRY(writer.put(entry));
  for (const auto size : sizes) TRIUNE_TRY(writer.put(size));
  TRIUNE_TRY(LevelWriter(graph, 0, nodes, more).write(writer));
  for (std::size_t level = 1; level <= highest; ++level)
    TRIUNE_TRY(LevelWriter(graph, level, on_level(graph, level, nodes)).write(writer));
  return writer.flush();
}

std::optional<Links> Links::view(std::span<const std::byte> bytes, std::size_t rows) {
  NumberReader numbers({reinterpret_cast<const Row*>(bytes.data()), bytes.size() / sizeof(Row)});
  Links links;
  const std::size_t highest = numbers.next();
  links.entry_ = numbers.next();
  const auto sizes = numbers.take(highest);
  if (numbers.failed()) return std::nullopt;
  const auto fill = [&](Level& level, std::size_t nodes) {
    level.offsets = numbers.take(nodes + 1);
    if (level.offsets.empty() || level.offsets[0] != 0 || !std::ranges::is_sorted(level.offsets)) return false;
    level.links = numbers.take(level.offsets.back());
    return !numbers.failed() && std::ranges::all_of(level.links, [nodes](Row node) { return node < nodes; });
  };
  if (!fill(links.lowest_, rows)) return std::nullopt;
  for (std::size_t at = 0; at < sizes.size(); ++at) {
    const std::size_t size = sizes[at];
    Level& level = links.upper_.emplace_back();
    level.rows = numbers.take(size);
    if (level.rows.empty() || !std::ranges::is_sorted(level.rows) || level.rows.back() >= rows) return std::nullopt;
    if (!fill(level, size)) return std::nullopt;
    // Whoever is on a level is on those below it: that is the way down.
    if (at > 0 && !std::ranges::includes(links.upper_[at - 1].rows, level.rows)) return std::nullopt;
  }
  const std::size_t entries = links.upper_.empty() ? rows : links.upper_.back().rows.size();
  if (links.entry_ >= entries || !numbers.at_end()) return std::nullopt;
  return links;
}

}  // namespace triune::adapters::usearch
