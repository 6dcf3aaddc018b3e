// Logs that are not as one would wish (C3, C4, C5).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/claude_import_fixture.h"

namespace triune::testing {
namespace {

using ClaudeImportOdd = ClaudeImportTest;

TEST_F(ClaudeImportOdd, BadLinesAreSetAsideAndStopNothing) {
  const std::string bad[] = {"not json",
                             "[1,2]",
                             "42",
                             "{}",
                             R"({"type":"user"})",
                             R"({"type":"user","uuid":"x","message":"text"})",
                             R"({"type":"assistant","uuid":"x","message":{"role":"assistant"}})",
                             std::string("{\"type\":\"user\",\"uuid\":\"\xC3\x28\"}"),
                             std::string("{\"type\":\"user\",\0}", 18),
                             R"({"type":"user","uuid":"x","message":{"role":"user","content":"cut)"};
  std::string log = user_line({.uuid = "first"}, R"("one")");
  for (const auto& line : bad) log += line + "\n";
  log += "\n   \n" + user_line({.uuid = "last", .parent = "first"}, R"("two")");
  const auto path = write("p/s1.jsonl", log);
  const auto report = import(tree());
  EXPECT_EQ(report.messages, 2U);
  ASSERT_EQ(report.bad, std::size(bad));
  for (std::size_t i = 0; i < std::size(bad); ++i) {
    EXPECT_EQ(report.bad_lines.at(i).line, i + 2);
    EXPECT_EQ(report.bad_lines.at(i).file, std::filesystem::canonical(path).string());
    EXPECT_FALSE(report.bad_lines.at(i).reason.empty());
  }
  EXPECT_EQ(sql("SELECT count(*), min(line), max(line) FROM claude_bad_lines"), "10|2|11\n");
  // The one that is no text keeps its bytes.
  const auto bytes = hive_->get_blob("claude_bad_line_rows/" + std::filesystem::canonical(path).string() + ":9", "raw");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(bytes->size(), bad[7].size());
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportOdd, LargeLinesAreKeptWholeAndHugeOnesSetAside) {
  const std::string large(1'500'000, 'l');
  const std::string huge(5'000'000, 'h');
  write("p/s1.jsonl", user_line({.uuid = "a"}, "\"" + large + "\"") + user_line({.uuid = "b"}, "\"" + huge + "\"") +
                          user_line({.uuid = "c"}, result_block("toolu_1_long_enough", large)));
  const auto report = import(tree(), {.max_line_bytes = 4U << 20U});
  EXPECT_EQ(report.messages, 2U);
  ASSERT_EQ(report.bad, 1U);
  EXPECT_EQ(report.bad_lines[0].line, 2U);
  EXPECT_EQ(sql("SELECT id, length(text), text_bytes FROM claude_message_rows WHERE text IS NOT NULL"),
            "a|32768|1500000\n");
  const auto text = hive_->get_blob("claude_block_rows/a/0", "text");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), large.size());
  const auto result = hive_->get_blob("claude_tool_call_rows/toolu_1_long_enough", "result");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->size(), large.size());
  EXPECT_EQ(sql("SELECT length(raw) FROM claude_bad_line_rows WHERE raw_bytes > 5000000"), "32768\n");
}

TEST_F(ClaudeImportOdd, UsageThatGrowsCountsAtItsLargest) {
  write("p/s1.jsonl",
        assistant_line({.uuid = "a1"}, "msg_growing_0000000001", text_block("Hel"), 2) +
            assistant_line({.uuid = "a2", .parent = "a1"}, "msg_growing_0000000001", text_block("Hello"), 40) +
            assistant_line({.uuid = "a2", .parent = "a1"}, "msg_growing_0000000001", text_block("Hello"), 31));
  import(tree());
  EXPECT_EQ(sql("SELECT id, output_tokens, input_tokens FROM claude_messages"), "msg_growing_0000000001|40|3\n");
  EXPECT_EQ(sql("SELECT text FROM claude_blocks"), "Hello\n");
  EXPECT_EQ(sql("SELECT text FROM claude_message_rows"), "Hello\n");
}

