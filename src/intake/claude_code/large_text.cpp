#include "intake/claude_code/large_text.h"

#include <fmt/format.h>

#include "base/file.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {

std::string blob_owner(const Row& row) {
  return fmt::format("{}/{}", row.table().name, row.key());
}

void put_text(Row& row, std::string_view column, std::string_view text, std::vector<PutBlob>& blobs) {
  const std::string bytes_column = fmt::format("{}_bytes", column);
  const auto size = static_cast<std::int64_t>(text.size());
  const std::string_view kept = beginning(text);
  if (!row.is_null(bytes_column) && row.integer(bytes_column) == size && row.text(column) == kept) return;
  row.set_text(column, kept);
  row.set(bytes_column, size);
  if (kept.size() == text.size()) return;
  const auto bytes = base::as_bytes(text);
  put_blob(row, std::string(column), Bytes(bytes.begin(), bytes.end()), blobs);
}

void put_blob(Row& row, std::string name, Bytes bytes, std::vector<PutBlob>& blobs) {
  blobs.push_back({.owner = blob_owner(row), .name = std::move(name), .bytes = std::move(bytes)});
}

}  // namespace triune::intake::claude
