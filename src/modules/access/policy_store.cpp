#include "modules/access/policy_store.h"

#include <fmt/format.h>

#include <mutex>

#include "base/try.h"

namespace triune::modules::access {
namespace {

std::atomic<std::uint64_t>& changes() {
  static std::atomic<std::uint64_t> count{0};
  return count;
}

std::string shelf_name(const Principal& principal) {
  return static_cast<char>('0' + static_cast<int>(principal.type)) + principal.id;
}

}  // namespace

Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

void PolicyStore::changed() noexcept {
  changes().fetch_add(1);
}

bool PolicyStore::is_valid() const {
  return last_.epoch && last_.changes == changes().load() && Clock::now() - last_.at < staleness_;
}

template <class T>
std::shared_ptr<const T> PolicyStore::find_valid(const Shelf<T>& shelf, const std::string& name) {
  const std::shared_lock lock(mutex_);
  if (!is_valid()) return nullptr;
  const auto found = shelf.find(name);
  return found == shelf.end() ? nullptr : found->second;
}

template <class T>
std::shared_ptr<const T> PolicyStore::refresh(const Shelf<T>& shelf, const std::string& name, const Reading& reading) {
  const std::unique_lock lock(mutex_);
  if (!reading.epoch || (last_.epoch && *reading.epoch < *last_.epoch)) return nullptr;
  if (last_.epoch != reading.epoch) {
    policies_.clear();
    keys_.clear();
  }
  if (last_.epoch != reading.epoch || last_.at < reading.at) last_ = reading;
  const auto found = shelf.find(name);
  return found == shelf.end() ? nullptr : found->second;
}

template <class T>
void PolicyStore::keep(Shelf<T>& shelf, const std::string& name, const std::shared_ptr<const T>& made,
                       const Reading& reading) {
  const std::unique_lock lock(mutex_);
  if (!reading.epoch || last_.epoch != reading.epoch || most_ == 0) return;
  if (shelf.size() >= most_) shelf.erase(shelf.begin());
  shelf[name] = made;
}

Result<std::shared_ptr<const Policy>> PolicyStore::policy(const Principal& principal) {
  const auto name = shelf_name(principal);
  if (auto found = find_valid(policies_, name)) return found;
  Reading reading{.changes = changes().load(), .at = Clock::now(), .epoch = {}};
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  TRIUNE_ASSIGN(reading.epoch, read_epoch(*session, module_.organization_id()));
  if (auto found = refresh(policies_, name, reading)) return found;
  TRIUNE_ASSIGN(auto loaded, load_policy(*session, module_.organization_id(), principal));
  auto made = std::make_shared<const Policy>(std::move(loaded.policy));
  // A user or a key that is made does not make the epoch grow: that there is none is not kept.
  if (loaded.known) keep(policies_, name, made, reading);
  return made;
}

Result<std::shared_ptr<const KeyRecord>> PolicyStore::key(std::string_view prefix) {
  const std::string name(prefix);
  if (auto found = find_valid(keys_, name)) return found;
  Reading reading{.changes = changes().load(), .at = Clock::now(), .epoch = {}};
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  TRIUNE_ASSIGN(reading.epoch, read_epoch(*session, module_.organization_id()));
  if (auto found = refresh(keys_, name, reading)) return found;
  TRIUNE_ASSIGN(auto loaded, load_key(*session, module_.organization_id(), prefix));
  if (!loaded) return std::shared_ptr<const KeyRecord>();
  auto made = std::make_shared<const KeyRecord>(*std::move(loaded));
  keep(keys_, name, made, reading);
  return made;
}

Result<std::shared_ptr<const Policy>> PolicyStore::fresh_policy(const Principal& principal) const {
  TRIUNE_ASSIGN(const auto session, module_.read(patience()));
  TRIUNE_ASSIGN(auto loaded, load_policy(*session, module_.organization_id(), principal));
  return std::make_shared<const Policy>(std::move(loaded.policy));
}

}  // namespace triune::modules::access
