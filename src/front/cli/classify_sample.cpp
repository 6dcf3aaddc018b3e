#include "front/cli/classify_sample.h"

#include <algorithm>
#include <map>

#include "base/try.h"
#include "front/cli/interrupt.h"
#include "intake/tables/table_reader.h"
#include "placement/content.h"
#include "placement/names.h"

namespace triune::front {
namespace {

constexpr std::size_t most_cells = 1000;
constexpr std::size_t most_columns = 1000;
constexpr std::size_t longest_cell = 128UL * 1024;
constexpr std::uint64_t prose_bytes = 80;

struct SampledColumn {
  std::vector<Value> cells;  ///< The first ones that are there.
  std::uint64_t there = 0;
  std::uint64_t bytes = 0;
  std::uint64_t texts = 0;
  std::uint64_t large = 0;
};

/// Two columns that are the ends of edges.
struct Ends {
  std::string from;
  std::string to;
  placement::NetworkBuilder edges;
};

/// What is kept of the rows.
class Sample {
 public:
  void take(const Record& row) {
    ++rows_;
    for (const auto& field : row) take_cell(field);
    if (rows_ == 1) find_ends(row);
    for (auto& ends : ends_) {
      const auto* from = find(row, ends.from);
      const auto* to = find(row, ends.to);
      if (from == nullptr || to == nullptr || is_null(*from) || is_null(*to)) continue;
      ends.edges.add(placement::node_of("", *from), placement::node_of("", *to));
    }
  }

  placement::Characteristics characteristics(std::string name, std::optional<double> multi_hop_share) && {
    placement::Characteristics data{.name = std::move(name), .rows = rows_, .multi_hop_share = multi_hop_share};
    for (auto& ends : ends_) {
      const auto network = std::move(ends.edges).measure(multi_hop_share);
      if (network.edges == 0) continue;
      data.relationships.push_back({.type = placement::edge_type_of(data.name),
                                    .from = {},
                                    .to = {},
                                    .edges = network.edges,
                                    .complexity = network.complexity,
                                    .sampled = network.sampled});
    }
    for (const auto& [column, sampled] : columns_) add_column(column, sampled, data);
    return data;
  }

 private:
  void take_cell(const Field& field) {
    if (is_null(field.value)) return;
    if (columns_.size() >= most_columns && !columns_.contains(field.name)) return;
    auto& column = columns_[field.name];
    ++column.there;
    const auto* text = std::get_if<std::string>(&field.value);
    const auto* json = std::get_if<Json>(&field.value);
    const std::size_t size = text != nullptr ? text->size() : json != nullptr ? json->text.size() : 0;
    column.bytes += size;
    column.texts += text != nullptr ? 1 : 0;
    column.large += json != nullptr && size > placement::large_json_bytes ? 1 : 0;
    // JSON as the text that a database would hold.
    if (column.cells.size() < most_cells && size <= longest_cell)
      column.cells.push_back(json != nullptr ? Value(json->text) : field.value);
  }

  void find_ends(const Record& row) {
    for (const auto& left : row)
      for (const auto& right : row)
        if (&left != &right && placement::are_edge_ends(left.name, right.name))
          ends_.push_back({left.name, right.name, placement::NetworkBuilder()});
  }

  static void add_column(const std::string& name, const SampledColumn& column, placement::Characteristics& data) {
    data.large_documents += column.large;
    data.bytes += column.bytes;
    const auto vectors = placement::vectors_in(column.cells);
    if (vectors.form != placement::VectorContent::Form::none) {
      const bool normalized = vectors.smallest_norm > 0.99 && vectors.largest_norm < 1.01;
      data.vectors.push_back({.column = name,
                              .dimension = vectors.dimension,
                              .count = column.there,
                              .normalized = normalized,
                              .metric = {}});
    } else if (column.texts > 0 && column.bytes / column.there >= prose_bytes) {
      data.text_columns.push_back(name);
    }
  }

  std::uint64_t rows_ = 0;
  std::map<std::string, SampledColumn> columns_;
  std::vector<Ends> ends_;
};

}  // namespace

Result<placement::Characteristics> characteristics_of_sample(const std::filesystem::path& path,
                                                             std::optional<double> multi_hop_share) {
  TRIUNE_ASSIGN(const auto reader, intake::TableReader::open(path));
  Sample sample;
  Record row;
  while (true) {
    TRIUNE_TRY(stop_if_interrupted());
    const auto more = reader->next(row);
    if (more && !*more) break;
    if (more) {
      sample.take(row);
    } else if (more.error().code != ErrorCode::invalid_argument) {
      return failure(more.error().code, more.error().message);
    }
  }
  return std::move(sample).characteristics(path.stem().string(), multi_hop_share);
}

}  // namespace triune::front
