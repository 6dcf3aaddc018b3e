#include "conformance/relational/suite.h"

#include "adapters/builtin.h"
#include "base/try.h"
#include "runtime/connection_pool.h"

namespace triune::conformance {

void RelationalConformance::SetUp() {
  directory_ = std::filesystem::temp_directory_path() / ("triune-relational-" + new_id());
  std::filesystem::create_directories(directory_);
  place_ = quirks().place(directory_);
  open();
}

void RelationalConformance::TearDown() {
  store_.reset();
  quirks().remove(place_);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void RelationalConformance::open(std::uint32_t readers, std::uint32_t writers) {
  store_.reset();
  place_.readers = readers;
  place_.writers = writers;
  place_.make_pool = runtime::make_connection_pool;
  auto opened = open_another();
  ASSERT_TRUE(opened) << opened.error().message;
  store_ = std::move(*opened);
}

Result<std::unique_ptr<contract::RelationalStore>> RelationalConformance::open_another() {
  return adapters::builtin().relational.at(quirks().engine)(place_);
}

Result<std::uint64_t> RelationalConformance::run(std::string_view sql, std::vector<Value> parameters) {
  std::uint64_t changed = 0;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(changed, session.execute(sql, parameters));
        return {};
      },
      soon()));
  return changed;
}

void RelationalConformance::must(std::string_view sql, std::vector<Value> parameters) {
  const auto done = run(sql, std::move(parameters));
  ASSERT_TRUE(done) << sql << ": " << done.error().message;
}

Result<RowSet> RelationalConformance::ask(std::string_view sql, std::vector<Value> parameters,
                                          contract::ReadScope scope) {
  TRIUNE_ASSIGN(auto session, store_->read(scope, soon()));
  return session->query(sql, parameters, 1'000'000);
}

Value RelationalConformance::cell(std::string_view sql, std::vector<Value> parameters) {
  auto rows = ask(sql, std::move(parameters));
  if (!rows || rows->rows.size() != 1 || rows->rows[0].size() != 1) {
    ADD_FAILURE() << sql << (rows ? ": not one cell" : ": " + rows.error().message);
    return Null{};
  }
  return rows->rows[0][0];
}

std::int64_t RelationalConformance::count(std::string_view table) {
  const Value counted = cell("SELECT count(*) FROM " + std::string(table));
  const auto* number = std::get_if<std::int64_t>(&counted);
  return number == nullptr ? -1 : *number;
}

Result<RowSet> RelationalConformance::run_user(std::string_view sql, std::vector<Value> parameters) {
  RowSet rows;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(rows, session.execute_user(sql, parameters, 1000));
        return {};
      },
      soon()));
  return rows;
}

void RelationalConformance::create(std::string_view name, std::string_view columns) {
  std::string definition(columns);
  for (std::size_t at = 0; (at = definition.find("INTEGER", at)) != std::string::npos; ++at)
    definition.replace(at, 7, quirks().integer_type);
  must("CREATE TABLE " + std::string(name) + "(" + definition + ")" + quirks().table_suffix);
}

void RelationalConformance::create_trigger(std::string name, std::string event, std::string table, std::string body) {
  for (const auto& sql : quirks().trigger(std::move(name), std::move(event), std::move(table), std::move(body)))
    must(sql);
}

}  // namespace triune::conformance
