#include "migrate/lint.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace triune::migrate {
namespace {

using contract::Dialect;

/// What a rule finds, and what it leaves alone; both behind a first file that made tables with rows.
struct RuleCase {
  Dialect dialect;
  std::string rule;
  std::string bad;
  std::string good;
};

constexpr std::string_view postgres_before =
    "CREATE TABLE people (id bigint PRIMARY KEY, name text); CREATE INDEX people_by_name ON people (name);";
constexpr std::string_view sqlite_before =
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT) STRICT; CREATE INDEX people_by_name ON people (name);"
    "CREATE TRIGGER people_seen AFTER INSERT ON people BEGIN SELECT 1; END;";

constexpr auto pg = Dialect::postgres;
constexpr auto lite = Dialect::sqlite;
const std::string outside = "-- triune: no-transaction\n";

// NOLINTNEXTLINE(cert-err58-cpp)
const std::vector<RuleCase> all_cases{

    {pg, "index-not-concurrent", "CREATE INDEX i ON people (id);",
     "CREATE TABLE a (id bigint PRIMARY KEY, b int); CREATE INDEX i ON a (b);"},
    {pg, "concurrent-in-transaction", "CREATE INDEX CONCURRENTLY i ON people (id);",
     outside + "CREATE INDEX CONCURRENTLY i ON people (id);"},
    {pg, "concurrent-not-repeatable", outside + "CREATE INDEX CONCURRENTLY i ON people (id);",
     outside + "DROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY i ON people (id);"},
    {pg, "drop-index-not-concurrent", "DROP INDEX people_by_name;",
     outside + "DROP INDEX CONCURRENTLY people_by_name;"},
    {pg, "volatile-default", "ALTER TABLE people ADD COLUMN u uuid DEFAULT gen_random_uuid();",
     "ALTER TABLE people ADD COLUMN u timestamptz DEFAULT now();"},
    {pg, "add-identity", "ALTER TABLE people ADD COLUMN n bigserial;", "ALTER TABLE people ADD COLUMN n bigint;"},
    {pg, "add-stored-generated", "ALTER TABLE people ADD COLUMN n text GENERATED ALWAYS AS (lower(name)) STORED;",
     "ALTER TABLE people ADD COLUMN n text;"},
    {pg, "change-type", "ALTER TABLE people ALTER COLUMN id TYPE numeric;",
     "ALTER TABLE people ALTER COLUMN name TYPE text;"},
    {pg, "timestamp-to-timestamptz", "ALTER TABLE people ALTER COLUMN name TYPE timestamptz;",
     "ALTER TABLE people ALTER COLUMN name TYPE text;"},
    {pg, "set-not-null", "ALTER TABLE people ALTER COLUMN name SET NOT NULL;",
     "ALTER TABLE people ALTER COLUMN name DROP NOT NULL;"},
    {pg, "check-not-valid", "ALTER TABLE people ADD CONSTRAINT c CHECK (id > 0);",
     "ALTER TABLE people ADD CONSTRAINT c CHECK (id > 0) NOT VALID;"},
    {pg, "foreign-key-not-valid", "ALTER TABLE people ADD FOREIGN KEY (id) REFERENCES people (id);",
     "ALTER TABLE people ADD FOREIGN KEY (id) REFERENCES people (id) NOT VALID;"},
    {pg, "unique-without-index", "ALTER TABLE people ADD UNIQUE (name);",
     "ALTER TABLE people ADD CONSTRAINT u UNIQUE USING INDEX people_by_name;"},
    {pg, "add-exclude", "ALTER TABLE people ADD EXCLUDE USING gist (name WITH =);",
     "ALTER TABLE people ADD COLUMN n text;"},
    {pg, "validate-in-same-transaction",
     "ALTER TABLE people ADD CONSTRAINT c CHECK (id > 0) NOT VALID; ALTER TABLE people VALIDATE CONSTRAINT c;",
     "ALTER TABLE people VALIDATE CONSTRAINT c;"},
    {pg, "drop-before-contract", "ALTER TABLE people DROP COLUMN name;",
     "-- triune: allow drop-before-contract unused since 2\nALTER TABLE people DROP COLUMN name;"},
    {pg, "rename", "ALTER TABLE people RENAME COLUMN name TO called;", "ALTER TABLE people ADD COLUMN called text;"},
    {pg, "rename-enum-value", "ALTER TYPE mood RENAME VALUE 'a' TO 'b';",
     outside + "ALTER TYPE mood ADD VALUE 'b' AFTER 'a';"},
    {pg, "enum-add-value", "ALTER TYPE mood ADD VALUE 'b';", outside + "ALTER TYPE mood ADD VALUE 'b' AFTER 'a';"},
    {pg, "lock-timeout-off", "SET LOCAL lock_timeout = 0;", "SET LOCAL lock_timeout = '50ms';"},
    {pg, "statement-timeout-off", "SET statement_timeout = '1h';", "SET LOCAL statement_timeout = '1h';"},
    {pg, "unbatched-write", "UPDATE people SET name = 'x';", "INSERT INTO people VALUES (1, 'x');"},
    {pg, "vacuum-full", outside + "VACUUM FULL people;", outside + "VACUUM people;"},
    {pg, "attach-partition", "ALTER TABLE people ATTACH PARTITION p FOR VALUES IN (1);",
     "CREATE TABLE p PARTITION OF people FOR VALUES IN (1);"},
    {pg, "detach-partition", "ALTER TABLE people DETACH PARTITION p;",
     outside + "ALTER TABLE people DETACH PARTITION p CONCURRENTLY;"},
    {pg, "cascade", "DROP VIEW v CASCADE;", "DROP VIEW v;"},
    {pg, "row-security-off", "ALTER TABLE people DISABLE ROW LEVEL SECURITY;",
     "ALTER TABLE people ENABLE ROW LEVEL SECURITY;"},
    {pg, "organization-first", "CREATE TABLE a (organization_id bigint, id bigint, PRIMARY KEY (id, organization_id));",
     "CREATE TABLE a (organization_id bigint, id bigint, PRIMARY KEY (organization_id, id));"},
    {pg, "view-security-invoker", "CREATE VIEW v AS SELECT 1;",
     "CREATE VIEW v WITH (security_invoker = true) AS SELECT 1;"},
    {pg, "materialized-view", "CREATE MATERIALIZED VIEW m AS SELECT 1;", "CREATE TABLE m (id bigint PRIMARY KEY);"},
    {pg, "json-type", "CREATE TABLE a (id bigint PRIMARY KEY, j json);",
     "CREATE TABLE a (id bigint PRIMARY KEY, j jsonb);"},
    {pg, "int-primary-key", "CREATE TABLE a (id int PRIMARY KEY);", "CREATE TABLE a (id bigint PRIMARY KEY);"},
    {pg, "naive-timestamp", "CREATE TABLE a (id bigint PRIMARY KEY, t timestamp);",
     "CREATE TABLE a (id bigint PRIMARY KEY, t timestamptz);"},
    {pg, "missing-primary-key", "CREATE TABLE a (id bigint);", "CREATE TABLE a (id bigint PRIMARY KEY);"},
    {pg, "unindexed-foreign-key", "CREATE TABLE a (id bigint PRIMARY KEY, p bigint REFERENCES people (id));",
     "CREATE TABLE a (id bigint PRIMARY KEY, p bigint REFERENCES people (id)); CREATE INDEX a_p ON a (p) WHERE p IS "
     "NOT NULL;"},
    {pg, "add-column-not-null", "ALTER TABLE people ADD COLUMN n text NOT NULL;",
     "ALTER TABLE people ADD COLUMN n text NOT NULL DEFAULT '';"},
    // Other forms of what is above.
    {pg, "index-not-concurrent", "CREATE UNIQUE INDEX i ON people (id);",
     outside + "DROP INDEX CONCURRENTLY IF EXISTS i; CREATE UNIQUE INDEX CONCURRENTLY i ON people (id);"},
    {pg, "drop-index-not-concurrent", "REINDEX TABLE people;", outside + "REINDEX TABLE CONCURRENTLY people;"},
    {pg, "volatile-default", "ALTER TABLE people ADD COLUMN r float8 DEFAULT random();",
     "ALTER TABLE people ADD COLUMN r float8 DEFAULT 0.5;"},
    {pg, "volatile-default", "ALTER TABLE people ADD COLUMN r float8 DEFAULT random() NOT NULL;",
     "ALTER TABLE people ADD COLUMN r text NOT NULL DEFAULT lower('A') COLLATE \"C\";"},
    {pg, "check-not-valid", "ALTER TABLE people ADD COLUMN n text DEFAULT '' CHECK (length(n) < 9);",
     "ALTER TABLE people ADD COLUMN n text DEFAULT ''; ALTER TABLE people ADD CHECK (length(n) < 9) NOT VALID;"},
    {pg, "add-identity", "ALTER TABLE people ADD COLUMN n bigint GENERATED BY DEFAULT AS IDENTITY;",
     "ALTER TABLE people ADD COLUMN n bigint;"},
    {pg, "unique-without-index", "ALTER TABLE people ADD PRIMARY KEY (name);",
     "ALTER TABLE people ADD CONSTRAINT p PRIMARY KEY USING INDEX people_by_name;"},
    {pg, "drop-before-contract", "DROP TABLE people;", "CREATE TABLE a (id bigint PRIMARY KEY); DROP TABLE a;"},
    {pg, "rename", "ALTER TABLE people RENAME TO persons;", "ALTER INDEX people_by_name RENAME TO by_name;"},
    {pg, "rename", "ALTER SCHEMA public RENAME TO private;", "CREATE SCHEMA private;"},
    {pg, "unbatched-write", "DELETE FROM people;", "INSERT INTO people VALUES (2, 'y');"},
    {pg, "vacuum-full", outside + "CLUSTER people USING people_by_name;", outside + "VACUUM (ANALYZE) people;"},
    {pg, "vacuum-full", outside + "VACUUM (FULL) people;", outside + "ANALYZE people;"},
    {pg, "cascade", "TRUNCATE people CASCADE;",
     "ALTER TABLE people ADD FOREIGN KEY (id) REFERENCES people (id) ON "
     "DELETE CASCADE NOT VALID;"},
    {pg, "cascade", "DROP TABLE people CASCADE;", "CREATE TABLE a (id bigint PRIMARY KEY); DROP TABLE a;"},
    {pg, "row-security-off", "ALTER TABLE people NO FORCE ROW LEVEL SECURITY;",
     "ALTER TABLE people FORCE ROW LEVEL SECURITY;"},
    {pg, "organization-first", "CREATE TABLE a (organization_id bigint, id bigint PRIMARY KEY);",
     "CREATE TABLE a (organization_id bigint, id bigint, PRIMARY KEY (organization_id, id), UNIQUE (organization_id, "
     "id));"},
    {pg, "organization-first",
     "CREATE TABLE a (organization_id bigint, id bigint, PRIMARY KEY (organization_id, id), FOREIGN KEY (id, "
     "organization_id) REFERENCES people (id, name));",
     "CREATE TABLE a (organization_id bigint, id bigint, PRIMARY KEY (organization_id, id), FOREIGN KEY "
     "(organization_id, id) REFERENCES people (id, name));"},
    {lite, "missing-strict", "CREATE TABLE a (id INTEGER PRIMARY KEY);",
     "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT, WITHOUT ROWID;"},
    {lite, "unindexed-foreign-key", "CREATE TABLE a (id INTEGER PRIMARY KEY, p INTEGER REFERENCES people (id)) STRICT;",
     "CREATE TABLE a (p INTEGER REFERENCES people (id), id INTEGER, PRIMARY KEY (p, id)) STRICT;"},
    {lite, "add-column-not-null", "ALTER TABLE people ADD COLUMN n TEXT NOT NULL;",
     "ALTER TABLE people ADD COLUMN n TEXT NOT NULL DEFAULT '';"},
    {lite, "add-column-default", "ALTER TABLE people ADD COLUMN n TEXT DEFAULT CURRENT_TIMESTAMP;",
     "ALTER TABLE people ADD COLUMN n TEXT DEFAULT 'x';"},
    {lite, "add-column-references", "ALTER TABLE people ADD COLUMN p INTEGER DEFAULT 1 REFERENCES people (id);",
     "ALTER TABLE people ADD COLUMN p INTEGER;"},
    {lite, "add-column-unique", "ALTER TABLE people ADD COLUMN n TEXT UNIQUE;",
     "ALTER TABLE people ADD COLUMN n TEXT;"},
    {lite, "add-stored-generated", "ALTER TABLE people ADD COLUMN n TEXT AS (lower(name)) STORED;",
     "ALTER TABLE people ADD COLUMN n TEXT AS (lower(name));"},
    {lite, "rebuild-order", "ALTER TABLE people RENAME TO old; CREATE TABLE people (id INTEGER PRIMARY KEY) STRICT;",
     "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT; ALTER TABLE later RENAME TO latest;"},
    {lite, "rebuild-loses-index",
     "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT) STRICT; DROP TABLE people; ALTER TABLE n RENAME TO people;",
     "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT) STRICT; DROP TABLE people; ALTER TABLE n RENAME TO people; "
     "CREATE INDEX people_by_name ON people (name);"},
    {lite, "rebuild-loses-trigger",
     "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT) STRICT; DROP TABLE people; ALTER TABLE n RENAME TO people;",
     "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT) STRICT; DROP TABLE people; ALTER TABLE n RENAME TO people; "
     "CREATE TRIGGER people_seen AFTER INSERT ON people BEGIN SELECT 1; END;"},
    {lite, "rebuild-referenced-table",
     "CREATE TABLE a (p INTEGER PRIMARY KEY REFERENCES people (id)) STRICT; CREATE TABLE n (id INTEGER PRIMARY KEY) "
     "STRICT; "
     "DROP TABLE people; ALTER TABLE n RENAME TO people;",
     "CREATE TABLE n (id INTEGER PRIMARY KEY) STRICT; DROP TABLE people; ALTER TABLE n RENAME TO people;"},
    {lite, "pragma", "PRAGMA foreign_keys = OFF;", "SELECT 1;"},
    {lite, "unbatched-write", "DELETE FROM people;", "INSERT INTO people VALUES (1, 'x');"},
    {lite, "rename", "ALTER TABLE people RENAME TO persons;", "SELECT 1;"},
    {lite, "drop-before-contract", "DROP TABLE people;",
     "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; DROP TABLE a;"},
};

