// Every migration of both dialects: up, down and up again on a real engine, and both schemas compared with each other.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <thread>

#include "migrate/lint.h"
#include "migrate/migrate.h"
#include "migrate/plan.h"
#include "migrate/scratch.h"
#include "schema/store_places.h"

namespace triune::testing {
namespace {

using contract::Dialect;
using migrate::Owner;
using ::testing::IsEmpty;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(2));
}

std::string_view name_of(Dialect dialect) {
  return dialect == Dialect::sqlite ? "sqlite" : "postgres";
}

class EmbeddedSeries : public ::testing::TestWithParam<Dialect> {
 protected:
  /// Some build on others: whatever fails waits for the next round.
  void apply_all() {
    auto waiting = migrate::series_names(GetParam());
    order_.clear();
    std::string error;
    for (auto before = waiting.size() + 1; !waiting.empty() && waiting.size() < before;) {
      before = waiting.size();
      std::erase_if(waiting, [&](const auto series) {
        const auto applied = migrate::apply(place_.store(), series, migrate::migrations(GetParam(), series), soon());
        if (applied)
          order_.push_back(series);
        else
          error = applied.error().message;
        return applied.has_value();
      });
    }
    ASSERT_THAT(waiting, IsEmpty()) << error;
  }
  [[nodiscard]] migrate::Catalogue catalogue() const {
    const auto session = place_.store().read(contract::ReadScope::internal, soon());
    return migrate::read_catalogue(**session, Owner::triune).value();
  }

  StorePlace place_{GetParam()};
  std::vector<std::string_view> order_;  ///< In which the series were applied.
};

TEST_P(EmbeddedSeries, GoUpAndDownAndUpAgain) {
  apply_all();
  const auto first = catalogue();
  const migrate::Runner runner{.store = place_.store(), .transaction = {}, .run = {}};
  std::reverse(order_.begin(), order_.end());
  for (const auto one : std::vector(order_)) {
    const auto reverted = migrate::revert(runner, one, 0, soon());
    ASSERT_TRUE(reverted) << one << ": " << reverted.error().message;
  }
  for (const auto& [key, entry] : catalogue())
    EXPECT_TRUE(entry.name.starts_with("triune_schema_") || entry.table.starts_with("triune_schema_") ||
                entry.name == "triune_migrations")
        << key << " is left over";
  apply_all();
  for (const auto& one : migrate::compare(first, catalogue()))
    ADD_FAILURE() << one.what << ": " << one.expected << " became " << one.found;
}

TEST_P(EmbeddedSeries, EachMigrationIsUndoneExactlyByItsDownText) {
  const auto own = migrate::migrations(GetParam());
  ASSERT_TRUE(migrate::apply(place_.store(), "hive", own, soon()));
  ASSERT_TRUE(place_.store().write(
      [](contract::RelationalSession& session) {
        return session.execute_script("INSERT INTO triune_hive (key, value) VALUES ('a test', 'was here')");
      },
      soon()));
  const auto tried = migrate::try_up_down_up(place_.store(), own, own.size(), Owner::triune, 100, soon());
  ASSERT_TRUE(tried) << tried.error().message;
  EXPECT_THAT(tried->wrong, IsEmpty());
  EXPECT_EQ(tried->migrations, own.size());
  EXPECT_GT(tried->rows, 0U) << "the copy was to hold rows";
}

TEST_P(EmbeddedSeries, AreWhatTheLiveStoreHas) {
  apply_all();
  const auto drift = migrate::find_drift(place_.store(), Owner::triune, soon());
  ASSERT_TRUE(drift) << drift.error().message;
  for (const auto& one : *drift) ADD_FAILURE() << one.what << ": " << one.expected << " is " << one.found;
}

TEST_P(EmbeddedSeries, PassTheLinter) {
  for (const auto series : migrate::series_names(GetParam())) {
    std::vector<migrate::LintFile> files;
    for (const auto& one : migrate::migrations(GetParam(), series))
      files.push_back({fmt::format("{}/{}.up.sql", series, migrate::stem(one.version, one.name)), one.sql});
    const auto findings = migrate::lint(files, GetParam());
    ASSERT_TRUE(findings) << findings.error().message;
    for (const auto& one : *findings)
      ADD_FAILURE() << one.file << ":" << one.line << ": " << one.rule << ": " << one.why;
  }
}

TEST_P(EmbeddedSeries, VerifyTextsFindNothing) {
  apply_all();
  for (const auto series : migrate::series_names(GetParam())) {
    const auto verified = migrate::verify(place_.store(), series, migrate::migrations(GetParam(), series),
                                          contract::ReadScope::internal, soon());
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_THAT(verified->wrong, IsEmpty());
  }
}

TEST_P(EmbeddedSeries, AreAppliedOnceByMigratorsAtTheSameTime) {
  std::vector<std::unique_ptr<contract::RelationalStore>> stores;
  for (int i = 0; i < 4; ++i) stores.push_back(place_.connect());
  std::vector<Status> results(stores.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < stores.size(); ++i)
      threads.emplace_back(
          [&, i] { results[i] = migrate::apply(*stores[i], "hive", migrate::migrations(GetParam()), soon()); });
  }
  for (const auto& one : results) EXPECT_TRUE(one) << one.error().message;
  EXPECT_EQ(migrate::history(place_.store(), "hive", soon()).value().size(), migrate::migrations(GetParam()).size());
}

INSTANTIATE_TEST_SUITE_P(Dialects, EmbeddedSeries, ::testing::Values(Dialect::sqlite, Dialect::postgres),
                         [](const auto& one) { return std::string(name_of(one.param)); });

