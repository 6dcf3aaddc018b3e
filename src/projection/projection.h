// What every projection does, whichever engine it feeds.
//
// Invariants (of DESIGN.md)
//  I3 The watermark is stored inside the engine, in one step with the data; it never runs ahead of them.
//  I4 Whatever happens to the engine's files loses nothing: the projection is quarantined and made anew.
//
// States (ProjectionState) and what moves between them, all in `ProjectionWorker`:
//
//                 open(): no usable files
//   (start) ────────────────────────────────► rebuilding ──rebuild() done──► behind/current
//      │ open() ok                                ▲  ▲
//      ▼                                          │  │ a 'load' entry or a long backlog: the bulk path is cheaper
//   behind ◄──log grew── current                  │  │
//      │ ──apply_next() reached the head──► current  │
//      │                                          │
//      └──the engine failed──► quarantined ───────┘  after a pause that doubles; every 30 s after six failures
//
// From any of them `retire` leads to: replaced by another projection of the same data, its files removed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "contract/registry.h"
#include "projection/catalog.h"
#include "triune/hive.h"

namespace triune::projection {

/// What a projection needs to know; outlives it.
struct Environment {
  contract::RelationalStore* canonical = nullptr;
  Catalog* catalog = nullptr;
  std::string incarnation;
  std::int64_t organization_id = 0;
  std::string organization;
  std::string node;  ///< Whose projections these are, where several share the canonical store; empty otherwise.
  std::filesystem::path root;  ///< Of this projection's generations.
  contract::EngineOptions engine;
};

/// What one step of catching up did.
struct Step {
  std::uint64_t watermark = 0;
  std::uint64_t head = 0;
  bool rebuild = false;  ///< Nothing was applied: the backlog should go through the bulk path.
};

/// One engine's copy of one organization's data. Every method is called by one thread at a time, except where noted.
class Projection {
 public:
  virtual ~Projection() = default;

  [[nodiscard]] virtual std::string name() const = 0;    ///< "graph", "vector:NAME". Any thread.
  [[nodiscard]] virtual std::string engine() const = 0;  ///< "kuzu". Any thread.
  /// Opens the engine on the generation in use. Empty: there is none, or it belongs to another history. Errors mean
  /// that its files are damaged.
  virtual Result<std::optional<std::uint64_t>> open() = 0;
  /// Applies the next piece of the log above `watermark`, with the state of the keys that `canonical` sees.
  virtual Result<Step> apply_next(contract::RelationalSession& canonical, std::uint64_t watermark) = 0;
  /// Makes a new generation from a snapshot of the canonical store and puts it in use. Returns its watermark. The
  /// deadline is looked at while the snapshot is read: `deadline_exceeded`, and nothing is in use that was not before.
  virtual Result<std::uint64_t> rebuild(const Progress& progress, Deadline deadline) = 0;
  /// Closes the engine and moves its files aside.
  virtual Status quarantine(std::string_view reason) = 0;
  /// Closes the engine, whose files stay; what it held in memory only is saved before. `open` opens it again.
  virtual void close() = 0;
  /// Closes the engine and removes its files, once nobody reads them any more. What is read for long stays on disk.
  virtual Status remove() = 0;
  /// Compares with what `canonical` sees, both ways; with `repair`, mends what differs. The projection was brought to
  /// the head of that same snapshot before.
  virtual Result<Differences> verify(contract::RelationalSession& canonical, bool repair, const Progress& progress) = 0;
  /// Entities held and set aside. Any thread.
  virtual Result<std::pair<std::uint64_t, std::uint64_t>> count() = 0;
  /// Makes durable what the engine holds in memory only. `force`: now; otherwise when it is due.
  virtual Status save(bool force) = 0;
  /// The watermark that a crash falls back to, below which the log may be swept.
  virtual Result<std::uint64_t> durable_watermark() = 0;
};

}  // namespace triune::projection
