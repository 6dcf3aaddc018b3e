// The command line itself: usage errors, help, common options, what is printed where.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/cli_process.h"
#include "triune/hive.h"

namespace triune::testing {
namespace {

using CliUsage = CliTest;

TEST_F(CliUsage, WrongCommandLineIsTwoAndOpensNothing) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"nonsense"},
      {"sql"},
      {"sql", "SELECT 1", "--file", "/dev/null"},
      {"status", "extra"},
      {"status", "--nonsense"},
      {"load", "nodes"},
      {"load", "rows", "f.csv"},
      {"search", "--collection", "c"},
      {"search", "--collection", "c", "--id", "a", "--vector-json", "[1]"},
      {"search", "--collection", "c", "--id", "a", "-k", "0"},
      {"collection", "create", "c", "--dimension", "3", "--metric", "near"},
      {"map", "edges", "--table", "t", "--type", "T", "--from", "a", "--to", "b:B"},
      {"cypher", "RETURN 1", "--param", "novalue"},
      {"get", "row", "t", "novalue"},
      {"status", "--consistency", "yesterday"},
      {"status", "--deadline", "0"},
      {"help", "nonsense"},
  };
  for (const auto& arguments : wrong) {
    const auto outcome = triune(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << (arguments.empty() ? "" : arguments.front()) << "\n" << outcome;
    EXPECT_EQ(outcome.out, "") << outcome;
    EXPECT_NE(outcome.err.find("triune: "), std::string::npos) << outcome;
    EXPECT_FALSE(hive_exists());
  }
}

TEST_F(CliUsage, UsageErrorIsADocumentWhenJsonIsAsked) {
  const auto outcome = triune({"--json", "sql"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.error().at("code"), "usage");
  EXPECT_EQ(outcome.error().at("retry"), "never");
}

TEST_F(CliUsage, EveryCommandIsExplainedWithAnExample) {
  const std::vector<std::vector<std::string>> commands = {
      {"init"},
      {"status"},
      {"import", "claude"},
      {"load", "rows"},
      {"load", "nodes"},
      {"load", "edges"},
      {"load", "vectors"},
      {"commit"},
      {"sql"},
      {"cypher"},
      {"search"},
      {"text"},
      {"neighbors"},
      {"path"},
      {"get", "row"},
      {"get", "node"},
      {"get", "edge"},
      {"get", "vector"},
      {"get", "blob"},
      {"verify"},
      {"repair"},
      {"rebuild"},
      {"sweep"},
      {"map", "nodes"},
      {"map", "edges"},
      {"index", "text"},
      {"bench"},
      {"collection", "create"},
      {"vectors", "move"},
      {"version"},
  };
  const auto overview = bare({"help"});
  EXPECT_EQ(overview.exit_code, 0);
  for (auto words : commands) {
    EXPECT_NE(overview.out.find("\n  " + words.front()), std::string::npos) << words.front();
    words.insert(words.begin(), "help");
    const auto help = bare(words);
    EXPECT_EQ(help.exit_code, 0) << help;
    EXPECT_NE(help.out.find("Example:\n  "), std::string::npos) << words.back() << "\n" << help;
    EXPECT_NE(help.out.find("--hive --org --json"), std::string::npos) << words.back() << "\n" << help;
  }
  EXPECT_NE(bare({"help", "exit-codes"}).out.find("4    conflict"), std::string::npos);
  EXPECT_EQ(bare({"load", "rows", "--help"}).out, bare({"help", "load", "rows"}).out);
}

TEST_F(CliUsage, VersionNeedsNoHive) {
  EXPECT_FALSE(bare({"version", "--json"}).document().at("version").get<std::string>().empty());
  EXPECT_EQ(bare({"version"}).exit_code, 0);
}

TEST_F(CliUsage, BenchBecomesTheProgramBesideItAndSaysWhenThereIsNone) {
  std::filesystem::create_directories(path("bin"));
  std::filesystem::create_directory_symlink(std::filesystem::path(TRIUNE_BINARY).parent_path().parent_path() / "lib",
                                            path("lib"));
  const auto copy = path("bin") / "triune";
  std::error_code other_file_system;
  std::filesystem::create_hard_link(TRIUNE_BINARY, copy, other_file_system);
  if (other_file_system) std::filesystem::copy_file(TRIUNE_BINARY, copy);
  const auto run = [&] { return finish(start_program(copy.string(), {"bench", "--rows", "graph", "--json"})); };
  const auto none = run();
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_NE(none.err.find("./dev bench"), std::string::npos) << none;
  const auto program = file("bin/triune_bench", "#!/bin/sh\necho \"$@\"\nexit 7\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto there = run();
  EXPECT_EQ(there.exit_code, 7) << there;
  EXPECT_EQ(there.out, "--rows graph --json\n");
}

TEST_F(CliUsage, MissingHiveIsNotFoundAndNotMade) {
  for (const auto& command : {"status", "verify"}) {
    const auto outcome = triune({command, "--json"});
    EXPECT_EQ(outcome.exit_code, 3) << outcome;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.error().at("code"), "not_found");
    EXPECT_NE(outcome.err.find("triune init"), std::string::npos) << outcome;
  }
  EXPECT_EQ(commit({R"({"op":"put_node","label":"A","id":"1"})"}).exit_code, 3);
  EXPECT_FALSE(hive_exists());
}

TEST_F(CliUsage, CommonOptionsStandBeforeAndAfterTheCommand) {
  make_hive();
  const auto before = bare({"--json", "--hive", hive(), "sql", "SELECT 1 AS one"});
  const auto after = bare({"sql", "SELECT 1 AS one", "--hive", hive(), "--json"});
  EXPECT_EQ(before.out, "{\"one\":1}\n") << before;
  EXPECT_EQ(after.out, before.out) << after;
}

TEST_F(CliUsage, StatementMayBeginWithADashAndAWordMayBeACommand) {
  make_hive();
  EXPECT_EQ(bare({"--json", "--hive", hive(), "sql", "--", "-- first\nSELECT 2 AS two"}).out, "{\"two\":2}\n");
  static_cast<void>(succeed({"sql", in_dialect("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT) STRICT")}));
  static_cast<void>(succeed({"index", "text", "bodies", "--table", "t", "--columns", "body"}));
  EXPECT_EQ(succeed({"text", "status"}).document().at("hits"), Json::array());
}

TEST_F(CliUsage, EnvironmentNamesTheHive) {
  make_hive();
  const auto process = ::fork();
  if (process == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
    ::setenv("TRIUNE_HIVE", hive().c_str(), 1);
    ::execl(TRIUNE_BINARY, TRIUNE_BINARY, "status", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(CliUsage, SecondOpenerIsUnavailableAndNamesTheOwner) {
  if (on_postgres()) GTEST_SKIP() << "only a directory has one owner";
  make_hive();
  auto owner = Hive::open(hive(), {.project_in_background = false});
  ASSERT_TRUE(owner.has_value()) << owner.error().message;
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"status"}, {"sql", "SELECT 1"}, {"init"}}) {
    auto json = arguments;
    json.push_back("--json");
    const auto outcome = triune(json);
    EXPECT_EQ(outcome.exit_code, 5) << outcome;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.error().at("code"), "unavailable");
    EXPECT_NE(outcome.err.find(std::to_string(::getpid())), std::string::npos) << outcome;
  }
  ASSERT_TRUE((*owner)->close().has_value());
  EXPECT_EQ(triune({"status"}).exit_code, 0);
}

