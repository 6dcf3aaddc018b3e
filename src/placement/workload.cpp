#include "placement/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/hash.h"
#include "base/try.h"
#include "placement/learned_text.h"

namespace triune::placement {
namespace {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double total_time(const RecordedShape& shape) {
  return static_cast<double>(shape.calls) * shape.latencies.median();
}

}  // namespace

void Workload::drop_oldest() {
  texts_.clear();  // some lead to the one that goes
  places_.erase(shapes_.back().shape);
  shapes_.pop_back();
}

Workload::Place Workload::place_of(std::string shape) {
  if (const auto found = places_.find(shape); found != places_.end()) return found->second;
  while (shapes_.size() >= most_shapes) drop_oldest();
  shapes_.push_front({.shape = std::move(shape)});
  places_.emplace(shapes_.front().shape, shapes_.begin());
  return shapes_.begin();
}

void Workload::record(std::string_view statement, double microseconds, std::uint64_t rows,
                      const std::function<std::string(std::string_view)>& shape) {
  const auto hash = base::hash64(statement);
  const std::lock_guard lock(mutex_);
  if (since_ms_ == 0) since_ms_ = now_ms();
  auto known = texts_.find(hash);
  if (known == texts_.end()) {
    auto text = shape(statement);
    if (text.empty() || text.size() > longest_shape) return;
    const auto place = place_of(std::move(text));
    if (texts_.size() >= most_texts) texts_.clear();
    known = texts_.emplace(hash, place).first;
  }
  shapes_.splice(shapes_.begin(), shapes_, known->second);
  auto& one = shapes_.front();
  ++one.calls;
  one.rows += rows;
  one.latencies.add(microseconds);
  ++statements_;
}

std::vector<RecordedShape> Workload::shapes() const {
  const std::lock_guard lock(mutex_);
  std::vector<RecordedShape> all(shapes_.begin(), shapes_.end());
  std::stable_sort(all.begin(), all.end(), [](const RecordedShape& left, const RecordedShape& right) {
    return total_time(left) > total_time(right);
  });
  return all;
}

std::uint64_t Workload::statements() const {
  const std::lock_guard lock(mutex_);
  return statements_;
}

std::int64_t Workload::since_ms() const {
  const std::lock_guard lock(mutex_);
  return since_ms_;
}

std::string Workload::save() const {
  const std::lock_guard lock(mutex_);
  auto lines = fmt::format("{}\t{}\n", statements_, since_ms_);
  for (const auto& one : shapes_)
    lines += fmt::format("{}\t{}\t{}\t{}\n", escaped(one.shape), one.calls, one.rows, one.latencies.encode());
  return lines;
}

Status Workload::restore(std::string_view lines) {
  const auto rows = parts_of(lines, '\n');
  const auto totals = parts_of(rows.front(), '\t');
  if (totals.size() != 2) return failure(ErrorCode::corruption, "the totals of the workload lack fields");
  TRIUNE_ASSIGN(const std::uint64_t statements, whole_number(totals[0]));
  TRIUNE_ASSIGN(const std::uint64_t since, whole_number(totals[1]));
  std::list<RecordedShape> shapes;
  for (std::size_t i = 1; i < rows.size() && shapes.size() < most_shapes; ++i) {
    if (rows[i].empty()) continue;
    const auto fields = parts_of(rows[i], '\t');
    if (fields.size() != 4) return failure(ErrorCode::corruption, "a recorded statement lacks fields");
    auto& one = shapes.emplace_back();
    one.shape = unescaped(fields[0]);
    TRIUNE_ASSIGN(one.calls, whole_number(fields[1]));
    TRIUNE_ASSIGN(one.rows, whole_number(fields[2]));
    TRIUNE_TRY(one.latencies.decode(fields[3]));
  }
  const std::lock_guard lock(mutex_);
  texts_.clear();
  places_.clear();
  shapes_ = std::move(shapes);
  statements_ = statements;
  since_ms_ = static_cast<std::int64_t>(since);
  for (auto place = shapes_.begin(); place != shapes_.end();) {
    const bool is_new = places_.emplace(place->shape, place).second;
    place = is_new ? std::next(place) : shapes_.erase(place);
  }
  return {};
}

}  // namespace triune::placement
