#include "adapters/usearch/record_file.h"

#include <fmt/format.h>

#include <cstring>

#include "base/hash.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t block_bytes = 1UL << 20U;
// Records that are no farther apart are read at once.
constexpr std::size_t near_bytes = 16UL << 10U;
constexpr std::size_t tail_bytes = sizeof(float) + sizeof(std::uint32_t);

std::uint32_t checksum_of(std::span<const std::byte> bytes, std::uint64_t id, contract::VectorKey key) {
  return static_cast<std::uint32_t>(base::hash64(bytes, id ^ (key * 0x9E3779B97F4A7C15ULL)));
}

}  // namespace

RecordWriter::RecordWriter(base::NewFile file, std::filesystem::path path, std::uint64_t id, std::size_t stride)
    : file_(std::move(file)), path_(std::move(path)), id_(id), stride_(stride) {
  buffer_.reserve(block_bytes + stride + tail_bytes);
}

Result<RecordWriter> RecordWriter::create(const std::filesystem::path& path, std::uint64_t id, std::size_t stride) {
  TRIUNE_TRY(base::create_directories_durably(path.parent_path()));
  auto temporary = path;
  temporary += ".tmp";
  TRIUNE_TRY(base::remove_all(temporary));
  TRIUNE_ASSIGN(auto file, base::NewFile::create(temporary));
  return RecordWriter(std::move(file), path, id, stride);
}

Status RecordWriter::add(contract::VectorKey key, const std::byte* packed, float length) {
  const std::size_t begin = buffer_.size();
  buffer_.resize(begin + stride_ + tail_bytes);
  std::byte* const record = buffer_.data() + begin;
  std::memcpy(record, packed, stride_);
  std::memcpy(record + stride_, &length, sizeof length);
  const auto checksum = checksum_of({record, stride_ + sizeof length}, id_, key);
  std::memcpy(record + stride_ + sizeof length, &checksum, sizeof checksum);
  if (buffer_.size() < block_bytes) return {};
  TRIUNE_TRY(file_.write(buffer_));
  file_.start_writeback();
  buffer_.clear();
  return {};
}

Status RecordWriter::publish() {
  TRIUNE_TRY(file_.write(buffer_));
  TRIUNE_TRY(file_.sync());
  return file_.rename_to(path_);
}

RecordFile::RecordFile(MappedFile file, std::filesystem::path path, std::uint64_t id, std::size_t stride,
                       std::span<const contract::VectorKey> keys)
    : file_(std::move(file)), path_(std::move(path)), id_(id), stride_(stride), keys_(keys) {}

Result<RecordFile> RecordFile::open(const std::filesystem::path& path, std::uint64_t id, std::size_t stride,
                                    std::span<const contract::VectorKey> keys) {
  TRIUNE_ASSIGN(auto file, MappedFile::open(path));
  if (file.size() != keys.size() * (stride + tail_bytes))
    return failure(ErrorCode::corruption,
                   fmt::format("{} has {} bytes, not those of {} vectors; drop the collection and "
                               "fill it again from the canonical store",
                               path.string(), file.size(), keys.size()));
  return RecordFile(std::move(file), path, id, stride, keys);
}

Status RecordFile::check(Row row, const std::byte* record) const {
  std::uint32_t checksum = 0;
  std::memcpy(&checksum, record + stride_ + sizeof(float), sizeof checksum);
  if (checksum == checksum_of({record, stride_ + sizeof(float)}, id_, keys_[row])) return {};
  return failure(ErrorCode::corruption,
                 fmt::format("the vector of key {} in {} is damaged; drop the collection and fill "
                             "it again from the canonical store",
                             keys_[row], path_.string()));
}

Status RecordFile::visit(std::span<const Row> rows, const Visitor& visitor) const {
  const std::size_t size = stride_ + tail_bytes;
  std::vector<std::byte> block;
  for (std::size_t at = 0; at < rows.size();) {
    std::size_t end = at + 1;
    while (end < rows.size() && (rows[end] - rows[end - 1]) * size <= near_bytes &&
           (rows[end] - rows[at] + 1UL) * size <= block_bytes)
      ++end;
    const Row first = rows[at];
    block.resize((rows[end - 1] - first + 1UL) * size);
    TRIUNE_TRY(file_.read(first * size, block));
    for (; at < end; ++at) {
      const std::byte* const record = block.data() + (rows[at] - first) * size;
      TRIUNE_TRY(check(rows[at], record));
      float length = 0;
      std::memcpy(&length, record + stride_, sizeof length);
      TRIUNE_TRY(visitor(rows[at], record, length));
    }
  }
  return {};
}

}  // namespace triune::adapters::usearch
