// Commits, transactions, and SQL that writes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "hive/implementation.h"
#include "hive/schema_upkeep.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

/// What a job did, gathered anew each time it runs.
struct Outcome {
  std::uint64_t lsn = 0;
  std::uint64_t changes = 0;
  bool replayed = false;
  bool catalog_changed = false;
};

/// Each change as one unambiguous line, so that equal commits and only they have equal hashes.
struct Spelling {
  static std::string quoted(std::string_view text) { return fmt::format("{}:{}", text.size(), text); }
  static std::string node(const NodeReference& node) { return quoted(node.label) + quoted(node.id); }
  static std::string edge(const EdgeReference& edge) { return quoted(edge.type) + node(edge.from) + node(edge.to); }
  std::string operator()(const PutRow& c) const { return "put_row" + quoted(c.table) + quoted(to_json(c.values)); }
  std::string operator()(const DeleteRow& c) const { return "delete_row" + quoted(c.table) + quoted(to_json(c.key)); }
  std::string operator()(const PutNode& c) const { return "put_node" + node(c.node) + quoted(to_json(c.properties)); }
  std::string operator()(const DeleteNode& c) const { return "delete_node" + node(c.node); }
  std::string operator()(const PutEdge& c) const { return "put_edge" + edge(c.edge) + quoted(to_json(c.properties)); }
  std::string operator()(const DeleteEdge& c) const { return "delete_edge" + edge(c.edge); }
  std::string operator()(const PutVector& c) const {
    const auto values = base::as_text(std::as_bytes(std::span(c.values)));
    return "put_vector" + quoted(c.collection) + quoted(c.id) + quoted(values) + quoted(to_json(c.metadata)) +
           (c.text.empty() ? std::string() : "of" + quoted(c.text));
  }
  std::string operator()(const DeleteVector& c) const { return "delete_vector" + quoted(c.collection) + quoted(c.id); }
  std::string operator()(const PutBlob& c) const {
    return "put_blob" + quoted(c.owner) + quoted(c.name) + quoted(base::sha256_hex(c.bytes));
  }
  std::string operator()(const DeleteBlob& c) const { return "delete_blob" + quoted(c.owner) + quoted(c.name); }
};

std::string request_hash(std::span<const Change> changes) {
  std::string spelled;
  for (const auto& change : changes) spelled += Spelling::quoted(std::visit(Spelling{}, change));
  return base::sha256_hex(base::as_bytes(spelled));
}

/// What an earlier commit under the same key did, if there was one (I11).
Result<bool> replay(contract::RelationalSession& session, std::int64_t organization_id, const std::string& key,
                    const std::string& hash, Outcome& outcome) {
  const std::array<Value, 2> parameters{organization_id, key};
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT request_hash, lsn, changes FROM triune_commits "
                                                 "WHERE organization_id = ?1 AND idempotency_key = ?2",
                                                 parameters, 1));
  if (rows.rows.empty()) return false;
  if (std::get<std::string>(rows.rows[0][0]) != hash)
    return failure(
        ErrorCode::conflict,
        fmt::format("the idempotency key {} was used for other changes; take a new key for new changes", key));
  outcome.lsn = static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows[0][1]));
  outcome.changes = static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows[0][2]));
  outcome.replayed = true;
  return true;
}

/// `soon`: sent along with the commit, and refused as a duplicate where another node has just used the key.
Status record_commit(contract::RelationalSession& session, std::int64_t organization_id, const std::string& key,
                     const std::string& hash, const Outcome& outcome, bool soon) {
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::array<Value, 6> parameters{organization_id,
                                        key,
                                        hash,
                                        static_cast<std::int64_t>(outcome.lsn),
                                        static_cast<std::int64_t>(outcome.changes),
                                        std::int64_t{now.count()}};
  constexpr std::string_view insert =
      "INSERT INTO triune_commits (organization_id, idempotency_key, request_hash, lsn, changes, committed_at_ms) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
  if (soon) return session.execute_soon(insert, parameters, {});
  TRIUNE_ASSIGN(const std::uint64_t recorded,
                session.execute(fmt::format("{} ON CONFLICT DO NOTHING", insert), parameters));
  if (recorded == 1) return {};
  // Another node has committed under the key meanwhile; the next run of this job finds its answer.
  Error error{.code = ErrorCode::conflict,
              .message = fmt::format("another commit under the idempotency key {} ended just now; send it again", key),
              .engine = {},
              .native_code = {}};
  error.retry = Retry::safe;
  return std::unexpected<Error>(std::move(error));
}

