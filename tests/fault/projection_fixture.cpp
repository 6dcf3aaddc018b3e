#include "fault/projection_fixture.h"

#include <fmt/format.h>

#include "fault/crash_rig.h"

namespace triune::testing {
namespace {

constexpr unsigned sample_people = 120;

std::string person_id(unsigned number) {
  return fmt::format("person {}", number);
}

NodeReference person(unsigned number) {
  return {"Person", person_id(number)};
}

std::vector<float> note_vector(unsigned number) {
  return workload_vector(number);
}

}  // namespace

void fill_hive(Hive& hive, unsigned first, unsigned people) {
  ASSERT_TRUE(hive.sql(in_dialect("CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, body TEXT) STRICT")));
  ASSERT_TRUE(hive.create_collection({.name = "notes", .dimension = workload_dimension, .owner_table = "notes"}));
  ASSERT_TRUE(hive.create_text_index({.name = "bodies", .table = "notes", .columns = {"body"}}));
  Commit commit;
  for (unsigned number = first; number < first + people; ++number) {
    commit.changes.emplace_back(PutRow{"notes", {{"id", person_id(number)}, {"body", fmt::format("word{}", number)}}});
    commit.changes.emplace_back(PutNode{person(number), {{"age", std::int64_t{number}}, {"name", person_id(number)}}});
    commit.changes.emplace_back(PutVector{"notes", person_id(number), note_vector(number), {}});
    for (const unsigned back : {1U, 5U})
      if (number >= first + back)
        commit.changes.emplace_back(PutEdge{{"KNOWS", person(number), person(number - back)}, {{"since", 1.5}}});
  }
  const auto receipt = hive.commit(commit);
  ASSERT_TRUE(receipt) << receipt.error().message;
}

MadeHive::MadeHive(unsigned first, unsigned people) {
  const auto hive = open_hive(place);
  fill_hive(*hive, first, people);
  expect_current(*hive);
  EXPECT_TRUE(hive->close());
}

const HivePlace& other_hive() {
  static const MadeHive hive(1000, 40);
  return hive.place;
}

void ProjectionFault::restore() {
  hive_.reset();
  const auto pristine = directory_.path() / "pristine";
  if (!on_postgres()) {
    static const MadeHive sample(0, sample_people);
    place_ = std::make_unique<HivePlace>(directory_.path(), "hive");
    copy(sample.place.files(), place_->files());
  } else if (!made_ || changed_) {
    made_ = std::make_unique<MadeHive>(0, sample_people);
    copy(made_->place.files(), pristine);
  } else {
    copy(pristine, made_->place.files());
  }
  changed_ = false;
}

void ProjectionFault::copy(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directories(to.parent_path());
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

std::vector<std::filesystem::path> ProjectionFault::roots() const {
  std::vector<std::filesystem::path> found;
  // What the router learned lies beside the projections, in a file.
  for (const auto& entry : std::filesystem::directory_iterator(projections()))
    if (entry.is_directory()) found.push_back(entry.path());
  return found;
}

std::vector<std::filesystem::path> ProjectionFault::files() const {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(projections()))
    if (entry.is_regular_file()) found.push_back(std::filesystem::relative(entry.path(), projections()));
  return found;
}

std::filesystem::path ProjectionFault::generation(const std::filesystem::path& root) {
  for (const auto& entry : std::filesystem::directory_iterator(root))
    if (entry.path().filename().string().starts_with("gen-")) return entry.path();
  return {};
}

std::size_t ProjectionFault::quarantined(const std::filesystem::path& root) {
  std::error_code none;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at(root / "quarantine", none), end; !none && at != end; ++at) {
    EXPECT_TRUE(std::filesystem::exists(at->path() / "REASON")) << at->path();
    ++count;
  }
  return count;
}

void ProjectionFault::reopen() {
  hive_.reset();
  hive_ = open_hive(place());
  ASSERT_NE(hive_, nullptr);
}

void ProjectionFault::open() {
  changed_ = true;
  reopen();
}

void ProjectionFault::expect_canonical_reads(unsigned people) {
  const auto rows = hive_->sql("SELECT count(*) FROM notes");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0][0], Value(std::int64_t{people}));
  const auto node = hive_->get_node(person(7));
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(*find(*node, "age"), Value(std::int64_t{7}));
  const auto near = hive_->neighbors({.node = person(7), .type = "KNOWS", .depth = 2});
  ASSERT_TRUE(near) << near.error().message;
  EXPECT_EQ(near->value.size(), 4U);  // 6, 2, 5, 1
  const auto text = hive_->text({.query = "word7", .collection = "bodies"});
  ASSERT_TRUE(text) << text.error().message;
  ASSERT_EQ(text->size(), 1U);
  EXPECT_EQ((*text)[0].id, person_id(7));
}

std::string ProjectionFault::expect_search(const ReadOptions& options) {
  const auto found = hive_->search({.collection = "notes", .query = note_vector(7), .count = 5}, options);
  EXPECT_TRUE(found) << found.error().message;
  if (!found) return {};
  EXPECT_EQ(found->hits.size(), 5U);
  EXPECT_EQ(found->hits.empty() ? "" : found->hits[0].id, person_id(7));
  return found->strategy;
}

void ProjectionFault::expect_healed(unsigned people) {
  reopen();
  expect_canonical_reads(people);
  expect_search();
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
  const auto closed = hive_->close();
  EXPECT_TRUE(closed) << closed.error().message;
}

}  // namespace triune::testing
