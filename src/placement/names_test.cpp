#include "placement/names.h"

#include <gtest/gtest.h>

namespace triune::placement {
namespace {

TEST(Names, AReferenceIsNamedAfterWhatItRefersTo) {
  EXPECT_EQ(reference_stem("agent_id"), "agent");
  EXPECT_EQ(reference_stem("agentId"), "agent");
  EXPECT_EQ(reference_stem("AgentUUID"), "agent");
  EXPECT_EQ(reference_stem("task_template_ids"), "task_template");
  EXPECT_EQ(reference_stem("agentid"), "agent");
  EXPECT_EQ(reference_stem("id"), "");
  EXPECT_EQ(reference_stem("title"), "");
}

TEST(Names, TablesAreNamedInOneOrMany) {
  for (const auto* table : {"agent", "agents", "Agents"}) EXPECT_TRUE(is_named_after(table, "agent")) << table;
  EXPECT_TRUE(is_named_after("categories", "category"));
  EXPECT_TRUE(is_named_after("boxes", "box"));
  EXPECT_TRUE(is_named_after("people", "person"));
  EXPECT_FALSE(is_named_after("agent_logs", "agent"));
  EXPECT_FALSE(is_named_after("agents", ""));
}

TEST(Names, SomeColumnsHoldRowsOfTheirOwnTable) {
  for (const auto* column :
       {"parent_id", "parentId", "parent", "reply_to", "depends_on", "manager_id", "parent_task_id"})
    EXPECT_TRUE(names_own_table(column)) << column;
  for (const auto* column : {"id", "apparent", "title", ""}) EXPECT_FALSE(names_own_table(column)) << column;
}

TEST(Names, EndsOfEdgesComeInPairs) {
  EXPECT_TRUE(are_edge_ends("source", "target"));
  EXPECT_TRUE(are_edge_ends("from_id", "to_id"));
  EXPECT_TRUE(are_edge_ends("sourceId", "targetId"));
  EXPECT_TRUE(are_edge_ends("Person1Id", "Person2Id"));
  EXPECT_FALSE(are_edge_ends("target", "source"));
  EXPECT_FALSE(are_edge_ends("from_date", "to_date"));
  EXPECT_FALSE(are_edge_ends("from_id", "to"));
  EXPECT_FALSE(are_edge_ends("a1", "b2"));
  EXPECT_FALSE(are_edge_ends("", ""));
}

TEST(Names, EdgeTypesAreCapitals) {
  EXPECT_EQ(edge_type_of("works_on"), "WORKS_ON");
  EXPECT_EQ(edge_type_of("worksOn"), "WORKS_ON");
  EXPECT_EQ(edge_type_of("7 up"), "E_7_UP");
  EXPECT_EQ(edge_type_of("x\"; --"), "X__");
  EXPECT_EQ(edge_type_of(""), "E_");
}

}  // namespace
}  // namespace triune::placement
