#include "modules/model/model_rig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>

#include "triune/modules/audit.h"

namespace triune::testing {
namespace {

/// Columns that follow from other rows, whose changes the audit log does not repeat.
const std::set<std::string> following{"unmet_dependencies", "children", "children_completed", "ordinal",
                                      "archived_from",      "version"};

/// Where a process may end by itself, on the way of every change.
std::string random_failpoint(Random& random) {
  const auto name = on_postgres() ? random.one_of({"commit.applied", "commit.durable"})
                                  : random.one_of({"sqlite.before_commit", "sqlite.after_commit", "commit.applied"});
  return fmt::format("TRIUNE_FAILPOINT={}:{}", name, 1 + random.below(40));
}

void add_new(std::vector<Document>& to, Document state) {
  if (std::find(to.begin(), to.end(), state) == to.end()) to.push_back(std::move(state));
}

/// As the audit log tells a value.
Document json_of(const Value& value) {
  if (const auto* const json = std::get_if<Json>(&value)) return json->text;
  return Document::parse(to_json(value));
}

bool equal(const Document& told, const Document& stored) {
  if (told == stored) return true;
  if (told.is_number() && stored.is_number()) return told.get<double>() == stored.get<double>();
  // PostgreSQL tells documents as documents.
  return told.is_structured() && stored.is_string() &&
         Document::parse(stored.get<std::string>(), nullptr, false) == told;
}

}  // namespace

ModelRig::ModelRig(const HivePlace& place, std::string module, std::uint64_t seed)
    : place_(place), module_(std::move(module)), random_(seed) {
  set_up();
}

std::unique_ptr<Hive> ModelRig::open() const {
  return expect(Hive::open(place_.location(), place_.options()));
}

void ModelRig::set_up() {
  const auto hive = open();
  const auto model = module_model(module_);
  model->open(*hive);
  states_ = {model->initial()};
  compare(*hive);
}

void ModelRig::round(std::uint64_t operations) {
  const auto seed = random_.below(1'000'000'000);
  SCOPED_TRACE(fmt::format("module {} round seed {}", module_, seed));
  performed_.clear();
  number_ = 0;
  const bool at_failpoint = random_.once_in(3);
  ChildProcess worker(
      {TRIUNE_MODULE_MODEL_WORKER, place_.location(), place_.directory().string(), module_, std::to_string(seed),
       std::to_string(operations)},
      at_failpoint ? ChildProcess::Environment{random_failpoint(random_)} : ChildProcess::Environment{});
  // Killed some time after an operation was announced; what was said until then counts.
  auto left = 1 + random_.below(operations);
  const auto take = [&](const std::string& line) { follow(line, seed); };
  const bool runs = worker.read_lines(std::chrono::seconds(60), [&](const std::string& line) {
    take(line);
    return !line.starts_with("do ") || --left > 0;
  });
  if (runs && !at_failpoint) {
    worker.read_lines(std::chrono::milliseconds(random_.below(4)), [&](const std::string& line) {
      take(line);
      return true;
    });
    worker.send(SIGKILL);
  }
  worker.read_lines(std::chrono::seconds(120), [&](const std::string& line) {
    take(line);
    return true;
  });
  const auto ending = worker.wait();
  EXPECT_TRUE(ending.signal == SIGKILL || ending.exit_code == 0) << "exit code " << ending.exit_code;
  place_.wait_until_alone();
  const auto hive = open();
  compare(*hive);
  check_audit(*hive);
}

void ModelRig::follow(const std::string& line, std::uint64_t round_seed) {
  if (line.starts_with("do ")) {
    pending_ = Document::parse(line.substr(3));
    return;
  }
  if (!line.starts_with("told ") || !pending_) return;
  const auto operation = *std::exchange(pending_, std::nullopt);
  acknowledge(operation, Document::parse(line.substr(5)), fmt::format("{}-{}", round_seed, number_++));
  ++operations_;
}

void ModelRig::acknowledge(const Document& operation, const Document& outcome, const std::string& request) {
  if (::testing::Test::HasFailure()) return;
  const auto model = module_model(module_);
  std::vector<Document> next;
  Performed performed{.request = request, .was_refused = outcome == refused(), .has_changed = true};
  performed.is_audited = model->is_audited(operation);
  std::string expected;
  for (const auto& state : states_)
    for (auto& possible : model->outcomes(state, operation)) {
      expected += "\n  " + possible.outcome.dump();
      if (possible.outcome != outcome) continue;
      if (model->visible(possible.state) == model->visible(state)) performed.has_changed = false;
      add_new(next, std::move(possible.state));
    }
  EXPECT_FALSE(next.empty()) << operation.dump() << "\nwas answered " << outcome.dump() << "\nwhere the model knows"
                             << expected << "\nof " << states_.front().dump(1);
  if (next.empty()) return;
  states_ = std::move(next);
  performed_.push_back(performed);
}

void ModelRig::compare(Hive& hive) {
  if (::testing::Test::HasFailure()) return;
  const auto model = module_model(module_);
  model->open(hive);
  auto possible = states_;
  if (pending_) {
    ++in_flight_;
    for (const auto& state : states_)
      for (auto& one : model->outcomes(state, *pending_)) add_new(possible, std::move(one.state));
  }
  const auto found = model->read(hive);
  std::vector<Document> next;
  for (auto& state : possible)
    if (model->visible(state) == found) next.push_back(std::move(state));
  if (next.empty()) {
    std::string differences;
    for (const auto& state : possible)
      if (!state.is_null()) differences += "\n" + Document::diff(model->visible(state), found).dump(1);
    ADD_FAILURE() << "the hive is at nothing that the model knows; in flight: "
                  << (pending_ ? pending_->dump() : "nothing")
                  << "\nfrom each of them to what was found:" << differences;
    return;
  }
  states_ = std::move(next);
  pending_.reset();
  try {
    model->check(hive, states_.front());
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

void ModelRig::check_audit(Hive& hive) {
  if (::testing::Test::HasFailure()) return;
  const auto audit = expect(Audit::open(hive));
  const auto report = expect(audit->verify());
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
  check_requests(hive);
  for (const auto& [table, key] : module_model(module_)->audited_tables()) check_replay(hive, table, key);
}

/// Each acknowledged change is there, and nothing of what was refused. Types of events register themselves before
/// their batch is looked at.
void ModelRig::check_requests(Hive& hive) {
  std::set<std::string> logged;
  for (const auto& row : rows_of(hive,
                                 "SELECT DISTINCT request_id FROM triune_audit_log WHERE table_name <> "
                                 "'triune_event_types'"))
    logged.insert(row[0]);
  for (const auto& one : performed_) {
    if (one.was_refused) {
      EXPECT_FALSE(logged.contains(one.request)) << one.request << " was refused, and is in the log";
    } else if (one.has_changed && one.is_audited) {
      EXPECT_TRUE(logged.contains(one.request)) << one.request << " changed something, and is not in the log";
    }
  }
}

/// What the log tells, one entry after the other, leads to the rows that are there.
void ModelRig::check_replay(Hive& hive, const std::string& table, const std::vector<std::string>& key) {
  std::map<std::string, Document> replayed;
  const auto entries = expect(hive.sql("SELECT record_id, operation, after FROM triune_audit_log WHERE table_name = '" +
                                       table + "' ORDER BY entry"));
  for (const auto& row : entries.rows) {
    const auto record = to_text(row[0]);
    if (to_text(row[1]) == "delete") replayed.erase(record);
    if (to_text(row[1]) == "insert") replayed[record] = Document::object();
    if (!is_null(row[2])) replayed[record].update(Document::parse(to_text(row[2])));
  }
  const auto stored = expect(hive.sql("SELECT * FROM " + table));
  EXPECT_EQ(stored.rows.size(), replayed.size()) << table;
  for (const auto& row : stored.rows) {
    Record fields;
    for (std::size_t i = 0; i < row.size(); ++i) fields.push_back({stored.columns[i], row[i]});
    std::string record;
    for (const auto& column : key) record += (column == key.front() ? "" : "/") + to_text(*find(fields, column));
    const auto found = replayed.find(record);
    ASSERT_NE(found, replayed.end()) << table << " has " << record << ", of which the audit log does not tell";
    for (const auto& field : fields)
      if (!following.contains(field.name) && found->second.contains(field.name)) {
        EXPECT_TRUE(equal(found->second[field.name], json_of(field.value)))
            << table << ' ' << record << ' ' << field.name << ": the log leads to " << found->second[field.name]
            << ", stored is " << to_json(field.value);
      }
  }
}

void ModelRig::finish() {
  if (::testing::Test::HasFailure()) return;
  const auto hive = open();
  compare(*hive);
  const auto report = expect(hive->verify());
  for (const auto& one : report.projections)
    for (const auto& example : one.examples) ADD_FAILURE() << one.projection << ": " << example;
  EXPECT_TRUE(report.ok);
}

}  // namespace triune::testing
