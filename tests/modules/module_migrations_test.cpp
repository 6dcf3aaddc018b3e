// The modules' migrations on tables with data: down and up again leave the schema as it was, and others' rows alone.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <array>

#include "adapters/builtin.h"
#include "integration/hive_fixture.h"
#include "migrate/catalogue.h"
#include "migrate/migrate.h"
#include "modules/model/module_model.h"
#include "stress/settings.h"
#include "support/pool_factory.h"
#include "triune/modules/audit.h"

namespace triune::testing {
namespace {

using contract::Dialect;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(2));
}

class ModuleMigrations : public HiveTest {
 protected:
  static Dialect dialect() { return on_postgres() ? Dialect::postgres : Dialect::sqlite; }

  /// The store of the hive, which is closed.
  [[nodiscard]] std::unique_ptr<contract::RelationalStore> store() const {
    contract::EngineOptions options{.path = place_.directory() / "hive.db", .make_pool = pool_factory()};
    if (on_postgres()) options.url = place_.location();
    return expect(adapters::builtin().relational.at(on_postgres() ? "postgres" : "sqlite")(options));
  }

  static migrate::Catalogue catalogue_of(contract::RelationalStore& store) {
    const auto session = expect(store.read(contract::ReadScope::internal, soon()));
    return expect(migrate::read_catalogue(*session, migrate::Owner::triune));
  }

  /// How many rows each table has.
  static std::map<std::string, std::string> rows_in(contract::RelationalStore& store,
                                                    const migrate::Catalogue& catalogue) {
    const auto session = expect(store.read(contract::ReadScope::internal, soon()));
    std::map<std::string, std::string> rows;
    for (const auto& [key, entry] : catalogue)
      if (entry.kind == "table")
        rows[entry.name] = to_text(expect(session->query("SELECT count(*) FROM " + entry.name, {}, 1)).rows[0][0]);
    return rows;
  }

  static void expect_equal(const migrate::Catalogue& expected, const migrate::Catalogue& found) {
    for (const auto& one : migrate::compare(expected, found))
      ADD_FAILURE() << one.what << " is " << to_string(one.kind) << ": '" << one.expected << "' became '" << one.found
                    << "'";
  }

  void open_modules() {
    reopen();
    for (const auto& name : module_models()) module_model(name)->open(*hive_);
  }

  void fill(std::uint64_t seed) {
    for (const auto& name : module_models()) {
      const auto model = module_model(name);
      model->open(*hive_);
      Random random(seed);
      for (int i = 0; i < 100; ++i) {
        const auto operation = model->next(random);
        const auto outcome = model->perform(operation, {.id = "filler"});
        EXPECT_TRUE(outcome == testing::refused() || outcome.is_object()) << operation << ": " << outcome;
      }
    }
  }

  /// Others build on what comes later here.
  const std::vector<std::string_view> series_{"access", "events", "agents", "tasks", "audit"};
};

/// What the hive keeps of any module's rows: it goes with them.
bool is_the_hives(std::string_view table) {
  constexpr std::array<std::string_view, 9> tables{
      "triune_hive",    "triune_migrations",   "triune_change_log",    "triune_nodes",          "triune_edges",
      "triune_vectors", "triune_vector_texts", "triune_vector_values", "triune_blob_references"};
  return table.starts_with("triune_schema_") || std::find(tables.begin(), tables.end(), table) != tables.end();
}

TEST_F(ModuleMigrations, GoDownAndUpAgainWithDataInTheTables) {
  hive_.reset();
  const auto bare = catalogue_of(*store());
  open_modules();
  const auto seed = stress_seed();
  SCOPED_TRACE(seed);
  fill(seed);
  hive_.reset();
  const auto full = catalogue_of(*store());
  {
    const auto opened = store();
    const migrate::Runner runner{.store = *opened, .transaction = {}, .run = {}};
    for (const auto series : series_)
      for (auto left = migrate::migrations(dialect(), series).size(); left > 0; --left) {
        const auto before = rows_in(*opened, catalogue_of(*opened));
        const auto reverted = migrate::revert(runner, series, static_cast<std::uint32_t>(left - 1), soon());
        ASSERT_TRUE(reverted) << series << ": " << reverted.error().message;
        for (const auto& [table, rows] : rows_in(*opened, catalogue_of(*opened)))
          if (!is_the_hives(table)) {
            EXPECT_EQ(before.at(table), rows) << table << " after " << series << " went down to " << left - 1;
          }
      }
    expect_equal(bare, catalogue_of(*opened));
  }
  open_modules();
  fill(seed);
  const auto report = expect(expect(Audit::open(*hive_))->verify());
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
  expect_verified();
  hive_.reset();
  expect_equal(full, catalogue_of(*store()));
}

TEST_F(ModuleMigrations, ASeriesThatGoesDownAndUpAgainLeavesTheOthersAsTheyWere) {
  open_modules();
  fill(stress_seed());
  hive_.reset();
  const auto full = catalogue_of(*store());
  for (const std::string_view series : {"access", "events", "agents"}) {
    SCOPED_TRACE(series);
    {
      const auto opened = store();
      const migrate::Runner runner{.store = *opened, .transaction = {}, .run = {}};
      const auto reverted = migrate::revert(runner, series, 0, soon());
      ASSERT_TRUE(reverted) << reverted.error().message;
    }
    open_modules();
    hive_.reset();
    expect_equal(full, catalogue_of(*store()));
  }
}

}  // namespace
}  // namespace triune::testing