TEST_F(ClaudeImportOdd, ParentsAreFoundThroughEventsAndInOtherFiles) {
  write("p/a.jsonl",
        user_line({.uuid = "child", .parent = "e2", .session = "s2", .at = "2026-01-01T00:00:00.000Z"}, R"("c")") +
            user_line({.uuid = "orphan", .parent = "gone", .session = "s2"}, R"("o")"));
  write("p/b.jsonl",
        user_line({.uuid = "root", .parent = "", .session = "s1", .at = "2026-01-02T00:00:00.000Z"}, R"("r")") +
            event_line({.uuid = "e1", .parent = "root"}, "attachment") +
            event_line({.uuid = "e2", .parent = "e1"}, "progress"));
  import(tree());
  EXPECT_EQ(sql("SELECT id, parent_id FROM claude_messages ORDER BY id"), "child|root\norphan|\nroot|\n");
  write("p/c.jsonl", user_line({.uuid = "gone", .parent = "root", .at = "2026-01-03T00:00:00.000Z"}, R"("late")"));
  import(tree());
  EXPECT_EQ(sql("SELECT parent_id FROM claude_messages WHERE id = 'orphan'"), "gone\n");
  EXPECT_EQ(sql("SELECT from_id, to_id FROM triune_graph_edges WHERE type = 'REPLIES_TO' ORDER BY 1"),
            "child|root\ngone|root\norphan|gone\n");
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportOdd, ACycleOfParentsEnds) {
  write("p/s1.jsonl",
        event_line({.uuid = "e1", .parent = "e2"}, "system") + event_line({.uuid = "e2", .parent = "e1"}, "system") +
            user_line({.uuid = "u", .parent = "e2"}, R"("x")") + user_line({.uuid = "v", .parent = "v"}, R"("y")"));
  import(tree());
  EXPECT_EQ(sql("SELECT id, parent_id FROM claude_messages ORDER BY id"), "u|\nv|\n");
}

TEST_F(ClaudeImportOdd, ParallelCallsAnsweredInBetweenStayOneMessage) {
  const std::string message = "msg_parallel_00000000001";
  write("p/s1.jsonl", user_line({.uuid = "q"}, R"("go")") +
                          assistant_line({.uuid = "a1", .parent = "q"}, message,
                                         use_block("toolu_parallel_one_1", "Read", R"({"file_path":"x.c"})")) +
                          user_line({.uuid = "r1", .parent = "a1"}, result_block("toolu_parallel_one_1", "1")) +
                          assistant_line({.uuid = "a2", .parent = "a1"}, message,
                                         use_block("toolu_parallel_two_2", "Read", R"({"file_path":"/srv/x.c"})")) +
                          user_line({.uuid = "r2", .parent = "a2"}, result_block("toolu_parallel_two_2", "2")));
  import(tree());
  EXPECT_EQ(sql("SELECT id, parent_id FROM claude_messages ORDER BY id"),
            message + "|q\nq|\nr1|" + message + "\nr2|" + message + "\n");
  EXPECT_EQ(sql("SELECT count FROM claude_call_rows"), "2\n");
  EXPECT_EQ(sql("SELECT file_id, count FROM claude_touch_rows"), "/srv/x.c|2\n");
  EXPECT_EQ(sql("SELECT count FROM triune_graph_edges e JOIN claude_call_rows c ON c.message_id = e.from_id AND "
                "c.tool_id = e.to_id "
                "WHERE e.type = 'CALLS'"),
            "2\n");
}

TEST_F(ClaudeImportOdd, GatewaysThatCountAnewInEachSessionMixNothing) {
  for (const std::string session : {"s1", "s2"})
    write("p/" + session + ".jsonl",
          assistant_line({.uuid = session + "a", .parent = "", .session = session}, "msg_1",
                         use_block("Bash_0", "Bash", R"({"command":")" + session + "\"}")) +
              user_line({.uuid = session + "r", .parent = session + "a", .session = session},
                        result_block("Bash_0", "of " + session)) +
              assistant_line({.uuid = session + "b", .parent = session + "r", .session = session}, "msg_2",
                             use_block("Bash_0", "Bash", R"({"command":"more"})")) +
              user_line({.uuid = session + "t", .parent = session + "b", .session = session},
                        result_block("Bash_0", "more of " + session)));
  import(tree());
  EXPECT_EQ(sql("SELECT session_id, count(*), sum(output_tokens) FROM claude_messages WHERE role = 'assistant' GROUP "
                "BY 1 ORDER BY 1"),
            "s1|2|20\ns2|2|20\n");
  EXPECT_EQ(
      sql("SELECT m.session_id, r.result FROM claude_tool_results r JOIN claude_tool_calls c ON c.id = r.tool_call_id "
          "JOIN claude_messages m ON m.id = c.message_id ORDER BY 1, 2"),
      "s1|more of s1\ns1|of s1\ns2|more of s2\ns2|of s2\n");
}

TEST_F(ClaudeImportOdd, AForkThatRenamesItsLinesAddsNone) {
  write("p/s1.jsonl", user_line({.uuid = "u1"}, R"("one")") +
                          assistant_line({.uuid = "a1", .parent = "u1"}, "msg_forked_000000001", text_block("x")));
  write("p/s2.jsonl",
        user_line({.uuid = "n1",
                   .parent = "",
                   .session = "s2",
                   .extra = R"(,"forkedFrom":{"sessionId":"s1","messageUuid":"u1"})"},
                  R"("one")") +
            assistant_line({.uuid = "n2", .parent = "n1", .session = "s2"}, "msg_forked_000000001", text_block("x")) +
            user_line({.uuid = "n3", .parent = "n2", .session = "s2", .at = "2026-02-01T00:00:00.000Z"},
                      R"("another way")"));
  import(tree());
  EXPECT_EQ(sql("SELECT id, session_id, parent_id FROM claude_messages ORDER BY id"),
            "msg_forked_000000001|s1|u1\nn3|s2|msg_forked_000000001\nu1|s1|\n");
}