TEST_F(CliUsage, ProcessesShareAServersHive) {
  if (!on_postgres()) GTEST_SKIP() << "a directory has one owner";
  make_hive();
  auto beside = Hive::open(hive(), place().options());
  ASSERT_TRUE(beside.has_value()) << beside.error().message;
  ASSERT_EQ(commit({R"({"op":"put_node","label":"A","id":"1"})"}).exit_code, 0);
  EXPECT_TRUE((*beside)->get_node({"A", "1"}).has_value());
  const auto elsewhere = path("elsewhere").string();
  const auto read = triune({"cypher", "MATCH (a:A) RETURN a.id AS id", "--projections", elsewhere, "--json"});
  EXPECT_EQ(read.out, "{\"id\":\"1\"}\n") << read;
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(elsewhere) / "node-1")) << "its projections are there";
  EXPECT_EQ(succeed({"status"}).document().at("nodes"), 1);
}

TEST_F(CliUsage, BlobsOfAServersHiveGoIntoADirectoryThatIsShared) {
  if (!on_postgres()) GTEST_SKIP() << "a directory keeps its blobs in itself";
  const auto shared = path("shared").string();
  ASSERT_EQ(triune({"init", "--blobs", shared, "--environment", "production"}).exit_code, 0);
  ASSERT_EQ(commit({R"({"op":"put_blob","owner":"o","name":"n","text":"x"})"}, {"--blobs", shared}).exit_code, 0);
  EXPECT_EQ(triune({"get", "blob", "o", "n", "--blobs", shared}).out, "x");
  EXPECT_FALSE(std::filesystem::is_empty(shared));
}

