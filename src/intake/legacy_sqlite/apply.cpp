#include "intake/legacy_sqlite/apply.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "base/failpoint.h"
#include "base/memory.h"
#include "base/try.h"
#include "hive/relocation.h"
#include "intake/legacy_sqlite/check.h"

namespace triune::intake::legacy {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::uint64_t highest_memory() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

/// `conflict` when the source is not what the plan was made for.
Status check_source(const Plan& plan, LegacySource& source, bool accept_changes) {
  if (source.schema_hash() != plan.source.schema_hash)
    return failure(ErrorCode::conflict,
                   fmt::format("the definitions in {} are others than when the plan was made; make "
                               "it anew with `triune migrate plan`",
                               plan.source.path));
  if (accept_changes || same_content(plan.source, stamp_of(plan.source.path))) return {};
  std::string counts;
  for (const auto& table : plan.tables) {
    TRIUNE_ASSIGN(const std::uint64_t rows, source.count(table.name));
    if (rows != table.rows) counts += fmt::format("; {} had {} rows and has {}", table.name, table.rows, rows);
  }
  return failure(ErrorCode::conflict, fmt::format("{} was written to since the plan was made{}; make the plan anew, or "
                                                  "take the file as it is now with --accept-changes",
                                                  plan.source.path, counts));
}

/// `conflict` when something of a table's name is in the hive already.
Status check_target(Hive& hive, const Plan& plan) {
  TRIUNE_ASSIGN(const auto session, hive::read_relocation(hive, patient_deadline()));
  for (const auto& table : plan.tables) {
    if (!table.copy) continue;
    TRIUNE_ASSIGN(const auto kind, kind_of_object(*session, table.name));
    if (!kind.empty())
      return failure(
          ErrorCode::conflict,
          fmt::format("the hive has a {} \"{}\" already; rename or drop it there, set \"copy\" of the table to "
                      "false in the plan, or take another hive",
                      kind, table.name));
  }
  return {};
}

class Apply {
 public:
  Apply(Hive& hive, const contract::Registry& engines, const Plan& plan, const ApplyOptions& options)
      : hive_(hive),
        engines_(engines),
        plan_(plan),
        options_(options),
        quiet_(hive),
        journal_(hive),
        hash_(plan_hash(plan)) {}

  Result<ApplyReport> run() {
    const auto begin = Clock::now();
    report_.left_out = plan_.left_out;
    TRIUNE_TRY(check_call());
    TRIUNE_TRY(find_or_start());
    if (!report_.finished_before) TRIUNE_TRY(run_phases());
    for (const auto& table : plan_.tables) {
      if (!table.copy) continue;
      ++report_.tables;
      report_.rows += table.rows;
    }
    report_.seconds = seconds_since(begin);
    report_.memory_bytes = highest_memory();
    return std::move(report_);
  }

 private:
  Status check_call() const {
    if (options_.approved_by.empty())
      return failure(ErrorCode::invalid_argument,
                     "a migration needs somebody who approves it: read the plan, then give --approved-by NAME");
    const auto& known = phases();
    if (options_.stop_after.empty() || std::find(known.begin(), known.end(), options_.stop_after) != known.end())
      return {};
    return failure(ErrorCode::invalid_argument,
                   fmt::format("\"{}\" is no phase; phases are {}", options_.stop_after, fmt::join(known, ", ")));
  }

  Status find_or_start() {
    TRIUNE_ASSIGN(const auto migrations, journal_.migrations());
    for (const auto& one : migrations) {
      if (one.plan_hash != hash_ || one.state == "rolled back") continue;
      report_.migration = one.id;
      report_.state = one.state;
      report_.finished_before = one.state == "finished";
      snapshot_ = one.snapshot;
      // A run that was killed after its last commit may have left it.
      if (report_.finished_before) remove_snapshot();
      if (report_.finished_before) return {};
      report_.resumed = true;
      return resume(one);
    }
    for (const auto& one : migrations)
      if (one.state == "running")
        return failure(ErrorCode::conflict,
                       fmt::format("the migration of {} is not finished; apply its plan to go on with it, or take it "
                                   "back with `triune migrate rollback`",
                                   one.source));
    return start();
  }

