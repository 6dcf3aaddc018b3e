// A read session: one snapshot on a connection out of the pool.
#pragma once

#include "adapters/sqlite/reader.h"
#include "adapters/sqlite/session.h"

namespace triune::adapters::sqlite {

/// Holds its connection and its snapshot until destruction. A reader that stays long keeps the write-ahead log from
/// being emptied, so its deadline also bounds how long its statements run.
class ReadSession final : private ReadLease, public Session {
 public:
  static Result<std::unique_ptr<contract::RelationalSession>> open(ReadLease lease, contract::ReadScope scope,
                                                                   Deadline deadline,
                                                                   contract::TableFunctions* functions);
  ~ReadSession() override;
  ReadSession(const ReadSession&) = delete;
  ReadSession& operator=(const ReadSession&) = delete;

 private:
  ReadSession(ReadLease lease, Kind kind)
      : ReadLease(std::move(lease)), Session(**static_cast<ReadLease*>(this), kind) {}
};

}  // namespace triune::adapters::sqlite
