// The changes of one commit as JSON lines: what `triune commit` reads.
//
//   {"op":"put_row","table":"tasks","values":{"id":7,"title":"Review"}}
//   {"op":"put_edge","type":"REVIEWS","from":{"label":"Agent","id":"ada"},"to":["Task","7"],"properties":{"since":2026}}
//
// A line that does not parse, an unknown operation, and an unknown, missing or mistyped field are `invalid_argument`
// that name the line, so that a caller who stops at the first error has changed nothing (I10).
#pragma once

#include <istream>
#include <string_view>
#include <vector>

#include "triune/change.h"
#include "triune/status.h"

namespace triune::front {

/// One change from one JSON object. `"file"` of a put_blob is read here, relative to the working directory.
Result<Change> parse_change(std::string_view line);

/// All changes of a stream, empty lines skipped. Errors begin with "`source`:LINE: "; a stream without any change and
/// one with more than a commit can hold (100,000) are `invalid_argument`.
Result<std::vector<Change>> read_change_lines(std::istream& lines, std::string_view source);

}  // namespace triune::front