/// One run of a commit's job. Lives until the commit has returned, since answers may come with that.
struct Attempt {
  Attempt(contract::RelationalSession& session, projection::Catalog& known, const projection::CatalogSnapshot& snapshot,
          std::int64_t organization_id)
      : catalog(known, session), applier(session, catalog, snapshot, organization_id) {}

  /// Only when the session has had every answer.
  void tell(Outcome& outcome) const {
    if (!position.rows.empty()) outcome.lsn = projection::lsn_in(position);
    outcome.changes = applier.changed();
    outcome.catalog_changed = catalog.changed();
  }

  projection::CatalogWriter catalog;
  ChangeApplier applier;
  RowSet position;  ///< In the log, when it was asked along with the commit.
};

}  // namespace

Result<std::vector<StagedBlob>> Implementation::stage_blobs(std::span<const Change> changes) {
  std::vector<std::span<const std::byte>> contents;
  for (const auto& change : changes)
    if (const auto* const blob = std::get_if<PutBlob>(&change)) contents.emplace_back(blob->bytes);
  std::vector<StagedBlob> staged;
  if (contents.empty()) return staged;
  TRIUNE_ASSIGN(const auto hashes, blobs_->put_many(contents));
  for (std::size_t i = 0; i < hashes.size(); ++i) staged.push_back({hashes[i], contents[i].size()});
  base::failpoint("commit.blobs_staged");
  return staged;
}

Status Implementation::hold_blobs(contract::RelationalSession& session, std::span<const StagedBlob> blobs) {
  std::vector<std::string> hashes;
  for (const auto& blob : blobs) hashes.push_back(blob.sha256);
  return hashes.empty() ? Status() : blobs_->hold(session, hashes);
}

Status Implementation::run_commit(const contract::WriteJob& job, bool& hurries, bool has_key, bool alone,
                                  Deadline deadline) {
  // A lost answer of a server is asked for again, where the key makes that safe (I11).
  const auto write = [&] {
    if (has_key) return retries_.run(deadline, true, [&] { return store_->write(job, deadline); });
    // Blobs are asked for before the commit, and so are keys.
    return store_->write(job, deadline, hurries && !alone ? contract::WriteMode::shared : contract::WriteMode::alone);
  };
  if (!hurries) return store_->write(job, deadline);
  auto written = write();
  if (written || written.error().retry != Retry::never) return written;
  // Nothing happened. Step by step the error names its change; and a table that had changed is looked at anew.
  shapes_.forget();
  hurries = false;
  return write();
}

namespace {

bool names_vectors(std::span<const Change> changes) {
  return std::any_of(changes.begin(), changes.end(), [](const Change& change) {
    return std::holds_alternative<PutVector>(change) || std::holds_alternative<DeleteVector>(change);
  });
}

}  // namespace

Result<Receipt> Implementation::commit(const Commit& commit, const CommitOptions& options) {
  return commit_along(commit, options, {});
}

