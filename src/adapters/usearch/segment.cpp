#include "adapters/usearch/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "adapters/usearch/byte_codec.h"
#include "adapters/usearch/segment_format.h"
#include "adapters/usearch/snapshot_file.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::string_view segment_suffix = ".segment";
constexpr std::string_view record_suffix = ".records";

// Of a row, where codes serve.
std::size_t ground_bytes(const SegmentHome& home) {
  const auto dimension = home.specification.dimension;
  return ground_stride_of(dimension < Code::smallest_dimension ? home.narrow.bytes() : Code::bytes_of(dimension));
}

}  // namespace

std::filesystem::path SegmentHome::segment_file(std::uint64_t number) const {
  auto path = file;
  return path += fmt::format(".{}{}", number, segment_suffix);
}

std::filesystem::path SegmentHome::record_file(std::uint64_t number) const {
  auto path = file;
  return path += fmt::format(".{}{}", number, record_suffix);
}

Status SegmentHome::remove_files(const std::filesystem::path& collection_file,
                                 const std::function<bool(std::uint64_t)>& is_wanted) {
  std::error_code code;
  const std::string prefix = collection_file.filename().string() + ".";
  std::vector<std::filesystem::path> unwanted;
  for (const auto& entry : std::filesystem::directory_iterator(collection_file.parent_path(), code)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    std::uint64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
    const std::string_view rest(parsed.ptr, end);
    if (parsed.ec != std::errc() || !(rest.starts_with(segment_suffix) || rest.starts_with(record_suffix))) continue;
    if (!is_wanted(number) || rest.ends_with(".tmp")) unwanted.push_back(entry.path());
  }
  for (const auto& path : unwanted) TRIUNE_TRY(base::remove_all(path));
  return {};
}

std::optional<Row> Segment::find(contract::VectorKey key) const {
  if (key < keys_.front() || key > keys_.back()) return std::nullopt;
  if (has_every_key()) return static_cast<Row>(key - keys_.front());
  const auto at = std::ranges::lower_bound(keys_, key);
  return *at == key ? std::optional(static_cast<Row>(at - keys_.begin())) : std::nullopt;
}

std::unique_ptr<Question> Segment::ask(const Probe& probe) const {
  if (code_) return code_->ask(probe.scaled());
  return std::make_unique<KeptQuestion>(*scorer_, probe.packed());
}

std::size_t Segment::memory_bytes() const {
  return file_.size();
}

std::size_t Segment::row_bytes(const SegmentHome& home) {
  return sizeof(contract::VectorKey) + ground_bytes(home) + links_row_bytes(home.settings.tuning);
}

std::size_t Segment::building_row_bytes(const SegmentHome& home) {
  return ground_bytes(home) + Graph::node_bytes(home.settings.tuning);
}

Result<std::shared_ptr<const Segment>> Segment::open(const SegmentHome& home, const Identity& identity,
                                                     Residence residence) {
  const auto path = home.segment_file(identity.number);
  auto opened = SnapshotReader::open(path);
  // The snapshot names the file, so its absence is damage.
  if (!opened && opened.error().code == ErrorCode::not_found)
    return failure(
        ErrorCode::corruption,
        fmt::format("{}; drop the collection and fill it again from the canonical store", opened.error().message));
  if (!opened) return failure_of(opened);
  SnapshotReader& reader = *opened;
  TRIUNE_ASSIGN(auto file, MappedFile::open(path));
  TRIUNE_TRY(residence == Residence::held ? file.hold() : file.map());
  std::shared_ptr<Segment> segment(new Segment(std::move(file)));
  segment->identity_ = identity;
  TRIUNE_TRY(segment->read_description(reader, home));
  TRIUNE_TRY(segment->read_body(reader, home));
  auto records =
      RecordFile::open(home.record_file(identity.number), identity.id, segment->scorer_->bytes(), segment->keys_);
  if (!records && records.error().code == ErrorCode::not_found)
    return reader.damaged("the file of its records is gone");
  if (!records) return failure_of(records);
  segment->records_.emplace(std::move(*records));
  segment->file_.release();  // every link was looked at
  return segment;
}

Status Segment::read_description(SnapshotReader& reader, const SegmentHome& home) {
  if (reader.sections() != segment_section_count) return reader.damaged("it has another number of sections");
  std::vector<std::byte> bytes;
  TRIUNE_TRY(reader.read_all(segment_description, bytes));
  Decoder about(bytes);
  const auto name = about.text();
  const auto dimension = about.number();
  const auto metric = about.number();
  const auto scalar = about.number();
  const auto number = about.number();
  const auto id = about.number();
  if (!id) return reader.damaged("its description is too short");
  if (*name != home.specification.collection || *dimension != home.specification.dimension ||
      *metric != static_cast<std::uint64_t>(home.specification.metric) || Identity{*number, *id} != identity_)
    return reader.damaged("it belongs to another collection or another time");
  const bool is_wide = *scalar == static_cast<std::uint64_t>(home.wide.scalar());
  if (!is_wide && *scalar != static_cast<std::uint64_t>(home.narrow.scalar()))
    return reader.damaged("it keeps values in an unknown form");
  scorer_ = is_wide ? &home.wide : &home.narrow;
  return {};
}

Status Segment::read_body(SnapshotReader& reader, const SegmentHome& home) {
  std::vector<float> mean;
  TRIUNE_TRY(reader.read_all(segment_mean, mean));
  TRIUNE_TRY(reader.read_all(segment_strays, strays_));
  if (!mean.empty() && mean.size() != home.specification.dimension)
    return reader.damaged("its mean is of another size");
  if (!mean.empty()) code_.emplace(home.specification.metric, std::move(mean));
  ground_.stride = ground_stride_of(code_ ? code_->bytes() : scorer_->bytes());

  const auto bytes = file_.bytes();
  const auto place = [&](SegmentSection section) { return bytes.data() + reader.section_offset(section); };
  const std::size_t count = reader.section_size(segment_keys) / sizeof(contract::VectorKey);
  keys_ = {reinterpret_cast<const contract::VectorKey*>(place(segment_keys)), count};
  ground_.rows = place(segment_ground);
  const bool strays_fit = std::ranges::all_of(strays_, [&](Row row) { return row < count; });
  if (count == 0 || reader.section_size(segment_ground) != count * ground_.stride || !strays_fit)
    return reader.damaged("its sections do not belong together");
  links_ = Links::view({place(segment_links), reader.section_size(segment_links)}, count);
  return links_ ? Status{} : reader.damaged("its links do not belong to its vectors");
}

}  // namespace triune::adapters::usearch
