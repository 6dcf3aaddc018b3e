// A hive, and another program that writes to its store: Debian's sqlite3 shell or psql.
#pragma once

#include "integration/hive_fixture.h"
#include "support/child_process.h"

namespace triune::testing {

class ForeignProgramTest : public HiveTest {
 protected:
  void run(std::string_view sql) {
    const auto done = hive_->sql(in_dialect(std::string(sql)));
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }

  /// Runs statements in the shell.
  void shell(const std::string& statements) { place_.other_program(in_dialect(statements)); }

  /// All cells of the graph's answer at the head of the log, with blanks between.
  std::string graph(std::string_view cypher) {
    ReadOptions options;
    options.consistency = Consistency::at_least(hive_->receipt().value().token());
    return joined(hive_->cypher(cypher, {}, options));
  }

  std::string all(std::string_view sql) { return joined(hive_->sql(sql)); }

  /// The keys that text search finds.
  std::string texts(std::string_view query) {
    const auto hits = hive_->text({.query = std::string(query), .collection = {}});
    if (!hits) return hits.error().message;
    std::string keys;
    for (const auto& hit : *hits) keys += (keys.empty() ? "" : " ") + hit.id;
    return keys;
  }

  /// The log of one collection since a position: "put 1 delete 2".
  std::string logged(std::string_view collection, std::uint64_t after) {
    return all(
        "SELECT operation || ' ' || coalesce(key, '*') FROM triune_change_log l JOIN triune_collections c "
        "USING (collection_id) WHERE c.name = '" +
        std::string(collection) + "' AND lsn > " + std::to_string(after) +
        (on_postgres() ? " ORDER BY lsn, entry" : " ORDER BY lsn"));
  }

 private:
  static std::string joined(const Result<RowSet>& rows) {
    if (!rows) return rows.error().message;
    std::string text;
    for (const auto& row : rows->rows)
      for (const auto& cell : row) text += (text.empty() ? "" : " ") + to_text(cell);
    return text;
  }
};

}  // namespace triune::testing
