#include "base/file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>
#include <vector>

#include "support/temporary_directory.h"

namespace triune::base {
namespace {

using triune::testing::TemporaryDirectory;

/// Injects a fault for the time of a scope.
class ScopedFault {
 public:
  explicit ScopedFault(FileFault fault) { set_file_fault(std::move(fault)); }
  ScopedFault(const ScopedFault&) = delete;
  ScopedFault& operator=(const ScopedFault&) = delete;
  ~ScopedFault() { set_file_fault({}); }
};

FileFault fail(FileOperation operation, int code) {
  return [=](FileOperation reached, const std::filesystem::path&) { return reached == operation ? code : 0; };
}

std::string content_of(const std::filesystem::path& path) {
  auto bytes = read_file(path);
  return bytes ? std::string(as_text(*bytes)) : "error: " + bytes.error().message;
}

std::size_t entries_in(const std::filesystem::path& directory) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(File, WritesReadsAndReplaces) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a" / "b" / "file";
  ASSERT_TRUE(write_durably(path, as_bytes("first")));
  EXPECT_EQ(content_of(path), "first");
  ASSERT_TRUE(write_durably(path, as_bytes("")));
  EXPECT_EQ(content_of(path), "");
  ASSERT_TRUE(write_durably(path, as_bytes("second")));
  EXPECT_EQ(content_of(path), "second");
  EXPECT_EQ(entries_in(path.parent_path()), 1U);
}

TEST(File, AbsentFileIsNotFound) {
  const TemporaryDirectory directory;
  EXPECT_EQ(read_file(directory.path() / "absent").error().code, ErrorCode::not_found);
  EXPECT_TRUE(base::remove_all(directory.path() / "absent"));
  EXPECT_EQ(rename_durably(directory.path() / "absent", directory.path() / "b").error().code, ErrorCode::not_found);
  EXPECT_EQ(publish_durably(directory.path() / "absent", directory.path() / "b").error().code, ErrorCode::not_found);
  EXPECT_EQ(sync_directory(directory.path() / "absent").error().code, ErrorCode::not_found);
}

TEST(File, LargerThanTheLimitIsRefused) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(write_durably(directory.path() / "file", as_bytes("12345")));
  EXPECT_TRUE(read_file(directory.path() / "file", 5));
  const auto refused = read_file(directory.path() / "file", 4);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_NE(refused.error().message.find("5 bytes"), std::string::npos);
}

TEST(File, PathThroughAFileIsAnErrorAndNoException) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(write_durably(directory.path() / "file", as_bytes("x")));
  EXPECT_FALSE(write_durably(directory.path() / "file" / "below" / "it", as_bytes("y")));
  EXPECT_EQ(content_of(directory.path() / "file"), "x");
}

// I8: at each operation, a fault leaves the old content or the new one, whole, and no other file.
TEST(File, FaultAtAnyOperationLeavesOneWholeContent) {
  for (const auto operation : {FileOperation::open, FileOperation::write, FileOperation::sync, FileOperation::rename,
                               FileOperation::sync_directory}) {
    for (const int code : {EIO, ENOSPC}) {
      const TemporaryDirectory directory;
      const auto path = directory.path() / "file";
      ASSERT_TRUE(write_durably(path, as_bytes("old")));
      Status status;
      {
        const ScopedFault fault(fail(operation, code));
        status = write_durably(path, as_bytes("new"));
      }
      ASSERT_FALSE(status) << static_cast<int>(operation);
      EXPECT_EQ(status.error().code, code == EIO ? ErrorCode::unavailable : ErrorCode::resource_exhausted);
      EXPECT_EQ(status.error().native_code, std::to_string(code));
      EXPECT_NE(status.error().message.find(directory.path().string()), std::string::npos) << status.error().message;
      const bool renamed = operation == FileOperation::sync_directory;
      EXPECT_EQ(content_of(path), renamed ? "new" : "old") << static_cast<int>(operation);
      EXPECT_EQ(entries_in(directory.path()), 1U);
    }
  }
}

