#include "intake/claude_code/line_import.h"

#include <fmt/format.h>

#include <utility>

#include "base/try.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

constexpr std::string_view unfinished = "the file ends inside this line; it is read again when the file has grown";

}  // namespace

LineImport::LineImport(ImportRun& run, const Input& input, std::string kind)
    : run_(run),
      input_(input),
      file_(bounded_id(readable(input.path.string()))),
      kind_(std::move(kind)),
      bad_lines_(run, file_) {}

Status LineImport::run() {
  TRIUNE_TRY(sources_.load(run_.hive(), file_));
  Row& source = sources_.at(file_);
  source.set_text_once("kind", kind_);
  TRIUNE_ASSIGN(position_, resume_position(input_.path, source));
  run_.advance("importing", position_.bytes);
  if (source.is_stored() && position_.bytes == input_.size) {
    ++run_.report().files_unchanged;
    return {};
  }
  TRIUNE_TRY(bad_lines_.start(position_.lines, position_.restarted));
  return read();
}

Status LineImport::read() {
  TRIUNE_ASSIGN(LineReader reader,
                LineReader::open(input_.path, position_.bytes, position_.lines + 1, run_.options().max_line_bytes));
  Line line;
  for (;;) {
    TRIUNE_ASSIGN(const bool more, reader.next(line));
    if (!more) break;
    if (batch_bytes_ > 0 && batch_bytes_ + line.size > run_.options().batch_bytes) TRIUNE_TRY(flush());
    TRIUNE_ASSIGN(const bool done, take(line));
    if (!done) break;
    if (is_full()) TRIUNE_TRY(flush());
  }
  bad_lines_.finish();
  return flush();
}

// False for a line that is not finished: the position stays before it.
Result<bool> LineImport::take(const Line& line) {
  if (line.text.find_first_not_of(" \t") != std::string_view::npos) {
    ++run_.report().lines;
    auto taken =
        line.oversized
            ? Status(failure(ErrorCode::invalid_argument,
                             fmt::format("{} bytes long; {} is the limit", line.size, run_.options().max_line_bytes)))
            : take_line(line);
    if (taken.has_value()) {
      bad_lines_.line_is_good(line.number);
    } else if (taken.error().code != ErrorCode::invalid_argument) {
      return failure_of(taken);
    } else {
      TRIUNE_TRY(bad_lines_.add(line, line.terminated ? taken.error().message : std::string(unfinished)));
      if (!line.terminated) return false;
    }
  }
  position_ = {.bytes = line.end, .lines = line.number};
  batch_bytes_ += line.size + 1;
  return true;
}

Status LineImport::flush() {
  std::vector<Change> changes;
  std::vector<PutBlob> blobs;
  ModuleBatch modules;
  TRIUNE_TRY(take_batch(changes, blobs, modules));
  bad_lines_.take_changes(changes, blobs);
  TRIUNE_TRY(remember_position(input_.path, position_, sources_.at(file_)));
  sources_.append_changes(changes);
  TRIUNE_TRY(run_.commit(std::move(changes), std::move(blobs), std::move(modules)));
  sources_ = RowCache(source_table());
  TRIUNE_TRY(sources_.load(run_.hive(), file_));
  run_.report().bytes_read += batch_bytes_;
  run_.advance("importing", batch_bytes_);
  batch_bytes_ = 0;
  return {};
}

}  // namespace triune::intake::claude