std::set<std::string> rules_found(const RuleCase& one, const std::string& text) {
  const std::vector<LintFile> files{{"1", one.dialect == Dialect::postgres ? postgres_before : sqlite_before},
                                    {"2", text}};
  const auto findings = lint(files, one.dialect);
  EXPECT_TRUE(findings) << findings.error().message;
  std::set<std::string> rules;
  if (findings)
    for (const auto& finding : *findings) rules.insert(finding.rule);
  return rules;
}

TEST(Lint, FindsWhatEachRuleForbidsAndLeavesTheRemedyAlone) {
  for (const auto& one : all_cases) {
    EXPECT_TRUE(rules_found(one, one.bad).contains(one.rule)) << one.rule << " in: " << one.bad;
    EXPECT_FALSE(rules_found(one, one.good).contains(one.rule)) << one.rule << " in: " << one.good;
  }
}

TEST(Lint, HasACaseForEachRule) {
  for (const auto dialect : {Dialect::postgres, Dialect::sqlite}) {
    std::set<std::string> tried;
    for (const auto& one : all_cases)
      if (one.dialect == dialect) tried.insert(one.rule);
    for (const auto& rule : lint_rules(dialect)) EXPECT_TRUE(tried.contains(std::string(rule.name))) << rule.name;
  }
}

