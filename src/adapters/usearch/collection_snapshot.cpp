// How a collection is saved and read back.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "adapters/usearch/byte_codec.h"
#include "adapters/usearch/collection.h"
#include "adapters/usearch/snapshot_file.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

enum Section : std::size_t { description, links, keys, states, lengths, metadata, parts, vectors, section_count };

std::span<const std::byte> raw(const void* bytes, std::size_t size) {
  return {static_cast<const std::byte*>(bytes), size};
}

std::span<std::byte> raw(void* bytes, std::size_t size) {
  return {static_cast<std::byte*>(bytes), size};
}

}  // namespace

// What is copied under a seat, to be written after it is given up.
struct Collection::Capture {
  std::vector<contract::VectorKey> keys;
  std::vector<RowState> states;
  std::vector<float> lengths;
  Encoder metadata;
  std::vector<Part> parts;
  std::uint64_t next_segment = 0;
  std::vector<std::uint64_t> replaced;  ///< Segments that this snapshot does not name any more.
  std::size_t stride = 0;
  std::optional<Rows::Pin> pin;
  std::optional<contract::Position> position;
  std::uint64_t version = 0;
};

Status Collection::write_guarded_part(SnapshotWriter& writer, Capture& capture) {
  const Seat seat(gate_, Deadline::never());
  if (dropped_) return std::unexpected(gone());
  Encoder about;
  about.text(specification_.collection);
  about.number(specification_.dimension);
  about.number(static_cast<std::uint64_t>(specification_.metric));
  about.number(static_cast<std::uint64_t>(body_.scorer->scalar()));
  about.number(generation_ + 1);
  about.number(position_ ? 1 : 0);
  about.text(position_ ? position_->incarnation : "");
  about.number(position_ ? position_->lsn : 0);
  TRIUNE_TRY(writer.write(about.bytes()));
  TRIUNE_TRY(writer.end_section());
  // Links are written under the seat: they change in place. They are a fifth of the whole; the vectors follow outside.
  if (body_.graph) {
    Status written;
    const auto sink = [&](const void* bytes, std::size_t size) {
      written = writer.write(raw(bytes, size));
      return written.has_value();
    };
    const Status status = body_.graph->save(sink);
    TRIUNE_TRY(written);
    TRIUNE_TRY(status);
  }
  TRIUNE_TRY(writer.end_section());
  capture.keys = body_.rows.keys();
  capture.states = body_.rows.states();
  capture.lengths = body_.rows.lengths();
  capture.metadata.number(body_.metadata.size());
  for (const auto& [key, record] : body_.metadata) {
    capture.metadata.number(key);
    capture.metadata.record(record);
  }
  capture.parts = parts_;
  capture.next_segment = next_segment_;
  {
    const std::scoped_lock saved(saved_mutex_);
    capture.replaced = replaced_;
  }
  capture.stride = body_.rows.stride();
  capture.pin.emplace(body_.rows);
  capture.position = position_;
  capture.version = version_;
  return {};
}

Status Collection::write_rest(SnapshotWriter& writer, const Capture& capture) {
  TRIUNE_TRY(writer.write_all(capture.keys));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(capture.states));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write_all(capture.lengths));
  TRIUNE_TRY(writer.end_section());
  TRIUNE_TRY(writer.write(capture.metadata.bytes()));
  TRIUNE_TRY(writer.end_section());
  Encoder segments;
  segments.number(capture.next_segment);
  segments.number(capture.parts.size());
  for (const auto& part : capture.parts) {
    segments.number(part.segment().identity().number);
    segments.number(part.segment().identity().id);
    segments.number(part.dead_bits().size());
    for (const auto word : part.dead_bits()) segments.number(word);
  }
  TRIUNE_TRY(writer.write(segments.bytes()));
  TRIUNE_TRY(writer.end_section());
  const std::vector<std::byte> nothing(capture.stride);
  for (Row row = 0; row < capture.keys.size(); ++row) {
    // A free row may be given to a new vector just now.
    const bool used = capture.states[row] != RowState::free;
    TRIUNE_TRY(writer.write(raw(used ? capture.pin->vector(row) : nothing.data(), capture.stride)));
  }
  return writer.end_section();
}

Status Collection::save() {
  const std::scoped_lock lock(saving_);
  {
    const Seat seat(gate_, Deadline::never());
    const std::scoped_lock saved(saved_mutex_);
    if (!dropped_ && generation_ > 0 && saved_version_ == version_) return {};
  }
  TRIUNE_ASSIGN(auto writer, SnapshotWriter::create(file_));
  Capture capture;
  TRIUNE_TRY(write_guarded_part(writer, capture));
  TRIUNE_TRY(write_rest(writer, capture));
  TRIUNE_TRY(writer.publish());
  ++generation_;
  {
    const std::scoped_lock saved(saved_mutex_);
    saved_position_ = capture.position;
    saved_version_ = capture.version;
    std::erase_if(replaced_, [&](std::uint64_t number) { return std::ranges::count(capture.replaced, number) > 0; });
  }
  // What is not removed now is removed when the collection is opened.
  for (const auto number : capture.replaced) (void)remove_segment(number);
  return {};
}

Status Collection::load() {
  auto opened = SnapshotReader::open(file_);
  if (!opened && opened.error().code == ErrorCode::not_found)
    return SegmentHome::remove_files(file_, [](std::uint64_t) { return false; });
  if (!opened) return failure_of(opened);
  SnapshotReader& reader = *opened;
  if (reader.sections() != section_count) return reader.damaged("it has another number of sections");
  TRIUNE_TRY(read_description(reader));
  TRIUNE_TRY(read_body(reader));
  TRIUNE_TRY(read_metadata(reader));
  return read_parts(reader);
}

