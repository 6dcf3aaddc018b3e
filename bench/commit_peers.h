// What a platform does without Triune: three engines written one after the other, or SQLite alone.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "commit_work.h"
#include "raw_kuzu.h"
#include "raw_sqlite.h"
#include "raw_usearch.h"

namespace triune::bench {

/// Three engine writes, each made durable before the next begins: an autocommitted insert into SQLite, a transaction of
/// three edges in Kuzu, an addition to usearch with its index saved and synced. Different commits may be in different
/// engines at the same time, which is more than a coordinator behind one lock reaches.
class NaiveStores {
 public:
  explicit NaiveStores(const std::filesystem::path& folder);
  /// Any thread.
  void commit(const WorkItem& item);

 private:
  std::filesystem::path snapshot_;
  std::mutex sqlite_mutex_;
  RawSqlite sqlite_;
  RawStatement put_task_;
  std::mutex kuzu_mutex_;
  RawKuzu kuzu_;
  std::mutex usearch_mutex_;
  RawUsearch usearch_;
  std::uint64_t next_key_ = 0;
};

/// SQLite alone with one writer thread that puts whatever waits into one durable transaction: the same rows into tables
/// of the same shape as Triune's, ends of edges found by their ids, but no log, triggers, checks, receipts or
/// projections.
class BareGroupCommit {
 public:
  explicit BareGroupCommit(const std::filesystem::path& folder);
  ~BareGroupCommit();
  BareGroupCommit(const BareGroupCommit&) = delete;
  BareGroupCommit& operator=(const BareGroupCommit&) = delete;
  /// Blocks until durable. Any thread.
  void commit(const WorkItem& item);

 private:
  struct Waiting {
    const WorkItem* item;
    bool done = false;
    std::condition_variable changed;
  };
  void make_tables();
  void loop();
  void write(std::vector<Waiting*>& group);
  void insert(const WorkItem& item);

  RawSqlite sqlite_;
  std::vector<RawStatement> statements_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Waiting*> queue_;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace triune::bench
