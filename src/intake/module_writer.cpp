#include "intake/module_writer.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "base/try.h"
#include "model/json.h"
#include "modules/agents/context_store.h"
#include "modules/agents/definition.h"
#include "modules/agents/memory_store.h"
#include "modules/events/definition.h"

namespace triune::intake {
namespace {

using contract::RelationalSession;
namespace agent_module = modules::agents;
namespace event_module = modules::events;

constexpr std::size_t longest_id = 200;

Deadline patience() {
  return Deadline::after(std::chrono::minutes(5));
}

Result<std::unique_ptr<modules::Module>> open_module(Hive& hive, const modules::ModuleDefinition& definition) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, definition));
  return std::make_unique<modules::Module>(std::move(module));
}

/// What the job writes, the same whenever it runs.
class Writing {
 public:
  Writing(const ModuleBatch& batch, std::span<const agent_module::SnapshotBytes> snapshots,
          const event_module::Batch* events, std::int64_t organization_id)
      : batch_(batch), snapshots_(snapshots), events_(events), organization_id_(organization_id) {}

  Status run(RelationalSession& session) {
    done_.clear();
    const agent_module::ImportStore imported(session, organization_id_);
    for (const auto& agent : batch_.agents) TRIUNE_TRY(count("agents", imported.put(agent)));
    for (const auto& context : batch_.contexts) TRIUNE_TRY(count("contexts", imported.put(context)));
    const agent_module::MemoryStore memories(session, organization_id_);
    const auto now = modules::now_ms();
    for (const auto& memory : batch_.memories) TRIUNE_TRY(memories.put(memory, memory.id, now));
    if (!batch_.memories.empty()) done_["memories"] += batch_.memories.size();
    const agent_module::ContextStore contexts(session, organization_id_);
    for (std::size_t i = 0; i < batch_.snapshots.size(); ++i) {
      TRIUNE_ASSIGN(const auto saved, contexts.save(batch_.snapshots[i], snapshots_[i], batch_.snapshots[i].id));
      if (!saved.existed) ++done_["snapshots"];
    }
    if (events_ == nullptr) return {};
    TRIUNE_ASSIGN(const auto told, event_module::write_along(session, organization_id_, *events_));
    if (told.added > 0) done_["events"] += told.added;
    return {};
  }

  [[nodiscard]] const std::map<std::string, std::uint64_t>& done() const { return done_; }

 private:
  Status count(const std::string& what, const Result<bool>& changed) {
    if (!changed) return std::unexpected<Error>(changed.error());
    if (*changed) ++done_[what];
    return {};
  }

  const ModuleBatch& batch_;
  std::span<const agent_module::SnapshotBytes> snapshots_;
  const event_module::Batch* events_;
  std::int64_t organization_id_;
  std::map<std::string, std::uint64_t> done_;
};

}  // namespace

Result<std::unique_ptr<ModuleWriter>> ModuleWriter::open(Hive& hive, const EventSource& source, Actor actor) {
  auto writer = std::unique_ptr<ModuleWriter>(new ModuleWriter());
  writer->hive_ = &hive;
  writer->source_ = source.name;
  writer->actor_ = std::move(actor);
  TRIUNE_ASSIGN(writer->memory_, Memory::open(hive));
  TRIUNE_TRY(Events::open(hive));
  TRIUNE_ASSIGN(writer->agents_, open_module(hive, agent_module::definition()));
  TRIUNE_ASSIGN(writer->events_, open_module(hive, event_module::definition(writer->agents_->dialect())));
  writer->names_ = std::make_unique<event_module::Names>(*writer->events_);
  writer->months_ = std::make_unique<event_module::Months>(*writer->events_);
  TRIUNE_ASSIGN(const auto known, writer->names_->known_source(source.name));
  if (!known) TRIUNE_TRY(writer->names_->put_source(source, writer->actor_));
  return Result<std::unique_ptr<ModuleWriter>>(std::move(writer));
}

void ModuleWriter::sift(ModuleBatch& batch) {
  const auto leave = [this](auto& list, std::string_view reason, const auto& is_left) {
    const auto left = std::erase_if(list, is_left);
    if (left > 0) not_taken(reason, left);
  };
  leave(batch.agents, "agents whose id has more than 200 characters: nodes only",
        [](const auto& one) { return one.agent.id.size() > longest_id; });
  leave(batch.contexts, "contexts whose id, or whose agent's, has more than 200 characters",
        [](const auto& one) { return one.context.id.size() > longest_id || one.context.agent.size() > longest_id; });
  leave(batch.memories, "texts without content", [](const auto& one) { return one.content.empty(); });
  for (auto& memory : batch.memories) {
    if (memory.agent.size() > longest_id) memory.agent.clear();
    if (memory.session.size() > longest_id) memory.session.clear();
  }
  const auto now = modules::now_ms();
  std::map<std::string, std::uint64_t> refused;
  std::erase_if(batch.events, [&](const NewEvent& event) {
    const auto checked = event_module::check_event(event, now);
    if (checked) return false;
    const bool ahead = event.occurred_at_ms > now;
    ++refused[ahead ? "records of a time ahead are no events" : "events refused: " + checked.error().message];
    return true;
  });
  for (const auto& [reason, count] : refused) not_taken(reason, count);
}

