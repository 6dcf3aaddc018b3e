// An existing SQLite database of a gigabyte into a hive: time, memory, differences, and queries before and after.
//
// The data are generated in the shape of a social network with embeddings (LDBC's people, posts and replies; GloVe's
// words as JSON of 100 numbers; 384 numbers as blobs), since a run must not depend on downloads.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "adapters/builtin.h"
#include "data.h"
#include "intake/legacy_sqlite/apply.h"
#include "intake/legacy_sqlite/propose.h"
#include "placement/assess.h"
#include "scenarios.h"

namespace triune::bench {
namespace {

namespace legacy = intake::legacy;

constexpr std::size_t word_dimension = 100;

class Database {
 public:
  explicit Database(const std::filesystem::path& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("cannot make " + path.string());
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(handle_); }

  void run(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(handle_));
  }

  /// `count` rows of a statement with a number and a vector, which `bind` binds.
  void fill(const std::string& sql, int count, std::size_t dimension,
            const std::function<void(sqlite3_stmt*, int, const std::vector<float>&)>& bind) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(handle_));
    ClusteredVectors vectors(dimension, 11);
    std::vector<float> vector;
    for (int i = 1; i <= count; ++i) {
      vectors.next(vector);
      bind(statement, i, vector);
      sqlite3_step(statement);
      sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
  }

 private:
  sqlite3* handle_ = nullptr;
};

std::string numbers(int count) {
  return fmt::format("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) ", count);
}

std::string json_of(const std::vector<float>& vector) {
  std::string text = "[";
  for (const float value : vector) text += fmt::format("{}{:.5f}", text.size() == 1 ? "" : ",", value);
  return text + "]";
}

/// People who know each other, posts that reply to each other, words with vectors.
void make_database(const std::filesystem::path& path, int people) {
  std::filesystem::remove(path);
  Database database(path);
  const int posts = people * 40;
  database.run(
      "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, born DATE);"
      "CREATE TABLE knows(person1 INTEGER REFERENCES person(id), person2 INTEGER REFERENCES person(id), since DATE);"
      "CREATE TABLE post(id INTEGER PRIMARY KEY, author INTEGER REFERENCES person(id), reply_to INTEGER REFERENCES "
      "post(id), written DATETIME, body TEXT);"
      "CREATE TABLE memory(id INTEGER PRIMARY KEY, embedding BLOB);"
      "CREATE TABLE word(word TEXT PRIMARY KEY, vector TEXT);");
  database.run(numbers(people) +
               "INSERT INTO person SELECT i, 'person ' || i, date('1950-01-01', '+' || i || ' days') FROM n");
  database.run(numbers(people * 18) +
               fmt::format("INSERT INTO knows SELECT 1 + i * 7919 % {0}, 1 + (i * 104729 + i / {0}) % {0}, "
                           "date('2010-01-01', '+' || i % 4000 || ' days') FROM n",
                           people));
  database.run(
      numbers(posts) +
      fmt::format("INSERT INTO post SELECT i, 1 + i * 31 % {}, CASE WHEN i % 3 THEN 1 + i * 48271 % 65537 % i END, "
                  "datetime('2012-01-01', '+' || i || ' minutes'), 'post number ' || i || "
                  "substr(' about this and that and what else there is to be said of it', 1, i % 60) FROM n",
                  people));
  database.fill("INSERT INTO memory VALUES (?1, ?2)", people * 15, vector_dimension,
                [](sqlite3_stmt* statement, int i, const std::vector<float>& vector) {
                  sqlite3_bind_int(statement, 1, i);
                  sqlite3_bind_blob(statement, 2, vector.data(), static_cast<int>(vector.size() * sizeof(float)),
                                    SQLITE_TRANSIENT);
                });
  database.fill("INSERT INTO word VALUES (?1, ?2)", people * 50, word_dimension,
                [](sqlite3_stmt* statement, int i, const std::vector<float>& vector) {
                  const auto word = fmt::format("word{}", i);
                  const auto json = json_of(vector);
                  sqlite3_bind_text(statement, 1, word.data(), static_cast<int>(word.size()), SQLITE_TRANSIENT);
                  sqlite3_bind_text(statement, 2, json.data(), static_cast<int>(json.size()), SQLITE_TRANSIENT);
                });
  database.run("COMMIT");
}

