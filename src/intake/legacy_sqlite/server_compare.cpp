#include "intake/legacy_sqlite/server_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/file.h"
#include "base/try.h"

namespace triune::intake::legacy {
namespace {

/// Rows are told apart by this many ranges of hashes.
constexpr std::size_t ranges = 4'096;
/// So many of those that differ are looked into, and so many rows in them: what is shown is little anyway.
constexpr std::size_t ranges_looked_into = 16;
constexpr std::size_t most_rows = 50'000;

using CellVisitor = std::function<Status(std::span<const Cell>)>;
/// Every row of one side.
using Side = std::function<Status(const CellVisitor&)>;

base::Hash128 hash_of(std::span<const Cell> row, std::string& buffer) {
  buffer.clear();
  for (const auto& cell : row) encode(buffer, cell);
  return base::hash128(base::as_bytes(buffer));
}

Side side_of(const RowReader& reader, const RowLayout& layout, const std::optional<RowKey>& until) {
  return [&](const CellVisitor& visitor) {
    std::vector<Cell> row;
    const auto condition = until ? layout.compare("<=", *until, 1) : std::string("TRUE");
    const auto parameters = until ? values_of(*until) : std::vector<Value>();
    return reader(layout.select(condition), parameters, [&](std::span<const Value> selected) {
      layout.cells(selected, row);
      return visitor(std::span<const Cell>(row).subspan(layout.hides_number() ? 1 : 0));
    });
  };
}

Side side_of(const RowReader& reader, const ServerColumns& columns) {
  return [&](const CellVisitor& visitor) {
    std::vector<Cell> row;
    return reader(columns.select(), {}, [&](std::span<const Value> selected) {
      columns.take(selected, row);
      return visitor(row);
    });
  };
}

Result<TableDigest> digest_of(const Side& side) {
  TableDigest digest;
  std::string buffer;
  TRIUNE_TRY(side([&](std::span<const Cell> row) -> Status {
    digest.add(hash_of(row, buffer));
    return {};
  }));
  return digest;
}

std::size_t range_of(const base::Hash128& hash) {
  return hash.high % ranges;
}

/// Rows by their encoded text, and how often they are there.
struct Found {
  std::vector<Cell> cells;
  std::int64_t before = 0;
  std::int64_t after = 0;
};
using Rows = std::map<std::string, Found>;

class ServerComparer {
 public:
  ServerComparer(const Side& before, const Side& after, const ServerColumns& columns, std::span<const std::string> key,
                 TableComparison& result)
      : before_(before), after_(after), columns_(columns), result_(result) {
    for (std::size_t i = 0; i < columns.names().size(); ++i)
      if (std::find(key.begin(), key.end(), columns.names()[i]) != key.end()) key_.push_back(i);
  }

  Status run() {
    TRIUNE_TRY(find_ranges());
    TRIUNE_TRY(collect(before_, &Found::before));
    TRIUNE_TRY(collect(after_, &Found::after));
    tell();
    return {};
  }

 private:
  Result<std::vector<TableDigest>> digests(const Side& side) {
    std::vector<TableDigest> all(ranges);
    std::string buffer;
    TRIUNE_TRY(side([&](std::span<const Cell> row) -> Status {
      const auto hash = hash_of(row, buffer);
      all[range_of(hash)].add(hash);
      return {};
    }));
    return all;
  }

  Status find_ranges() {
    TRIUNE_ASSIGN(const auto left, digests(before_));
    TRIUNE_ASSIGN(const auto right, digests(after_));
    differs_.resize(ranges);
    std::size_t count = 0;
    for (std::size_t i = 0; i < ranges; ++i) {
      if (left[i] == right[i]) continue;
      ++result_.ranges;
      // Both halves of a changed row are wanted, and they are in different ranges: the first few are not enough for
      // all.
      differs_[i] = ++count <= ranges_looked_into || left[i].rows + right[i].rows < most_rows / ranges;
    }
    return {};
  }

