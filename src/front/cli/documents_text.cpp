#include <fmt/format.h>

#include <algorithm>

#include "front/cli/documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

Value cell(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(count), count == 1 ? one : many);
}

/// "graph behind at 40 of 42" for each projection that does not hold this commit, or is out of service. One that is
/// behind others' later commits holds it.
std::string lagging(const Receipt& receipt) {
  std::string text;
  for (const auto& projection : receipt.projections) {
    const bool works = projection.state == ProjectionState::current || projection.state == ProjectionState::behind;
    if (works && projection.watermark >= receipt.lsn) continue;
    if (!text.empty()) text += "; ";
    text += fmt::format("{} {} at {} of {}", projection.name, to_string(projection.state), projection.watermark,
                        receipt.lsn);
  }
  return text;
}

/// How the projections stand, and the token that asks for this position.
std::string standing(const Receipt& receipt) {
  std::string text;
  if (const auto behind = lagging(receipt); !behind.empty())
    text = "; " + inked(printable(behind), Ink::yellow);
  else if (!receipt.projections.empty())
    text = "; " + inked("projections current", Ink::green);
  return fmt::format("{}\ntoken {}\n", text, to_string(receipt.token()));
}

std::string projection_table(std::span<const ProjectionStatus> projections) {
  RowSet table{.columns = {"projection", "organization", "engine", "watermark", "state", "entities", "set aside"},
               .rows = {}};
  for (const auto& projection : projections)
    table.rows.push_back({projection.name, projection.organization,
                          projection.moving_to.empty()
                              ? projection.engine
                              : fmt::format("{} → {}", projection.engine, projection.moving_to),
                          cell(projection.watermark), std::string(to_string(projection.state)),
                          cell(projection.entities), cell(projection.set_aside)});
  return format_table(table, style_of_output(false));
}

std::string difference_table(const VerifyReport& report) {
  RowSet table{.columns = {"compared", "organization", "checked", "missing", "extra", "different"}, .rows = {}};
  for (const auto& found : report.projections)
    table.rows.push_back({found.projection, found.organization, cell(found.checked), cell(found.missing),
                          cell(found.extra), cell(found.different)});
  table.rows.push_back(
      {"blobs", "", cell(report.blobs_checked), cell(report.blobs_missing), cell(0), cell(report.blobs_corrupt)});
  return format_table(table, style_of_output(false));
}

std::string connections_text(const HiveStatus& status) {
  RowSet table{.columns = {"connections", "open", "in use", "waiting", "wait p99", "errors"}, .rows = {}};
  for (const auto& pool : status.pools)
    table.rows.push_back({pool.name, cell(pool.size), cell(pool.active), cell(pool.waiting),
                          fmt::format("{:.1f} ms", pool.wait_p99_ms), cell(pool.errors)});
  std::string text = "\n" + format_table(table, style_of_output(false));
  for (const auto& breaker : status.breakers)
    if (breaker.state != "closed")
      text += inked(fmt::format("breaker {} is {}: {}", breaker.name, breaker.state, printable(breaker.last_reason)),
                    Ink::red) +
              "\n";
  return status.note.empty() ? text : text + inked(printable(status.note), Ink::yellow) + "\n";
}

/// What only a hive on PostgreSQL has.
std::string cluster_text(const HiveStatus& status) {
  RowSet table{.columns = {"process", "host", "pid", "state", "seen", "watermark"}, .rows = {}};
  for (const auto& process : status.processes)
    table.rows.push_back({process.node_id + (process.self ? " (this)" : ""), process.host, process.process_id,
                          std::string(to_string(process.state)),
                          fmt::format("{} s ago", process.since_seen.count() / 1000),
                          process.watermark ? cell(*process.watermark) : Value()});
  std::string text = "\n" + format_table(table, style_of_output(false)) + connections_text(status);
  for (const auto& chore : status.chores)
    if (!chore.last_error.empty())
      text += inked(fmt::format("{}: {}", chore.name, printable(chore.last_error)), Ink::red) + "\n";
  if (status.log->alarm) return text + inked(printable(status.log->message), Ink::red) + "\n";
  if (status.log->unsettled_entries == 0) return text;
  return text + fmt::format("{} not settled\n", counted(status.log->unsettled_entries, "change", "changes"));
}

}  // namespace

std::string receipt_text(const Receipt& receipt) {
  const auto pending = receipt.pending_embeddings == 0
                           ? std::string()
                           : inked(fmt::format(", {} no vector yet: the embedder failed and is asked again",
                                               counted(receipt.pending_embeddings, "text is", "texts are")),
                                   Ink::yellow);
  return fmt::format("commit {}: {}{}{}{}", receipt.lsn, counted(receipt.changes, "change", "changes"),
                     receipt.replayed ? " (known already; nothing was done again)" : "", pending, standing(receipt));
}

std::string position_text(const Receipt& receipt) {
  return fmt::format("now at {}{}", receipt.lsn, standing(receipt));
}

std::string status_text(const HiveStatus& status) {
  std::string text = fmt::format("hive         {}\nincarnation  {}\nposition     {}\n", printable(status.location),
                                 status.incarnation, status.lsn);
  text += fmt::format("holds        {}, {}, {}, {}; database {}\n\n", counted(status.nodes, "node", "nodes"),
                      counted(status.edges, "edge", "edges"), counted(status.vectors, "vector", "vectors"),
                      counted(status.blobs, "blob", "blobs"), byte_size(status.database_bytes));
  text += projection_table(status.projections);
  for (const auto& projection : status.projections)
    if (!projection.error.empty())
      text += inked(fmt::format("{}: {}", projection.name, printable(projection.error)), Ink::red) + "\n";
  for (const auto& embedding : status.embeddings)
    if (embedding.pending > 0)
      text += inked(fmt::format("{}: {} no vector yet ({}): {}", embedding.collection,
                                counted(embedding.pending, "text is", "texts are"), embedding.embedder,
                                printable(embedding.last_error)),
                    Ink::red) +
              "\n";
  return status.log ? text + cluster_text(status) : text;
}

std::string verify_text(const VerifyReport& report) {
  std::string text = difference_table(report);
  for (const auto& found : report.projections)
    for (const auto& example : found.examples) text += fmt::format("  {}: {}\n", found.projection, printable(example));
  for (const auto& example : report.blob_examples) text += fmt::format("  blobs: {}\n", printable(example));
  text += report.ok ? inked(fmt::format("no differences at position {}", report.lsn), Ink::green)
                    : inked("there are differences", Ink::red);
  return text + "\n";
}

std::string route_text(const Route& route) {
  return fmt::format("{}{}: {}\n", route.engine, route.degraded ? " (degraded)" : "", printable(route.reason));
}

}  // namespace triune::front