std::uint64_t differences_in(const legacy::Verification& verification) {
  std::uint64_t count = 0;
  for (const auto& table : verification.tables)
    count += table.same() ? 0 : std::max<std::size_t>(1, table.differences.size());
  for (const auto& part : verification.parts) count += part.same() ? 0 : 1;
  return count;
}

/// The report's ratios as details, and the least where the plan promised something.
void add_speed(Record& report, const std::vector<legacy::SpeedReport>& speeds) {
  double least = 0;
  for (const auto& speed : speeds) {
    report.push_back({fmt::format("{} ({})", speed.question, speed.kind), speed.ratio()});
    if (speed.kind == "relationship" && speed.promised > 0)
      least = least == 0 ? speed.ratio() : std::min(least, speed.ratio());
  }
  report.push_back({"least_promised_ratio", least});
}

}  // namespace

Record migrate_child(std::span<const std::string> arguments) {
  const std::filesystem::path source = arguments[0];
  const Stopwatch planning;
  placement::AssessOptions assess_options;
  assess_options.measure = false;
  const auto assessment = must(placement::assess(adapters::builtin(), source, assess_options));
  const auto plan = must(legacy::propose(assessment, *must(legacy::LegacySource::open(adapters::builtin(), source))));
  Record report{{"plan_s", planning.seconds()}};
  const auto hive =
      must(Hive::open(arguments[1], {.project_in_background = false, .graph_memory_bytes = 64ULL << 20U}));
  legacy::ApplyOptions options;
  options.approved_by = "bench";
  const auto applied = must(legacy::apply(*hive, adapters::builtin(), plan, options));
  double seconds = 0;
  for (const auto& phase : applied.phases) {
    report.push_back({phase.phase + "_s", phase.seconds});
    report.push_back({phase.phase + "_peak_mb", static_cast<double>(phase.memory_bytes) / (1 << 20)});
    if (phase.phase != "speed") seconds += phase.seconds;
  }
  report.push_back({"migrate_s", seconds});
  report.push_back({"rows", static_cast<std::int64_t>(applied.rows)});
  report.push_back({"differences", static_cast<std::int64_t>(differences_in(applied.verification))});
  add_speed(report, applied.speed);
  must(hive->close());
  report.push_back({"peak_mb", process_kilobytes("VmHWM") / 1024.0});
  return report;
}

void bench_migration(Bench& bench) {
  const auto folder = bench.settings().cache / "migration";
  std::filesystem::create_directories(folder);
  const int people = bench.sized(1'200, 12'000, 12'000);
  const auto source = folder / fmt::format("social-{}.db", people);
  if (!std::filesystem::exists(source) || bench.settings().fresh) {
    bench.update("making a database", 0, 1);
    make_database(source.string() + ".new", people);
    std::filesystem::rename(source.string() + ".new", source);
  }
  const auto hive = folder / "hive";
  std::filesystem::remove_all(hive);
  bench.update("migrating", 0, 1);
  const auto report = in_child(bench.settings(), "migrate", {source.string(), hive.string()});
  std::filesystem::remove_all(hive);
  auto row = measured("migration", "s", number(report, "migrate_s"))
                 .detail("measure", std::string("apply with verify, without the questions at the end"))
                 .detail("data", std::string("generated in the shape of LDBC and GloVe"))
                 .detail("source_mb", static_cast<double>(std::filesystem::file_size(source)) / (1 << 20));
  for (const auto& field : report) row.details.push_back(field);
  bench.add(row);
  bench.add(measured("migration_memory", "MB", number(report, "peak_mb"))
                .at_most(500)
                .detail("measure", std::string("peak resident memory of assessing, planning, applying and asking")));
  bench.add(measured("migration_differences", "rows", number(report, "differences")).at_most(0));
  bench.add(measured("migration_relationships", "times faster", number(report, "least_promised_ratio"))
                .at_least(2)
                .detail("measure", std::string("queries along edges where the plan promised so, the least ratio of "
                                               "medians, old file to hive")));
}

}  // namespace triune::bench
