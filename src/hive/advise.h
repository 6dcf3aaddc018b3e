// Advice from the recorded workload: what to add and what to drop, with what was measured on copies. Changes nothing.
//
//   add_index        a recorded statement compares columns that no index begins with: run with and without
//   add_graph        a statement walks a table with itself: the same walk in a hive of its own (advise_trial.h)
//   add_vectors      a statement reads all vectors of a table: a search among them in such a hive
//   drop_index       another index serves all it serves, or no statement uses it: writes are measured
//   drop_projection  a collection or text index that nobody searched
//
// Values to run statements with are drawn from the tables, since none are kept (W1).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hive/advise_copy.h"
#include "hive/statement_shape.h"
#include "placement/workload.h"
#include "triune/placement.h"

namespace triune::hive {

/// A user's table as advice sees it.
struct AdvisedTable {
  std::vector<std::string> columns;
  std::vector<TableIndex> indexes;
};

class Adviser {
 public:
  /// `session` reads the schema; `bench` may be null, and then nothing is measured because of `no_bench`.
  Adviser(contract::RelationalSession& session, std::vector<placement::RecordedShape> shapes, CopyBench* bench,
          std::string no_bench);

  /// Reads the schema. Call first.
  Status look();
  std::vector<Advice> indexes_to_add();
  std::vector<Advice> indexes_to_drop();
  /// Walks over tables that are not mapped yet, and vectors kept as cells.
  std::vector<Advice> projections_to_add(const std::set<std::string>& mapped);

 private:
  struct Candidate {
    std::string table;
    std::vector<std::string> columns;
  };
  [[nodiscard]] const std::string* table_called(const std::string& name) const;
  /// The table of a value: by its alias, or the only one that has the column; null when there is none.
  [[nodiscard]] const std::string* table_of(const ShapeParts& parts, const std::string& qualifier,
                                            const std::string& column) const;
  [[nodiscard]] std::vector<Candidate> candidates_for(const ShapeParts& parts) const;
  [[nodiscard]] bool is_served(const Candidate& candidate) const;
  [[nodiscard]] std::set<std::string> tables_in(const ShapeParts& parts) const;
  /// Copies the tables of a shape and draws values for it; the reason why it cannot, otherwise.
  Result<std::vector<std::vector<Value>>> prepare(const ShapeParts& parts);
  Result<Advice> measure(const placement::RecordedShape& shape, const ShapeParts& parts, const Candidate& candidate);
  [[nodiscard]] Advice to_add(const placement::RecordedShape& shape, const Candidate& candidate) const;
  void merge(std::vector<Advice>& all, Advice advice) const;
  /// Names of the indexes that the recorded statements use, as the engine plans them.
  std::set<std::string> used_indexes();
  /// Any values that a statement could be planned with.
  std::vector<Value> some_values(const ShapeParts& parts);
  void note_indexes(const std::string& step, std::set<std::string>& used) const;
  [[nodiscard]] std::uint64_t calls_on(const std::string& table) const;
  /// Another index that serves all that this one serves; null when there is none.
  static const TableIndex* wider_than(const AdvisedTable& table, const TableIndex& index);
  Advice to_drop(const std::string& table, const TableIndex& index, std::string reason);
  /// A table that a statement joins with itself, or walks recursively, and by which columns.
  struct Walk {
    std::string table;
    std::vector<std::string> ends;
    std::uint32_t depth = 0;
  };
  [[nodiscard]] std::optional<Walk> walk_of(const ShapeParts& parts) const;
  Result<Advice> measure_walk(const placement::RecordedShape& shape, const ShapeParts& parts, const Walk& walk,
                              Advice advice);
  /// The one table that a statement reads all of; null when there is a condition.
  [[nodiscard]] const std::string* table_read_whole(const placement::RecordedShape& shape,
                                                    const ShapeParts& parts) const;
  Result<Advice> measure_vectors(const placement::RecordedShape& shape, const std::string& table,
                                 const std::string& column, Advice advice);
  void advise_walk(const placement::RecordedShape& shape, const ShapeParts& parts, const std::set<std::string>& mapped,
                   std::vector<Advice>& all);
  void advise_vectors(const placement::RecordedShape& shape, const ShapeParts& parts, std::vector<Advice>& all);
  [[nodiscard]] contract::Dialect dialect() const { return session_.dialect(); }

  contract::RelationalSession& session_;
  std::vector<placement::RecordedShape> shapes_;
  CopyBench* bench_;
  std::string no_bench_;
  std::map<std::string, AdvisedTable> tables_;
};

}  // namespace triune::hive
