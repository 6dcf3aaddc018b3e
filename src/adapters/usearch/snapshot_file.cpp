#include "adapters/usearch/snapshot_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/failpoint.h"
#include "base/hash.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t block_bytes = 1UL << 20U;
constexpr std::uint64_t most_sections = 64;
constexpr std::uint32_t format_version = 3;

struct Header {
  std::array<char, 8> magic{'T', 'R', 'I', 'U', 'N', 'E', 'V', 'S'};
  std::uint32_t version = format_version;
  std::uint32_t reserved = 0;
};

struct Footer {
  std::uint64_t sections = 0;
  std::uint64_t checksum = 0;
  std::array<char, 8> magic{'T', 'R', 'I', 'U', 'N', 'E', 'V', 'E'};
};

template <class Structure>
std::span<const std::byte> bytes_of(const Structure& structure) {
  return std::as_bytes(std::span(&structure, 1));
}

}  // namespace

SnapshotWriter::SnapshotWriter(base::NewFile file, std::filesystem::path path)
    : file_(std::move(file)), path_(std::move(path)) {
  buffer_.reserve(block_bytes);
}

Result<SnapshotWriter> SnapshotWriter::create(const std::filesystem::path& path) {
  TRIUNE_TRY(base::create_directories_durably(path.parent_path()));
  auto temporary = path;
  temporary += ".tmp";
  TRIUNE_TRY(base::remove_all(temporary));  // left by a killed save; one save of a collection runs at a time
  TRIUNE_ASSIGN(auto file, base::NewFile::create(temporary));
  SnapshotWriter writer(std::move(file), path);
  TRIUNE_TRY(writer.write(bytes_of(Header{})));
  writer.section_ = 0;
  return writer;
}

Status SnapshotWriter::write(std::span<const std::byte> bytes) {
  section_ += bytes.size();
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), block_bytes - buffer_.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (buffer_.size() == block_bytes) TRIUNE_TRY(flush());
  }
  return {};
}

Status SnapshotWriter::flush() {
  if (buffer_.empty()) return {};
  checksum_ = base::hash64(std::span<const std::byte>(buffer_), checksum_);
  TRIUNE_TRY(file_.write(buffer_));
  buffer_.clear();
  return {};
}

Status SnapshotWriter::end_section() {
  sizes_.push_back(section_);
  section_ = 0;
  return {};
}

Status SnapshotWriter::publish() {
  Footer footer;
  footer.sections = sizes_.size();
  TRIUNE_TRY(write_all(sizes_));
  TRIUNE_TRY(write(bytes_of(footer.sections)));
  TRIUNE_TRY(flush());
  footer.checksum = checksum_;
  TRIUNE_TRY(file_.write(bytes_of(footer).subspan(sizeof footer.sections)));
  base::failpoint("usearch.save.written");
  TRIUNE_TRY(file_.sync());
  TRIUNE_TRY(file_.rename_to(path_));
  base::failpoint("usearch.save.renamed");
  return base::sync_directory(path_.parent_path());
}

std::unexpected<Error> SnapshotReader::damaged(std::string_view why) const {
  return std::unexpected(Error{.code = ErrorCode::corruption,
                               .message = fmt::format("the vector snapshot {} is damaged: {}; drop the collection and "
                                                      "fill it again from the canonical store",
                                                      path_.string(), why),
                               .engine = "usearch",
                               .native_code = {}});
}

Result<SnapshotReader> SnapshotReader::open(const std::filesystem::path& path) {
  std::error_code code;
  const auto size = std::filesystem::file_size(path, code);
  if (code == std::errc::no_such_file_or_directory)
    return failure(ErrorCode::not_found, fmt::format("{} does not exist", path.string()));
  SnapshotReader reader(path);
  reader.file_.open(path, std::ios::binary);
  if (code || !reader.file_)
    return failure(ErrorCode::unavailable,
                   fmt::format("cannot read {}: {}", path.string(), code ? code.message() : std::strerror(errno)));
  TRIUNE_TRY(reader.read_footer(size));
  TRIUNE_TRY(reader.verify(size - sizeof(Footer) + sizeof(Footer::sections)));
  return reader;
}

Status SnapshotReader::read_footer(std::uint64_t size) {
  Header header;
  Footer footer;
  if (size < sizeof header + sizeof footer) return damaged(fmt::format("it has only {} bytes", size));
  left_ = size;
  TRIUNE_TRY(read(std::as_writable_bytes(std::span(&header, 1))));
  if (header.magic != Header{}.magic) return damaged("it does not begin as a snapshot does");
  if (header.version != format_version)
    return damaged(fmt::format("it has format {}, this program reads {}", header.version, format_version));
  file_.seekg(static_cast<std::streamoff>(size - sizeof footer));
  TRIUNE_TRY(read(std::as_writable_bytes(std::span(&footer, 1))));
  const std::uint64_t room = size - sizeof header - sizeof footer;
  if (footer.magic != Footer{}.magic || footer.sections > most_sections || footer.sections * 8 > room)
    return damaged("its end is missing");
  sizes_.resize(footer.sections);
  file_.seekg(static_cast<std::streamoff>(size - sizeof footer - footer.sections * 8));
  TRIUNE_TRY(read(std::as_writable_bytes(std::span(sizes_))));
  std::uint64_t rest = room - footer.sections * 8;
  for (const auto section : sizes_) {
    if (section > rest) return damaged("its sections do not fit into it");
    rest -= section;
  }
  if (rest != 0) return damaged("its sections do not fill it");
  checksum_ = footer.checksum;
  return {};
}

Status SnapshotReader::verify(std::uint64_t covered) {
  std::vector<std::byte> block(block_bytes);
  std::uint64_t checksum = 0;
  file_.seekg(0);
  for (left_ = covered; left_ > 0;) {
    const auto part = std::span(block).first(std::min<std::uint64_t>(block_bytes, left_));
    TRIUNE_TRY(read(part));
    checksum = base::hash64(std::span<const std::byte>(part), checksum);
  }
  return checksum == checksum_ ? Status{} : damaged("its checksum is wrong");
}

std::uint64_t SnapshotReader::section_offset(std::size_t section) const {
  std::uint64_t offset = sizeof(Header);
  for (std::size_t before = 0; before < section; ++before) offset += sizes_[before];
  return offset;
}

Status SnapshotReader::seek(std::size_t section) {
  file_.seekg(static_cast<std::streamoff>(section_offset(section)));
  left_ = sizes_[section];
  return {};
}

Status SnapshotReader::read(std::span<std::byte> bytes) {
  if (bytes.size() > left_) return damaged("a section ends too early");
  file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file_) return damaged("it ended while it was read");
  left_ -= bytes.size();
  return {};
}

}  // namespace triune::adapters::usearch
