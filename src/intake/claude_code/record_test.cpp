#include "intake/claude_code/record.h"

#include <gtest/gtest.h>

#include <string>

#include "intake/line_reader.h"

namespace triune::intake::claude {
namespace {

// A line as the reader gives it: with readable bytes behind it.
Result<LogRecord> parse(std::string line) {
  const std::size_t size = line.size();
  line.append(LineReader::slack_bytes, ' ');
  return parse_record(std::string_view(line).substr(0, size));
}

LogRecord parsed(const std::string& line) {
  auto record = parse(line);
  EXPECT_TRUE(record.has_value()) << record.error().message;
  return record.value_or(LogRecord());
}

TEST(Record, OfAnAssistantHasUsageAndBlocks) {
  const LogRecord record = parsed(
      R"({"type":"assistant","uuid":"u2","parentUuid":"u1","sessionId":"s","timestamp":"2026-01-02T03:04:05.678Z",)"
      R"("requestId":"r","version":"2.0.1","message":{"id":"msg_1","role":"assistant","model":"m","stop_reason":null,)"
      R"("content":[{"type":"thinking","thinking":"hm","signature":"x"},{"type":"text","text":"Hello"},)"
      R"({"type":"tool_use","id":"t1","name":"Read","input":{"file_path":"/a/b.txt","limit":5}}],)"
      R"("usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,)"
      R"("cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":5}}}})");
  ASSERT_TRUE(record.message.has_value());
  EXPECT_EQ(record.at, "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(record.message->id, "msg_1");
  EXPECT_EQ(record.message->usage.output, 2);
  EXPECT_EQ(record.message->usage.cache_creation, 9);
  ASSERT_EQ(record.message->blocks.size(), 3U);
  EXPECT_EQ(record.message->blocks[0].text, "hm");
  EXPECT_EQ(record.message->blocks[2].tool_use_id, "t1");
  EXPECT_EQ(record.message->blocks[2].text, R"({"file_path":"/a/b.txt","limit":5})");
  EXPECT_EQ(record.message->blocks[2].paths, std::vector<std::string>{"/a/b.txt"});
}

TEST(Record, OfAUserMayBeTextOrResults) {
  EXPECT_EQ(parsed(R"({"type":"user","uuid":"u","message":{"role":"user","content":"Hi"}})").message->blocks[0].text,
            "Hi");
  const LogRecord record = parsed(
      R"({"type":"user","uuid":"u","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1",)"
      R"("is_error":true,"content":[{"type":"text","text":"one"},{"type":"text","text":"two"},)"
      R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}}]}]},)"
      R"("toolUseResult":{"agentId":"a1","totalDurationMs":12,"filePath":"/x","file":{"filePath":"/y"}}})");
  const Block& block = record.message->blocks.at(0);
  EXPECT_TRUE(block.is_error);
  EXPECT_EQ(block.text, "one\ntwo\n[image/png]");
  ASSERT_EQ(block.media.size(), 1U);
  EXPECT_EQ(block.media[0].bytes, (Bytes{std::byte{1}, std::byte{2}, std::byte{3}}));
  ASSERT_TRUE(record.outcome.has_value());
  EXPECT_EQ(record.outcome->agent_id, "a1");
  EXPECT_EQ(record.outcome->duration_ms, 12);
  EXPECT_EQ(record.outcome->paths, (std::vector<std::string>{"/x", "/y"}));
}

TEST(Record, KeepsWhatItDoesNotKnow) {
  const LogRecord event = parsed(R"({"type":"telepathy","sessionId":"s","strength":3})");
  EXPECT_FALSE(is_known_type(event.type));
  EXPECT_EQ(event.details, R"({"type":"telepathy","sessionId":"s","strength":3})");
  const LogRecord message = parsed(
      R"({"type":"user","uuid":"u","todos":[1],"message":{"role":"user","content":[{"type":"smell","of":"roses"},"plain"]}})");
  EXPECT_EQ(message.details, R"({"todos":[1]})");
  EXPECT_EQ(message.message->blocks.at(0).kind, "smell");
  EXPECT_EQ(message.message->blocks.at(0).details, R"({"type":"smell","of":"roses"})");
  EXPECT_EQ(message.message->blocks.at(1).text, "plain");
}

TEST(Record, SurvivesHalfASurrogatePairAndAnEscapedNul) {
  const LogRecord record = parsed(
      R"({"type":"user","uuid":"u","message":{"role":"user","content":"cut \ud83d here \ude00, whole \ud83d\ude00, nul \u0000, \\ud83d"}})");
  EXPECT_EQ(record.message->blocks.at(0).text,
            "cut \xEF\xBF\xBD here \xEF\xBF\xBD, whole \xF0\x9F\x98\x80, nul \xE2\x90\x80, \\ud83d");
}

TEST(Record, ThatIsBadSaysWhy) {
  const std::pair<std::string, std::string> cases[] = {
      {"not json", "not valid JSON"},
      {R"({"type":"user")", "not valid JSON"},
      {"[1]", "not a JSON object"},
      {"42", "not a JSON object"},
      {"{}", "without a type"},
      {R"({"type":7})", "without a type"},
      {R"({"type":"user","uuid":"u"})", "without a message"},
      {R"({"type":"user","uuid":"u","message":{"role":"user"}})", "without content"},
      {R"({"type":"user","uuid":"u","message":{"role":"user","content":5}})", "neither text nor a list"},
      {R"({"type":"user","message":{"role":"user","content":"x"}})", "neither uuid nor message id"},
      {std::string("{\"type\":\"user\",\"uuid\":\"\xFF\"}"), "UTF-8"},
      {std::string("{\"type\":\"user\",\"uuid\":\"a\0b\"}", 26), "not valid JSON"},
  };
  for (const auto& [line, reason] : cases) {
    const auto record = parse(line);
    ASSERT_FALSE(record.has_value()) << line;
    EXPECT_EQ(record.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(record.error().message.find(reason), std::string::npos) << record.error().message;
  }
}

TEST(Record, NestedBeyondReasonIsBad) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  EXPECT_FALSE(parse(R"({"type":"user","uuid":"u","x":)" + deep + "}").has_value());
}

}  // namespace
}  // namespace triune::intake::claude
