#include "migrate/scratch.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "adapters/builtin.h"
#include "base/file.h"
#include "base/try.h"
#include "migrate/history.h"
#include "migrate/sql_script.h"
#include "model/sql_text.h"
#include "runtime/connection_pool.h"
#include "triune/ids.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using model::quote_identifier;
using Work = std::function<Status(contract::RelationalSession&)>;

/// Removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / ("triune-scratch-" + new_id())) {}
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Status in_file(Deadline deadline, const Work& work) {
  const TemporaryFolder folder;
  TRIUNE_TRY(base::make_directory(folder.path()));
  TRIUNE_ASSIGN(
      const auto store,
      adapters::builtin().relational.at("sqlite")(
          {.path = folder.path() / "scratch.db", .url = {}, .pool = {}, .make_pool = runtime::make_connection_pool}));
  TRIUNE_ASSIGN(const auto transaction, store->begin(deadline));
  TRIUNE_TRY(work(transaction->session()));
  return transaction->rollback();
}

Status in_schema(contract::RelationalStore& store, Deadline deadline, const Work& work) {
  TRIUNE_ASSIGN(const auto transaction, store.begin(deadline));
  auto& session = transaction->session();
  auto name = "triune_scratch_" + new_id();
  std::erase(name, '-');
  TRIUNE_TRY(session.execute(fmt::format("CREATE SCHEMA {}", quote_identifier(name)), {}));
  TRIUNE_TRY(session.execute(fmt::format("SET LOCAL search_path = {}, pg_temp", quote_identifier(name)), {}));
  TRIUNE_TRY(work(session));
  return transaction->rollback();
}

/// The text without the words that are refused in a transaction.
std::string without_concurrently(const ScriptStatement& statement) {
  std::string text(statement.text);
  for (const auto& word : statement.words)
    if (word.is("concurrently"))
      text.erase(static_cast<std::size_t>(word.text.data() - statement.text.data()), word.text.size());
  return text;
}

Status run_records(contract::RelationalSession& session, std::span<const Applied> records) {
  for (const auto& one : records) {
    if (one.up.empty())
      return failure(ErrorCode::unsupported,
                     fmt::format("the text of migration {} of '{}' was not recorded, so what it made is not known",
                                 stem(one.version, one.name), one.series));
    auto ran = run_in_scratch(session, one.up);
    if (ran) continue;
    ran.error().message = fmt::format("migration {} of '{}', run anew to know what it makes: {}",
                                      stem(one.version, one.name), one.series, ran.error().message);
    return ran;
  }
  return {};
}

Result<std::vector<Applied>> records_of(contract::RelationalSession& session, Owner owner) {
  TRIUNE_ASSIGN(auto records, read_all_history(session));
  std::erase_if(records, [owner](const Applied& one) { return (one.series == "user") != (owner == Owner::users); });
  return records;
}

}  // namespace

Status in_scratch(contract::RelationalStore& store, Deadline deadline, const Work& work) {
  return store.capabilities().dialect == Dialect::sqlite ? in_file(deadline, work) : in_schema(store, deadline, work);
}

Status run_in_scratch(contract::RelationalSession& session, std::string_view text) {
  TRIUNE_ASSIGN(const auto script, parse_script(text, session.dialect()));
  for (const auto& statement : script.statements)
    TRIUNE_TRY(
        session.execute_script(script.in_transaction ? std::string(statement.text) : without_concurrently(statement)));
  return {};
}

Result<std::vector<Drift>> find_drift(contract::RelationalStore& store, Owner owner, Deadline deadline) {
  Catalogue live;
  std::vector<Applied> records;
  {
    TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
    TRIUNE_ASSIGN(records, records_of(*session, owner));
    TRIUNE_ASSIGN(live, read_catalogue(*session, owner));
  }
  Catalogue expected;
  TRIUNE_TRY(in_scratch(store, deadline, [&](contract::RelationalSession& session) -> Status {
    TRIUNE_TRY(run_records(session, records));
    TRIUNE_ASSIGN(expected, read_catalogue(session, owner));
    return {};
  }));
  auto differences = compare(expected, live);
  // Definitions add triggers and indexes as they are needed, and history and lease are no migration's.
  if (owner == Owner::triune)
    std::erase_if(differences, [](const Drift& one) { return one.kind == Drift::Kind::extra; });
  return differences;
}

}  // namespace triune::migrate