  Status resume(const Migration& migration) {
    std::error_code error;
    if (!std::filesystem::exists(migration.snapshot, error))
      return failure(ErrorCode::conflict,
                     fmt::format("the copy {} that the migration works from is gone; take the migration back with "
                                 "`triune migrate rollback` and apply the plan again",
                                 migration.snapshot));
    TRIUNE_ASSIGN(source_, LegacySource::open(engines_, snapshot_));
    return journal_.note(migration.id, options_.approved_by, "resumed", "");
  }

  Status start() {
    TRIUNE_ASSIGN(source_, LegacySource::open(engines_, plan_.source.path));
    TRIUNE_TRY(check_source(plan_, *source_, options_.accept_changes));
    TRIUNE_TRY(check_plan(plan_, *source_));
    TRIUNE_TRY(check_target(hive_, plan_));
    TRIUNE_TRY(take_snapshot());
    TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(hive_, patient_deadline()));
    TRIUNE_ASSIGN(report_.migration, journal_.begin(transaction->session(), {.source = plan_.source.path,
                                                                             .snapshot = snapshot_.string(),
                                                                             .plan = plan_text(plan_),
                                                                             .plan_hash = hash_,
                                                                             .approved_by = options_.approved_by}));
    TRIUNE_TRY(journal_.note(transaction->session(), report_.migration,
                             {.actor = options_.approved_by, .event = "approved", .detail = "plan " + hash_}));
    TRIUNE_TRY(transaction->commit());
    base::failpoint("migrate.begun");
    return {};
  }

  /// The name says whose copy it is, so that what a killed run left is found and made anew.
  Status take_snapshot() {
    TRIUNE_ASSIGN(const auto status, hive_.status());
    snapshot_ = std::filesystem::path(status.directory) / fmt::format("migration-{}.db", hash_.substr(0, 16));
    remove_snapshot();
    TRIUNE_TRY(source_->database().copy_to(
        snapshot_,
        [this](std::uint64_t done, std::uint64_t total) -> Status {
          if (options_.progress) options_.progress("snapshot", done, total);
          if (!options_.cancelled || !options_.cancelled()) return {};
          return failure(ErrorCode::cancelled, "the migration was interrupted before it began");
        },
        Deadline::never()));
    base::failpoint("migrate.snapshot.done");
    TRIUNE_ASSIGN(source_, LegacySource::open(engines_, snapshot_));
    return check_source_again();
  }

  /// The program may have changed definitions between the look and the copy.
  Status check_source_again() {
    if (source_->schema_hash() == plan_.source.schema_hash) return {};
    remove_snapshot();
    return failure(ErrorCode::conflict, "the definitions in the source changed just now; make the plan anew");
  }

