// A history that can be judged from outside: at every lsn a holder has exactly one item, at a version that only grows.
//
// Each commit is one version. Most update the item; every so often one deletes it and puts the next, under an id that
// was never used. So an answer is wrong when it shows no item or two, an older version than one acknowledged before the
// question (I5), an item that was deleted (I6), or a version that nobody had begun.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "triune/hive.h"

namespace triune::testing {

/// The versions that one item in an answer may be; one version, unless the answer only names the item.
struct Seen {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

/// Thread rule: `begin` and `acknowledge` belong to one thread, everything else to any.
class Holder {
 public:
  explicit Holder(unsigned number) : name_("holder" + std::to_string(number)) {}

  /// The commit of the next version.
  Commit begin();
  void acknowledge(const Receipt& receipt);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// What an answer must show at least; and a position that holds it.
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t acknowledged_lsn() const { return lsn_; }
  /// What an answer can show at most.
  [[nodiscard]] std::uint64_t begun() const { return begun_ - 1; }

  /// The versions that an item may be, by its id.
  static Seen versions_of_item(std::string_view id);
  /// Where the holder's vectors are: near to this, far from all others.
  [[nodiscard]] std::vector<float> vector(std::uint64_t version) const;

 private:
  [[nodiscard]] std::string item(std::uint64_t version) const;
  void delete_item(Commit& commit, std::uint64_t version) const;
  void put_item(Commit& commit, std::uint64_t version) const;

  std::string name_;
  std::atomic<std::uint64_t> begun_{0};  // versions begun: one more than the newest
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> lsn_{0};
};

inline constexpr std::string_view item_collection = "items";

/// Makes the tables, collections and indexes, with enough other vectors that the engine uses an index.
Status prepare_holders(Hive& hive);

/// One way to ask for a holder's item.
struct Question {
  std::string_view name;
  Result<std::vector<Seen>> (*ask)(Hive& hive, const Holder& holder, const ReadOptions& options);
  bool finds_all = true;  ///< False: it may miss an item that changes meanwhile, but must not show a wrong one.
};

/// All ways: SQL, Cypher, traversal, vectors, text.
const std::vector<Question>& questions();

}  // namespace triune::testing
