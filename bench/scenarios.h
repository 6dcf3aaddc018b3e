// The rows of DESIGN.md's table, one file each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness.h"

namespace triune::bench {

struct Scenario {
  std::string_view name;
  std::string_view what;
  void (*run)(Bench& bench);
};

void bench_commit(Bench& bench);
void bench_lag(Bench& bench);
void bench_graph(Bench& bench);
void bench_graph_scale(Bench& bench);
void bench_vector(Bench& bench);
void bench_vector_scale(Bench& bench);
void bench_filtered_vector(Bench& bench);
void bench_vector_glove(Bench& bench);
void bench_vector_mnist(Bench& bench);
void bench_vector_clusters(Bench& bench);
void bench_lancedb_week(Bench& bench);
void bench_federated(Bench& bench);
void bench_point_read(Bench& bench);
void bench_access(Bench& bench);
void bench_open(Bench& bench);
void bench_migration(Bench& bench);
void bench_queues(Bench& bench);
void bench_queues_postgres(Bench& bench);
void bench_workflows(Bench& bench);
void bench_workflows_postgres(Bench& bench);
void bench_tasks(Bench& bench);
void bench_tasks_postgres(Bench& bench);
void bench_audit_log(Bench& bench);
void bench_recall(Bench& bench);
void bench_recall_postgres(Bench& bench);
void bench_dashboard(Bench& bench);
void bench_agents(Bench& bench);
void bench_events(Bench& bench);
void bench_postgres(Bench& bench);
void bench_postgres_lag(Bench& bench);
void bench_postgres_bulk(Bench& bench);

std::span<const Scenario> scenarios();

/// What a child process of a scenario does: prints one JSON object. Children are for what must be seen from a fresh
/// process, or in the memory of one that does nothing else.
struct ChildTask {
  std::string_view name;
  Record (*run)(std::span<const std::string> arguments);
};

Record load_graph_child(std::span<const std::string> arguments);
Record open_hive_child(std::span<const std::string> arguments);
Record vector_scale_child(std::span<const std::string> arguments);
Record migrate_child(std::span<const std::string> arguments);

std::span<const ChildTask> child_tasks();

/// Runs a task in a child process and returns what it printed; its stderr is ours.
Record in_child(const Settings& settings, std::string_view task, const std::vector<std::string>& arguments);

/// The number called `name` in what a child printed.
double number(const Record& record, std::string_view name);

/// A hive of the graph-scale row that is whole and closed, made when there is none.
std::filesystem::path large_hive(Bench& bench);

}  // namespace triune::bench
