// The import of session logs into a hive on PostgreSQL beside the same into a directory.
#include <fmt/format.h>

#include <fstream>
#include <random>

#include "intake/claude_code/import.h"
#include "postgres_load.h"
#include "support/postgres_server.h"

namespace triune::bench {
namespace {

/// A session of messages that answer each other, every third one calling a tool.
class SessionLog {
 public:
  explicit SessionLog(std::uint32_t number) : number_(number), random_(number) {}

  void write(const std::filesystem::path& file, std::size_t lines) {
    std::ofstream out(file);
    for (std::size_t line = 0; line < lines; ++line) out << next(line) << '\n';
  }

 private:
  std::string words(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}word{}", i == 0 ? "" : " ", random_() % 3'000);
    return text;
  }

  std::string next(std::size_t line) {
    const auto uuid = fmt::format("00000000-0000-4000-{:04x}-{:012x}", number_, line);
    const auto envelope = fmt::format(
        R"("uuid":"{}","parentUuid":{},"sessionId":"session-{}","timestamp":"2026-01-01T{:02}:{:02}:{:02}.000Z",)"
        R"("version":"2.1.0","cwd":"/home/ada/shop","isSidechain":false,"gitBranch":"main")",
        uuid, parent_.empty() ? "null" : '"' + parent_ + '"', number_, line / 3'600 % 24, line / 60 % 60, line % 60);
    parent_ = uuid;
    if (line % 3 == 0)
      return fmt::format(R"({{"type":"user",{},"message":{{"role":"user","content":"{}"}}}})", envelope, words(40));
    const auto call = fmt::format("call-{}-{}", number_, line / 3);
    if (line % 3 == 2)
      return fmt::format(R"({{"type":"user",{},"message":{{"role":"user","content":[{{"type":"tool_result",)"
                         R"("tool_use_id":"{}","content":"{}"}}]}}}})",
                         envelope, call, words(60));
    return fmt::format(
        R"({{"type":"assistant",{},"message":{{"id":"message-{}-{}","role":"assistant","model":"m","content":[)"
        R"({{"type":"text","text":"{}"}},{{"type":"tool_use","id":"{}","name":"Read","input":)"
        R"({{"file_path":"/home/ada/shop/file{}.txt"}}}}],"usage":{{"input_tokens":3,"output_tokens":10}}}}}})",
        envelope, number_, line, words(40), call, random_() % 500);
  }

  const std::uint32_t number_;
  std::mt19937 random_;
  std::string parent_;
};

double seconds_to_import(const std::string& location, const std::filesystem::path& node,
                         const std::filesystem::path& tree) {
  const auto hive = must(Hive::open(location, {.project_in_background = false, .projections = node}));
  return timed([&] { must(intake::import_claude(*hive, tree)); });
}

}  // namespace

void bench_import(Bench& bench, testing::PostgresServer& server, const std::filesystem::path& folder) {
  const auto sessions = bench.sized<std::uint32_t>(1, 4, 8);
  constexpr std::size_t lines = 3'000;
  const auto tree = folder / "tree";
  const auto project = tree / "projects" / "-home-ada-shop";
  std::filesystem::create_directories(project);
  for (std::uint32_t i = 0; i < sessions; ++i) SessionLog(i).write(project / fmt::format("session-{}.jsonl", i), lines);
  Samples ours;
  Samples peer;
  for (int round = 0; round < bench.sized(1, 3, 5); ++round) {
    peer.add(seconds_to_import((folder / fmt::format("hive-{}", round)).string(), {}, tree));
    ours.add(seconds_to_import(server.url(server.create_database()), folder / fmt::format("node-{}", round), tree));
  }
  bench.add(measured("postgres_import", "s", ours.median())
                .against("the same import on SQLite", peer.median())
                .ratio_at_most(2)
                .detail("lines", static_cast<std::int64_t>(sessions * lines)));
}

}  // namespace triune::bench
