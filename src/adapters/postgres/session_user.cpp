// The part of a session that runs what users wrote.
#include <fmt/format.h>

#include "adapters/postgres/session.h"
#include "adapters/postgres/sqlstate.h"
#include "adapters/postgres/tokens.h"
#include "base/try.h"

namespace triune::adapters::postgres {

Result<RowSet> Session::execute_user(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) {
  TRIUNE_TRY(ready());
  if (kind_ != Kind::write)
    return refuse(ErrorCode::permission_denied, "a read session cannot write; run the statement in a write job");
  TRIUNE_ASSIGN(const Prepared prepared, start(sql, parameters));
  TRIUNE_ASSIGN(const UserStatement user, check_user_write(tokens_of(sql)));
  TRIUNE_TRY(begin());
  TRIUNE_TRY(settle());
  TRIUNE_TRY(checked(connection_.pipeline().command("SAVEPOINT triune_user")));
  auto result = run_user(user, prepared, max_rows);
  if (connection_.pipeline().broken()) return result;
  // A statement that failed must not cost the rest of the job.
  if (!result) TRIUNE_TRY(recover("ROLLBACK TO SAVEPOINT triune_user"));
  TRIUNE_TRY(control("RELEASE SAVEPOINT triune_user"));
  return result;
}

Result<RowSet> Session::run_user(const UserStatement& user, const Prepared& prepared, std::size_t max_rows) {
  if (!user.targets.empty()) TRIUNE_TRY(check_targets(user.targets));
  if (!user.defines) return collect_some(prepared, max_rows);
  TRIUNE_ASSIGN(const auto before, protected_objects());
  TRIUNE_ASSIGN(auto result, collect(prepared, max_rows));
  TRIUNE_ASSIGN(const auto after, protected_objects());
  if (before != after)
    return refuse(ErrorCode::permission_denied,
                  "this statement would define, change or drop something of Triune's own, as a trigger of the table");
  return result;
}

/// A simple view passes writes on to its table.
Status Session::check_targets(const std::vector<std::string>& targets) {
  for (const auto& target : targets) {
    const Value name = target;
    TRIUNE_ASSIGN(const auto found,
                  query("WITH RECURSIVE reached (oid) AS (SELECT pg_catalog.to_regclass(?1)::pg_catalog.oid UNION "
                        "SELECT d.refobjid FROM reached r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid "
                        "JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass "
                        "AND d.objid = w.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) "
                        "SELECT c.relname FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.oid "
                        "WHERE lower(c.relname) LIKE 'triune\\_%' LIMIT 1",
                        {&name, 1}, 1));
    if (!found.rows.empty())
      return refuse(ErrorCode::permission_denied,
                    fmt::format("{} shows \"{}\", which is Triune's own and may only be read", target,
                                to_text(found.rows[0][0])));
  }
  return {};
}

Result<std::string> Session::protected_objects() {
  TRIUNE_ASSIGN(const auto rows,
                query("SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
                      "SELECT format('relation %s %s %s', oid, relkind, relname) FROM pg_catalog.pg_class "
                      "WHERE lower(relname) LIKE 'triune\\_%' "
                      "UNION ALL SELECT format('trigger %s %s %s', tgrelid, tgname, tgenabled) "
                      "FROM pg_catalog.pg_trigger WHERE lower(tgname) LIKE 'triune\\_%' "
                      "UNION ALL SELECT format('function %s %s', oid, proname) FROM pg_catalog.pg_proc "
                      "WHERE lower(proname) LIKE 'triune\\_%') AS objects (line)",
                      {}, 1));
  return to_text(rows.rows[0][0]);
}

}  // namespace triune::adapters::postgres
