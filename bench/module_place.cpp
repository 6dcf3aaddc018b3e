#include "module_place.h"

#include <fmt/format.h>

#include <exception>
#include <mutex>
#include <thread>

#include "raw_postgres.h"
#include "raw_sqlite.h"
#include "support/postgres_server.h"

namespace triune::bench {
namespace {

void load_sqlite(const std::string& path, const std::vector<std::string>& tables,
                 const std::vector<std::string>& statements) {
  RawSqlite file(path, 256ULL << 20U);
  std::vector<std::string> triggers;
  for (const auto& table : tables) {
    auto select = file.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1");
    select.bind(1, std::string_view(table));
    std::vector<std::string> names;
    while (select.step()) {
      names.emplace_back(select.text(0));
      triggers.emplace_back(select.text(1));
    }
    select.reset();
    for (const auto& name : names) file.run(fmt::format("DROP TRIGGER \"{}\"", name));
  }
  for (const auto& statement : statements) file.run(statement);
  for (const auto& trigger : triggers) file.run(trigger);
  file.run("DELETE FROM triune_hive WHERE key LIKE 'module.%'");
  file.run("ANALYZE");
}

void load_postgres(const std::string& url, const std::vector<std::string>& statements) {
  RawPostgres server(url);
  server.run("SET session_replication_role = replica");
  for (const auto& statement : statements) server.run(statement);
  server.run("DELETE FROM triune_hive WHERE key LIKE 'module.%'");
  server.run("VACUUM ANALYZE");
}

}  // namespace

std::string row_name(std::string_view name, Store store) {
  return fmt::format("{}{}", name, store == Store::sqlite ? "" : "_postgres");
}

ModulePlace::ModulePlace(Store store, std::filesystem::path folder, bool projects)
    : store_(store), folder_(std::move(folder)), projects_(projects) {
  if (store_ == Store::postgres) {
    server_ = std::make_unique<testing::PostgresServer>(testing::PostgresOptions{
        .settings = {{"max_connections", "100"}, {"shared_buffers", "512MB"}, {"max_wal_size", "2GB"}},
        .data_directory = {},
        .durable = true});
    url_ = server_->url(server_->create_database());
  }
  open();
}

ModulePlace::~ModulePlace() = default;

std::string ModulePlace::raw() const {
  return store_ == Store::sqlite ? (folder_ / "hive.db").string() : url_;
}

void ModulePlace::open() {
  HiveOptions options;
  options.project_in_background = projects_;
  if (store_ == Store::postgres) {
    options.projections = folder_;
    options.environment = "production";
  }
  hive_ = must(Hive::open(store_ == Store::sqlite ? folder_.string() : url_, options));
}

void ModulePlace::close() {
  hive_.reset();
}

void ModulePlace::load(const std::vector<std::string>& tables, const std::vector<std::string>& statements) const {
  if (store_ == Store::sqlite)
    load_sqlite(raw(), tables, statements);
  else
    load_postgres(url_, statements);
}

double in_threads(int count, const std::function<void(int)>& work) {
  std::mutex mutex;
  std::exception_ptr trouble;
  const Stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < count; ++number)
      threads.emplace_back([&, number] {
        try {
          work(number);
        } catch (...) {
          const std::scoped_lock lock(mutex);
          trouble = std::current_exception();
        }
      });
  }
  if (trouble) std::rethrow_exception(trouble);
  return watch.seconds();
}

}  // namespace triune::bench
