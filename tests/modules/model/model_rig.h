// Runs a module's process, kills it, and compares what is left with the model.
#pragma once

#include <optional>
#include <set>

#include "modules/model/module_model.h"
#include "support/child_process.h"
#include "support/hive_place.h"

namespace triune::testing {

/// One hive and one module through many kills. Violations are test failures, told with the seed of their round.
class ModelRig {
 public:
  ModelRig(const HivePlace& place, std::string module, std::uint64_t seed);

  /// Lets a process perform at most `operations`, kills it somewhere among them, and compares.
  void round(std::uint64_t operations);
  /// Compares projections with the store, and looks at the audit log from its beginning.
  void finish();
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  [[nodiscard]] std::uint64_t in_flight() const { return in_flight_; }

 private:
  /// What happened to one operation.
  struct Performed {
    std::string request;
    bool was_refused = false;
    bool has_changed = false;  ///< Whatever the model thinks possible.
    bool is_audited = false;
  };

  void set_up();
  std::unique_ptr<Hive> open() const;
  void follow(const std::string& line, std::uint64_t round_seed);
  void acknowledge(const Document& operation, const Document& outcome, const std::string& request);
  void compare(Hive& hive);
  void check_audit(Hive& hive);
  void check_requests(Hive& hive);
  void check_replay(Hive& hive, const std::string& table, const std::vector<std::string>& key);

  const HivePlace& place_;
  std::string module_;
  Random random_;
  std::vector<Document> states_;  ///< Those that are possible now.
  std::optional<Document> pending_;
  std::vector<Performed> performed_;  ///< In the round.
  std::uint64_t operations_ = 0;
  std::uint64_t in_flight_ = 0;
  std::uint64_t number_ = 0;  ///< Of the operation, in the round.
};

}  // namespace triune::testing