/// What a table is, in words that both dialects have.
struct PlainTable {
  std::map<std::string, std::string> columns;  ///< Name to type and whether it may be NULL.
  std::set<std::string> keys;                  ///< Primary, unique and foreign ones, without organization_id in front.
  std::size_t checks = 0;
};
using PlainSchema = std::map<std::string, PlainTable>;

/// The types that mean the same. SQLite has five, so that several of PostgreSQL's are one there; ANY, the key of the
/// change log and of text rows, is the text that PostgreSQL's key is.
std::string plain_type(const std::string& definition) {
  static const std::vector<std::pair<std::string, std::string>> same{{"INTEGER", "whole"},
                                                                     {"bigint", "whole"},
                                                                     {"integer", "whole"},
                                                                     {"smallint", "whole"},
                                                                     {"boolean", "whole"},
                                                                     {"timestamp with time zone", "whole"},
                                                                     {"TEXT", "text"},
                                                                     {"text", "text"},
                                                                     {"uuid", "text"},
                                                                     {"jsonb", "text"},
                                                                     {"ANY", "text"},
                                                                     {"REAL", "real"},
                                                                     {"double precision", "real"},
                                                                     {"numeric", "real"},
                                                                     {"BLOB", "bytes"},
                                                                     {"bytea", "bytes"}};
  for (const auto& [type, plain] : same)
    if (definition.starts_with(type)) return plain;
  return definition;
}

std::string without_organization(std::string key) {
  for (const std::string prefix : {"organization_id, "})
    for (auto at = key.find(prefix); at != std::string::npos; at = key.find(prefix)) key.erase(at, prefix.size());
  return key;
}

/// "(a, b)" of either spelling of a foreign key.
std::string plain_foreign_key(const std::string& name) {
  auto text = name;
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"FOREIGN KEY ", ""}, {" REFERENCES ", " to "}})
    if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  if (const auto at = text.find(" ON "); at != std::string::npos) text.erase(at);
  text = without_organization(text);
  std::erase(text, ' ');
  return text;
}

PlainSchema plain(const migrate::Catalogue& catalogue) {
  PlainSchema schema;
  for (const auto& [key, entry] : catalogue) {
    if (entry.table.empty() || entry.table == "triune_schema_history" || entry.table == "triune_schema_lease") continue;
    auto& table = schema[entry.table];
    if (entry.kind == "column") table.columns[entry.name] = plain_type(entry.definition);
    if (entry.kind == "primary key" || entry.kind == "unique") table.keys.insert(without_organization(entry.name));
    if (entry.kind == "foreign key") table.keys.insert(plain_foreign_key(entry.name));
    if (entry.kind == "check") ++table.checks;
  }
  return schema;
}

/// Where the dialects differ on purpose; the heads of schema/DIALECT/0001_hive.up.sql say why.
const std::set<std::string>& only_in_one() {
  static const std::set<std::string> names{// One writer and statement triggers by row, in SQLite.
                                           "triune_bulk", "triune_replaced", "triune_text_rows",
                                           // Several nodes that share a server.
                                           "triune_log_floors", "triune_blobs", "triune_blob_pieces",
                                           "triune_schema_objects", "triune_cluster_nodes", "triune_leases"};
  return names;
}

/// Columns that only one dialect needs: organization_id first in every key, and the order within a transaction's
/// entries.
bool is_extra_column(const std::string& table, const std::string& column) {
  return column == "organization_id" || (table == "triune_change_log" && column == "entry");
}

class BothDialects : public ::testing::Test {
 protected:
  static PlainSchema schema_of(Dialect dialect) {
    const StorePlace place(dialect);
    const auto applied = migrate::apply(place.store(), "hive", migrate::migrations(dialect), soon());
    EXPECT_TRUE(applied);
    const auto session = place.store().read(contract::ReadScope::internal, soon());
    return plain(migrate::read_catalogue(**session, Owner::triune).value());
  }

  const PlainSchema sqlite_ = schema_of(Dialect::sqlite);
  const PlainSchema postgres_ = schema_of(Dialect::postgres);
};

TEST_F(BothDialects, HaveTheSameTables) {
  std::set<std::string> differing;
  for (const auto& [name, table] : sqlite_)
    if (!postgres_.contains(name)) differing.insert(name);
  for (const auto& [name, table] : postgres_)
    if (!sqlite_.contains(name)) differing.insert(name);
  EXPECT_EQ(differing, only_in_one());
}

TEST_F(BothDialects, HaveTheSameColumnsOfTypesThatMeanTheSame) {
  for (const auto& [name, table] : sqlite_) {
    const auto other = postgres_.find(name);
    if (other == postgres_.end()) continue;
    for (const auto& [column, type] : table.columns) {
      const auto found = other->second.columns.find(column);
      if (found == other->second.columns.end())
        EXPECT_TRUE(is_extra_column(name, column)) << name << "." << column << " is missing in PostgreSQL";
      else
        EXPECT_EQ(type, found->second) << name << "." << column;
    }
    for (const auto& [column, type] : other->second.columns)
      EXPECT_TRUE(table.columns.contains(column) || is_extra_column(name, column))
          << name << "." << column << " is missing in SQLite";
  }
}

TEST_F(BothDialects, HaveTheSameKeysButForTheOrganization) {
  for (const auto& [name, table] : sqlite_) {
    const auto other = postgres_.find(name);
    // The position in the log is one number in SQLite, and a transaction's with its order in PostgreSQL.
    if (other == postgres_.end() || name == "triune_change_log") continue;
    EXPECT_EQ(table.keys, other->second.keys) << name;
  }
}

TEST_F(BothDialects, CheckTheSameNumberOfThings) {
  for (const auto& [name, table] : sqlite_)
    if (const auto other = postgres_.find(name); other != postgres_.end()) {
      EXPECT_EQ(table.checks, other->second.checks) << name;
    }
}

}  // namespace
}  // namespace triune::testing