/// What is dangerous on a PostgreSQL in use, by the numbers of docs/schema.md.
TEST(Lint, KnowsEachOfTheTwentyFiveDangers) {
  const std::map<int, std::vector<std::string>> dangers{
      {1, {"index-not-concurrent"}},
      {2, {"concurrent-in-transaction", "concurrent-not-repeatable"}},
      {3, {"drop-index-not-concurrent"}},
      {4, {"volatile-default"}},
      {5, {"add-identity"}},
      {6, {"add-stored-generated"}},
      {7, {"change-type"}},
      {8, {"timestamp-to-timestamptz"}},
      {9, {"set-not-null"}},
      {10, {"check-not-valid"}},
      {11, {"foreign-key-not-valid"}},
      {12, {"unique-without-index"}},
      {13, {"add-exclude"}},
      {14, {"validate-in-same-transaction"}},
      {15, {"drop-before-contract"}},
      {16, {"rename"}},
      {17, {"rename-enum-value"}},
      {18, {"enum-add-value"}},
      {19, {"lock-timeout-off"}},
      {20, {"statement-timeout-off"}},
      {21, {"unbatched-write"}},
      {22, {"vacuum-full"}},
      {23, {"attach-partition", "detach-partition"}},
      {24, {"cascade"}},
      {25,
       {"organization-first", "row-security-off", "view-security-invoker", "materialized-view", "json-type",
        "int-primary-key", "naive-timestamp", "unindexed-foreign-key", "missing-primary-key", "add-column-not-null"}}};
  EXPECT_EQ(dangers.size(), 25U);
  std::set<std::string> numbered;
  for (const auto& [number, rules] : dangers) numbered.insert(rules.begin(), rules.end());
  std::set<std::string> known;
  for (const auto& rule : lint_rules(Dialect::postgres)) known.insert(std::string(rule.name));
  EXPECT_EQ(numbered, known);
}

