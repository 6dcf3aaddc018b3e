#include "adapters/lancedb/arrow_message.h"

#include <array>
#include <optional>

#include "base/try.h"

namespace triune::adapters::lancedb {
namespace {

constexpr std::uint32_t continuation = 0xFFFFFFFF;
constexpr std::size_t prefix_size = 8;  // continuation and the metadata's length
constexpr std::size_t alignment = 64;
constexpr std::int16_t metadata_version = 4;  // "V5"
constexpr std::uint8_t record_batch_header = 3;

// The flatbuffer of a Message that holds a RecordBatch, with these places.
constexpr std::size_t message_vtable = 4;
constexpr std::size_t message_table = 16;
constexpr std::size_t batch_vtable = 40;
constexpr std::size_t batch_table = 56;
constexpr std::size_t node_vector = 76;  // its elements, at 80, are aligned to 8
constexpr std::size_t extent_size = 16;

constexpr std::size_t aligned(std::size_t size) {
  return (size + alignment - 1) / alignment * alignment;
}

template <class Number>
void store(std::string& to, std::size_t at, Number value) {
  std::memcpy(to.data() + at, &value, sizeof value);
}

// A flatbuffer of unknown origin. Every read is checked; zero stands for a field that is not there.
class Flat {
 public:
  explicit Flat(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class Number>
  [[nodiscard]] std::optional<Number> read(std::size_t at) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(Number)) return std::nullopt;
    Number value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }

  // Where the field in `slot` of the table at `table` is; 0 when absent.
  [[nodiscard]] std::size_t field(std::size_t table, std::size_t slot) const {
    const auto back = read<std::int32_t>(table);
    if (!back) return 0;
    const auto vtable = static_cast<std::int64_t>(table) - *back;
    if (vtable < 0) return 0;
    const auto size = read<std::uint16_t>(static_cast<std::size_t>(vtable));
    const std::size_t entry = 4 + 2 * slot;
    if (!size || entry + 2 > *size) return 0;
    const auto offset = read<std::uint16_t>(static_cast<std::size_t>(vtable) + entry);
    return offset && *offset != 0 ? table + *offset : 0;
  }

  // What the offset at `at` points to; 0 when it is absent.
  [[nodiscard]] std::size_t target(std::size_t at) const {
    const auto offset = at == 0 ? std::nullopt : read<std::uint32_t>(at);
    return offset ? at + *offset : 0;
  }

 private:
  std::span<const std::byte> bytes_;
};

std::unexpected<Error> no_message(std::string_view why) {
  return failure(ErrorCode::corruption, "LanceDB's process sent no Arrow record batch: " + std::string(why));
}

}  // namespace

void MessageWriter::node(std::size_t length, std::size_t nulls) {
  nodes_.push_back({static_cast<std::int64_t>(length), static_cast<std::int64_t>(nulls)});
}

void MessageWriter::buffer(std::span<const std::byte> bytes) {
  buffers_.push_back({static_cast<std::int64_t>(body_.size()), static_cast<std::int64_t>(bytes.size())});
  body_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  body_.resize(aligned(body_.size()));
}

void MessageWriter::texts(std::span<const std::string_view> values, const std::vector<bool>& is_null) {
  std::vector<std::int32_t> offsets{0};
  std::string all;
  std::string valid((values.size() + 7) / 8, '\0');
  std::size_t nulls = 0;
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (!is_null.empty() && is_null[at])
      ++nulls;
    else
      valid[at / 8] = static_cast<char>(valid[at / 8] | (1 << (at % 8)));
    all += values[at];
    offsets.push_back(static_cast<std::int32_t>(all.size()));
  }
  node(values.size(), nulls);
  buffer(nulls > 0 ? std::as_bytes(std::span(valid)) : std::span<const std::byte>());
  numbers(std::span<const std::int32_t>(offsets));
  buffer(std::as_bytes(std::span(all)));
}

