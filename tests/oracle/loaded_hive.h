// A hive with a data set in it, which the tests of a suite share and only read.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "oracle/data_set.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"
#include "triune/hive.h"

namespace triune::testing {

class LoadedHive {
 public:
  /// Loads the tables of `data_set` called `names`; empty texts of the files are absent properties, as for Kuzu. Waits
  /// until the graph engine has all. Throws when something fails.
  LoadedHive(const std::string& data_set, const std::set<std::string>& names);

  [[nodiscard]] Hive& hive() const { return *hive_; }
  /// The rows of a statement as a .test file has them; an error as "CODE: MESSAGE".
  [[nodiscard]] std::vector<std::string> rows(const std::string& sql) const;

 private:
  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
  std::unique_ptr<Hive> hive_;
};

/// `SELECT * FROM cypher('QUERY')`, in the order in which the query returns its rows.
std::string federated(const std::string& cypher);

/// SQL for the edges of a type, from the tables and not from the graph engine: columns a and b, numbers of nodes, and
/// properties.
std::string edges(const std::string& type);

/// SQL for the nodes of a label: node (its number), id and properties.
std::string nodes(const std::string& label);

/// SQL for a property of what `alias` names in FROM.
std::string property(const std::string& alias, const std::string& name);

}  // namespace triune::testing
