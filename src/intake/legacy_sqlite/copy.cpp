// Phase copy: every table with its rows, under its own name and definition.
#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/failpoint.h"
#include "base/try.h"
#include "hive/relocation.h"
#include "intake/legacy_sqlite/row_layout.h"
#include "intake/legacy_sqlite/server_columns.h"
#include "intake/legacy_sqlite/work.h"
#include "model/sql_text.h"

namespace triune::intake::legacy {
namespace {

using model::quote_identifier;

constexpr std::size_t batch_bytes = 8U << 20U;
constexpr std::size_t batch_cells = 100'000;

std::size_t size_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* bytes = std::get_if<Bytes>(&value)) return bytes->size();
  return 0;
}

/// One table on its way. A batch and the key it ends with commit together, so that a killed copy goes on behind it. A
/// table whose rows have no name is one batch.
class TableCopy {
 public:
  TableCopy(const Work& work, const placement::TableReport& table, const TablePlan& plan)
      : work_(work),
        layout_(table, work.to_server() ? RowLayout::For::server : RowLayout::For::directory),
        plan_(plan),
        insert_(layout_.insert()) {}

  Status run() {
    TRIUNE_ASSIGN(auto known, work_.journal.step(work_.migration, "copy", plan_.name));
    if (known && known->done) return {};
    if (work_.to_server()) {
      TRIUNE_ASSIGN(server_, ServerColumns::make(plan_));
    }
    if (!known) TRIUNE_TRY(create());
    if (known) step_ = std::move(*known);
    recorded_ = step_.position;
    step_.phase = "copy";
    step_.item = plan_.name;
    return copy_rows();
  }

 private:
  Status create() {
    const auto* definition = work_.source.definition("table", plan_.name);
    if (definition == nullptr)
      return failure(ErrorCode::conflict, fmt::format("the source has no table \"{}\" any more", plan_.name));
    TRIUNE_TRY(open());
    if (server_) TRIUNE_TRY(transaction_->lock_definitions());
    const auto& sql = server_ ? plan_.definition : definition->sql;
    if (auto made = transaction_->session().execute_user(sql, {}, 0); !made) {
      made.error().message = fmt::format("the table \"{}\" cannot be made: {}", plan_.name, made.error().message);
      return failure_of(made);
    }
    TRIUNE_TRY(work_.journal.put(transaction_->session(), work_.migration, {.phase = "copy", .item = plan_.name}));
    TRIUNE_TRY(commit());
    base::failpoint("migrate.copy.created");
    return {};
  }

  Status copy_rows() {
    std::string condition = "TRUE";
    std::vector<Value> parameters;
    if (!step_.position.empty()) {
      TRIUNE_ASSIGN(const auto key, key_from_json(step_.position));
      condition = layout_.compare(">", key, 1);
      parameters = values_of(key);
    }
    auto read = work_.source.reader()(layout_.select(condition), parameters,
                                      [this](std::span<const Value> selected) { return take(selected); });
    if (!read) {
      read.error().message = fmt::format("copying the table \"{}\": {}", plan_.name, read.error().message);
      return read;
    }
    TRIUNE_TRY(write());
    TRIUNE_TRY(open());
    TRIUNE_TRY(server_ ? finish_on_server() : copy_sequence());
    step_.done = true;
    TRIUNE_TRY(work_.journal.advance(transaction_->session(), work_.migration, step_, recorded_));
    return commit();
  }

  Status take(std::span<const Value> selected) {
    layout_.cells(selected, row_);
    ++step_.entities;
    if (server_) return take_for_server();
    bool odd = false;
    for (const auto& cell : row_) {
      bytes_ += size_of(cell.value);
      odd = odd || cell.raw_text;
    }
    if (layout_.has_key()) last_ = layout_.key_of(row_);
    if (odd) return write_odd();
    for (auto& cell : row_) values_.push_back(std::move(cell.value));
    return write_when_full();
  }

  Status take_for_server() {
    for (const auto& cell : row_) bytes_ += size_of(cell.value);
    if (layout_.has_key()) last_ = layout_.key_of(row_);
    auto fits = server_->put(std::span<const Cell>(row_).subspan(layout_.hides_number() ? 1 : 0), values_);
    if (!fits) return fits;
    return write_when_full();
  }

  Status write_when_full() {
    if (bytes_ < batch_bytes && values_.size() < batch_cells) return {};
    TRIUNE_TRY(write());
    return layout_.has_key() ? finish_batch() : Status();
  }

  Status open() {
    if (transaction_) return {};
    TRIUNE_ASSIGN(transaction_, hive::begin_relocation(work_.hive, patient_deadline()));
    return server_ ? Status() : transaction_->trust_rows();
  }

  Status commit() {
    const auto transaction = std::move(transaction_);
    TRIUNE_TRY(transaction->commit());
    return {};
  }

