#include "hive/bulk.h"

#include <fmt/format.h>

#include <array>

#include "base/failpoint.h"
#include "base/try.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

// Below this many, or beside ten times as many, log entries of their own are cheaper than making the projection anew.
constexpr std::uint64_t bulk_minimum = 10'000;
constexpr std::uint64_t bulk_share = 10;

Status set_bulk(contract::RelationalSession& session, bool active) {
  if (session.dialect() == contract::Dialect::postgres) {
    const std::array<Value, 1> parameters{std::string(active ? "on" : "off")};
    TRIUNE_TRY(session.query("SELECT set_config('triune.bulk', ?1, true)", parameters, 1));
    return {};
  }
  const std::array<Value, 1> parameters{std::int64_t{active ? 1 : 0}};
  TRIUNE_TRY(session.execute("UPDATE triune_bulk SET active = ?1", parameters));
  return {};
}

Status log_load(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id) {
  base::failpoint("load.before_log");
  const std::array<Value, 2> parameters{organization_id, collection_id};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
                      "VALUES (?1, ?2, NULL, 'load')",
                      parameters));
  return {};
}

}  // namespace

Deadline load_deadline() {
  return Deadline::after(std::chrono::minutes(30));
}

Result<std::uint64_t> count_rows(contract::RelationalSession& session, std::string_view table,
                                 std::int64_t organization_id) {
  const std::array<Value, 1> parameters{organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT count(*) FROM {} WHERE organization_id = ?1", table), parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

Status insert_batch(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                    std::uint64_t size, std::uint64_t existing, Loaded& loaded,
                    const std::function<Result<std::uint64_t>()>& insert) {
  const bool bulk = size >= bulk_minimum && existing <= bulk_share * size;
  if (bulk) TRIUNE_TRY(set_bulk(session, true));
  TRIUNE_ASSIGN(loaded.changed, insert());
  if (bulk) TRIUNE_TRY(set_bulk(session, false));
  if (bulk && loaded.changed > 0) TRIUNE_TRY(log_load(session, organization_id, collection_id));
  TRIUNE_ASSIGN(loaded.lsn, projection::commit_lsn(session, organization_id));
  return {};
}

std::unexpected<Error> at_entity(Error error, std::uint64_t number) {
  // Checked one at a time, each is "change 1".
  constexpr std::string_view alone = "change 1: ";
  if (error.message.starts_with(alone)) error.message.erase(0, alone.size());
  error.message = fmt::format("entity {}: {}", number, error.message);
  return std::unexpected<Error>(std::move(error));
}

Status ChunkedInsert::flush() {
  TRIUNE_ASSIGN(const std::uint64_t changed, session_.execute_many(sql_, columns_, values_));
  changed_ += changed;
  values_.clear();
  return {};
}

}  // namespace triune::hive