Result<Receipt> Implementation::commit_along(const Commit& commit, const CommitOptions& options,
                                             const contract::WriteJob& first) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(check_changes(commit.changes));
  if (commit.idempotency_key.size() > 200)
    return failure(ErrorCode::invalid_argument, "an idempotency key has at most 200 bytes");
  const auto key =
      commit.idempotency_key.empty() ? std::string() : options_.idempotency_namespace + commit.idempotency_key;
  const auto hash = key.empty() ? std::string() : request_hash(commit.changes);
  TRIUNE_ASSIGN(const auto blobs, stage_blobs(commit.changes));
  know_collections(commit.changes);
  const auto snapshot = catalog_.snapshot();
  const auto embedded = embeddings_->embed(commit.changes, *snapshot, options.deadline);
  const std::span<const Change> changes = embedded ? embedded->changes : commit.changes;
  Outcome outcome;
  std::optional<Attempt> attempt;
  bool hurries = node_ != nullptr;
  const contract::WriteJob job = [&](contract::RelationalSession& session) -> Status {
    outcome = {};
    attempt.reset();
    if (!key.empty()) {
      TRIUNE_ASSIGN(const bool known, replay(session, organization_id_, key, hash, outcome));
      if (known) return {};
    }
    if (first) TRIUNE_TRY(first(session));
    TRIUNE_TRY(hold_blobs(session, blobs));
    attempt.emplace(session, catalog_, *snapshot, organization_id_);
    if (hurries) attempt->applier.hurry(&shapes_);
    if (embedded) attempt->applier.note_embedding_trouble(embedded->trouble);
    TRIUNE_TRY(attempt->applier.apply(changes, blobs));
    base::failpoint("commit.applied");
    if (key.empty()) return projection::commit_lsn_soon(session, organization_id_, attempt->position);
    TRIUNE_ASSIGN(outcome.lsn, projection::commit_lsn(session, organization_id_));
    attempt->tell(outcome);
    return record_commit(session, organization_id_, key, hash, outcome, hurries);
  };
  if (auto written = run_commit(job, hurries, !key.empty(), !blobs.empty() || first, options.deadline); !written) {
    // A collection's name may have gone over to vectors that were made anew (reembedding.cpp, M3): the next attempt
    // knows. That it cannot be read now says nothing of the commit.
    if (written.error().code == ErrorCode::conflict && names_vectors(commit.changes))
      static_cast<void>(catalog_.reload(*store_, options.deadline));
    return failure_of(written);
  }
  if (attempt) attempt->tell(outcome);
  base::failpoint("commit.durable");
  committed(outcome.lsn, outcome.catalog_changed);
  if (options.wait_for_projections.count() > 0) {
    // A projection that is late shows in the receipt; the commit itself has succeeded.
    static_cast<void>(wait({incarnation_, outcome.lsn}, Deadline::after(options.wait_for_projections)));
  }
  auto receipt = make_receipt(outcome.lsn, outcome.changes);
  receipt.replayed = outcome.replayed;
  if (embedded && embedded->pending > 0) {
    receipt.pending_embeddings = embedded->pending;
    embeddings_->wake();
  }
  return receipt;
}

namespace {

class StoreTransaction final : public Transaction {
 public:
  StoreTransaction(Implementation& hive, std::unique_ptr<contract::RelationalTransaction> transaction)
      : hive_(hive), transaction_(std::move(transaction)) {}

  Result<RowSet> sql(std::string_view statement, std::span<const Value> parameters) override {
    TRIUNE_TRY(check());
    projection::CatalogWriter catalog(hive_.catalog(), session());
    TRIUNE_ASSIGN(RowSet rows,
                  run_user_statement({session(), catalog, hive_.organization_id()}, statement, parameters, row_limit));
    catalog_changed_ = catalog_changed_ || catalog.changed();
    return rows;
  }

  Status apply(std::span<const Change> changes) override {
    TRIUNE_TRY(check());
    TRIUNE_TRY(check_changes(changes));
    TRIUNE_ASSIGN(const auto blobs, hive_.stage_blobs(changes));
    hive_.know_collections(changes);
    const auto snapshot = hive_.catalog().snapshot();
    // The writer waits for the embedder, but not for long.
    const auto embedded = hive_.embeddings().embed(changes, *snapshot, Deadline::after(embedder_patience));
    TRIUNE_TRY(session().savepoint("triune_apply"));
    projection::CatalogWriter catalog(hive_.catalog(), session());
    ChangeApplier applier(session(), catalog, *snapshot, hive_.organization_id());
    if (embedded) applier.note_embedding_trouble(embedded->trouble);
    auto applied = hive_.hold_blobs(session(), blobs);
    if (applied) applied = applier.apply(embedded ? std::span<const Change>(embedded->changes) : changes, blobs);
    if (!applied) TRIUNE_TRY(session().rollback_to("triune_apply"));
    TRIUNE_TRY(session().release("triune_apply"));
    if (!applied) return applied;
    changed_ += applier.changed();
    pending_ += embedded ? embedded->pending : 0;
    catalog_changed_ = catalog_changed_ || catalog.changed();
    return {};
  }

