// What the crash tests write, as a function of (round, thread, number): the child writes it, the parent recomputes it
// and compares.
//
// Each thread's commits build on its earlier ones only, so that the state of a thread is one of two: what its
// acknowledged commits made, or that and the one commit that was under way when the process died.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "triune/hive.h"

namespace triune::testing {

/// Everything of one thread that a hive should hold: names to contents.
struct Contents {
  std::map<std::string, std::string> rows;
  std::map<std::string, std::string> nodes;
  std::map<std::string, std::string> edges;
  std::map<std::string, std::string> vectors;
  std::map<std::string, std::string> blobs;
  bool operator==(const Contents&) const = default;
};

/// What differs first, for a person.
std::string describe_difference(const Contents& expected, const Contents& found);

/// The commits of one thread in their order. They put rows, nodes, edges, vectors and blobs, and update and delete
/// those of earlier commits.
class ThreadWorkload {
 public:
  /// `name` is unique among the threads of all rounds and holds neither '-' nor '/'.
  explicit ThreadWorkload(std::string name) : name_(std::move(name)) {}

  /// The next commit; `contents` is then what the hive holds once it is applied.
  Commit next();
  [[nodiscard]] const Contents& contents() const { return contents_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Commits made so far.
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  [[nodiscard]] std::string id(std::uint64_t number) const;
  void put_new(Commit& commit);
  void put_blob(Commit& commit);
  void update_old(Commit& commit);
  void delete_old(Commit& commit);
  void put_row(Commit& commit, const std::string& id, std::int64_t revision);
  void put_node(Commit& commit, const NodeReference& node, Record properties);
  void put_edge(Commit& commit, const EdgeReference& edge, Record properties);
  void put_vector(Commit& commit, const std::string& id, std::uint64_t seed);
  void delete_node(Commit& commit, const NodeReference& node);

  std::string name_;
  std::uint64_t number_ = 0;
  Contents contents_;
};

/// Makes the table, the collection and the shared node that the commits need. Idempotent; any number of processes at
/// once.
Status prepare_workload(Hive& hive);

/// What the hive holds of every thread, by the thread's name, read through SQL and blob by blob.
Result<std::map<std::string, Contents>> read_contents(Hive& hive);

inline constexpr std::string_view workload_collection = "memories";
inline constexpr std::uint32_t workload_dimension = 32;

/// A vector and bytes that only `seed` decides.
std::vector<float> workload_vector(std::uint64_t seed);
Bytes workload_bytes(std::uint64_t seed, std::size_t size);

/// A number that differs for each text, the same in every process.
std::uint64_t workload_seed(std::string_view text);

}  // namespace triune::testing
