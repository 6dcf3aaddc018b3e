// triune_bench: measures ours, the raw engine or peer, and their ratio in one run. The table goes to stderr while it
// grows, one JSON document to stdout at the end.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "model/json.h"
#include "scenarios.h"

namespace triune::bench {

std::span<const Scenario> scenarios() {
  static constexpr auto all = std::to_array<Scenario>({
      {"commit", "one row, three edges and a vector, durable, 16 producers", bench_commit},
      {"lag", "projection lag and read-your-writes at 1,000 commits/s", bench_lag},
      {"graph", "1 to 3 hops, shortest path, path count on 2.4M edges", bench_graph},
      {"graph_scale", "load and query 1M nodes and 5M edges, with 200k vectors", bench_graph_scale},
      {"vector", "the nearest 10 of 100k vectors", bench_vector},
      {"vector_scale", "a million vectors in bounded memory", bench_vector_scale},
      {"filtered_vector", "the same under predicates of four selectivities", bench_filtered_vector},
      {"vector_glove", "our vector engines and the raw ones on 341k words × 100", bench_vector_glove},
      {"vector_mnist", "the same on 60k pictures × 784", bench_vector_mnist},
      {"vector_clusters", "the same on 200k clustered vectors × 384 (--full: 1M)", bench_vector_clusters},
      {"lancedb_week", "a week of small writes to LanceDB", bench_lancedb_week},
      {"federated", "one statement over rows, graph and vectors against the join in an application", bench_federated},
      {"point_read", "rows and nodes by key among a million", bench_point_read},
      {"events", "events told in batches and singly, on both stores", bench_events},
      {"dashboard", "what dashboards ask of ten million events", bench_dashboard},
      {"queues", "16 workers that claim and complete", bench_queues},
      {"workflows", "steps of workflows through a queue", bench_workflows},
      {"tasks", "cycles, what is ready and agents' load among a million tasks", bench_tasks},
      {"audit", "what the audit log costs", bench_audit_log},
      {"agents", "messages between agents", bench_agents},
      {"recall", "100k memories by words and vector, filtered or not", bench_recall},
      {"queues_postgres", "the same on a PostgreSQL of its own", bench_queues_postgres},
      {"workflows_postgres", "the same on a PostgreSQL of its own", bench_workflows_postgres},
      {"tasks_postgres", "the same on a PostgreSQL of its own", bench_tasks_postgres},
      {"recall_postgres", "the same on a PostgreSQL of its own", bench_recall_postgres},
      {"access", "decisions and keys of 1,000 users and 50 roles, against one SQL statement", bench_access},
      {"open", "a large hive from a fresh process", bench_open},
      {"migration", "a SQLite database of a gigabyte into a hive", bench_migration},
      {"postgres_bulk", "bulk loads and imports on a PostgreSQL of its own", bench_postgres_bulk},
      {"postgres_lag", "projection lag of two nodes at 1,000 commits/s on a PostgreSQL of its own", bench_postgres_lag},
      {"postgres", "commits, batches, COPY, 1,000 callers and lag on a PostgreSQL of its own", bench_postgres},
  });
  return all;
}

std::span<const ChildTask> child_tasks() {
  static constexpr auto all = std::to_array<ChildTask>({{"load-graph", load_graph_child},
                                                        {"open-hive", open_hive_child},
                                                        {"migrate", migrate_child},
                                                        {"vector-scale", vector_scale_child}});
  return all;
}

namespace {

struct Arguments {
  Settings settings;
  std::vector<std::string> only;
  std::vector<std::string> child;  ///< Task and its arguments.
  bool help = false;
};

void print_help() {
  std::cerr << "triune_bench [--only NAME]… [--quick | --full] [--fresh]\n"
               "  --only NAME   this row only; may be given several times\n"
               "  --quick       small data, about two minutes; ratios only hint at those of the full sizes\n"
               "  --full        longer runs\n"
               "  --fresh       make prepared data anew\n"
               "The table is printed on stderr, one JSON document on stdout. Rows:\n";
  for (const auto& scenario : scenarios()) std::cerr << fmt::format("  {:<16} {}\n", scenario.name, scenario.what);
}

std::filesystem::path cache_folder() {
  if (const char* const cache = std::getenv("TRIUNE_CACHE")) return std::filesystem::path(cache) / "bench";
  const char* const home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "." : home) / ".cache" / "triune" / "bench";
}

bool is_scenario(const std::string& name) {
  const auto all = scenarios();
  return std::any_of(all.begin(), all.end(), [&](const Scenario& scenario) { return scenario.name == name; });
}

/// Nothing when the arguments are not understood; that was said then.
std::optional<Arguments> parse(std::vector<std::string> words) {
  Arguments arguments;
  arguments.settings.cache = cache_folder();
  arguments.settings.program = std::filesystem::read_symlink("/proc/self/exe");
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (*word == "--child") {
      arguments.child.assign(word + 1, words.end());
      return arguments;
    }
    if (*word == "--quick") {
      arguments.settings.size = Size::quick;
    } else if (*word == "--full") {
      arguments.settings.size = Size::full;
    } else if (*word == "--fresh") {
      arguments.settings.fresh = true;
    } else if (*word == "--help" || *word == "-h") {
      arguments.help = true;
    } else if (*word == "--only" && word + 1 != words.end() && is_scenario(word[1])) {
      arguments.only.push_back(*++word);
    } else {
      std::cerr << fmt::format("triune_bench: {} is not understood or lacks a row's name; see --help\n", *word);
      return std::nullopt;
    }
  }
  return arguments;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

Record machine() {
  utsname name{};
  ::uname(&name);
  double load = 0;
  ::getloadavg(&load, 1);
  return {{"processor", processor()},
          {"cores", static_cast<std::int64_t>(std::thread::hardware_concurrency())},
          {"kernel", fmt::format("{} {}", name.sysname, name.release)},
          {"load_at_start", load}};
}

Record to_record(const Row& row) {
  const auto optional = [](const auto& value) { return value ? Value(*value) : Value(Null{}); };
  Record record{{"name", row.name},           {"ours", row.ours},        {"peer", optional(row.peer)},
                {"peer_name", row.peer_name}, {"unit", row.unit},        {"ratio", optional(row.ratio())},
                {"goal", row.goal},           {"met", optional(row.met)}};
  record.insert(record.end(), row.details.begin(), row.details.end());
  return record;
}

std::string to_document(const Bench& bench, const Record& machine) {
  std::string rows;
  for (const auto& row : bench.rows()) rows += (rows.empty() ? "" : ",\n  ") + to_json(to_record(row));
  return fmt::format("{{\"machine\": {},\n \"size\": \"{}\",\n \"rows\": [\n  {}]}}\n", to_json(machine),
                     bench.size_name(), rows);
}

/// Runs one scenario; false when it broke.
bool run(Bench& bench, const Scenario& scenario) {
  bench.say(fmt::format("{}: {}", scenario.name, scenario.what));
  const Stopwatch watch;
  try {
    scenario.run(bench);
  } catch (const std::exception& error) {
    bench.say(fmt::format("  FAILED: {}", error.what()));
    auto row = measured(std::string(scenario.name), "", 0);
    row.met = false;
    bench.add(row.detail("error", std::string(error.what())));
    return false;
  }
  bench.say(fmt::format("  {:.0f} s", watch.seconds()));
  return true;
}

int run_child(const std::vector<std::string>& words) {
  for (const auto& task : child_tasks()) {
    if (words.empty() || task.name != words[0]) continue;
    std::cout << to_json(task.run(std::span(words).subspan(1))) << '\n';
    return 0;
  }
  return 2;
}

int run_all(const Arguments& arguments) {
  std::filesystem::create_directories(arguments.settings.cache);
  Bench bench(arguments.settings);
  const auto described = machine();
  bool sound = true;
  for (const auto& scenario : scenarios()) {
    const auto& only = arguments.only;
    if (!only.empty() && std::find(only.begin(), only.end(), scenario.name) == only.end()) continue;
    sound = run(bench, scenario) && sound;
  }
  std::cout << to_document(bench, described);
  return sound ? 0 : 1;
}

}  // namespace

/// 0: measured, whether or not the goals were met; 1: a row broke; 2: wrong usage.
int main_of(std::vector<std::string> words) {
  const auto arguments = parse(std::move(words));
  if (!arguments) return 2;
  if (arguments->help) {
    print_help();
    return 0;
  }
  return arguments->child.empty() ? run_all(*arguments) : run_child(arguments->child);
}

}  // namespace triune::bench

int main(int count, char** words) {
  try {
    return triune::bench::main_of({words + 1, words + count});
  } catch (const std::exception& error) {
    std::cerr << "triune_bench: " << error.what() << '\n';
    return 1;
  }
}