std::string MessageWriter::finish() {
  const std::size_t nodes_end = node_vector + 4 + extent_size * nodes_.size();
  const std::size_t buffer_vector = nodes_end + 4;
  const std::size_t metadata = buffer_vector + 4 + extent_size * buffers_.size();
  const std::size_t padded = aligned(prefix_size + metadata) - prefix_size;
  std::string flat(padded, '\0');
  store(flat, 0, static_cast<std::uint32_t>(message_table));
  const std::array<std::uint16_t, 6> message_slots{12, 24, 16, 18, 4, 8};  // sizes; version, type, header, body length
  std::memcpy(flat.data() + message_vtable, message_slots.data(), sizeof message_slots);
  store(flat, message_table, static_cast<std::int32_t>(message_table - message_vtable));
  store(flat, message_table + 4, static_cast<std::uint32_t>(batch_table - (message_table + 4)));
  store(flat, message_table + 8, static_cast<std::int64_t>(body_.size()));
  store(flat, message_table + 16, metadata_version);
  store(flat, message_table + 18, record_batch_header);
  const std::array<std::uint16_t, 5> batch_slots{10, 20, 8, 4, 16};  // sizes; length, nodes, buffers
  std::memcpy(flat.data() + batch_vtable, batch_slots.data(), sizeof batch_slots);
  store(flat, batch_table, static_cast<std::int32_t>(batch_table - batch_vtable));
  store(flat, batch_table + 4, static_cast<std::uint32_t>(node_vector - (batch_table + 4)));
  store(flat, batch_table + 8, static_cast<std::int64_t>(rows_));
  store(flat, batch_table + 16, static_cast<std::uint32_t>(buffer_vector - (batch_table + 16)));
  store(flat, node_vector, static_cast<std::uint32_t>(nodes_.size()));
  if (!nodes_.empty()) std::memcpy(flat.data() + node_vector + 4, nodes_.data(), extent_size * nodes_.size());
  store(flat, buffer_vector, static_cast<std::uint32_t>(buffers_.size()));
  if (!buffers_.empty()) std::memcpy(flat.data() + buffer_vector + 4, buffers_.data(), extent_size * buffers_.size());
  std::string message(prefix_size, '\0');
  store(message, 0, continuation);
  store(message, 4, static_cast<std::int32_t>(padded));
  message += flat;
  message += body_;
  nodes_.clear();
  buffers_.clear();
  body_.clear();
  return message;
}

Result<MessageReader> MessageReader::parse(std::span<const std::byte> message) {
  const Flat whole(message);
  const auto start = whole.read<std::uint32_t>(0);
  const auto size = whole.read<std::int32_t>(4);
  if (!start || !size || *start != continuation || *size < 0) return no_message("it has no prefix");
  if (static_cast<std::size_t>(*size) > message.size() - prefix_size) return no_message("its metadata are cut off");
  const Flat flat(message.subspan(prefix_size, static_cast<std::size_t>(*size)));
  const auto body = message.subspan(prefix_size + static_cast<std::size_t>(*size));
  const auto root = flat.read<std::uint32_t>(0);
  if (!root) return no_message("its metadata are empty");
  const std::size_t type_field = flat.field(*root, 1);
  const auto type = flat.read<std::uint8_t>(type_field);
  const std::size_t batch = flat.target(flat.field(*root, 2));
  if (type_field == 0 || !type || *type != record_batch_header || batch == 0)
    return no_message("it is a message of another kind");
  if (flat.field(batch, 3) != 0) return no_message("it is compressed");
  const std::size_t length_field = flat.field(batch, 0);
  const auto rows = length_field == 0 ? std::optional<std::int64_t>(0) : flat.read<std::int64_t>(length_field);
  const std::size_t buffers = flat.target(flat.field(batch, 2));
  const auto count = buffers == 0 ? std::optional<std::uint32_t>(0) : flat.read<std::uint32_t>(buffers);
  if (!rows || *rows < 0 || !count) return no_message("its fields are cut off");
  MessageReader reader;
  reader.rows_ = static_cast<std::size_t>(*rows);
  for (std::uint32_t at = 0; at < *count; ++at) {
    const auto offset = flat.read<std::int64_t>(buffers + 4 + extent_size * at);
    const auto bytes = flat.read<std::int64_t>(buffers + 12 + extent_size * at);
    if (!offset || !bytes || *offset < 0 || *bytes < 0) return no_message("its buffers are cut off");
    const auto from = static_cast<std::size_t>(*offset);
    const auto length = static_cast<std::size_t>(*bytes);
    if (from > body.size() || length > body.size() - from) return no_message("a buffer lies outside its body");
    reader.buffers_.push_back(body.subspan(from, length));
  }
  return reader;
}

}  // namespace triune::adapters::lancedb
