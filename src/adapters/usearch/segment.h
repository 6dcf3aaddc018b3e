// An immutable part of a collection on disk: vectors that have not changed for a while, with a graph over them.
//
//   FILE.7.segment   ground │ keys, ascending │ links │ strays │ mean │ description, as a snapshot file, mapped
//   FILE.7.records   the exact vectors (record_file.h), read one by one
//
// A search walks over the ground: codes of five bits a value (code.h), or the packed vectors themselves where there are
// few dimensions or codes are found too coarse. The nearest by codes are compared again by their records. So ground,
// links and keys are all that can become resident; 1,000,000 x 384 are 335 MB.
//
// Rows are numbered in the order of their keys. Which of them were deleted or replaced since is a Part's matter.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "adapters/usearch/code.h"
#include "adapters/usearch/ground.h"
#include "adapters/usearch/links.h"
#include "adapters/usearch/probe.h"
#include "adapters/usearch/record_file.h"
#include "adapters/usearch/scorer.h"
#include "adapters/usearch/settings.h"
#include "contract/vector_store.h"

namespace triune::adapters::usearch {

class SnapshotReader;

/// What all segments of a collection have in common. Must outlive them.
struct SegmentHome {
  const contract::VectorSpecification& specification;
  const std::filesystem::path& file;  ///< Of the collection.
  const Scorer& narrow;
  const Scorer& wide;
  const Settings& settings;

  [[nodiscard]] std::filesystem::path segment_file(std::uint64_t number) const;
  [[nodiscard]] std::filesystem::path record_file(std::uint64_t number) const;
  /// Removes files of segments but those that `wanted` accepts. Not durable.
  static Status remove_files(const std::filesystem::path& collection_file,
                             const std::function<bool(std::uint64_t number)>& is_wanted);
};

/// Thread rule: immutable.
class Segment {
 public:
  /// What distinguishes a segment from another file of the same name.
  struct Identity {
    std::uint64_t number = 0;
    std::uint64_t id = 0;  ///< Random.
    bool operator==(const Identity&) const = default;
  };
  struct Entry {
    contract::VectorKey key = 0;
    const std::byte* packed = nullptr;
    float length = 0;
  };
  /// Where the bytes are that searches walk over: mapped, so that the system may take them back, or in huge pages.
  enum class Residence : std::uint8_t { mapped, held };
  /// Where a segment's vectors come from.
  struct Source {
    const Scorer* scorer = nullptr;         ///< How they are packed.
    std::vector<contract::VectorKey> keys;  ///< Ascending.
    /// Calls with each key's entry, in order. Called several times.
    std::function<Status(const std::function<Status(const Entry&)>&)> visit;
  };

  /// Writes a segment durably and opens it. Runs for minutes where there are many vectors; `cancelled` once `stop` is
  /// set.
  static Result<std::shared_ptr<const Segment>> build(const SegmentHome& home, std::uint64_t number,
                                                      const Source& source, const std::atomic<bool>& stop);
  /// Verifies everything but the records, which are verified as they are read. Error: `corruption`.
  static Result<std::shared_ptr<const Segment>> open(const SegmentHome& home, const Identity& identity,
                                                     Residence residence = Residence::mapped);

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] std::span<const contract::VectorKey> keys() const { return keys_; }
  [[nodiscard]] contract::VectorKey key(Row row) const { return has_every_key() ? keys_.front() + row : keys_[row]; }
  /// Whether no key between the first and the last is missing: then none need be read.
  [[nodiscard]] bool has_every_key() const { return keys_.back() - keys_.front() < keys_.size(); }
  [[nodiscard]] Row rows() const { return static_cast<Row>(keys_.size()); }
  [[nodiscard]] std::optional<Row> find(contract::VectorKey key) const;
  /// How records are packed.
  [[nodiscard]] const Scorer& scorer() const { return *scorer_; }
  [[nodiscard]] const RecordFile& records() const { return *records_; }
  /// Whether the ground is codes; else it is the packed vectors.
  [[nodiscard]] bool is_coded() const { return code_.has_value(); }
  /// The query as it is compared with the ground. `probe` is against vectors packed as `scorer()` packs, and must
  /// outlive the answer.
  [[nodiscard]] std::unique_ptr<Question> ask(const Probe& probe) const;
  [[nodiscard]] const Ground& ground() const { return ground_; }
  [[nodiscard]] const Links& links() const { return *links_; }
  /// Rows that the graph cannot reach.
  [[nodiscard]] std::span<const Row> strays() const { return strays_; }
  /// What searches may make resident.
  [[nodiscard]] std::size_t memory_bytes() const;
  [[nodiscard]] bool is_held() const { return file_.is_held(); }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_.size() + records_->size(); }
  /// The same for one row of a segment that is not there yet, and what the row takes while the segment is built.
  static std::size_t row_bytes(const SegmentHome& home);
  static std::size_t links_row_bytes(const GraphTuning& tuning) { return (tuning.connectivity + 3) * sizeof(Row); }
  static std::size_t building_row_bytes(const SegmentHome& home);

 private:
  explicit Segment(MappedFile file) : file_(std::move(file)) {}
  Status read_description(SnapshotReader& reader, const SegmentHome& home);
  Status read_body(SnapshotReader& reader, const SegmentHome& home);

  MappedFile file_;
  Identity identity_;
  std::span<const contract::VectorKey> keys_;
  Ground ground_;
  const Scorer* scorer_ = nullptr;
  std::optional<Code> code_;
  std::vector<Row> strays_;
  std::optional<Links> links_;
  std::optional<RecordFile> records_;
};

}  // namespace triune::adapters::usearch
