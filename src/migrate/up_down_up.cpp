#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "migrate/scratch.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using model::quote_identifier;

constexpr std::string_view savepoint = "sample";

/// One run through all migrations in a scratch.
class Rehearsal {
 public:
  Rehearsal(contract::RelationalStore& live, contract::RelationalSession& scratch, Owner owner, UpDownUp& result)
      : live_(live), scratch_(scratch), owner_(owner), result_(result) {}

  Status run(std::span<const Migration> migrations, std::size_t applied, std::uint64_t sample, Deadline deadline) {
    TRIUNE_TRY(note(0));
    for (std::size_t at = 0; at < migrations.size(); ++at) {
      if (at == applied && applied > 0) TRIUNE_TRY(copy_rows(sample, deadline));
      TRIUNE_TRY(step(migrations[at], "up", migrations[at].sql));
      TRIUNE_TRY(note(at + 1));
    }
    if (applied == migrations.size() && applied > 0) TRIUNE_TRY(copy_rows(sample, deadline));
    for (std::size_t at = migrations.size(); at-- > 0;) {
      TRIUNE_TRY(step(migrations[at], "down", migrations[at].down));
      TRIUNE_TRY(compare_with(at, migrations[at], "down"));
    }
    for (std::size_t at = 0; at < migrations.size(); ++at) {
      TRIUNE_TRY(step(migrations[at], "up", migrations[at].sql));
      TRIUNE_TRY(compare_with(at + 1, migrations[at], "up"));
      ++result_.migrations;
    }
    return {};
  }

 private:
  Status step(const Migration& migration, std::string_view part, std::string_view text) {
    auto ran = run_in_scratch(scratch_, text);
    if (!ran)
      ran.error().message =
          fmt::format("{}.{}.sql: {}", stem(migration.version, migration.name), part, ran.error().message);
    return ran;
  }

  Status note(std::size_t version) {
    states_.resize(std::max(states_.size(), version + 1));
    TRIUNE_ASSIGN(states_[version], read_catalogue(scratch_, owner_));
    return {};
  }

  Status compare_with(std::size_t version, const Migration& migration, std::string_view part) {
    TRIUNE_ASSIGN(const auto now, read_catalogue(scratch_, owner_));
    for (const auto& one : compare(states_[version], now))
      result_.wrong.push_back(fmt::format("{}.{}.sql: {} is {}", stem(migration.version, migration.name), part,
                                          one.what, to_string(one.kind)));
    return {};
  }

  /// Tables that others refer to come first.
  Result<std::vector<std::string>> tables_in_order() {
    TRIUNE_ASSIGN(const auto catalogue, read_catalogue(scratch_, owner_));
    std::vector<std::string> rest;
    for (const auto& [key, entry] : catalogue)
      if (entry.kind == "table") rest.push_back(entry.name);
    const auto refers = [&](const std::string& from, const std::string& to) {
      return std::any_of(catalogue.begin(), catalogue.end(), [&](const auto& one) {
        const auto& [key, entry] = one;
        return entry.kind == "foreign key" && entry.table == from && from != to &&
               (entry.name.find(" to " + to + " (") != std::string::npos ||
                entry.name.find("REFERENCES " + to + "(") != std::string::npos);
      });
    };
    std::vector<std::string> ordered;
    while (!rest.empty()) {
      auto next = std::find_if(rest.begin(), rest.end(), [&](const auto& one) {
        return std::none_of(rest.begin(), rest.end(), [&](const auto& other) { return refers(one, other); });
      });
      if (next == rest.end()) next = rest.begin();
      ordered.push_back(*next);
      rest.erase(next);
    }
    return ordered;
  }

  Status copy_rows(std::uint64_t sample, Deadline deadline) {
    TRIUNE_ASSIGN(const auto tables, tables_in_order());
    TRIUNE_ASSIGN(const auto session, live_.read(contract::ReadScope::internal, deadline));
    TRIUNE_ASSIGN(const auto catalogue, read_catalogue(*session, owner_));
    TRIUNE_ASSIGN(const auto here, read_catalogue(scratch_, owner_));
    for (const auto& table : tables) {
      std::vector<std::string> columns;
      for (const auto& [key, entry] : catalogue)
        if (entry.kind == "column" && entry.table == table && here.contains(key) &&
            entry.definition.find(" generated always ") == std::string::npos)
          columns.push_back(entry.name);
      if (!columns.empty()) TRIUNE_TRY(copy_table(*session, table, columns, sample));
    }
    return {};
  }

  Status copy_table(contract::RelationalSession& session, const std::string& table,
                    const std::vector<std::string>& columns, std::uint64_t sample) {
    std::string names;
    for (const auto& column : columns) names += (names.empty() ? "" : ", ") + quote_identifier(column);
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query(fmt::format("SELECT {} FROM {} LIMIT {}", names, quote_identifier(table), sample), {},
                                static_cast<std::size_t>(sample)));
    for (const auto& row : rows.rows) {
      // A row whose ends are not in the sample is left out.
      TRIUNE_TRY(scratch_.savepoint(savepoint));
      const auto added = scratch_.load_rows(table, columns, row);
      if (!added) TRIUNE_TRY(scratch_.rollback_to(savepoint));
      TRIUNE_TRY(scratch_.release(savepoint));
      if (added) ++result_.rows;
    }
    return {};
  }

  contract::RelationalStore& live_;
  contract::RelationalSession& scratch_;
  Owner owner_;
  UpDownUp& result_;
  std::vector<Catalogue> states_;  ///< By version.
};

}  // namespace

Result<UpDownUp> try_up_down_up(contract::RelationalStore& store, std::span<const Migration> migrations,
                                std::size_t applied, Owner owner, std::uint64_t sample, Deadline deadline) {
  UpDownUp result;
  TRIUNE_TRY(in_scratch(store, deadline, [&](contract::RelationalSession& session) {
    return Rehearsal(store, session, owner, result).run(migrations, applied, sample, deadline);
  }));
  return result;
}

}  // namespace triune::migrate