  Status savepoint(std::string_view name) override {
    TRIUNE_TRY(check());
    return session().savepoint(user_name(name));
  }

  Status rollback_to(std::string_view name) override {
    TRIUNE_TRY(check());
    return session().rollback_to(user_name(name));
  }

  Result<Receipt> commit() override {
    TRIUNE_TRY(check());
    TRIUNE_ASSIGN(const std::uint64_t lsn, projection::commit_lsn(session(), hive_.organization_id()));
    const auto transaction = std::move(transaction_);
    TRIUNE_TRY(transaction->commit());
    hive_.committed(lsn, catalog_changed_);
    auto receipt = hive_.make_receipt(lsn, changed_);
    receipt.pending_embeddings = pending_;
    if (pending_ > 0) hive_.embeddings().wake();
    return receipt;
  }

  Status rollback() override {
    TRIUNE_TRY(check());
    const auto transaction = std::move(transaction_);
    return transaction->rollback();
  }

 private:
  static constexpr std::size_t row_limit = 100'000;
  static constexpr std::chrono::seconds embedder_patience{10};
  static std::string user_name(std::string_view name) { return fmt::format("user_{}", name); }
  contract::RelationalSession& session() { return transaction_->session(); }
  Status check() const {
    if (transaction_) return {};
    return failure(ErrorCode::invalid_argument, "the transaction has ended; begin another");
  }

  Implementation& hive_;
  std::unique_ptr<contract::RelationalTransaction> transaction_;
  std::uint64_t changed_ = 0;
  std::uint64_t pending_ = 0;  ///< Also of what was undone since: it is made good by looking again.
  bool catalog_changed_ = false;
};

}  // namespace

Result<std::unique_ptr<Transaction>> Implementation::begin(Deadline deadline) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(auto transaction, store_->begin(deadline));
  return std::unique_ptr<Transaction>(std::make_unique<StoreTransaction>(*this, std::move(transaction)));
}

Result<SqlResult> Implementation::write_sql(std::string_view statement, std::span<const Value> parameters,
                                            const ReadOptions& options) {
  SqlResult result;
  Outcome outcome;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        outcome = {};
        projection::CatalogWriter catalog(catalog_, session);
        TRIUNE_ASSIGN(const std::uint64_t before, projection::log_head(session, organization_id_));
        TRIUNE_ASSIGN(result.rows, run_user_statement({session, catalog, organization_id_}, statement, parameters,
                                                      options.max_rows));
        outcome.catalog_changed = catalog.changed();
        TRIUNE_ASSIGN(const auto logged, projection::logged(session, organization_id_, before));
        outcome.lsn = logged.lsn;
        outcome.changes = logged.entries;
        return {};
      },
      options.deadline));
  committed(outcome.lsn, outcome.catalog_changed);
  result.receipt = make_receipt(outcome.lsn, outcome.changes);
  return result;
}

Status Implementation::define_in_job(
    const std::function<Status(contract::RelationalSession&, projection::CatalogWriter&)>& job) {
  TRIUNE_TRY(check_open());
  Outcome outcome;
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        outcome = {};
        projection::CatalogWriter catalog(catalog_, session);
        TRIUNE_TRY(lock_definitions(session));
        TRIUNE_TRY(keep_up({session, catalog, organization_id_}));
        TRIUNE_TRY(job(session, catalog));
        TRIUNE_TRY(schema_is_kept(session));
        outcome.catalog_changed = true;
        TRIUNE_ASSIGN(outcome.lsn, projection::commit_lsn(session, organization_id_));
        return {};
      },
      Deadline::after(std::chrono::minutes(10))));
  committed(outcome.lsn, outcome.catalog_changed);
  return {};
}

}  // namespace triune::hive
