// Texts whose embedder failed: tried again until they are vectors (E1).
#include <fmt/format.h>

#include <array>

#include "base/failpoint.h"
#include "base/try.h"
#include "hive/cluster_node.h"
#include "hive/dropped_collections.h"
#include "hive/embeddings.h"
#include "projection/canonical_sql.h"
#include "projection/change_log.h"
#include "runtime/backoff.h"

namespace triune::hive {
namespace {

constexpr runtime::Backoff pauses{.first = std::chrono::seconds(1), .longest = std::chrono::minutes(10)};
/// So long nobody else tries a text that was taken; the embedder's answer is waited for less long.
constexpr std::int64_t claim_ms = 60'000;
constexpr std::chrono::seconds embedder_patience{45};
constexpr std::chrono::seconds store_patience{30};
constexpr std::chrono::seconds closing_patience{5};
/// Another process that was not heard of for so long is not at work.
constexpr std::chrono::seconds node_patience{15};
/// Other nodes leave texts too, and the triggers of a re-embedding, which tell nobody. To look costs one read by an
/// index.
constexpr std::chrono::seconds look_again{5};
constexpr std::int64_t batch_limit = 256;
constexpr std::size_t error_limit = 1'000;
/// An embedder that refuses so many texts alone and takes none refuses more than texts: it is left alone for a while.
constexpr std::size_t refused_before_rest = 8;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// At most `limit` bytes, cut between characters.
std::string shortened(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  text.resize(limit);
  return text;
}

}  // namespace

Embeddings::Embeddings(Settings settings) : settings_(std::move(settings)) {
  ended_ = !settings_.background;
  if (settings_.background) thread_ = std::thread([this] { run(); });
}

void Embeddings::stop() {
  {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    woken_.notify_all();
    if (!woken_.wait_for(lock, closing_patience, [this] { return ended_; }))
      for (const auto& [name, model] : known_) model->stop();
  }
  if (thread_.joinable()) thread_.join();
}

bool Embeddings::is_stopped() const {
  const std::scoped_lock lock(mutex_);
  return stopped_;
}

void Embeddings::wake() {
  {
    const std::scoped_lock lock(mutex_);
    work_ = true;
  }
  woken_.notify_all();
}

void Embeddings::run() {
  work_until_stopped();
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  woken_.notify_all();
}

void Embeddings::work_until_stopped() {
  (void)release_abandoned();  // else its time runs out
  std::uint32_t failures = 0;
  for (;;) {
    const auto due = next_due_ms();
    std::chrono::milliseconds pause = look_again;
    if (due && *due) pause = std::min(pause, std::chrono::milliseconds(std::max<std::int64_t>(0, **due - now_ms())));
    // An error of the store is not lost: the texts stay pending, which the status shows (E1).
    if (!due) pause = pauses.equal_jitter(failures++, runtime::random_source()());
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, pause, [this] { return stopped_ || work_; });
      if (stopped_) return;
      work_ = false;
    }
    failures = attempt_all() && drop_replaced_collections() ? 0 : failures + 1;
  }
}

Status Embeddings::release_abandoned() {
  // With an error a text waits for the embedder, not for who took it.
  constexpr std::string_view taken =
      "organization_id = ?1 AND pending_since_ms IS NOT NULL AND next_attempt_ms > ?2 AND last_error = ''";
  const std::array<Value, 2> parameters{settings_.organization_id, now_ms()};
  {
    TRIUNE_ASSIGN(const auto session,
                  settings_.store->read(contract::ReadScope::internal, Deadline::after(store_patience)));
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query(fmt::format("SELECT 1 FROM triune_vector_texts WHERE {} LIMIT 1", taken), parameters, 1));
    if (rows.rows.empty()) return {};
  }
  return settings_.store->write(
      [&](contract::RelationalSession& session) -> Status {
        if (!settings_.node.empty()) {
          TRIUNE_ASSIGN(const auto nodes,
                        cluster_nodes(session, settings_.organization_id, settings_.node, node_patience));
          for (const auto& node : nodes)
            if (!node.self && node.state == NodeState::live) return {};
        }
        TRIUNE_TRY(session.execute(fmt::format("UPDATE triune_vector_texts SET next_attempt_ms = ?2 WHERE {}", taken),
                                   parameters));
        return {};
      },
      Deadline::after(store_patience));
}

