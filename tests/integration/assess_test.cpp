// What an assessment finds in databases of other programs.
#include "placement/assess.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <thread>

#include "adapters/builtin.h"
#include "integration/foreign_database.h"
#include "placement/classify.h"
#include "placement/names.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

using namespace placement;

class Assess : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "app.db"; }
  void make(const std::string& sql) const { ForeignProgram(path()).run(sql); }
  [[nodiscard]] Assessment assessed(const AssessOptions& options = {}) const {
    auto report = assess(adapters::builtin(), path(), options);
    if (!report) throw std::runtime_error(report.error().message);
    return std::move(*report);
  }
  [[nodiscard]] Error refused(const AssessOptions& options = {}) const {
    const auto report = assess(adapters::builtin(), path(), options);
    return report ? Error{} : report.error();
  }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static const TableReport& table(const Assessment& report, std::string_view name) {
    const auto* found = find_table(report.tables, name);
    if (found == nullptr) throw std::runtime_error("no table " + std::string(name));
    return *found;
  }
  static const ColumnReport& column(const Assessment& report, std::string_view table_name, std::string_view name) {
    return *find_column(table(report, table_name), name);
  }
  static std::string problems(const Assessment& report) {
    std::string text;
    for (const auto& problem : report.problems) text += problem.where + ": " + problem.message + "\n";
    return text;
  }

  TemporaryDirectory directory_;
};

