#include "modules/events/names.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"

namespace triune::modules::events {
namespace {

using contract::Dialect;
using contract::RelationalSession;

constexpr std::size_t most_sources = 10'000;
constexpr std::size_t most_remembered = 100'000;

/// SQLite's only writer counts up; PostgreSQL takes the next of the column's sequence.
std::string insert_named(Dialect dialect, std::string_view table, std::string_view number, std::string_view columns,
                         std::string_view values) {
  if (dialect == Dialect::postgres)
    return fmt::format("INSERT INTO {} (organization_id, name, {}) VALUES (?1, ?2, {})", table, columns, values);
  return fmt::format(
      "INSERT INTO {0} (organization_id, name, {1}, {2}) VALUES (?1, ?2, {3}, (SELECT coalesce(max({2}), 0) + 1 FROM "
      "{0} WHERE organization_id = ?1))",
      table, columns, number, values);
}

}  // namespace

Status Names::put_source(const EventSource& source, const Actor& actor) {
  const std::array<Value, 7> row{
      module_.organization_id(),   source.name, source.source_type, source.description, source.configuration.text,
      std::int64_t{source.active}, now_ms()};
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        static const auto insert = [](Dialect dialect) {
          return insert_named(dialect, "triune_event_sources", "source_id",
                              "source_type, description, configuration, active, created_at_ms, updated_at_ms",
                              "?3, ?4, ?5, ?6, ?7, ?7");
        };
        TRIUNE_TRY(session.execute(
            insert(session.dialect()) +
                " ON CONFLICT (organization_id, name) DO UPDATE SET source_type = excluded.source_type, description = "
                "excluded.description, configuration = excluded.configuration, active = excluded.active, "
                "updated_at_ms = excluded.updated_at_ms",
            row));
        return {};
      },
      patience()));
  return {};
}

Result<std::vector<EventSource>> Names::sources() {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  const std::array<Value, 1> key{module_.organization_id()};
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT name, source_type, description, configuration, active FROM triune_event_sources "
                               "WHERE organization_id = ?1 ORDER BY name",
                               key, most_sources));
  std::vector<EventSource> found;
  for (const auto& row : rows.rows)
    found.push_back({text(row[0]), text(row[1]), text(row[2]), Json{text(row[3])}, integer(row[4]) == 1});
  return found;
}

Result<std::optional<std::int64_t>> Names::find(Kind kind, std::string_view name) {
  const std::string key(name);
  auto& numbers = kind == Kind::source ? sources_ : types_;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = numbers.find(key); known != numbers.end()) return std::optional(known->second);
  }
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  const std::array<Value, 2> parameters{module_.organization_id(), key};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session->query(kind == Kind::source
                         ? "SELECT source_id FROM triune_event_sources WHERE organization_id = ?1 AND name = ?2"
                         : "SELECT type_id FROM triune_event_types WHERE organization_id = ?1 AND name = ?2",
                     parameters, 1));
  if (rows.rows.empty()) return std::optional<std::int64_t>();
  const auto number = integer(rows.rows[0][0]);
  const std::scoped_lock lock(mutex_);
  if (numbers.size() >= most_remembered) numbers.clear();
  numbers[key] = number;
  return std::optional(number);
}

Result<std::optional<std::int64_t>> Names::known_source(std::string_view name) {
  return find(Kind::source, name);
}

Result<std::optional<std::int64_t>> Names::known_type(std::string_view name) {
  return find(Kind::type, name);
}

Result<std::int64_t> Names::source(std::string_view name) {
  TRIUNE_ASSIGN(const auto known, find(Kind::source, name));
  if (known) return *known;
  return failure(ErrorCode::not_found, fmt::format("there is no event source '{}'; register it first", name));
}

Status Names::add_type(const std::string& name, const Actor& actor) {
  const std::array<Value, 3> row{module_.organization_id(), name, now_ms()};
  TRIUNE_TRY(module_.write(
      actor,
      [&](RelationalSession& session) -> Status {
        TRIUNE_TRY(
            session.execute(insert_named(session.dialect(), "triune_event_types", "type_id", "created_at_ms", "?3") +
                                " ON CONFLICT (organization_id, name) DO NOTHING",
                            row));
        return {};
      },
      patience()));
  return {};
}

Result<std::int64_t> Names::type(const std::string& name, const Actor& actor) {
  TRIUNE_ASSIGN(auto known, find(Kind::type, name));
  if (known) return *known;
  TRIUNE_TRY(add_type(name, actor));
  TRIUNE_ASSIGN(known, find(Kind::type, name));
  if (known) return *known;
  return failure(ErrorCode::unavailable, fmt::format("the event type '{}' was registered and is not there yet", name));
}

}  // namespace triune::modules::events
