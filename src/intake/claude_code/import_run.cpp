#include "intake/claude_code/import_run.h"

#include <fmt/format.h>

#include "base/try.h"

namespace triune::intake::claude {
namespace {

constexpr std::uint64_t blobs_along_bytes = 16U << 20U;
constexpr std::size_t reported_skipped = 100;

}  // namespace

bool is_file_error(const Error& error) noexcept {
  return error.engine == "file";
}

Status ImportRun::commit_once(std::vector<Change> changes, ModuleBatch batch) {
  TRIUNE_ASSIGN(report_.receipt, modules_.commit(std::move(changes), std::move(batch)));
  report_.changed += report_.receipt.changes;
  return {};
}

Status ImportRun::commit(std::vector<Change> changes, std::vector<PutBlob> blobs, ModuleBatch batch) {
  std::uint64_t bytes = 0;
  for (const auto& blob : blobs) bytes += blob.bytes.size();
  if (bytes > blobs_along_bytes) {
    for (auto& blob : blobs) {
      std::vector<Change> one;
      one.emplace_back(std::move(blob));
      TRIUNE_TRY(commit_once(std::move(one), {}));
    }
  } else {
    for (auto& blob : blobs) changes.emplace_back(std::move(blob));
  }
  if (changes.empty() && batch.empty()) return {};
  return commit_once(std::move(changes), std::move(batch));
}

void ImportRun::note_bad(const std::string& file, std::uint64_t line, const std::string& reason) {
  ++report_.bad;
  if (report_.bad_lines.size() < options_.reported_bad_lines) report_.bad_lines.push_back({file, line, reason});
}

void ImportRun::note_skipped(const std::filesystem::path& path, std::string_view reason) {
  ++report_.skipped_files;
  if (report_.skipped.size() < reported_skipped)
    report_.skipped.push_back(fmt::format("{}: {}", path.string(), reason));
}

void ImportRun::advance(std::string_view stage, std::uint64_t bytes) {
  done_bytes_ += bytes;
  if (progress_) progress_(stage, done_bytes_, total_bytes_);
}

}  // namespace triune::intake::claude