TEST_F(Assess, CountsRowsAndSizesOfEveryKindOfTable) {
  make(
      "CREATE TABLE a(x); CREATE TABLE b(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE empty(x);"
      "CREATE VIEW v AS SELECT * FROM a; CREATE VIRTUAL TABLE f USING fts5(body);" +
      numbers(5000) + "INSERT INTO a SELECT i FROM n;" + numbers(300) + "INSERT INTO b SELECT 'key ' || i, i FROM n");
  const auto before = content();
  const auto report = assessed();
  EXPECT_EQ(table(report, "a").rows, 5000U);
  EXPECT_EQ(table(report, "b").rows, 300U);
  EXPECT_EQ(table(report, "empty").rows, 0U);
  EXPECT_EQ(table(report, "v").kind, TableReport::Kind::view);
  EXPECT_EQ(table(report, "f").kind, TableReport::Kind::virtual_table);
  EXPECT_EQ(table(report, "f_data").kind, TableReport::Kind::shadow);
  EXPECT_TRUE(table(report, "a").bytes_measured);
  EXPECT_GT(table(report, "a").bytes, 40'000U);
  EXPECT_EQ(problems(report), "");
  EXPECT_EQ(content(), before);
}

TEST_F(Assess, FindsCellsOfAnotherTypeThanDeclared) {
  make(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, number INTEGER, word TEXT, moment DATETIME, price DECIMAL(9,2), "
      "anything);" +
      numbers(1000) +
      "INSERT INTO t SELECT i, i, 'w' || i, '2024-01-01', i / 2.0, x'00' FROM n;"
      "UPDATE t SET number = 'many' WHERE id % 250 = 0; UPDATE t SET word = x'0102' WHERE id = 7;"
      "UPDATE t SET price = 'free' WHERE id > 998; UPDATE t SET number = NULL WHERE id = 1");
  const auto report = assessed();
  const auto& number = column(report, "t", "number");
  EXPECT_EQ(number.violations, 4U);
  EXPECT_EQ(number.violating_rows, (std::vector<std::string>{"250", "500", "750", "1000"}));
  EXPECT_EQ(number.integers + number.texts + number.nulls, 1000U);
  EXPECT_EQ(number.nulls, 1U);
  EXPECT_EQ(column(report, "t", "word").violations, 1U);
  EXPECT_EQ(column(report, "t", "moment").violations, 0U);
  EXPECT_EQ(column(report, "t", "price").violations, 2U);
  EXPECT_EQ(column(report, "t", "anything").violations, 0U);
}

TEST_F(Assess, FindsForeignKeysWithoutAnIndexAndMeasuresTheGain) {
  make(
      "CREATE TABLE agents(id INTEGER PRIMARY KEY);"
      "CREATE TABLE tasks(id INTEGER PRIMARY KEY, agent INTEGER REFERENCES agents(id), owner INTEGER REFERENCES "
      "agents, "
      "body TEXT); CREATE INDEX tasks_owner ON tasks(owner, body);" +
      numbers(2000) + "INSERT INTO agents SELECT i FROM n;" + numbers(20'000) +
      "INSERT INTO tasks SELECT i, 1 + i * 7919 % 2000, 1 + i % 2000, 'text' FROM n");
  const auto before = content();
  const auto report = assessed();
  const auto& keys = table(report, "tasks").foreign_keys;
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_FALSE(keys[0].indexed);
  EXPECT_EQ(keys[0].create_index, R"(CREATE INDEX "index_tasks_agent" ON "tasks" ("agent");)");
  ASSERT_TRUE(keys[0].gain) << keys[0].not_measured;
  EXPECT_EQ(keys[0].gain->rows, 20'000U);
  EXPECT_FALSE(keys[0].gain->sampled);
  EXPECT_GT(keys[0].gain->ratio(), 1);
  EXPECT_TRUE(keys[1].indexed);
  EXPECT_EQ(content(), before);
  // The statement is right: with it the finding is gone.
  make(keys[0].create_index);
  EXPECT_TRUE(table(assessed(), "tasks").foreign_keys[0].indexed);
}

TEST_F(Assess, SaysWhenOnlyAPartOfALargeTableWasCopied) {
  make(
      "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE c(p INTEGER REFERENCES p, t "
      "TEXT);" +
      numbers(20'000) + "INSERT INTO c SELECT 1, 'some text to make the rows longer' FROM n");
  AssessOptions options;
  options.copy_bytes = 100'000;
  const auto report = assessed(options);
  const auto& key = table(report, "c").foreign_keys[0];
  ASSERT_TRUE(key.gain) << key.not_measured;
  EXPECT_TRUE(key.gain->sampled);
  EXPECT_LT(key.gain->rows, 20'000U);
}

TEST_F(Assess, FindsOrphans) {
  make(
      "PRAGMA foreign_keys = OFF; CREATE TABLE p(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID; INSERT INTO p VALUES (1, 1), "
      "(1, 2);"
      "CREATE TABLE c(id INTEGER PRIMARY KEY, a, b, gone REFERENCES absent(id), loose REFERENCES p(b), "
      "FOREIGN KEY(a, b) REFERENCES p(a, b));"
      "INSERT INTO c VALUES (1, 1, 1, NULL, NULL), (2, 1, 3, 5, NULL), (3, NULL, 3, NULL, 1), (4, 2, 2, NULL, NULL)");
  const auto report = assessed();
  std::map<std::string, const ForeignKeyReport*> keys;
  for (const auto& key : table(report, "c").foreign_keys) keys[key.columns[0]] = &key;
  EXPECT_EQ(keys.at("a")->orphans, 2U);
  EXPECT_EQ(keys.at("a")->orphan_rows, (std::vector<std::string>{"2", "4"}));
  EXPECT_EQ(keys.at("gone")->orphans, 1U);
  EXPECT_FALSE(keys.at("loose")->orphans.has_value());
  EXPECT_NE(problems(report).find("foreign key mismatch"), std::string::npos);
}

TEST_F(Assess, ConcludesForeignKeysFromNamesAndValues) {
  make(
      "CREATE TABLE categories(id INTEGER PRIMARY KEY); CREATE TABLE users(id TEXT PRIMARY KEY);"
      "CREATE TABLE posts(id INTEGER PRIMARY KEY, category_id INTEGER, userId TEXT, parent_id INTEGER, users_id "
      "INTEGER);" +
      numbers(50) + "INSERT INTO categories SELECT i FROM n;" + numbers(50) +
      "INSERT INTO users SELECT 'u' || i FROM n;" + numbers(1000) +
      "INSERT INTO posts SELECT i, 1 + i % 50, 'u' || (1 + i % 50), nullif(i / 2, 0), 77000 + i FROM n");
  const auto report = assessed();
  const auto& posts = table(report, "posts");
  std::map<std::string, std::string> parents;
  for (const auto& key : posts.foreign_keys) {
    EXPECT_FALSE(key.declared);
    parents[key.columns[0]] = key.parent;
  }
  EXPECT_EQ(parents, (std::map<std::string, std::string>{
                         {"category_id", "categories"}, {"userId", "users"}, {"parent_id", "posts"}}));
}

/// A random network between `nodes` people, as rows of `table(a, b)`.
std::string ties(const std::string& into, int nodes, int count) {
  std::mt19937 random(4);
  std::string sql = "BEGIN;";
  for (int i = 0; i < count; ++i)
    sql += "INSERT INTO " + into + " VALUES (" + std::to_string(1 + random() % static_cast<unsigned>(nodes)) + ", " +
           std::to_string(1 + random() % static_cast<unsigned>(nodes)) + ");";
  return sql + "COMMIT;";
}

TEST_F(Assess, MeasuresRelationshipsKeptInRows) {
  make("CREATE TABLE people(id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES people(id));" + numbers(400) +
       "INSERT INTO people SELECT i, nullif(i / 3, 0) FROM n;"
       "CREATE TABLE knows(person INTEGER REFERENCES people(id), other INTEGER REFERENCES people(id));" +
       ties("knows", 400, 5000) + "CREATE TABLE calls(source TEXT, target TEXT);" + ties("calls", 100, 2000) +
       "CREATE TABLE orders(id INTEGER PRIMARY KEY, person INTEGER REFERENCES people(id), note TEXT);" + numbers(2000) +
       "INSERT INTO orders SELECT i, 1 + i % 400, 'x' FROM n;"
       "CREATE TABLE steps(id INTEGER PRIMARY KEY, depends_on TEXT, people_ids TEXT);" +
       numbers(500) +
       "INSERT INTO steps SELECT i, '[' || (1 + i * 7 % 500) || ',' || (1 + i * 13 % 500) || ']', (1 + i % 400) || ', "
       "' || "
       "(1 + i * 3 % 400) FROM n");
  const auto report = assessed();
  std::map<std::string, const RelationshipReport*> found;
  for (const auto& each : report.relationships) found[each.table + "." + each.to_column] = &each;
  ASSERT_EQ(found.size(), 5U) << problems(report);
  EXPECT_EQ(found.at("people.boss_id")->kind, RelationshipReport::Kind::self_reference);
  EXPECT_EQ(found.at("people.boss_id")->network.complexity, 0);
  EXPECT_EQ(found.at("people.boss_id")->edge_type, "BOSS");
  EXPECT_EQ(found.at("knows.other")->kind, RelationshipReport::Kind::join_table);
  EXPECT_EQ(found.at("knows.other")->from_table, "people");
  EXPECT_GT(found.at("knows.other")->network.complexity, graph_threshold);
  EXPECT_EQ(found.at("calls.target")->kind, RelationshipReport::Kind::edge_list);
  EXPECT_GT(found.at("calls.target")->network.complexity, graph_threshold);
  EXPECT_EQ(found.at("steps.depends_on")->kind, RelationshipReport::Kind::json_list);
  EXPECT_EQ(found.at("steps.depends_on")->to_table, "steps");
  EXPECT_LE(found.at("steps.depends_on")->network.edges, 1000U);
  EXPECT_GT(found.at("steps.depends_on")->network.edges, 900U);
  EXPECT_EQ(found.at("steps.people_ids")->kind, RelationshipReport::Kind::text_list);
  EXPECT_EQ(found.at("steps.people_ids")->to_table, "people");
  const auto hops = std::count_if(report.baseline.begin(), report.baseline.end(),
                                  [](const auto& latency) { return latency.query == "two hops"; });
  EXPECT_EQ(hops, 3);
}

TEST_F(Assess, FindsVectorsAndTakesNothingElseForThem) {
  const ForeignProgram program(path());
  program.run("CREATE TABLE t(id INTEGER PRIMARY KEY, f32 BLOB, f64 BLOB, json TEXT, hash BLOB, counts TEXT)");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(program.handle(), "INSERT INTO t VALUES (NULL, ?1, ?2, ?3, randomblob(32), '[1,2,3,4,5,6,7,8,9]')",
                     -1, &insert, nullptr);
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  for (int row = 0; row < 300; ++row) {
    std::vector<float> vector(64);
    float squares = 0;
    for (auto& number : vector) {
      number = normal(random);
      squares += number * number;
    }
    std::string json = "[";
    std::vector<double> twice;
    for (auto& number : vector) {
      number /= std::sqrt(squares);
      twice.push_back(number * 3);
      json += (json.size() == 1 ? "" : ", ") + std::to_string(number);
    }
    json += "]";
    sqlite3_bind_blob(insert, 1, vector.data(), 256, SQLITE_TRANSIENT);
    sqlite3_bind_blob(insert, 2, twice.data(), 512, SQLITE_TRANSIENT);
    sqlite3_bind_text(insert, 3, json.c_str(), -1, SQLITE_TRANSIENT);
    ASSERT_EQ(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  const auto report = assessed();
  ASSERT_EQ(report.vectors.size(), 3U);
  for (const auto& vector : report.vectors) {
    EXPECT_EQ(vector.dimension, 64U) << vector.column;
    EXPECT_EQ(vector.count, 300U) << vector.column;
    EXPECT_EQ(vector.normalized(), vector.column != "f64") << vector.mean_norm;
  }
  EXPECT_EQ(report.vectors[0].form, "float32 blob");
  EXPECT_EQ(report.vectors[1].form, "float64 blob");
  EXPECT_EQ(report.vectors[2].form, "json");
}

TEST_F(Assess, FindsLargeJsonAndSuperfluousIndexes) {
  make("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, doc TEXT, u UNIQUE);" + numbers(50) +
       "INSERT INTO t SELECT i, i, i, CASE WHEN i % 10 = 0 THEN '{\"x\":\"' || hex(zeroblob(60000)) || '\"}' "
       "WHEN i = 1 THEN hex(zeroblob(60000)) ELSE '{}' END, i FROM n;"
       "CREATE INDEX ab ON t(a, b); CREATE INDEX a ON t(a); CREATE INDEX ab2 ON t(a, b); CREATE INDEX key ON t(id);"
       "CREATE INDEX u2 ON t(u); CREATE INDEX part ON t(a) WHERE b > 3; CREATE INDEX nocase ON t(a COLLATE NOCASE);"
       "CREATE INDEX back ON t(a DESC); CREATE UNIQUE INDEX one ON t(b)");
  const auto report = assessed();
  EXPECT_EQ(column(report, "t", "doc").large_json, 5U);
  std::map<std::string, std::string> redundant;
  for (const auto& index : table(report, "t").indexes)
    if (!index.redundant_with.empty()) redundant[index.name] = index.redundancy + " " + index.redundant_with;
  EXPECT_EQ(redundant, (std::map<std::string, std::string>{{"a", "prefix ab"},
                                                           {"ab2", "duplicate ab"},
                                                           {"key", "duplicate the primary key"},
                                                           {"u2", "duplicate sqlite_autoindex_t_1"}}));
}

TEST_F(Assess, HostileNamesAreOnlyNames) {
  const std::string name = R"("x"";DROP TABLE p;--'é 😀")";
  make(
      "PRAGMA foreign_keys = OFF; CREATE TABLE p(\"select\" INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2);"
      "CREATE TABLE " +
      name + "(\"from\" INTEGER REFERENCES p(\"select\"), \"a\"\"b\" TEXT, \"rowid\" TEXT);" + numbers(500) +
      "INSERT INTO " + name + " SELECT 1 + i % 3, 'text', 'r' FROM n; CREATE INDEX \"i\"\"x\" ON " + name +
      "(\"a\"\"b\")");
  const auto report = assessed();
  const auto& table = report.tables.back();
  EXPECT_EQ(table.name, "x\";DROP TABLE p;--'é 😀");
  EXPECT_EQ(table.rows, 500U);
  EXPECT_EQ(table.key, std::vector<std::string>{"_rowid_"});
  ASSERT_EQ(table.foreign_keys.size(), 1U);
  EXPECT_EQ(table.foreign_keys[0].orphans, 167U);
  EXPECT_TRUE(table.foreign_keys[0].gain) << table.foreign_keys[0].not_measured;
  EXPECT_EQ(problems(report), "");
  make(table.foreign_keys[0].create_index);
}

TEST_F(Assess, ColumnsThatNeedTheApplicationAreNamedAndTheRestIsRead) {
  {
    const ForeignProgram program(path());
    sqlite3_create_function(
        program.handle(), "app_only", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
        [](sqlite3_context* context, int, sqlite3_value**) { sqlite3_result_int(context, 1); }, nullptr, nullptr);
    program.run(
        "CREATE TABLE t(a INTEGER, b AS (app_only(a)), c AS (a * 2)); INSERT INTO t(a) VALUES (1), (2);"
        "CREATE TABLE every(rowid, _rowid_, oid, x); INSERT INTO every VALUES (1, 2, 3, 4)");
  }
  const auto report = assessed();
  EXPECT_EQ(table(report, "t").rows, 2U);
  EXPECT_EQ(column(report, "t", "c").integers, 2U);
  EXPECT_NE(problems(report).find("t.b: "), std::string::npos) << problems(report);
  EXPECT_EQ(table(report, "every").rows, 1U);
}

TEST_F(Assess, ADamagedTableIsNamedAndTheOthersAreRead) {
  make("PRAGMA page_size = 4096; CREATE TABLE good(a); CREATE TABLE bad(a);" + numbers(3000) +
       "INSERT INTO good SELECT i FROM n;" + numbers(3000) + "INSERT INTO bad SELECT 'text ' || i FROM n");
  {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(std::streamoff{-2} * 4096, std::ios::end);
    file << std::string(4096, '\xAA');
  }
  const auto report = assessed();
  EXPECT_EQ(table(report, "good").rows, 3000U);
  EXPECT_LT(table(report, "bad").rows, 3000U);
  EXPECT_NE(problems(report).find("bad"), std::string::npos);
}

TEST_F(Assess, AFileInUseGoesOnWorking) {
  const ForeignProgram program(path());
  program.run("PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT);" + numbers(50'000) +
              "INSERT INTO t SELECT i, hex(randomblob(20)) FROM n");
  std::atomic<bool> done = false;
  int commits = 0;
  std::thread writer([&] {
    while (!done) {
      program.run("INSERT INTO t(text) VALUES ('more')");
      ++commits;
    }
  });
  const auto report = assessed();
  done = true;
  writer.join();
  EXPECT_GT(commits, 0);
  EXPECT_GE(table(report, "t").rows, 50'000U);
  EXPECT_EQ(problems(report), "");
}

TEST_F(Assess, AWriterWithARollbackJournalGoesOnWorking) {
  const ForeignProgram program(path());
  program.run(
      "PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 10000; CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT);" +
      numbers(100'000) + "INSERT INTO t SELECT i, hex(randomblob(20)) FROM n");
  std::atomic<bool> done = false;
  int commits = 0;
  std::thread writer([&] {
    while (!done) {
      program.run("INSERT INTO t(text) VALUES ('more')");
      ++commits;
    }
  });
  const auto report = assess(adapters::builtin(), path(), {});
  done = true;
  writer.join();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(commits, 0);
  EXPECT_GE(table(*report, "t").rows, 100'000U);
}

TEST_F(Assess, EndsWhenItIsToldToOrTimeIsOver) {
  make("CREATE TABLE t(a);" + numbers(1000) + "INSERT INTO t SELECT i FROM n");
  AssessOptions options;
  options.cancelled = [] { return true; };
  EXPECT_EQ(refused(options).code, ErrorCode::cancelled);
  options = {};
  options.deadline = Deadline::after(std::chrono::milliseconds(0));
  EXPECT_EQ(refused(options).code, ErrorCode::deadline_exceeded);
  options = {};
  options.table = "absent";
  EXPECT_EQ(refused(options).code, ErrorCode::not_found);
}

TEST_F(Assess, OneTableAloneGetsTheSameFindings) {
  make("CREATE TABLE people(id INTEGER PRIMARY KEY);" + numbers(300) +
       "INSERT INTO people SELECT i FROM n;"
       "CREATE TABLE knows(person_id INTEGER, other INTEGER REFERENCES people);" +
       ties("knows", 300, 4000));
  AssessOptions options;
  options.table = "KNOWS";
  const auto report = assessed(options);
  EXPECT_EQ(table(report, "people").rows, 0U);
  ASSERT_EQ(report.relationships.size(), 1U);
  const auto data = characteristics_of(report, "knows");
  ASSERT_TRUE(data);
  EXPECT_EQ(classify(data->front()).primary, "graph");
}

TEST_F(Assess, RandomSchemasAreReadWhole) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&random](std::initializer_list<const char*> from) {
      return *(from.begin() + random() % from.size());
    };
    std::filesystem::remove(path());
    std::string sql;
    std::vector<std::uint64_t> rows;
    const unsigned tables = 1 + random() % 5;
    for (unsigned t = 0; t < tables; ++t) {
      const bool without_rowid = random() % 4 == 0;
      sql += "CREATE TABLE \"t " + std::to_string(t) + "\"(id " + pick({"INTEGER", "TEXT", "BLOB"}) + " PRIMARY KEY";
      const unsigned columns = random() % 6;
      std::string values = "i";
      for (unsigned c = 0; c < columns; ++c) {
        sql += ", \"" + std::string(pick({"from", "a b", "x'", "é", "parent_id", "target"})) + std::to_string(c) +
               "\" " +
               pick({"", "INTEGER", "TEXT", "REAL", "NUMERIC", "DATETIME", "VARCHAR(7)", "JSON", "F32_BLOB(8)"});
        if (random() % 3 == 0 && t > 0) sql += " REFERENCES \"t " + std::to_string(random() % t) + "\"";
        values += std::string(", ") +
                  pick({"i", "NULL", "i / 3.0", "'text ' || i", "x'00FF'", "'[' || i || ',2]'", "'1,' || i"});
      }
      rows.push_back(random() % 1500);
      sql += std::string(")") + (without_rowid ? " WITHOUT ROWID;" : ";");
      if (rows.back() > 0)
        sql += numbers(static_cast<int>(rows.back())) + "INSERT INTO \"t " + std::to_string(t) + "\" SELECT " + values +
               " FROM n;";
    }
    make("PRAGMA foreign_keys = OFF;" + sql);
    const auto before = content();
    const auto report = assessed();
    for (unsigned t = 0; t < tables; ++t) {
      const auto& found = table(report, "t " + std::to_string(t));
      EXPECT_EQ(found.rows, rows[t]) << sql;
      for (const auto& each : found.columns)
        EXPECT_EQ(each.nulls + each.integers + each.reals + each.texts + each.blobs, rows[t]) << sql;
    }
    const auto data = characteristics_of(report);
    ASSERT_TRUE(data);
    for (const auto& each : *data) {
      const auto decision = classify(each);
      EXPECT_GE(decision.confidence, 0.0);
      EXPECT_LE(decision.confidence, 1.0);
    }
    EXPECT_EQ(content(), before);
  }
}

}  // namespace
}  // namespace triune::testing
