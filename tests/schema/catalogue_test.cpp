// Every migration of both dialects: up, down and up again on a real engine.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
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

/// Numbers of names and of processes, which all organizations share: triune_collections, triune_cluster_nodes.
const std::vector<std::string> known_findings{"hive/0001_hive.up.sql organization-first",
                                              "hive/0001_hive.up.sql organization-first"};

TEST_P(EmbeddedSeries, PassTheLinterButForWhatIsNamed) {
  std::vector<std::string> named;
  for (const auto series : migrate::series_names(GetParam())) {
    std::vector<migrate::LintFile> files;
    for (const auto& one : migrate::migrations(GetParam(), series))
      files.push_back({fmt::format("{}/{}.up.sql", series, migrate::stem(one.version, one.name)), one.sql});
    const auto findings = migrate::lint(files, GetParam());
    ASSERT_TRUE(findings) << findings.error().message;
    for (const auto& one : *findings) {
      named.push_back(one.file + " " + one.rule);
      if (GetParam() == Dialect::sqlite || !std::count(known_findings.begin(), known_findings.end(), named.back()))
        ADD_FAILURE() << one.file << ":" << one.line << ": " << one.rule << ": " << one.why;
    }
  }
  EXPECT_EQ(named.size(), GetParam() == Dialect::sqlite ? 0 : known_findings.size());
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

}  // namespace
}  // namespace triune::testing
