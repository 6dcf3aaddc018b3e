// What is still there after closing, who may open, and files that are not what was written.
#include <gtest/gtest.h>

#include <fstream>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

class Persistence : public GraphConformance {
 protected:
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_))
      if (entry.is_regular_file() && entry.file_size() > 0) result.push_back(entry.path());
    return result;
  }

  void fill() {
    must(store_->ensure_schema(people()));
    GraphBatch batch;
    for (int i = 0; i < 200; ++i)
      batch.put_nodes.push_back(person(std::to_string(i), {{"name", std::string(300, 'n')}}));
    for (int i = 1; i < 200; ++i) batch.put_edges.push_back(knows(std::to_string(i), std::to_string(i - 1)));
    batch.position = Position{"history", 42};
    must_apply(batch);
  }

  void expect_corruption() {
    auto opened = open_engine(GetParam(), directory_);
    ASSERT_FALSE(opened.has_value()) << "a damaged database was opened";
    EXPECT_EQ(opened.error().code, ErrorCode::corruption) << opened.error().message;
    EXPECT_FALSE(opened.error().message.empty());
  }
};

TEST_P(Persistence, Reopens_with_its_position) {
  SKIP_UNLESS(persistent);
  fill();
  const auto before = text(people());
  for (int round = 0; round < 3; ++round) {
    reopen();
    EXPECT_EQ(text(people()), before);
    EXPECT_EQ(*store_->position(), (Position{"history", 42}));
    must(store_->ensure_schema(people()));
  }
  must_apply({.put_nodes = {person("new")}, .position = Position{"history", 43}});
  reopen();
  EXPECT_EQ(*store_->position(), (Position{"history", 43}));
  EXPECT_EQ(store_->statistics()->nodes, 201U);
}

TEST_P(Persistence, What_is_not_persistent_starts_empty) {
  if (store_->capabilities().persistent) GTEST_SKIP() << "the engine is persistent";
  fill();
  reopen();
  EXPECT_EQ(*store_->position(), std::nullopt);
  EXPECT_EQ(store_->statistics()->nodes, 0U);
}

TEST_P(Persistence, A_directory_is_open_once) {
  SKIP_UNLESS(persistent);
  const auto second = open_engine(GetParam(), directory_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::unavailable) << second.error().message;
  fill();
  EXPECT_EQ(store_->statistics()->nodes, 200U) << "the first one is not harmed";
}

TEST_P(Persistence, Any_directory_name_works) {
  SKIP_UNLESS(persistent);
  for (const auto* name : {"with space", "it's", "[ab]*?", "back\\slash", "ünïcödé 💥", "~tilde", "$x{y}"}) {
    store_.reset();
    std::filesystem::remove_all(directory_);
    const auto kept = directory_;
    directory_ = kept / name;
    reopen();
    Truth truth(people());
    truth.apply({.put_nodes = {person("a"), person("b")}, .put_edges = {knows("a", "b")}});
    must(store_->bulk_load(people(), truth, {"history", 1}));
    EXPECT_EQ(text(people()), truth.text()) << name;
    directory_ = kept;
  }
}

TEST_P(Persistence, Foreign_and_cut_off_files_are_corruption) {
  SKIP_UNLESS(persistent);
  fill();
  store_.reset();
  const auto all = files();
  ASSERT_FALSE(all.empty());
  for (const auto& file : all) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << std::string(8192, 'x');
    expect_corruption();
    std::ofstream(file, std::ios::binary | std::ios::trunc) << "KUZU";
    expect_corruption();
    if (HasFailure()) return;
  }
}

TEST_P(Persistence, A_log_without_its_database_is_corruption) {
  SKIP_UNLESS(persistent);
  fill();
  store_.reset();
  for (const auto& file : files()) {
    std::ofstream(file.string() + ".wal", std::ios::binary) << std::string(100, 'x');
    std::filesystem::remove(file);
  }
  expect_corruption();
}

FOR_EACH_GRAPH_ENGINE(Persistence);

}  // namespace
}  // namespace triune::conformance
