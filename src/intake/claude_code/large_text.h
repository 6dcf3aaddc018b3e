// Texts and bytes that are too large for a row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "intake/claude_code/row_cache.h"
#include "triune/change.h"

namespace triune::intake::claude {

/// "TABLE/KEY", the owner of the row's blobs.
std::string blob_owner(const Row& row);

/// Sets `column` to the beginning of `text` and `column`_bytes to its size; what is cut off goes, with the whole, to a
/// blob called `column`. Nothing happens when the row has this text already.
void put_text(Row& row, std::string_view column, std::string_view text, std::vector<PutBlob>& blobs);

/// Adds a blob of the row.
void put_blob(Row& row, std::string name, Bytes bytes, std::vector<PutBlob>& blobs);

}  // namespace triune::intake::claude
