// Opening, closing, receipts and waiting.
#include <fmt/format.h>

#include <array>

#include "adapters/builtin.h"
#include "base/file.h"
#include "base/try.h"
#include "hive/implementation.h"
#include "hive/schema_upkeep.h"
#include "hive/store_identity.h"
#include "migrate/migrate.h"
#include "projection/change_log.h"
#include "runtime/blob_files.h"
#include "runtime/blob_rows.h"
#include "runtime/connection_pool.h"
#include "runtime/guarded_store.h"
#include "runtime/profiles.h"
#include "triune/ids.h"

namespace triune {

Result<std::unique_ptr<Hive>> Hive::open(const std::string& location, HiveOptions options) {
  TRIUNE_ASSIGN(auto parsed, hive::parse_location(location));
  return hive::Implementation::open(std::move(parsed), std::move(options));
}

}  // namespace triune

namespace triune::hive {
namespace {

Deadline open_deadline() {
  return Deadline::after(std::chrono::minutes(2));
}

/// A server that answers a COMMIT before it is on disk would have us acknowledge what a crash takes (I1).
Status check_durability(contract::RelationalStore& store) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, open_deadline()));
  TRIUNE_ASSIGN(const RowSet rows, session->query("SELECT current_setting('synchronous_commit')", {}, 1));
  if (to_text(rows.rows.at(0).at(0)) != "off") return {};
  return failure(
      ErrorCode::conflict,
      "synchronous_commit is off for this role or database, so that a crash could take acknowledged commits; "
      "set it: ALTER ROLE … SET synchronous_commit = on");
}

}  // namespace

Implementation::Implementation(Location location, HiveOptions options)
    : location_(std::move(location)), options_(std::move(options)) {}

Implementation::~Implementation() {
  // Nothing acknowledged is lost when this fails: the projections catch up from the log at the next open (I3).
  static_cast<void>(close());
}

Result<std::unique_ptr<Hive>> Implementation::open(Location location, HiveOptions options) {
  if (options.organization.empty() || options.organization.size() > 200)
    return failure(ErrorCode::invalid_argument, "an organization's name has 1 to 200 bytes");
  std::unique_ptr<Implementation> hive(new Implementation(std::move(location), std::move(options)));
  TRIUNE_TRY(hive->location_.url.empty() ? hive->open_directory() : hive->open_database());
  TRIUNE_TRY(hive->start());
  return std::unique_ptr<Hive>(std::move(hive));
}

Status Implementation::open_directory() {
  directory_ = std::filesystem::absolute(location_.directory).lexically_normal();
  if (!options_.create && !std::filesystem::exists(directory_ / "hive.db"))
    return failure(ErrorCode::not_found, fmt::format("there is no hive in {0}; make one with `triune init {0}`",
                                                     location_.directory.string()));
  if (std::error_code absent; std::filesystem::exists(directory_, absent) && !std::filesystem::is_directory(directory_))
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} is a file; a hive is a directory: give another path", directory_.string()));
  TRIUNE_TRY(base::create_directories_durably(directory_));
  TRIUNE_ASSIGN(lock_, DirectoryLock::acquire(directory_));
  TRIUNE_ASSIGN(store_, adapters::builtin().relational.at("sqlite")({.path = directory_ / "hive.db",
                                                                     .memory_bytes = options_.relational_cache_bytes,
                                                                     .threads = 1,
                                                                     .readers = options_.readers,
                                                                     .make_pool = runtime::make_connection_pool}));
  return {};
}

Status Implementation::open_database() {
  contract::EngineOptions engine{.threads = 1, .url = location_.url, .transaction_pooler = options_.transaction_pooler};
  TRIUNE_ASSIGN(const auto environment, runtime::parse_environment(options_.environment));
  TRIUNE_TRY(runtime::apply(runtime::profile_of(environment), engine));
  TRIUNE_ASSIGN(auto store, adapters::builtin().relational.at("postgres")(engine));
  store_ = runtime::guard(std::move(store), {.node = public_name(location_.url)});
  if (!options_.create) {
    auto found = store_->describe("triune_hive");
    if (!found && found.error().code != ErrorCode::not_found) return failure_of(found);
    if (!found)
      return failure(ErrorCode::not_found,
                     fmt::format("there is no hive in {0}; make one with `triune init`", public_name(location_.url)));
  }
  TRIUNE_TRY(check_durability(*store_));
  TRIUNE_ASSIGN(auto node, claim_node_directory(options_.projections, location_.url));
  directory_ = std::move(node.path);
  lock_ = std::move(node.lock);
  node_id_ = std::move(node.node_id);
  return {};
}

