// Batches: what they write, what they refuse, and that a refused one writes nothing.
#include <gtest/gtest.h>

#include <limits>

#include "conformance/graph/fixture.h"

namespace triune::conformance {
namespace {

class Writing : public GraphConformance {
 protected:
  void SetUp() override {
    GraphConformance::SetUp();
    must(store_->ensure_schema(people()));
  }

  // The batch is refused with that code and nothing of it is there.
  void must_refuse(const GraphBatch& batch, ErrorCode code = ErrorCode::invalid_argument) {
    const auto before = text(people());
    auto with_position = batch;
    with_position.position = Position{"refused", 99};
    const auto error = must_fail(store_->apply(with_position, soon()));
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_FALSE(error.message.empty());
    EXPECT_EQ(text(people()), before);
    EXPECT_NE(*store_->position(), (Position{"refused", 99}));
  }
};

TEST_P(Writing, Values_of_every_type_come_back_as_they_were) {
  Truth truth(people());
  GraphBatch batch;
  batch.put_nodes = {person("all", {{"name", "Ann"}, {"age", std::int64_t{-7}}, {"height", 1.75}, {"member", true}}),
                     person("extremes", {{"age", std::numeric_limits<std::int64_t>::min()},
                                         {"height", std::numeric_limits<double>::denorm_min()},
                                         {"member", false},
                                         {"name", ""}}),
                     person("most", {{"age", std::numeric_limits<std::int64_t>::max()},
                                     {"height", std::numeric_limits<double>::max()}}),
                     person("none"), city("c", {{"name", "Zürich"}})};
  batch.put_edges = {knows("all", "none", {{"since", std::int64_t{1999}}, {"note", "met \"there\""}}),
                     knows("none", "all"), knows("all", "all"), lives_in("all", "c")};
  must_apply(batch);
  truth.apply(batch);
  EXPECT_EQ(text(people()), truth.text());
}

TEST_P(Writing, Integers_fit_a_real_property_and_json_a_text) {
  GraphBatch batch;
  batch.put_nodes = {person("a", {{"height", std::int64_t{2}}, {"name", Json{"[1]"}}})};
  must_apply(batch);
  Truth truth(people());
  truth.apply({.put_nodes = {person("a", {{"height", 2.0}, {"name", "[1]"}})}});
  EXPECT_EQ(text(people()), truth.text());
}

TEST_P(Writing, Infinite_numbers_are_kept) {
  const auto infinity = std::numeric_limits<double>::infinity();
  must_apply({.put_nodes = {person("up", {{"height", infinity}}), person("down", {{"height", -infinity}})}});
  double sum = 0;
  int count = 0;
  must(store_->scan(people(), {.node = [&](const PutNode& node) -> Status {
                                 sum += std::get<double>(*find(node.properties, "height")) > 0 ? 1 : -1;
                                 ++count;
                                 return {};
                               },
                               .edge = [](const PutEdge&) -> Status { return {}; }}));
  EXPECT_EQ(count, 2);
  EXPECT_EQ(sum, 0);
}

TEST_P(Writing, Any_text_is_an_id) {
  Truth truth(people());
  GraphBatch batch;
  for (const auto* id : {"", " ", "a", "A", "ä", "💥", "it's", "back\\slash", "`tick`", "$param", "line\nbreak", "\x01",
                         "a very long id that no short buffer holds, more than twelve bytes at least"})
    batch.put_nodes.push_back(person(id));
  for (const auto& node : batch.put_nodes) batch.put_edges.push_back(knows(node.node.id, "a"));
  must_apply(batch);
  truth.apply(batch);
  EXPECT_EQ(text(people()), truth.text());
  const auto neighbors =
      store_->neighbors({.node = {"Person", "a"}, .type = "KNOWS", .direction = Direction::in}, soon());
  ASSERT_TRUE(neighbors.has_value());
  EXPECT_EQ(neighbors->size(), batch.put_nodes.size() - 1);
}

TEST_P(Writing, Putting_again_changes_nothing_more) {
  GraphBatch batch;
  batch.put_nodes = {person("a", {{"name", "Ann"}}), person("b")};
  batch.put_edges = {knows("a", "b", {{"since", std::int64_t{1}}})};
  must_apply(batch);
  const auto once = text(people());
  must_apply(batch);
  must_apply(batch);
  EXPECT_EQ(text(people()), once);
  const auto statistics = store_->statistics();
  ASSERT_TRUE(statistics.has_value());
  EXPECT_EQ(statistics->nodes, 2U);
  EXPECT_EQ(statistics->edges, 1U);
}

TEST_P(Writing, Putting_replaces_all_properties) {
  must_apply({.put_nodes = {person("a", {{"name", "Ann"}, {"age", std::int64_t{3}}}), person("b")},
              .put_edges = {knows("a", "b", {{"since", std::int64_t{1}}, {"note", "old"}})}});
  must_apply({.put_nodes = {person("a", {{"height", 1.5}})}, .put_edges = {knows("a", "b", {{"note", "new"}})}});
  Truth truth(people());
  truth.apply(
      {.put_nodes = {person("a", {{"height", 1.5}}), person("b")}, .put_edges = {knows("a", "b", {{"note", "new"}})}});
  EXPECT_EQ(text(people()), truth.text());
  must_apply({.put_nodes = {person("a", {{"height", Null{}}})}});
  truth.apply({.put_nodes = {person("a")}});
  EXPECT_EQ(text(people()), truth.text());
}

TEST_P(Writing, Replacing_a_node_keeps_its_edges) {
  must_apply({.put_nodes = {person("a"), person("b")}, .put_edges = {knows("a", "b")}});
  must_apply({.put_nodes = {person("a", {{"name", "Ann"}})}});
  EXPECT_EQ(store_->statistics()->edges, 1U);
}

TEST_P(Writing, An_edge_has_a_direction_and_a_type) {
  must_apply({.put_nodes = {person("a"), person("b"), city("a")},
              .put_edges = {knows("a", "b"), knows("b", "a"), lives_in("a", "a")}});
  EXPECT_EQ(store_->statistics()->edges, 3U);
  must_apply({.delete_edges = {knows("b", "a").edge}});
  Truth truth(people());
  truth.apply({.put_nodes = {person("a"), person("b"), city("a")}, .put_edges = {knows("a", "b"), lives_in("a", "a")}});
  EXPECT_EQ(text(people()), truth.text());
}

TEST_P(Writing, Deleting_a_node_deletes_the_edges_at_it) {
  must_apply({.put_nodes = {person("a"), person("b"), person("c"), city("x")},
              .put_edges = {knows("a", "b"), knows("b", "c"), knows("c", "a"), knows("b", "b"), lives_in("b", "x"),
                            lives_in("c", "x")}});
  must_apply({.delete_nodes = {{"Person", "b"}}});
  Truth truth(people());
  truth.apply({.put_nodes = {person("a"), person("c"), city("x")}, .put_edges = {knows("c", "a"), lives_in("c", "x")}});
  EXPECT_EQ(text(people()), truth.text());
  must_apply({.delete_nodes = {{"City", "x"}, {"Person", "a"}, {"Person", "c"}}});
  EXPECT_EQ(text(people()), "");
}

TEST_P(Writing, A_node_that_lost_an_edge_before_loses_all_others_too) {
  must_apply({.put_nodes = {person("a"), person("b"), person("c"), person("d")},
              .put_edges = {knows("a", "b"), knows("a", "c"), knows("a", "a"), knows("b", "a"), knows("d", "a"),
                            knows("b", "c")}});
  must_apply({.delete_edges = {knows("a", "b").edge, knows("b", "a").edge}});
  must_apply({.delete_nodes = {{"Person", "a"}}});
  EXPECT_EQ(store_->statistics()->edges, 1U);
  EXPECT_EQ(*store_->count_paths({.type = "KNOWS", .length = 1}, soon()), 1U);
  EXPECT_EQ(*store_->count_paths({.type = "KNOWS", .length = 3}, soon()), 0U);
}

TEST_P(Writing, Deleting_what_is_not_there_is_no_error) {
  must_apply({.put_nodes = {person("a")}});
  const auto before = text(people());
  must_apply({.delete_nodes = {{"Person", "nobody"}, {"Unknown", "a"}},
              .delete_edges = {knows("a", "nobody").edge,
                               knows("a", "a").edge,
                               {"UNKNOWN", {"Person", "a"}, {"Person", "a"}},
                               {"KNOWS", {"City", "a"}, {"City", "b"}}}});
  EXPECT_EQ(text(people()), before);
}

TEST_P(Writing, Deletes_come_before_puts_of_the_same_batch) {
  must_apply(
      {.put_nodes = {person("a", {{"name", "old"}}), person("b")}, .put_edges = {knows("a", "b"), knows("b", "a")}});
  must_apply({.put_nodes = {person("a", {{"name", "new"}})},
              .put_edges = {knows("a", "a"), knows("b", "b", {{"note", "x"}})},
              .delete_nodes = {{"Person", "a"}},
              .delete_edges = {knows("b", "b").edge}});
  Truth truth(people());
  truth.apply({.put_nodes = {person("a", {{"name", "new"}}), person("b")},
               .put_edges = {knows("a", "a"), knows("b", "b", {{"note", "x"}})}});
  EXPECT_EQ(text(people()), truth.text());
  must_apply({.put_edges = {knows("b", "b", {{"note", "again"}})}, .delete_edges = {knows("b", "b").edge}});
  truth.apply({.put_edges = {knows("b", "b", {{"note", "again"}})}});
  EXPECT_EQ(text(people()), truth.text());
}

TEST_P(Writing, A_node_can_be_deleted_and_put_over_and_over) {
  must_apply({.put_nodes = {person("fixed")}});
  for (int round = 0; round < 20; ++round) {
    must_apply({.put_nodes = {person("a", {{"age", std::int64_t{round}}})}, .put_edges = {knows("a", "fixed")}});
    must_apply({.delete_nodes = {{"Person", "a"}}});
    must_apply({.put_nodes = {person("a", {{"age", std::int64_t{round}}})},
                .put_edges = {knows("fixed", "a")},
                .delete_nodes = {{"Person", "a"}}});
  }
  EXPECT_EQ(store_->statistics()->nodes, 2U);
  EXPECT_EQ(store_->statistics()->edges, 1U);
}

TEST_P(Writing, Duplicate_keys_in_one_batch_are_refused) {
  must_apply({.put_nodes = {person("a"), person("b")}, .put_edges = {knows("a", "b")}});
  must_refuse({.put_nodes = {person("c"), person("c")}});
  must_refuse({.put_edges = {knows("a", "b"), knows("a", "b", {{"note", "x"}})}});
  must_refuse({.delete_nodes = {{"Person", "a"}, {"Person", "a"}}});
  must_refuse({.delete_edges = {knows("a", "b").edge, knows("a", "b").edge}});
  must_apply({.put_nodes = {person("x"), city("x")}, .put_edges = {knows("x", "a"), knows("a", "x")}});
}

TEST_P(Writing, Missing_ends_are_refused_and_nothing_is_written) {
  must_apply({.put_nodes = {person("a"), city("x")}});
  must_refuse({.put_nodes = {person("new")}, .put_edges = {knows("a", "new"), knows("a", "nobody")}});
  must_refuse({.put_nodes = {person("new")}, .put_edges = {knows("nobody", "a")}});
  must_refuse({.put_edges = {lives_in("a", "a")}});
  must_refuse({.put_edges = {knows("a", "a")}, .delete_nodes = {{"Person", "a"}}});
  const auto error = must_fail(store_->apply({.put_edges = {knows("a", "nobody")}}, soon()));
  EXPECT_NE(error.message.find("nobody"), std::string::npos) << error.message;
  must_apply({.put_nodes = {person("nobody")}, .put_edges = {knows("a", "nobody")}});
}

TEST_P(Writing, What_the_schema_does_not_know_is_refused) {
  must_apply({.put_nodes = {person("a"), city("x")}});
  must_refuse({.put_nodes = {{{"Robot", "r"}, {}}}});
  must_refuse({.put_edges = {{{"LOVES", {"Person", "a"}, {"Person", "a"}}, {}}}});
  must_refuse({.put_edges = {{{"LIVES_IN", {"City", "x"}, {"Person", "a"}}, {}}}});
  must_refuse({.put_nodes = {person("b", {{"shoe_size", std::int64_t{40}}})}});
  must_refuse({.put_edges = {knows("a", "a", {{"shoe_size", std::int64_t{40}}})}});
  must_apply({.put_nodes = {person("b", {{"shoe_size", Null{}}})}});
}

TEST_P(Writing, Values_of_another_type_are_refused) {
  must_apply({.put_nodes = {person("a")}});
  must_refuse({.put_nodes = {person("b", {{"name", std::int64_t{1}}})}});
  must_refuse({.put_nodes = {person("b", {{"age", "1"}})}});
  must_refuse({.put_nodes = {person("b", {{"age", 1.0}})}});
  must_refuse({.put_nodes = {person("b", {{"height", "1.0"}})}});
  must_refuse({.put_nodes = {person("b", {{"member", std::int64_t{1}}})}});
  must_refuse({.put_nodes = {person("b", {{"name", Bytes{std::byte{1}}}})}});
  must_refuse({.put_nodes = {person("b", {{"name", "x"}, {"name", "y"}})}});
  must_refuse({.put_edges = {knows("a", "a", {{"since", "x"}})}});
}

TEST_P(Writing, Text_that_is_no_text_is_refused) {
  must_refuse({.put_nodes = {person("b", {{"name", std::string("\xff\xfe")}})}});
  must_refuse({.put_nodes = {person("b", {{"name", std::string("a\0b", 3)}})}});
  must_refuse({.put_nodes = {person(std::string("a\0b", 3))}});
  must_refuse({.put_nodes = {person("\xc3")}});
}

TEST_P(Writing, Oversized_text_is_refused) {
  const auto limit = store_->capabilities().max_text_bytes;
  ASSERT_GT(limit, 1000U);
  const std::string longest(limit, 'x');
  GraphBatch batch;
  batch.put_nodes = {person(longest, {{"name", longest}})};
  batch.put_edges = {knows(longest, longest, {{"note", longest}})};
  must_apply(batch);
  Truth truth(people());
  truth.apply(batch);
  EXPECT_EQ(text(people()), truth.text());
  must_refuse({.put_nodes = {person("b", {{"name", longest + "x"}})}});
  must_refuse({.put_nodes = {person(longest + "x")}});
  must_refuse({.put_edges = {knows(longest, longest, {{"note", longest + "x"}})}});
}

TEST_P(Writing, The_position_moves_with_its_batch) {
  EXPECT_EQ(*store_->position(), std::nullopt);
  must_apply({.put_nodes = {person("a")}, .position = Position{"first", 10}});
  EXPECT_EQ(*store_->position(), (Position{"first", 10}));
  must_apply({.put_nodes = {person("b")}});
  EXPECT_EQ(*store_->position(), (Position{"first", 10})) << "a batch without a position leaves it";
  must_apply({.position = Position{"first", 11}});
  EXPECT_EQ(*store_->position(), (Position{"first", 11})) << "an empty batch moves it too";
  must_apply({.position = Position{"se'cond", std::numeric_limits<std::uint64_t>::max()}});
  EXPECT_EQ(*store_->position(), (Position{"se'cond", std::numeric_limits<std::uint64_t>::max()}));
  EXPECT_EQ(store_->statistics()->nodes, 2U) << "the position is no node";
}

TEST_P(Writing, A_passed_deadline_writes_nothing) {
  const auto error =
      must_fail(store_->apply({.put_nodes = {person("a")}}, Deadline::after(std::chrono::milliseconds(-1))));
  EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(error.retry, Retry::safe);
  EXPECT_EQ(text(people()), "");
  must_apply({.put_nodes = {person("a")}});
}

TEST_P(Writing, A_large_batch_is_one_batch) {
  GraphBatch batch;
  for (int i = 0; i < 6000; ++i) batch.put_nodes.push_back(person(std::to_string(i), {{"age", std::int64_t{i}}}));
  for (int i = 0; i < 6000; ++i) batch.put_edges.push_back(knows(std::to_string(i), std::to_string((i * 7) % 6000)));
  if (store_->capabilities().engine == "memory") batch.put_edges.resize(100);  // it is slow and need not be fast
  must_apply(batch);
  EXPECT_EQ(store_->statistics()->nodes, batch.put_nodes.size());
  EXPECT_EQ(store_->statistics()->edges, batch.put_edges.size());
  auto bad = batch;
  for (auto& node : bad.put_nodes) node.properties = {{"age", std::int64_t{-1}}};
  bad.put_edges.push_back(knows("0", "nobody"));
  const auto before = text(people());
  EXPECT_EQ(must_fail(store_->apply(bad, soon())).code, ErrorCode::invalid_argument);
  EXPECT_EQ(text(people()), before);
}

FOR_EACH_GRAPH_ENGINE(Writing);

}  // namespace
}  // namespace triune::conformance