TEST(Lint, SaysWhereAndWhatInstead) {
  const std::vector<LintFile> files{{"a.sql", postgres_before}, {"b.sql", "\n\nALTER TABLE people RENAME TO persons;"}};
  const auto findings = lint(files, Dialect::postgres).value();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].file, "b.sql");
  EXPECT_EQ(findings[0].line, 3U);
  EXPECT_FALSE(findings[0].remedy.empty());
}

TEST(Lint, AnAllowanceNeedsARuleAReasonAndAStatement) {
  for (const auto* const text :
       {"-- triune: allow nothing-like-it because\nSELECT 1;", "-- triune: allow rename\nSELECT 1;",
        "SELECT 1;\n-- triune: allow rename nothing follows", "-- triune: hello\nSELECT 1;"}) {
    const std::vector<LintFile> files{{"a.sql", text}};
    const auto refused = lint(files, Dialect::postgres);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Lint, WordsInTextsCommentsAndBodiesAreNoStatements) {
  const std::vector<LintFile> files{
      {"a.sql",
       "SELECT 'DROP TABLE people;'; -- DROP TABLE people;\n/* DROP /* nested */ TABLE people; */ SELECT $x$;DROP "
       "TABLE people;$x$, E'\\';DROP TABLE people;', \"DROP TABLE people;\";"}};
  EXPECT_TRUE(lint(files, Dialect::postgres).value().empty());
  const std::vector<LintFile> trigger{
      {"a.sql",
       "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET id = "
       "CASE WHEN 1 THEN 2 ELSE 3 END; DELETE FROM a; END; SELECT 1;"}};
  EXPECT_TRUE(lint(trigger, Dialect::sqlite).value().empty());
}

TEST(Lint, AQuoteThatNeverEndsIsNamedByItsLine) {
  const std::vector<LintFile> files{{"a.sql", "SELECT 1;\nSELECT 'no end;"}};
  const auto refused = lint(files, Dialect::sqlite);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("a.sql: line 2"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace triune::migrate