Status Collection::read_description(SnapshotReader& reader) {
  std::vector<std::byte> bytes;
  TRIUNE_TRY(reader.read_all(description, bytes));
  Decoder about(bytes);
  const auto name = about.text();
  const auto dimension = about.number();
  const auto metric = about.number();
  const auto scalar = about.number();
  const auto generation = about.number();
  const auto has_position = about.number();
  auto incarnation = about.text();
  const auto lsn = about.number();
  if (!lsn) return reader.damaged("its description is too short");
  if (*name != specification_.collection) return reader.damaged(fmt::format("it belongs to collection '{}'", *name));
  if (*dimension != specification_.dimension || *metric != static_cast<std::uint64_t>(specification_.metric))
    return failure(
        ErrorCode::conflict,
        fmt::format("vector collection '{}' is kept in {} with dimension {} and metric {}, not {} and {}; "
                    "drop it to change them",
                    specification_.collection, file_.string(), *dimension, to_string(static_cast<Metric>(*metric)),
                    specification_.dimension, to_string(specification_.metric)));
  if (*scalar != static_cast<std::uint64_t>(narrow_.scalar()) && *scalar != static_cast<std::uint64_t>(wide_.scalar()))
    return reader.damaged("it keeps values in an unknown form");
  generation_ = *generation;
  if (*has_position != 0) position_ = contract::Position{std::move(*incarnation), *lsn};
  saved_position_ = position_;
  scalar_ = static_cast<Scalar>(*scalar);
  body_ = Body(scalar_.load() == narrow_.scalar() ? narrow_ : wide_);
  return {};
}

Status Collection::read_body(SnapshotReader& reader) {
  std::vector<contract::VectorKey> key_list;
  std::vector<RowState> state_list;
  std::vector<float> length_list;
  TRIUNE_TRY(reader.read_all(keys, key_list));
  TRIUNE_TRY(reader.read_all(states, state_list));
  TRIUNE_TRY(reader.read_all(lengths, length_list));
  const std::size_t count = key_list.size();
  Rows& rows = body_.rows;
  if (state_list.size() != count || length_list.size() != count ||
      reader.section_size(vectors) != count * rows.stride())
    return reader.damaged("its sections do not belong together");
  rows.restore(std::move(key_list), std::move(state_list), std::move(length_list));
  TRIUNE_TRY(reader.seek(vectors));
  for (std::size_t row = 0; row < count; row += Rows::rows_in_chunk) {
    const std::size_t part = std::min(Rows::rows_in_chunk, count - row);
    TRIUNE_TRY(reader.read(raw(rows.writable_vector(static_cast<Row>(row)), part * rows.stride())));
  }
  if (reader.section_size(links) == 0) return {};
  TRIUNE_ASSIGN(body_.graph, Graph::make(*body_.scorer, settings_.tuning, 0, settings_.seats));
  TRIUNE_TRY(reader.seek(links));
  const auto source = [&](void* bytes, std::size_t size) { return reader.read(raw(bytes, size)).has_value(); };
  TRIUNE_TRY(body_.graph->load(source, rows.end(), [&](Row row) { return std::as_const(rows).vector(row); }));
  checked_nodes_ = all_checked_nodes_ = body_.graph->size();  // strays were saved as such
  return {};
}

Status Collection::read_metadata(SnapshotReader& reader) {
  std::vector<std::byte> bytes;
  TRIUNE_TRY(reader.read_all(metadata, bytes));
  Decoder decoder(bytes);
  const auto count = decoder.number();
  for (std::uint64_t at = 0; count && at < *count; ++at) {
    const auto key = decoder.number();
    auto record = key ? decoder.record() : std::nullopt;
    if (!record) return reader.damaged("its metadata end too early");
    body_.metadata.emplace(*key, std::move(*record));
  }
  return count && decoder.at_end() ? Status{} : reader.damaged("its metadata are not whole");
}

Status Collection::read_parts(SnapshotReader& reader) {
  std::vector<std::byte> bytes;
  TRIUNE_TRY(reader.read_all(parts, bytes));
  Decoder decoder(bytes);
  const auto next = decoder.number();
  const auto count = decoder.number();
  for (std::uint64_t at = 0; count && at < *count; ++at) {
    const auto number = decoder.number();
    const auto id = decoder.number();
    const auto words = decoder.number();
    if (!words) return reader.damaged("its list of segments ends too early");
    TRIUNE_ASSIGN(auto segment, Segment::open(home(), {.number = *number, .id = *id}));
    Part part(std::move(segment));
    std::vector<std::uint64_t> dead;
    for (std::uint64_t word = 0; word < *words; ++word) {
      const auto bits = decoder.number();
      if (!bits) return reader.damaged("its list of segments ends too early");
      dead.push_back(*bits);
    }
    if (!part.restore(std::move(dead))) return reader.damaged("its deleted vectors are not those of its segments");
    parts_.push_back(std::move(part));
  }
  if (!count || !decoder.at_end()) return reader.damaged("its list of segments is not whole");
  next_segment_ = *next;
  // Left by merges and by a process that was killed.
  return SegmentHome::remove_files(file_, [this](std::uint64_t number) {
    return std::ranges::any_of(parts_,
                               [number](const Part& part) { return part.segment().identity().number == number; });
  });
}

}  // namespace triune::adapters::usearch
