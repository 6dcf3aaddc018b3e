#include <fmt/format.h>

#include <array>
#include <mutex>
#include <set>

#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/definition.h"
#include "modules/tasks/queue_store.h"
#include "triune/ids.h"
#include "triune/modules/queue.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::tasks;
using contract::RelationalSession;

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_put = 100'000;
constexpr std::size_t most_claimed = 1'000;

Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

/// Where nothing was found the last time: the next claim looks first, so that idle workers do not write.
class EmptyQueues {
 public:
  [[nodiscard]] bool contains(std::string_view queue) const {
    const std::scoped_lock lock(mutex_);
    return names_.contains(queue);
  }
  void note(std::string_view queue, bool is_empty) {
    const std::scoped_lock lock(mutex_);
    if (const auto known = names_.find(queue); known != names_.end()) {
      if (!is_empty) names_.erase(known);
    } else if (is_empty && names_.size() < most_names) {
      names_.emplace(queue);
    }
  }

 private:
  static constexpr std::size_t most_names = 1'000;
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> names_;
};

class StoredQueues final : public Queues {
 public:
  explicit StoredQueues(Module module) : module_(std::move(module)) {}

  Status configure(const QueueSettings& settings, const Actor& actor) override {
    const std::array<Value, 7> row{
        organization(),        settings.name,       std::int64_t{settings.paused}, settings.lease_ms,
        settings.max_attempts, settings.backoff_ms, settings.longest_backoff_ms};
    return write(actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute(
          "INSERT INTO triune_queues (organization_id, name, paused, lease_ms, max_attempts, backoff_ms, "
          "longest_backoff_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (organization_id, name) DO UPDATE SET "
          "paused = excluded.paused, lease_ms = excluded.lease_ms, max_attempts = excluded.max_attempts, backoff_ms = "
          "excluded.backoff_ms, longest_backoff_ms = excluded.longest_backoff_ms",
          row));
      return {};
    });
  }

  Result<std::vector<QueueSettings>> list() override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 1> key{organization()};
    TRIUNE_ASSIGN(const RowSet rows,
                  session->query("SELECT name, paused, lease_ms, max_attempts, backoff_ms, longest_backoff_ms FROM "
                                 "triune_queues WHERE organization_id = ?1 ORDER BY name",
                                 key, most_rows));
    std::vector<QueueSettings> found;
    for (const auto& row : rows.rows)
      found.push_back(
          {text(row[0]), integer(row[1]) == 1, integer(row[2]), integer(row[3]), integer(row[4]), integer(row[5])});
    return found;
  }

  Result<std::vector<std::string>> put(std::string_view queue, std::span<const NewQueueItem> items,
                                       const Actor& actor) override {
    if (items.size() > most_put)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("at most {} items are put in at once, not {}; split them", most_put, items.size()));
    std::vector<std::string> ids;
    for (const auto& item : items) {
      if (item.id.starts_with("wf:"))
        return failure(ErrorCode::invalid_argument,
                       fmt::format("item {}: ids that begin with wf: are those of workflows' steps", item.id));
      ids.push_back(item.id.empty() ? new_id() : item.id);
    }
    TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
      const QueueStore store(session, organization());
      TRIUNE_ASSIGN(const QueueSettings settings, store.settings(queue));
      for (std::size_t i = 0; i < items.size(); ++i) TRIUNE_TRY(store.put(settings, items[i], ids[i]));
      return {};
    }));
    return ids;
  }

  Result<std::vector<QueueItem>> claim(std::string_view queue, std::string_view worker, std::size_t count,
                                       std::int64_t lease_ms, const Actor& actor) override {
    if (count < 1 || count > most_claimed || worker.empty() || worker.size() > 200)
      return failure(
          ErrorCode::invalid_argument,
          fmt::format("a claim is of 1 to {} items, by a worker whose name has 1 to 200 bytes", most_claimed));
    std::vector<QueueItem> claimed;
    if (empty_.contains(queue)) {
      TRIUNE_ASSIGN(const auto session, module_.read(patience()));
      TRIUNE_ASSIGN(const QueueLook look, store(*session).look(queue));
      if (!look.has_work()) return claimed;
    }
    TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
      claimed.clear();
      const QueueStore store(session, organization());
      TRIUNE_ASSIGN(const QueueLook look, store.advance(queue));
      if (look.settings.paused || !look.has_work()) return {};
      TRIUNE_ASSIGN(claimed, store.claim(look.settings, worker, count, lease_ms));
      return {};
    }));
    empty_.note(queue, claimed.empty());
    return claimed;
  }

  Status extend(std::string_view id, std::int64_t claim, std::int64_t lease_ms, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) { return store(session).extend(id, claim, lease_ms); });
  }

  Status complete(std::span<const QueueCompletion> completions, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) { return store(session).complete(completions); });
  }

  Status fail(std::span<const QueueFailure> failures, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) -> Status {
      for (const auto& failed : failures) TRIUNE_TRY(store(session).fail(failed));
      return {};
    });
  }

  Status release(std::string_view id, std::int64_t claim, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) { return store(session).give_back(id, claim); });
  }

  Result<std::int64_t> release_worker(std::string_view worker, const Actor& actor) override {
    std::int64_t released = 0;
    TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
      released = 0;
      const std::array<Value, 2> key{organization(), std::string(worker)};
      TRIUNE_ASSIGN(const RowSet rows,
                    session.query("SELECT id, claim FROM triune_queue_items WHERE organization_id = ?1 AND state = "
                                  "'claimed' AND worker = ?2",
                                  key, most_rows));
      for (const auto& row : rows.rows) TRIUNE_TRY(store(session).give_back(text(row[0]), integer(row[1])));
      released = static_cast<std::int64_t>(rows.rows.size());
      return {};
    }));
    return released;
  }

  Status cancel(std::string_view id, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) { return store(session).cancel(id); });
  }

  Status revive(std::string_view id, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) { return store(session).revive(id); });
  }

  Result<QueueItem> get(std::string_view id) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return store(*session).find(id);
  }

  Result<std::vector<QueueItem>> items(std::string_view queue, std::string_view state, std::size_t limit) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 4> parameters{organization(), std::string(queue), std::string(state),
                                          static_cast<std::int64_t>(std::min(limit, most_rows))};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT id FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND state = ?3 "
                       "ORDER BY due_at_ms, id LIMIT ?4",
                       parameters, most_rows));
    std::vector<QueueItem> found;
    for (const auto& row : rows.rows) {
      TRIUNE_ASSIGN(auto item, store(*session).find(text(row[0])));
      found.push_back(std::move(item));
    }
    return found;
  }

  Result<QueueStatistics> statistics(std::string_view queue) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    TRIUNE_TRY(store(*session).settings(queue));
    const std::array<Value, 2> key{organization(), std::string(queue)};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT state, count(*), min(due_at_ms) FROM triune_queue_items WHERE organization_id = ?1 "
                       "AND queue = ?2 GROUP BY state",
                       key, most_rows));
    QueueStatistics counts;
    const std::array<std::pair<std::string_view, std::int64_t*>, 7> states{{{"blocked", &counts.blocked},
                                                                            {"waiting", &counts.waiting},
                                                                            {"ready", &counts.ready},
                                                                            {"claimed", &counts.claimed},
                                                                            {"completed", &counts.completed},
                                                                            {"dead", &counts.dead},
                                                                            {"cancelled", &counts.cancelled}}};
    for (const auto& row : rows.rows) {
      for (const auto& [state, count] : states)
        if (state == text(row[0])) *count = integer(row[1]);
      if (text(row[0]) == "ready") counts.oldest_ready_ms = std::max<std::int64_t>(0, now_ms() - integer(row[2]));
    }
    return counts;
  }

  Result<std::int64_t> sweep(std::string_view queue, std::int64_t older_than_ms, const Actor& actor) override {
    std::uint64_t removed = 0;
    const std::array<Value, 4> parameters{organization(), std::string(queue), now_ms() - older_than_ms,
                                          static_cast<std::int64_t>(most_rows)};
    TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
      TRIUNE_ASSIGN(
          removed,
          session.execute("DELETE FROM triune_queue_items WHERE organization_id = ?1 AND id IN (SELECT id FROM "
                          "triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND state IN ('completed', "
                          "'cancelled') AND ended_at_ms < ?3 AND id NOT IN (SELECT item_id FROM "
                          "triune_workflow_wakes WHERE organization_id = ?1) ORDER BY ended_at_ms LIMIT ?4)",
                          parameters));
      return {};
    }));
    return static_cast<std::int64_t>(removed);
  }

 private:
  [[nodiscard]] std::int64_t organization() const { return module_.organization_id(); }
  [[nodiscard]] QueueStore store(RelationalSession& session) const { return {session, organization()}; }
  Status write(const Actor& actor, const contract::WriteJob& job) const {
    TRIUNE_TRY(module_.write(actor, job, patience()));
    return {};
  }

  Module module_;
  EmptyQueues empty_;
};

}  // namespace

Result<std::unique_ptr<Queues>> Queues::open(Hive& hive) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::tasks::definition()));
  return std::unique_ptr<Queues>(std::make_unique<StoredQueues>(std::move(module)));
}

}  // namespace triune
