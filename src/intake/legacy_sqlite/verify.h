// Phase verify: whether both sides hold the same.
#pragma once

#include <string>
#include <vector>

#include "intake/legacy_sqlite/digest.h"
#include "intake/legacy_sqlite/work.h"

namespace triune::intake::legacy {

/// Something derived, compared by count and digest: "nodes Person", "edges KNOWS", "vectors tasks_embedding".
struct PartComparison {
  std::string what;
  TableDigest before;
  TableDigest after;
  [[nodiscard]] bool same() const { return before == after; }
};

struct Verification {
  std::vector<TableComparison> tables;
  std::vector<PartComparison> parts;
  [[nodiscard]] bool same() const;
};

/// Rows of the hive, in one snapshot.
class HiveRows {
 public:
  static Result<HiveRows> open(Hive& hive);
  [[nodiscard]] RowReader reader() const;

 private:
  explicit HiveRows(std::unique_ptr<contract::RelationalSession> session) : session_(std::move(session)) {}
  std::unique_ptr<contract::RelationalSession> session_;
};

/// Compares everything that the plan brought over with the source. Differences are no error.
Result<Verification> compare_all(const Work& work);

}  // namespace triune::intake::legacy