  Status write() {
    if (values_.empty()) return {};
    TRIUNE_TRY(open());
    if (server_)
      TRIUNE_TRY(transaction_->session().load_rows(plan_.name, server_->names(), values_));
    else
      TRIUNE_TRY(transaction_->session().execute_many(insert_, layout_.parts().size(), values_));
    values_.clear();
    bytes_ = 0;
    return {};
  }

  /// A row with text that must go through CAST.
  Status write_odd() {
    TRIUNE_TRY(write());
    TRIUNE_TRY(open());
    const auto sql = layout_.insert(row_);
    TRIUNE_TRY(transaction_->session().execute(sql, values_of(row_)));
    return {};
  }

  Status finish_batch() {
    step_.position = key_to_json(last_);
    TRIUNE_TRY(work_.journal.advance(transaction_->session(), work_.migration, step_, recorded_));
    TRIUNE_TRY(commit());
    recorded_ = step_.position;
    base::failpoint("migrate.copy.batch");
    work_.report("copying " + plan_.name, step_.entities, plan_.rows);
    return work_.go_on();
  }

  /// What AUTOINCREMENT counts on from.
  Result<std::int64_t> counted() {
    if (work_.source.definition("table", "sqlite_sequence") == nullptr) return 0;
    const std::array<Value, 1> name{plan_.name};
    TRIUNE_ASSIGN(const auto found, work_.source.database().query("SELECT seq FROM sqlite_sequence WHERE name = ?1",
                                                                  name, 1, patient_deadline()));
    const auto* number = found.rows.empty() ? nullptr : std::get_if<std::int64_t>(&found.rows[0][0]);
    return number == nullptr ? 0 : *number;
  }

  /// A planner that knows nothing of the rows would join them with nodes in the worst way.
  Status finish_on_server() {
    TRIUNE_TRY(transaction_->session().execute("ANALYZE " + quote_identifier(plan_.name), {}));
    return move_identity();
  }

  /// The next row without a number gets the one after the largest there was.
  Status move_identity() {
    for (const auto& column : server_->names()) {
      if (!layout_.names_number(column)) continue;
      TRIUNE_ASSIGN(const std::int64_t highest, counted());
      const std::array<Value, 3> parameters{plan_.name, column, highest};
      TRIUNE_TRY(transaction_->session().query(
          fmt::format("SELECT setval(CAST(pg_get_serial_sequence(quote_ident(?1), ?2) AS regclass), h.number) FROM "
                      "(SELECT greatest(CAST(?3 AS bigint), max({})) AS number FROM {}) h WHERE h.number >= 1",
                      quote_identifier(column), quote_identifier(plan_.name)),
          parameters, 1));
    }
    return {};
  }

  Status copy_sequence() {
    if (work_.source.definition("table", "sqlite_sequence") == nullptr) return {};
    const std::array<Value, 1> name{plan_.name};
    TRIUNE_ASSIGN(const auto found, work_.source.database().query("SELECT seq FROM sqlite_sequence WHERE name = ?1",
                                                                  name, 1, patient_deadline()));
    if (found.rows.empty()) return {};
    const std::array<Value, 2> parameters{plan_.name, found.rows[0][0]};
    auto& session = transaction_->session();
    TRIUNE_TRY(session.execute("DELETE FROM sqlite_sequence WHERE name = ?1", name));
    TRIUNE_TRY(session.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", parameters));
    return {};
  }

  const Work& work_;
  const RowLayout layout_;
  const TablePlan& plan_;
  const std::string insert_;
  std::optional<ServerColumns> server_;  ///< Where the hive is on a server.
  Step step_;
  std::string recorded_;  ///< The position that was committed last.
  std::unique_ptr<hive::Relocation> transaction_;
  std::vector<Cell> row_;
  RowKey last_;
  std::vector<Value> values_;
  std::size_t bytes_ = 0;
};

Status capture(const Work& work) {
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(work.hive, patient_deadline()));
  TRIUNE_TRY(transaction->capture());
  TRIUNE_TRY(transaction->commit());
  return {};
}

}  // namespace

Status copy_tables(const Work& work) {
  for (const auto& plan : work.plan.tables) {
    if (!plan.copy) continue;
    const auto* table = work.source.table(plan.name);
    if (table == nullptr) return failure(ErrorCode::conflict, fmt::format("the source has no table \"{}\"", plan.name));
    TRIUNE_TRY(work.go_on());
    work.report("copying " + plan.name, 0, plan.rows);
    TRIUNE_TRY(TableCopy(work, *table, plan).run());
  }
  return work.once("copy", "(change log)", [&]() -> Result<std::uint64_t> {
    TRIUNE_TRY(capture(work));
    return 0;
  });
}

}  // namespace triune::intake::legacy
