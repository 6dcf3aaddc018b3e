// The server's disk is full: refused clearly, nothing acknowledged lost, and on it goes when there is space (I1, I10).
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>
#include <vector>

#include "fault_postgres/shared_database.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20U;
constexpr const char* disk_size = "size=256m";

/// A file system in memory of limited size; unmounted with the object.
class SmallDisk {
 public:
  SmallDisk() : mounted_(::mount("tmpfs", path().c_str(), "tmpfs", 0, disk_size) == 0) {
    if (!mounted_) reason_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] std::uint64_t free_bytes() const { return std::filesystem::space(path()).available; }
  /// Somebody else takes all but so much, and gives it back.
  void fill(std::uint64_t rest) const {
    std::ofstream file(path() / "others", std::ios::binary);
    const std::vector<char> block(mebibyte, 'x');
    while (free_bytes() > rest + mebibyte && file.write(block.data(), static_cast<std::streamsize>(block.size())))
      file.flush();
  }
  void relieve() const { std::filesystem::remove(path() / "others"); }

 private:
  TemporaryDirectory directory_;
  bool mounted_;
  std::string reason_;
};

/// Does not compress.
std::string long_text(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(200'000, ' ');
  for (auto& letter : text) letter = static_cast<char>('0' + random() % 75);
  return text;
}

Commit large_commit(std::uint64_t number) {
  const auto id = "large " + std::to_string(number);
  return {.changes = {PutRow{"tasks", {{"id", id}, {"title", long_text(number)}, {"revision", std::int64_t{0}}}},
                      PutNode{{"Agent", id}, {{"rank", static_cast<std::int64_t>(number)}}}},
          .idempotency_key = id};
}

/// Fills the disk, three times, and gives the space back. `log_too`: the server's log is on it, so the server may go
/// down, as it must when that cannot grow.
void fill_and_relieve(const SmallDisk& disk, PostgresServer& server, const SharedDatabase& database, bool log_too) {
  const auto hive = database.open("node");
  ASSERT_NE(hive, nullptr);
  const auto prepared = prepare_workload(*hive);
  ASSERT_TRUE(prepared) << prepared.error().message;
  database.trace_effects();
  std::uint64_t acknowledged = 0;
  std::uint64_t refusals = 0;
  std::uint64_t down = 0;
  const auto send = [&] {
    auto receipt = hive->commit(large_commit(acknowledged), {.deadline = Deadline::after(std::chrono::seconds(5))});
    acknowledged += receipt ? 1 : 0;
    return receipt;
  };
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    disk.fill(12 * mebibyte);
    for (int refused = 0, sent = 0; refused < 5 && sent < 400; ++sent) {
      const auto receipt = send();
      if (receipt) continue;
      ++refused;
      const auto& error = receipt.error();
      EXPECT_NE(error.retry, Retry::never) << error.message;
      const bool full = error.code == ErrorCode::resource_exhausted;
      ++(full ? refusals : down);
      EXPECT_TRUE(full ||
                  (log_too && (error.code == ErrorCode::unavailable || error.code == ErrorCode::deadline_exceeded)))
          << to_string(error.code) << ": " << error.message;
      if (full) {
        EXPECT_NE(error.message.find("disk is full"), std::string::npos) << error.message;
      }
    }
    disk.relieve();
    if (down > 0) server.restart(PostgresServer::Stop::immediate);
    const auto end = Deadline::after(std::chrono::seconds(30));
    auto receipt = send();
    while (!receipt && receipt.error().retry != Retry::never && !end.expired()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      receipt = send();
    }
    ASSERT_TRUE(receipt) << receipt.error().message;
  }
  EXPECT_GT(refusals + down, 0U);
  // Reads come back by themselves too.
  const auto end = Deadline::after(std::chrono::seconds(30));
  while (!hive->get_row("tasks", {{"id", "large 0"}}) && !end.expired())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (std::uint64_t number = 0; number < acknowledged; ++number) {
    const auto row = hive->get_row("tasks", {{"id", "large " + std::to_string(number)}});
    ASSERT_TRUE(row) << row.error().message;
  }
  expect_single_effects(*hive, {});
  expect_current(*hive);
  expect_equal_everywhere(*hive);
  std::cout << acknowledged << " commits acknowledged and found, " << refusals << " refused because the disk was full, "
            << down << " because the server was down\n";
}

std::string cannot_mount(const SmallDisk& disk) {
  return "a small file system cannot be mounted here: " + disk.reason() + "; run as root";
}

TEST(DiskFull, OfTheTablesIsRefusedClearlyAndLosesNothing) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << cannot_mount(disk);
  give_to_server(disk.path());
  PostgresServer server({.durable = true});
  const SharedDatabase database(server);
  server.execute("CREATE TABLESPACE small LOCATION '" + disk.path().string() + "'");
  server.execute("ALTER DATABASE " + database.name() + " SET TABLESPACE small");
  fill_and_relieve(disk, server, database, false);
}

TEST(DiskFull, OfTheLogTooLosesNothing) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << cannot_mount(disk);
  PostgresServer server({.settings = {{"min_wal_size", "32MB"}, {"max_wal_size", "48MB"}},
                         .data_directory = disk.path(),
                         .durable = true});
  const SharedDatabase database(server);
  fill_and_relieve(disk, server, database, true);
}

}  // namespace
}  // namespace triune::testing