  void remove_snapshot() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-journal", "-wal", "-shm"})
      std::filesystem::remove(snapshot_.string() + suffix, ignored);
  }

  [[nodiscard]] Work work() {
    return {.hive = hive_,
            .source = *source_,
            .plan = plan_,
            .journal = journal_,
            .migration = report_.migration,
            .progress = options_.progress,
            .cancelled = options_.cancelled,
            .remarks = report_.remarks,
            .left_out = report_.left_out,
            .quiet = &quiet_};
  }

  Status run_phases() {
    report_.state = "running";
    TRIUNE_TRY(quiet_.begin());
    using Phase = Status (*)(const Work&);
    const std::vector<std::pair<std::string, Phase>> all{{"copy", copy_tables},
                                                         {"graph", make_graph},
                                                         {"vectors", make_vectors},
                                                         {"blobs", make_blobs},
                                                         {"indexes", make_indexes}};
    for (const auto& [name, phase] : all) {
      TRIUNE_TRY(timed(name, [&, run = phase] { return run(work()); }));
      if (options_.stop_after == name) return {};
    }
    TRIUNE_TRY(timed("verify", [this] { return verify(); }));
    return report_.verification.same() ? finish() : Status();
  }

  Status timed(const std::string& name, const std::function<Status()>& phase) {
    const auto begin = Clock::now();
    TRIUNE_TRY(journal_.note(report_.migration, options_.approved_by, "began " + name, ""));
    auto done = phase();
    const auto detail = done ? fmt::format("{:.1f} s", seconds_since(begin)) : done.error().message;
    const auto noted =
        journal_.note(report_.migration, options_.approved_by, (done ? "ended " : "stopped in ") + name, detail);
    report_.phases.push_back({name, seconds_since(begin), highest_memory()});
    // What one phase freed would stay beside what the next one needs.
    base::release_free_memory();
    return done ? noted : done;
  }

  Status verify() {
    TRIUNE_ASSIGN(report_.verification, compare_all(work()));
    for (const auto& table : report_.verification.tables) {
      const auto* report = source_->table(table.table);
      if (!table.same() || report == nullptr) continue;
      TRIUNE_TRY(journal_.put(report_.migration, {.phase = "verify",
                                                  .item = table.table,
                                                  .done = true,
                                                  .position = RowLayout(*report).to_json(),
                                                  .entities = table.after.rows,
                                                  .digest = to_text(table.after)}));
    }
    for (const auto& part : report_.verification.parts)
      if (part.same())
        TRIUNE_TRY(journal_.put(report_.migration, {.phase = "verify",
                                                    .item = part.what,
                                                    .done = true,
                                                    .entities = part.after.rows,
                                                    .digest = to_text(part.after)}));
    base::failpoint("migrate.verify.done");
    return {};
  }

  Status finish() {
    // What was brought over is whole, whether or not the questions are answered in time.
    if (auto asked = options_.measure ? timed("speed", [this] { return measure(); }) : Status(); !asked)
      report_.remarks.push_back("the questions were not timed to their end: " + asked.error().message);
    if (!same_content(plan_.source, stamp_of(plan_.source.path)))
      report_.remarks.push_back(
          fmt::format("{} was written to since the plan was made; what came after the copy was "
                      "taken is not in the hive",
                      plan_.source.path));
    TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(hive_, patient_deadline()));
    TRIUNE_TRY(journal_.end(transaction->session(), report_.migration, "finished"));
    TRIUNE_TRY(journal_.note(transaction->session(), report_.migration,
                             {.actor = options_.approved_by, .event = "finished", .detail = "no differences"}));
    TRIUNE_TRY(transaction->commit());
    report_.state = "finished";
    base::failpoint("migrate.finished");
    source_.reset();
    remove_snapshot();
    return {};
  }

  Status measure() {
    TRIUNE_ASSIGN(report_.speed, measure_speed(work()));
    return {};
  }

  Hive& hive_;
  const contract::Registry& engines_;
  const Plan& plan_;
  const ApplyOptions& options_;
  hive::QuietProjections quiet_;
  Journal journal_;
  const std::string hash_;
  std::filesystem::path snapshot_;
  std::unique_ptr<LegacySource> source_;
  ApplyReport report_;
};

}  // namespace

const std::vector<std::string>& phases() {
  static const std::vector<std::string> all{"copy", "graph", "vectors", "blobs", "indexes", "verify"};
  return all;
}

Result<ApplyReport> apply(Hive& hive, const contract::Registry& engines, const Plan& plan,
                          const ApplyOptions& options) {
  const std::string_view target = hive.dialect() == SqlDialect::postgresql ? to_server : to_directory;
  if (plan.target != target)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("the plan leads to a hive of the kind \"{}\" and this one is of the kind \"{}\"; make it "
                    "anew with --hive of the hive it is for",
                    plan.target, target));
  return Apply(hive, engines, plan, options).run();
}

Result<Verification> verify_again(Hive& hive, const contract::Registry& engines, const std::filesystem::path& against,
                                  const ApplyOptions& options) {
  Journal journal(hive);
  TRIUNE_ASSIGN(const auto migrations, journal.migrations());
  const auto found = std::find_if(migrations.begin(), migrations.end(),
                                  [](const Migration& one) { return one.state != "rolled back"; });
  if (found == migrations.end())
    return failure(ErrorCode::not_found, "nothing was migrated into this hive that could be compared");
  TRIUNE_ASSIGN(const Plan plan, parse_plan(found->plan));
  TRIUNE_ASSIGN(const auto source,
                LegacySource::open(engines, against.empty() ? std::filesystem::path(found->source) : against));
  Remarks remarks;
  std::vector<LeftOut> left_out;
  return compare_all({.hive = hive,
                      .source = *source,
                      .plan = plan,
                      .journal = journal,
                      .migration = found->id,
                      .progress = options.progress,
                      .cancelled = options.cancelled,
                      .remarks = remarks,
                      .left_out = left_out});
}

}  // namespace triune::intake::legacy
