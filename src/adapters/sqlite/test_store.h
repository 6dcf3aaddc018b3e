// A store in a directory of its own that goes away with it, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sqlite/store.h"
#include "contract/relational_store.h"
#include "triune/ids.h"

namespace triune::adapters::sqlite {

/// A new empty directory.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : path_(parent / ("triune-sqlite-" + new_id())) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file() const { return path_ / "store.db"; }

 private:
  std::filesystem::path path_;
};

/// The pools of runtime, which engines never see: only the file of the test that defines this may.
contract::PoolFactory pool_factory();

inline Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(std::uint32_t readers = 4) {
    store_.reset();
    auto opened = Store::open({.path = directory_.file(), .readers = readers, .make_pool = pool_factory()});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  Status run(std::string sql, std::vector<Value> parameters = {}) {
    return store_->write(
        [&](contract::RelationalSession& session) -> Status {
          auto changed = session.execute(sql, parameters);
          return changed ? Status() : Status(failure_of(changed));
        },
        soon());
  }

  Result<RowSet> ask(std::string sql, std::vector<Value> parameters = {},
                     contract::ReadScope scope = contract::ReadScope::internal) {
    auto session = store_->read(scope, soon());
    if (!session) return failure_of(session);
    return (*session)->query(sql, parameters, 1000);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<contract::RelationalStore> store_;
};

}  // namespace triune::adapters::sqlite