TEST_F(CliUsage, APasswordIsNeverPrinted) {
  std::vector<std::string> places{"postgresql://ada:s3cret@127.0.0.1:1/none", "postgresql://ada:s3cret@/none?port=x",
                                  "postgresql://ada:s3cret@127.0.0.1:port/none", "mysql://ada:s3cret@server/none"};
  if (on_postgres()) {
    make_hive();
    auto known = hive();
    places.push_back(known.insert(known.find('@'), ":s3cret"));
    places.push_back(hive() + "_absent?password=s3cret");
  }
  for (const auto& at : places)
    for (const auto& command :
         std::vector<std::vector<std::string>>{{"status"}, {"init"}, {"init", at}, {"status", at}, {at}})
      for (const bool json : {false, true}) {
        auto arguments = command;
        arguments.insert(arguments.end(), {"--hive", at});
        if (json) arguments.emplace_back("--json");
        const auto outcome = bare(arguments);
        EXPECT_EQ((outcome.out + outcome.err).find("s3cret"), std::string::npos) << outcome;
        EXPECT_FALSE((outcome.out + outcome.err).empty());
      }
  const auto unreachable = bare({"--hive", places[0], "status", "--json"});
  EXPECT_EQ(unreachable.exit_code, 5) << unreachable;
  EXPECT_EQ(unreachable.error().at("code"), "unavailable");
  if (!on_postgres()) return;
  const auto status = bare({"--hive", places[4], "status", "--json"});
  ASSERT_EQ(status.exit_code, 0) << status;
  EXPECT_EQ(status.document().at("location"), "postgresql://" + hive().substr(hive().find('@') + 1));
}

/// Exit code of a query whose answer goes to `descriptor`.
int exit_code_writing_to(int descriptor, const std::string& hive) {
  const auto process = ::fork();
  if (process == 0) {
    ::dup2(descriptor, STDOUT_FILENO);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDERR_FILENO);
    ::execl(TRIUNE_BINARY, TRIUNE_BINARY, "--hive", hive.c_str(), "sql",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) SELECT i FROM n", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(CliUsage, ReaderThatHadEnoughIsNoFailureAndAFullDiskIs) {
  make_hive();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  EXPECT_EQ(exit_code_writing_to(ends[1], hive()), 0);
  ::close(ends[1]);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  EXPECT_EQ(exit_code_writing_to(full, hive()), 1);
  ::close(full);
}

TEST_F(CliUsage, TheBinaryRunsWhereverTheTreeIsMoved) {
  const auto built = std::filesystem::path(TRIUNE_BINARY).parent_path().parent_path();
  std::filesystem::create_directories(path("moved/bin"));
  std::filesystem::copy_file(TRIUNE_BINARY, path("moved/bin/triune"));
  std::filesystem::copy(built / "lib", path("moved/lib"));
  const auto outcome = finish(start_program(path("moved/bin/triune").string(), {"--version"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome;
  const auto dynamic = finish(start_program("/usr/bin/readelf", {"-d", TRIUNE_BINARY}));
  EXPECT_NE(dynamic.out.find("[$ORIGIN/../lib]"), std::string::npos) << dynamic;
}

TEST_F(CliUsage, StrangeInputIsAnsweredInWords) {
  make_hive();
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    std::string words;
  };
  const auto folder = path("folder").string();
  std::filesystem::create_directory(folder);
  const auto text = file("text", "x");
  const auto huge = file("huge.csv", std::string(1'000'000, 'a') + "\n");
  for (const auto& [arguments, exit_code, words] : std::vector<Case>{
           {{"commit", folder}, 1, "is a folder"},
           {{"load", "rows", folder, "--table", "t"}, 1, "is a folder"},
           {{"load", "rows", text, "--table", "sqlite_t"}, 1, "belong to SQLite"},
           {{"load", "nodes", huge, "--label", "A"}, 1, "has no column id, only aaaa"},
           {{"get", "row", "absent", "id=1"}, 3, "there is no table absent"},
           {{"text", "word"}, 3, "there is no text index;"},
           {{"init", text}, 1, "is a file; a hive is a directory"},
           {{"--deadline", "0", "status"}, 2, "'0' is not a number of seconds"},
           {{"sql", "BEGIN"}, 1, "BEGIN"},
           {{"init", "mysql://server/hive"}, 1, "not at mysql://"},
           {{"--environment", "test", "status"}, 2, "environment"},
           {{"sql", "DROP TABLE triune_nodes"}, 1, "Triune's own"},
           {{"import", "claude", text}, 3, "nothing that Claude Code writes"},
       }) {
    const auto outcome = triune(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << words << "\n" << outcome;
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome;
    EXPECT_LT(outcome.err.size(), 500U) << words;
    EXPECT_EQ(outcome.out, "");
  }
}

}  // namespace
}  // namespace triune::testing
