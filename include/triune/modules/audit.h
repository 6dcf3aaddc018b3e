// The audit log: every change of every module's tables, with before and after, by whom and why; chained by hashes.
//
// Entries are written by triggers in the transaction of the change, whichever program makes it. About once a second
// what was committed since is sealed: a seal's hash covers the one before it and every entry since, so that an entry
// that is changed, removed or slipped in later is found. Whoever keeps a head (`Audit::head`) elsewhere also finds a
// log that was cut at its end. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"

namespace triune {

struct AuditEntry {
  std::int64_t entry = 0;
  std::int64_t at_ms = 0;
  std::string actor;       ///< Empty: a program that did not say.
  std::string actor_type;  ///< user, agent, system, api, migration; sql: a program that went round the API.
  std::string reason;
  std::string request_id;
  std::string table;
  std::string record;
  std::string operation;  ///< insert, update, delete.
  Json before;            ///< Of an update the columns that differ; "null" for an insert.
  Json after;             ///< "null" for a delete.
};

/// Which entries; what is empty does not restrict.
struct AuditFilter {
  std::string table;
  std::string record;
  std::string actor;
  std::string request_id;
  std::int64_t from_ms = 0;
  std::int64_t until_ms = 0;  ///< 0: now.
  std::int64_t after_entry = 0;
  std::size_t limit = 100;  ///< At most 10,000.
};

/// Where the chain ends.
struct AuditHead {
  std::int64_t seal = 0;  ///< 0: nothing is sealed yet.
  std::string hash;
};

/// What `verify` found.
struct AuditReport {
  bool ok = false;
  std::int64_t seals = 0;
  std::int64_t entries = 0;   ///< That are sealed.
  std::int64_t unsealed = 0;  ///< Written since the last seal.
  AuditHead head;
  std::vector<std::string> problems;  ///< At most 100: which seal does not fit, which trigger is gone.
};

class Audit {
 public:
  /// Makes the log's tables in the hive, or follows them. The hive outlives it.
  static Result<std::unique_ptr<Audit>> open(Hive& hive);
  virtual ~Audit() = default;

  /// In the order they were written.
  virtual Result<std::vector<AuditEntry>> entries(const AuditFilter& filter = {}) = 0;
  /// Seals what was committed until now. Blocks until durable.
  virtual Status seal() = 0;
  virtual Result<AuditHead> head() = 0;
  /// Computes every hash anew, in bounded memory, and looks whether the triggers that write the log are in place.
  /// `known`: a head that was seen before and must be part of the chain; seal 0: none.
  virtual Result<AuditReport> verify(const AuditHead& known = {}) = 0;
};

}  // namespace triune