Result<std::optional<std::int64_t>> Embeddings::next_due_ms() {
  const auto catalog = settings_.catalog->snapshot();
  bool any = false;
  for (const auto& [id, collection] : catalog->vector_collections) any = any || !collection.embedder.empty();
  if (!any) return std::optional<std::int64_t>();
  TRIUNE_ASSIGN(const auto session,
                settings_.store->read(contract::ReadScope::internal, Deadline::after(store_patience)));
  const std::array<Value, 1> parameters{settings_.organization_id};
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT min(next_attempt_ms) FROM triune_vector_texts WHERE organization_id = ?1 AND "
                               "pending_since_ms IS NOT NULL",
                               parameters, 1));
  const auto& cell = rows.rows.at(0).at(0);
  return is_null(cell) ? std::optional<std::int64_t>() : std::optional(std::get<std::int64_t>(cell));
}

Status Embeddings::drop_replaced_collections() {
  TRIUNE_ASSIGN(const bool changed, drop_replaced(*settings_.store, settings_.organization_id));
  if (changed) settings_.committed(0, true);
  return {};
}

Status Embeddings::attempt_all() {
  const auto catalog = settings_.catalog->snapshot();
  for (const auto id : catalog->collections_of(settings_.organization_id, projection::CollectionKind::vector)) {
    const auto found = catalog->vector_collections.find(id);
    if (found == catalog->vector_collections.end() || found->second.embedder.empty()) continue;
    for (bool more = true; more;) {
      TRIUNE_ASSIGN(more, attempt(id, found->second));
      if (is_stopped()) return {};
    }
  }
  return {};
}

Result<bool> Embeddings::attempt(std::int64_t collection_id, const VectorCollection& collection) {
  TRIUNE_ASSIGN(const auto claimed, claim(collection_id));
  if (claimed.empty()) return false;
  base::failpoint("embedding.claimed");
  Progress progress;
  return attempt_some(collection_id, collection, claimed, progress);
}

// What the embedder refuses is sought by halves (E4), at most as deep as a batch can be halved.
Result<bool> Embeddings::attempt_some(std::int64_t collection_id, const VectorCollection& collection,
                                      std::span<const PendingText> texts, Progress& progress) {
  if (is_stopped()) {
    TRIUNE_TRY(give_back(texts));
    return false;
  }
  std::vector<std::string> contents;
  for (const auto& text : texts) contents.push_back(text.content);
  const auto made =
      embed_all(collection_id, collection, contents, Deadline::after(embedder_patience), &paces_[collection_id]);
  if (!made.vectors.empty()) TRIUNE_TRY(store_vectors(texts.first(made.vectors.size()), made.vectors));
  progress.embedded += made.vectors.size();
  if (!made.trouble) return true;
  texts = texts.subspan(made.vectors.size());
  if (took_too_long(*made.trouble) && !made.vectors.empty()) {
    TRIUNE_TRY(give_back(texts));
    return true;
  }
  const bool blames_a_text = made.trouble->code == ErrorCode::invalid_argument;
  if (!blames_a_text || texts.size() == 1) {
    TRIUNE_TRY(put_off(texts, *made.trouble));
    progress.refused += texts.size();
    return blames_a_text && (progress.embedded > 0 || progress.refused < refused_before_rest);
  }
  bool more = true;
  for (const auto half : {texts.first(texts.size() / 2), texts.subspan(texts.size() / 2)}) {
    if (more || is_stopped()) {  // which gives it back
      TRIUNE_ASSIGN(more, attempt_some(collection_id, collection, half, progress));
    } else {
      TRIUNE_TRY(put_off(half, *made.trouble));
    }
  }
  return more;
}

