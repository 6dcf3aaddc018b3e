// Copies of the dictionary that overlap: the newer one stays.
#include "projection/catalog.h"

#include <gmock/gmock.h>

#include <future>
#include <latch>

namespace triune::projection {
namespace {

using ::testing::_;
using ::testing::NiceMock;

/// A reader of the labels that there were when it was opened.
class LabelSession : public contract::RelationalSession {
 public:
  LabelSession(std::vector<std::string> labels, std::latch* reading, std::latch* go_on)
      : RelationalSession(contract::Dialect::sqlite), labels_(std::move(labels)), reading_(reading), go_on_(go_on) {}

  Result<RowSet> query(std::string_view sql, std::span<const Value>, std::size_t) override {
    if (sql.find("FROM triune_collections") == std::string_view::npos) return RowSet{};
    if (reading_ != nullptr) {
      reading_->count_down();
      go_on_->wait();
    }
    RowSet rows;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      rows.rows.push_back({std::int64_t{1}, "label", labels_[i], static_cast<std::int64_t>(i + 1)});
    return rows;
  }
  MOCK_METHOD(Status, visit, (std::string_view, std::span<const Value>, const contract::RowVisitor&), (override));
  MOCK_METHOD(Result<std::uint64_t>, execute, (std::string_view, std::span<const Value>), (override));
  MOCK_METHOD(Status, execute_soon, (std::string_view, std::span<const Value>, contract::LateAnswer), (override));
  MOCK_METHOD(Result<std::uint64_t>, execute_many, (std::string_view, std::size_t, std::span<const Value>), (override));
  MOCK_METHOD(Result<std::uint64_t>, load_rows,
              (std::string_view, std::span<const std::string>, std::span<const Value>), (override));
  MOCK_METHOD(Status, execute_script, (std::string_view), (override));
  MOCK_METHOD(Result<RowSet>, execute_user, (std::string_view, std::span<const Value>, std::size_t), (override));
  MOCK_METHOD(Result<contract::TableChange>, table_change, (std::string_view), (override));
  MOCK_METHOD(Status, savepoint, (std::string_view), (override));
  MOCK_METHOD(Status, release, (std::string_view), (override));
  MOCK_METHOD(Status, rollback_to, (std::string_view), (override));

 private:
  const std::vector<std::string> labels_;
  std::latch* const reading_;
  std::latch* const go_on_;
};

class LabelStore : public contract::RelationalStore {
 public:
  Result<std::unique_ptr<contract::RelationalSession>> read(contract::ReadScope, Deadline, contract::TableFunctions*,
                                                            std::source_location) override {
    auto session = std::make_unique<NiceMock<LabelSession>>(labels, reading, go_on);
    reading = nullptr;
    return std::unique_ptr<contract::RelationalSession>(std::move(session));
  }
  MOCK_METHOD(contract::RelationalCapabilities, capabilities, (), (const, override));
  MOCK_METHOD(Status, write, (const contract::WriteJob&, Deadline, contract::WriteMode, std::source_location),
              (override));
  MOCK_METHOD(Result<std::unique_ptr<contract::RelationalTransaction>>, begin, (Deadline, std::source_location),
              (override));
  MOCK_METHOD(Status, run_outside, (std::string_view, Deadline), (override));
  MOCK_METHOD(Result<bool>, is_read_only, (std::string_view, Deadline), (override));
  MOCK_METHOD(Result<std::vector<contract::ColumnDescription>>, describe, (std::string_view), (override));
  MOCK_METHOD(Result<contract::RelationalStatistics>, statistics, (), (override));
  MOCK_METHOD(contract::Health, health, (), (override));
  MOCK_METHOD(Status, checkpoint, (), (override));
  MOCK_METHOD(Result<std::unique_ptr<contract::ChangeSignal>>, change_signal,
              (const std::string&, contract::SignalHeard), (override));

  std::vector<std::string> labels;
  std::latch* reading = nullptr;  ///< Of the next session: it says that it reads, and waits for `go_on`.
  std::latch* go_on = nullptr;
};

TEST(Catalog, AReloadThatBeganEarlierDoesNotPutItsOlderCopyInPlaceOfANewerOne) {
  NiceMock<LabelStore> store;
  Catalog catalog;
  store.labels = {"Task"};
  std::latch reading(1);
  std::latch go_on(1);
  store.reading = &reading;
  store.go_on = &go_on;
  auto slow = std::async(std::launch::async, [&] { return catalog.reload(store, Deadline::never()).has_value(); });
  reading.wait();
  store.labels = {"Task", "Agent"};  // committed meanwhile
  ASSERT_TRUE(catalog.reload(store, Deadline::never()));
  go_on.count_down();
  ASSERT_TRUE(slow.get());
  EXPECT_TRUE(catalog.snapshot()->collection(1, CollectionKind::label, "Agent"));
}

}  // namespace
}  // namespace triune::projection