Result<std::set<std::string>> ModuleWriter::known_among(const std::set<std::string>& external_ids) {
  std::set<std::string> known;
  if (external_ids.empty()) return known;
  std::string list = "[";
  for (const auto& id : external_ids) list += (list.size() > 1 ? "," : "") + model::json_string(id);
  list += "]";
  TRIUNE_ASSIGN(const auto source, names_->source(source_));
  TRIUNE_ASSIGN(const auto session, events_->read(patience()));
  const std::array<Value, 3> parameters{organization_id(), source, list};
  TRIUNE_ASSIGN(
      const RowSet stored,
      session->query(session->dialect() == contract::Dialect::sqlite
                         ? "SELECT k.dedup_key FROM triune_event_keys k WHERE k.organization_id = ?1 AND k.source_id = "
                           "?2 AND k.dedup_key IN (SELECT value FROM json_each(?3))"
                         : "SELECT k.dedup_key FROM triune_event_keys k WHERE k.organization_id = ?1 AND k.source_id = "
                           "?2 AND k.dedup_key = ANY (ARRAY(SELECT json_array_elements_text(CAST(?3 AS json))))",
                     parameters, external_ids.size()));
  for (const auto& row : stored.rows) known.insert(to_text(row[0]));
  return known;
}

Status ModuleWriter::leave_known(std::vector<NewEvent>& events) {
  std::set<std::string> ids;
  for (const auto& event : events) ids.insert(event.external_id);
  TRIUNE_ASSIGN(const auto known, known_among(ids));
  std::erase_if(events, [&](const NewEvent& event) { return known.contains(event.external_id); });
  return {};
}

Status ModuleWriter::settle_causes(std::vector<NewEvent>& events) {
  std::set<std::string> wanted;
  for (const auto& event : events)
    if (!event.cause_external_id.empty()) wanted.insert(event.cause_external_id);
  TRIUNE_ASSIGN(auto known, known_among(wanted));
  for (auto& event : events) {
    if (!known.contains(event.cause_external_id)) event.cause_external_id.clear();
    known.insert(event.external_id);
  }
  return {};
}

Result<Receipt> ModuleWriter::commit(std::vector<Change> changes, ModuleBatch batch) {
  sift(batch);
  TRIUNE_TRY(settle_causes(batch.events));
  std::vector<agent_module::SnapshotBytes> snapshots;
  for (const auto& snapshot : batch.snapshots) {
    TRIUNE_ASSIGN(auto bytes, agent_module::encode_snapshot(snapshot.content.text));
    changes.emplace_back(
        PutBlob{std::string(agent_module::snapshot_blobs), snapshot.session + "/" + bytes.hash, bytes.stored});
    snapshots.push_back(std::move(bytes));
  }
  for (const auto& memory : batch.memories)
    changes.push_back(agent_module::vector_of(memory, memory.id, memory.created_at_ms));
  std::vector<const NewEvent*> events;
  for (const auto& event : batch.events) events.push_back(&event);
  std::optional<event_module::Batch> prepared;
  if (!events.empty()) {
    TRIUNE_ASSIGN(prepared, event_module::Batch::prepare(events, organization_id(), *names_, actor_));
    TRIUNE_TRY(months_->ensure(prepared->months(), actor_));
  }
  Writing writing(batch, snapshots, prepared ? &*prepared : nullptr, organization_id());
  TRIUNE_ASSIGN(
      auto receipt,
      agents_->commit(actor_, changes, [&](RelationalSession& session) { return writing.run(session); }, patience()));
  for (const auto& [what, count] : writing.done()) counts_.mapped[what] += count;
  return receipt;
}

Result<bool> ModuleWriter::is_done(std::string_view what) {
  const auto stored = memory_->value("import/" + source_, what);
  if (stored) return true;
  if (stored.error().code != ErrorCode::not_found) return std::unexpected<Error>(stored.error());
  return false;
}

Status ModuleWriter::mark_done(std::string_view what) {
  TRIUNE_TRY(memory_->put("import/" + source_, what, Json{"true"}, 0, actor_));
  return {};
}

std::string event_id_of(std::int64_t at_ms, std::string_view key) {
  const auto digits = base::hash128(std::as_bytes(std::span(key)));
  const auto time = static_cast<std::uint64_t>(at_ms);
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (time >> 16U) & 0xffffffffU, time & 0xffffU,
                     digits.high & 0xfffU, 0x8000U | ((digits.high >> 12U) & 0x3fffU), digits.low & 0xffffffffffffULL);
}

MemoryLevel imported_memory_level(std::string_view word) {
  if (word == "critical" || word == "emergency") return MemoryLevel::critical;
  if (word == "deep" || word == "consolidated") return MemoryLevel::consolidated;
  const auto known = parse_memory_level(word);
  return known ? *known : MemoryLevel::working;
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return std::string(text.substr(0, limit));
}

}  // namespace triune::intake