Result<std::vector<Embeddings::PendingText>> Embeddings::claim(std::int64_t collection_id) {
  std::vector<PendingText> claimed;
  TRIUNE_TRY(settings_.store->write(
      [&](contract::RelationalSession& session) -> Status {
        claimed.clear();
        const auto now = now_ms();
        const std::array<Value, 5> parameters{settings_.organization_id, collection_id, now, now + claim_ms,
                                              batch_limit};
        // The outer condition is looked at again where another node has taken a text meanwhile.
        TRIUNE_ASSIGN(const RowSet rows,
                      session.query("UPDATE triune_vector_texts SET next_attempt_ms = ?4, attempts = attempts + 1 "
                                    "WHERE organization_id = ?1 AND next_attempt_ms <= ?3 AND vector_key IN ("
                                    "SELECT vector_key FROM triune_vector_texts WHERE organization_id = ?1 AND "
                                    "collection_id = ?2 AND pending_since_ms IS NOT NULL AND next_attempt_ms <= ?3 "
                                    "ORDER BY next_attempt_ms LIMIT ?5) RETURNING vector_key, content, attempts",
                                    parameters, static_cast<std::size_t>(batch_limit)));
        for (const auto& row : rows.rows)
          claimed.push_back({std::get<std::int64_t>(row[0]), to_text(row[1]), std::get<std::int64_t>(row[2])});
        return {};
      },
      Deadline::after(store_patience)));
  return claimed;
}

Status Embeddings::store_vectors(std::span<const PendingText> texts, const Vectors& vectors) {
  std::uint64_t lsn = 0;
  static const contract::DialectText put([](contract::Dialect dialect) {
    return fmt::format(
        "INSERT INTO triune_vector_values ({0}vector_key, vector) SELECT {0}vector_key, ?4 FROM triune_vector_texts "
        "WHERE organization_id = ?1 AND vector_key = ?2 AND content = ?3 AND pending_since_ms IS NOT NULL "
        "ON CONFLICT ({0}vector_key) DO UPDATE SET vector = excluded.vector",
        dialect == contract::Dialect::postgres ? "organization_id, " : "");
  });
  TRIUNE_TRY(settings_.store->write(
      [&](contract::RelationalSession& session) -> Status {
        for (std::size_t i = 0; i < texts.size(); ++i) {
          const auto* const bytes = reinterpret_cast<const std::byte*>(vectors[i].data());
          const std::array<Value, 4> parameters{settings_.organization_id, texts[i].vector_key, texts[i].content,
                                                Bytes(bytes, bytes + vectors[i].size() * sizeof(float))};
          TRIUNE_TRY(session.execute(put.in(session.dialect()), parameters));
          const auto key = std::span(parameters).first(3);
          TRIUNE_TRY(
              session.execute("UPDATE triune_vector_texts SET pending_since_ms = NULL, next_attempt_ms = NULL, "
                              "attempts = 0, last_error = '' WHERE organization_id = ?1 AND vector_key = ?2 "
                              "AND content = ?3",
                              key));
        }
        TRIUNE_ASSIGN(lsn, projection::commit_lsn(session, settings_.organization_id));
        return {};
      },
      Deadline::after(store_patience)));
  settings_.committed(lsn, false);
  return {};
}

Status Embeddings::give_back(std::span<const PendingText> texts) {
  return settings_.store->write(
      [&](contract::RelationalSession& session) -> Status {
        for (const auto& text : texts) {
          const std::array<Value, 3> parameters{settings_.organization_id, text.vector_key, now_ms()};
          TRIUNE_TRY(
              session.execute("UPDATE triune_vector_texts SET next_attempt_ms = ?3, attempts = attempts - 1 WHERE "
                              "organization_id = ?1 AND vector_key = ?2 AND pending_since_ms IS NOT NULL",
                              parameters));
        }
        return {};
      },
      Deadline::after(store_patience));
}

Status Embeddings::put_off(std::span<const PendingText> texts, const Error& error) {
  const auto reason = shortened(error.message, error_limit);
  return settings_.store->write(
      [&](contract::RelationalSession& session) -> Status {
        for (const auto& text : texts) {
          const auto attempt = static_cast<std::uint32_t>(std::max<std::int64_t>(0, text.attempts - 1));
          const auto pause = pauses.equal_jitter(attempt, runtime::random_source()());
          const std::array<Value, 4> parameters{settings_.organization_id, text.vector_key, now_ms() + pause.count(),
                                                reason};
          TRIUNE_TRY(
              session.execute("UPDATE triune_vector_texts SET next_attempt_ms = ?3, last_error = ?4 WHERE "
                              "organization_id = ?1 AND vector_key = ?2 AND pending_since_ms IS NOT NULL",
                              parameters));
        }
        return {};
      },
      Deadline::after(store_patience));
}

}  // namespace triune::hive