  Status collect(const Side& side, std::int64_t Found::* count) {
    std::string buffer;
    return side([&](std::span<const Cell> row) -> Status {
      const auto hash = hash_of(row, buffer);
      if (!differs_[range_of(hash)]) return {};
      const auto known = rows_.find(buffer);
      if (known != rows_.end()) {
        ++(known->second.*count);
      } else if (rows_.size() < most_rows) {
        Found found{.cells = {row.begin(), row.end()}};
        ++(found.*count);
        rows_.emplace(buffer, std::move(found));
      }
      return {};
    });
  }

  [[nodiscard]] std::string key_of(std::span<const Cell> row) const {
    std::string text;
    for (const auto position : key_) encode(text, row[position]);
    return text;
  }

  [[nodiscard]] std::string spoken(std::span<const Cell> row) const {
    std::string names;
    std::string values;
    auto positions = key_;
    if (positions.empty()) positions.push_back(0);
    for (const auto position : positions) {
      names += (names.empty() ? "" : ", ") + columns_.names()[position];
      values += (values.empty() ? "" : ", ") + to_text(row[position].value);
    }
    return positions.size() == 1 ? names + " " + values : fmt::format("({}) = ({})", names, values);
  }

  /// A row that is missing and one that is extra with the same key are one that changed.
  void tell() {
    std::map<std::string, const Found*> extra;
    for (const auto& [text, found] : rows_)
      if (found.after > found.before && !key_.empty()) extra.emplace(key_of(found.cells), &found);
    std::map<const Found*, bool> told;
    for (const auto& [text, found] : rows_) {
      if (found.before <= found.after) continue;
      const auto other = extra.find(key_of(found.cells));
      if (other == extra.end()) {
        note(RowDifference::Kind::missing, found.cells, {});
        continue;
      }
      told[other->second] = true;
      note(RowDifference::Kind::changed, found.cells, different_columns(found.cells, other->second->cells));
    }
    for (const auto& [text, found] : rows_)
      if (found.after > found.before && !told.contains(&found)) note(RowDifference::Kind::extra, found.cells, {});
  }

  [[nodiscard]] std::vector<std::string> different_columns(std::span<const Cell> left,
                                                           std::span<const Cell> right) const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::string one;
      std::string other;
      encode(one, left[i]);
      encode(other, right[i]);
      if (one != other) names.push_back(columns_.names()[i]);
    }
    return names;
  }

  void note(RowDifference::Kind kind, std::span<const Cell> row, std::vector<std::string> columns) {
    if (result_.differences.size() < most_differences)
      result_.differences.push_back({kind, spoken(row), std::move(columns)});
  }

  const Side& before_;
  const Side& after_;
  const ServerColumns& columns_;
  TableComparison& result_;
  std::vector<std::size_t> key_;
  std::vector<bool> differs_;
  Rows rows_;
};

}  // namespace

Result<TableDigest> source_digest(const RowReader& reader, const RowLayout& layout,
                                  const std::optional<RowKey>& until) {
  return digest_of(side_of(reader, layout, until));
}

Result<TableDigest> server_digest(const RowReader& reader, const ServerColumns& columns) {
  return digest_of(side_of(reader, columns));
}

Result<TableComparison> compare_with_server(const RowReader& before, const RowLayout& layout, const RowReader& after,
                                            const ServerColumns& columns, std::span<const std::string> key) {
  TableComparison result{.table = layout.table()};
  const std::optional<RowKey> all;
  const auto left = side_of(before, layout, all);
  const auto right = side_of(after, columns);
  TRIUNE_ASSIGN(result.before, digest_of(left));
  TRIUNE_ASSIGN(result.after, digest_of(right));
  if (result.same()) return result;
  TRIUNE_TRY(ServerComparer(left, right, columns, key, result).run());
  return result;
}

}  // namespace triune::intake::legacy