TEST_F(ClaudeImportOdd, RecordsWithoutMostMembersAreTaken) {
  write(
      "p/s9.jsonl",
      R"({"type":"user","uuid":"u","message":{"role":"user","content":"x"}})"
      "\r\n"
      R"({"type":"assistant","message":{"id":"msg_bare_000000000001","content":[]}})"
      "\r\n"
      R"({"type":"queue-operation"})"
      "\r\n"
      R"({"type":"user","uuid":"z","timestamp":"whenever","message":{"role":"user","content":[{"type":"tool_use","name":"Odd"}]}})");
  import(tree());
  EXPECT_EQ(sql("SELECT id, session_id, role, at FROM claude_messages ORDER BY id"),
            "msg_bare_000000000001|s9|assistant|\nu|s9|user|\nz|s9|user|\n");
  EXPECT_EQ(sql("SELECT name, message_id FROM claude_tool_calls"), "Odd|z\n");
  EXPECT_EQ(sql("SELECT type, line FROM claude_events"), "queue-operation|3\n");
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportOdd, IdsAndNamesCannotInject) {
  const std::string evil = "x'); DROP TABLE claude_message_rows; --\\\"";
  write("p/s1.jsonl", user_line({.uuid = evil}, "\"" + evil + "\"") +
                          assistant_line({.uuid = "a", .parent = evil}, "msg_evil_0000000000001",
                                         use_block(evil, evil, R"({"path":")" + evil + "\"}")));
  EXPECT_EQ(import(tree()).messages, 2U);
  EXPECT_EQ(sql("SELECT count(*) FROM claude_messages WHERE parent_id IS NOT NULL"), "1\n");
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportOdd, AToolsOutputInAFileOfItsOwnIsKept) {
  const std::string session = "0d9f3c52-8a34-4c57-9f53-0f6f5b1d2a01";
  write("p/" + session + ".jsonl", user_line({.uuid = "u", .parent = "", .session = session}, R"("x")"));
  write("p/" + session + "/tool-results/toolu_big.txt", std::string(100'000, 'o'));
  import(tree());
  EXPECT_EQ(sql("SELECT kind, session_id, tool_call_id, size_bytes, length(text) FROM claude_file_rows"),
            "tool result|" + session + "|toolu_big|100000|32768\n");
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportOdd, NothingToImportIsNotFound) {
  const auto missing = intake::import_claude(*hive_, directory() / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  write("notes/readme.txt", "hello");
  const auto empty = intake::import_claude(*hive_, tree());
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::not_found);
  EXPECT_NE(empty.error().message.find(".claude"), std::string::npos);
}

TEST_F(ClaudeImportOdd, AFileThatCannotBeReadIsLeftOut) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  write("p/s1.jsonl", user_line({.uuid = "u"}, R"("x")"));
  const auto closed = write("p/agent-1.jsonl", user_line({.uuid = "v"}, R"("y")"));
  std::filesystem::permissions(closed, std::filesystem::perms::none);
  const auto report = import(tree());
  EXPECT_EQ(report.messages, 1U);
  EXPECT_EQ(report.skipped_files, 1U);
}

TEST_F(ClaudeImportTest, IsRefusedWhereItsLabelsHoldSomethingElse) {
  open("hive");
  ASSERT_TRUE(hive_->commit({.changes = {PutNode{{"Agent", "ada"}, {}}, PutNode{{"Tool", "hammer"}, {}},
                                         PutEdge{{"CALLS", {"Agent", "ada"}, {"Tool", "hammer"}}, {}}}}));
  const auto before = hive_->receipt()->lsn;
  write("s1.jsonl", user_line({.uuid = "u1"}, "\"hello\""));
  const auto refused = intake::import_claude(*hive_, tree());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("label Tool, edge type CALLS"), std::string::npos) << refused.error().message;
  EXPECT_EQ(hive_->receipt()->lsn, before);
  EXPECT_EQ(sql(on_postgres() ? "SELECT count(*) FROM pg_class WHERE relname LIKE 'claude%'"
                              : "SELECT count(*) FROM sqlite_master WHERE name LIKE 'claude%'"),
            "0\n");
  // As the message says: with the names free, the import goes on.
  ASSERT_TRUE(hive_->commit({.changes = {DeleteNode{{"Tool", "hammer"}}}}));
  EXPECT_EQ(import(tree()).messages, 1U);
  expect_nothing_new(tree());
}

TEST_F(ClaudeImportTest, MeetsOtherLabelsInOneHive) {
  open("hive");
  ASSERT_TRUE(hive_->commit({.changes = {PutNode{{"Person", "ada"}, {}}}}));
  write("s1.jsonl", user_line({.uuid = "u1"}, "\"hello\""));
  EXPECT_EQ(import(tree()).messages, 1U);
  EXPECT_EQ(sql("SELECT count(*) FROM triune_graph_nodes WHERE label = 'Person'"), "1\n");
}

}  // namespace
}  // namespace triune::testing