TEST(File, FaultWhileCreatingDirectoriesIsReported) {
  const TemporaryDirectory directory;
  const ScopedFault fault(fail(FileOperation::create_directory, EACCES));
  const auto status = write_durably(directory.path() / "a" / "file", as_bytes("x"));
  EXPECT_EQ(status.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "a"));
}

TEST(File, EachNewDirectoryIsSyncedInItsParent) {
  const TemporaryDirectory directory;
  std::vector<std::filesystem::path> synced;
  const ScopedFault spy([&](FileOperation operation, const std::filesystem::path& path) {
    if (operation == FileOperation::sync_directory) synced.push_back(path);
    return 0;
  });
  const auto& top = directory.path();
  ASSERT_TRUE(write_durably(top / "a" / "b" / "file", as_bytes("x")));
  EXPECT_EQ(synced, (std::vector{top, top / "a", top / "a" / "b"}));
}

TEST(File, PublishKeepsTheTemporaryFileOnError) {
  const TemporaryDirectory directory;
  const auto temporary = directory.path() / "temporary";
  ASSERT_TRUE(write_durably(temporary, as_bytes("x")));
  {
    const ScopedFault fault(fail(FileOperation::sync, EIO));
    EXPECT_FALSE(publish_durably(temporary, directory.path() / "file"));
  }
  EXPECT_EQ(content_of(temporary), "x");
  ASSERT_TRUE(publish_durably(temporary, directory.path() / "file"));
  EXPECT_EQ(content_of(directory.path() / "file"), "x");
  EXPECT_FALSE(std::filesystem::exists(temporary));
}

TEST(File, RenameBetweenDirectoriesSyncsBoth) {
  const TemporaryDirectory directory;
  const auto from = directory.path() / "from", to = directory.path() / "to";
  ASSERT_TRUE(create_directories_durably(to));
  ASSERT_TRUE(write_durably(from / "file", as_bytes("x")));
  std::vector<std::filesystem::path> synced;
  const ScopedFault spy([&](FileOperation operation, const std::filesystem::path& path) {
    if (operation == FileOperation::sync_directory) synced.push_back(path);
    return 0;
  });
  ASSERT_TRUE(rename_durably(from / "file", to / "file"));
  EXPECT_EQ(synced, (std::vector{from, to}));
}

TEST(File, WhatAKilledWriterLeftIsRemoved) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(write_durably(directory.path() / "kept", as_bytes("x")));
  ASSERT_TRUE(write_durably(directory.path() / "kept.0.tmp", as_bytes("half")));
  ASSERT_TRUE(remove_temporaries(directory.path()));
  EXPECT_EQ(entries_in(directory.path()), 1U);
  EXPECT_EQ(content_of(directory.path() / "kept"), "x");
  EXPECT_TRUE(remove_temporaries(directory.path() / "absent"));
}

TEST(File, AbandonedNewFileDisappears) {
  const TemporaryDirectory directory;
  {
    auto file = NewFile::create(directory.path() / "a");
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(as_bytes("x")));
    auto moved = std::move(*file);
    EXPECT_EQ(entries_in(directory.path()), 1U);
    EXPECT_FALSE(NewFile::create(directory.path() / "a")) << "must not exist yet";
  }
  EXPECT_EQ(entries_in(directory.path()), 0U);
}

TEST(File, ReadersSeeOldOrNewContentWhileWritersReplaceIt) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "deep" / "file";
  const std::string contents[] = {std::string(100'000, 'a'), std::string(70'000, 'b')};
  ASSERT_TRUE(write_durably(path, as_bytes(contents[0])));
  std::atomic<int> writers{2};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (const auto& content : contents)
    threads.emplace_back([&] {
      for (int round = 0; round < 25; ++round)
        if (!write_durably(path, as_bytes(content))) ++failures;
      --writers;
    });
  do {
    const auto seen = content_of(path);
    if (std::ranges::find(contents, seen) == std::end(contents)) ++failures;
  } while (writers > 0);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(entries_in(path.parent_path()), 1U);
}

}  // namespace
}  // namespace triune::base