Status Implementation::start() {
  TRIUNE_TRY(migrate::apply(*store_, "hive", migrate::migrations(store_->capabilities().dialect), open_deadline()));
  TRIUNE_TRY(identify());
  const auto number = std::to_string(organization_id_);
  TRIUNE_TRY(open_blobs());
  projections_ = std::make_unique<ProjectionSet>(ProjectionSet::Settings{
      .environment = {.canonical = store_.get(),
                      .catalog = &catalog_,
                      .incarnation = incarnation_,
                      .organization_id = organization_id_,
                      .organization = options_.organization,
                      .node = node_id_,
                      .root = directory_ / "projections" / number,
                      .engine = {.path = {}, .memory_bytes = 0, .threads = options_.engine_threads}},
      .registry = &adapters::builtin(),
      .graph_memory_bytes = options_.graph_memory_bytes,
      .background = options_.project_in_background});
  projections_->notify(session_lsn_);
  learned_ = std::make_unique<Learning>(directory_ / "projections" / number / "learned", canonical_engine());
  statistics_ = std::make_unique<Statistics>(*store_, catalog_, organization_id_, session_lsn_.load());
  embeddings_ = std::make_unique<Embeddings>(Embeddings::Settings{
      .store = store_.get(),
      .catalog = &catalog_,
      .organization_id = organization_id_,
      .node = node_id_,
      .own = options_.embedders,
      .committed = [this](std::uint64_t lsn, bool catalog_changed) { committed(lsn, catalog_changed); },
      .background = options_.project_in_background});
  return join();
}

Status Implementation::open_blobs() {
  const auto number = std::to_string(organization_id_);
  if (node_id_.empty()) {
    TRIUNE_ASSIGN(blobs_, runtime::BlobFiles::open(directory_ / "blobs" / number));
    return {};
  }
  if (options_.blobs == "database") {
    blobs_ = std::make_unique<runtime::BlobRows>(*store_, organization_id_);
    return {};
  }
  TRIUNE_ASSIGN(blobs_, runtime::BlobFiles::open(std::filesystem::path(options_.blobs) / number,
                                                 runtime::BlobFiles::Use::shared));
  return {};
}

Status Implementation::identify() {
  TRIUNE_ASSIGN(const auto identity, settle_incarnation(*store_, open_deadline()));
  incarnation_ = identity.incarnation;
  note_ = identity.note;
  // Read first: in the steady state opening writes nothing.
  TRIUNE_TRY(catalog_.reload(*store_, open_deadline()));
  TRIUNE_TRY(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        projection::CatalogWriter catalog(catalog_, session);
        TRIUNE_ASSIGN(organization_id_, catalog.organization(options_.organization));
        // Another program may have made tables since (I2).
        return keep_up({session, catalog, organization_id_});
      },
      open_deadline()));
  TRIUNE_TRY(catalog_.reload(*store_, open_deadline()));
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::internal, open_deadline()));
  TRIUNE_ASSIGN(session_lsn_, projection::log_head(*session, organization_id_));
  return {};
}

Status Implementation::check_open() const {
  if (closed_) return failure(ErrorCode::cancelled, "the hive was closed");
  if (!history_changed_) return {};
  return failure(ErrorCode::conflict,
                 "the database went over into another history (a restore or a failover); open the hive anew");
}

Status Implementation::close() {
  if (closed_.exchange(true)) return {};
  if (embeddings_) embeddings_->stop();
  signal_.reset();
  if (learned_) learned_->keep(true);
  if (projections_) projections_->stop();
  if (statistics_) statistics_->closing(session_lsn_);
  Status trimmed;
  // What others still need of a shared log, this process alone does not know.
  if (projections_ && node_id_.empty()) trimmed = trim_log();
  if (node_) trimmed = node_->leave();
  if (trimmed && projections_) trimmed = trim_commits(true);
  node_.reset();
  embeddings_.reset();
  projections_.reset();
  blobs_.reset();
  statistics_.reset();
  store_.reset();
  lock_.reset();
  return trimmed;
}

Receipt Implementation::make_receipt(std::uint64_t lsn, std::uint64_t changes) {
  return {.incarnation = incarnation_, .lsn = lsn, .changes = changes, .projections = projections_->statuses()};
}

Result<Receipt> Implementation::receipt() {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, reader({}));
  TRIUNE_ASSIGN(const std::uint64_t head, projection::log_head(*session, organization_id_));
  return make_receipt(head, 0);
}

Result<std::uint64_t> Implementation::required_lsn(const Consistency& consistency) const {
  if (consistency.level == Consistency::Level::eventual) return 0;
  if (consistency.level == Consistency::Level::session) return session_lsn_.load();
  if (consistency.token.incarnation == incarnation_) return consistency.token.lsn;
  return failure(ErrorCode::conflict, fmt::format("the token {} belongs to another history; this one is {}",
                                                  to_string(consistency.token), incarnation_));
}

Status Implementation::wait(const Token& token, Deadline deadline) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const std::uint64_t lsn, required_lsn(Consistency::at_least(token)));
  for (auto* const worker : projections_->all_moving()) TRIUNE_TRY(worker->wait_for(lsn, deadline));
  return {};
}

void Implementation::committed(std::uint64_t lsn, bool catalog_changed) {
  // The commit is durable: a dictionary that cannot be read now must not turn it into an error, the next commit
  // retries.
  if (catalog_changed || catalog_stale_) catalog_stale_ = !catalog_.reload(*store_, ReadOptions{}.deadline);
  auto known = session_lsn_.load();
  while (known < lsn && !session_lsn_.compare_exchange_weak(known, lsn)) {
  }
  projections_->notify(lsn);
  statistics_->noted(lsn);
  if (signal_) signal_->send();
}

}  // namespace triune::hive
