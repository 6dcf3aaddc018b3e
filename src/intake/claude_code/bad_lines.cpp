#include "intake/claude_code/bad_lines.h"

#include <fmt/format.h>

#include <array>

#include "base/file.h"
#include "base/try.h"
#include "intake/claude_code/large_text.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {

std::string BadLines::id_of(std::uint64_t number) const {
  return bounded_id(fmt::format("{}:{}", file_, number));
}

Status BadLines::start(std::uint64_t lines_done, bool restarted) {
  const std::array<Value, 2> parameters{file_, static_cast<std::int64_t>(restarted ? 0 : lines_done)};
  TRIUNE_ASSIGN(const RowSet found,
                run_.hive().sql("SELECT id FROM claude_bad_line_rows WHERE file = ?1 AND line > ?2", parameters));
  for (const auto& row : found.rows) stale_.insert(std::get<std::string>(row[0]));
  return {};
}

Status BadLines::add(const Line& line, const std::string& reason) {
  run_.note_bad(file_, line.number, reason);
  const std::string id = id_of(line.number);
  stale_.erase(id);
  TRIUNE_TRY(rows_.load(run_.hive(), id));
  Row& row = rows_.at(id);
  const std::string raw = readable(line.text);
  row.set_text("file", file_);
  row.set("line", static_cast<std::int64_t>(line.number));
  row.set_text("reason", reason);
  row.set_text("raw", beginning(raw));
  row.set("raw_bytes", static_cast<std::int64_t>(line.size));
  const bool whole = raw == line.text && raw.size() <= row_text_bytes;
  if (whole || !row.is_changed()) return {};
  const auto bytes = base::as_bytes(line.text);
  put_blob(row, "raw", Bytes(bytes.begin(), bytes.end()), blobs_);
  return {};
}

void BadLines::remove(const std::string& id) {
  removals_.emplace_back(DeleteRow{.table = std::string(bad_line_table().name), .key = {{"id", id}}});
  removals_.emplace_back(DeleteBlob{.owner = blob_owner(Row(bad_line_table(), id)), .name = "raw"});
}

void BadLines::line_is_good(std::uint64_t number) {
  if (!stale_.empty() && stale_.erase(id_of(number)) > 0) remove(id_of(number));
}

void BadLines::finish() {
  for (const auto& id : stale_) remove(id);
  stale_.clear();
}

void BadLines::take_changes(std::vector<Change>& changes, std::vector<PutBlob>& blobs) {
  rows_.append_changes(changes);
  changes.insert(changes.end(), std::make_move_iterator(removals_.begin()), std::make_move_iterator(removals_.end()));
  blobs.insert(blobs.end(), std::make_move_iterator(blobs_.begin()), std::make_move_iterator(blobs_.end()));
  removals_.clear();
  blobs_.clear();
  rows_ = RowCache(bad_line_table());
}

}  // namespace triune::intake::claude
