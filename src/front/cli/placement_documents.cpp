#include "front/cli/placement_documents.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

constexpr std::size_t routes_shown = 20;

std::string moment(std::int64_t milliseconds) {
  const std::chrono::system_clock::time_point at{std::chrono::milliseconds(milliseconds)};
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(at)));
}

Value cell(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

std::string latency(double microseconds) {
  if (microseconds <= 0) return "";
  return microseconds < 1000 ? fmt::format("{:.3g} µs", microseconds) : fmt::format("{:.3g} ms", microseconds / 1000);
}

void write_texts(JsonWriter& to, std::string_view name, std::span<const std::string> texts) {
  to.key(name).begin_array();
  for (const auto& text : texts) to.value(text);
  to.end_array();
}

std::string record_text(const Record& record) {
  std::string text;
  for (const auto& field : record) {
    const auto* const real = std::get_if<double>(&field.value);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", field.name,
                        real == nullptr ? printable(to_text(field.value)) : fmt::format("{:.3g}", *real));
  }
  return text;
}

std::string routes_text(std::span<const RouteFigures> routes, bool wide) {
  RowSet table{.columns = {"query", "engine", "calls", "tried", "degraded", "p50", "p95"}, .rows = {}};
  for (const auto& route : routes.first(std::min(routes.size(), routes_shown)))
    table.rows.push_back({route.shape, route.engine, cell(route.calls), cell(route.explorations), cell(route.degraded),
                          latency(route.p50_us), latency(route.p95_us)});
  return format_table(table, style_of_output(wide));
}

}  // namespace

void write_placement(JsonWriter& to, const Placement& placement) {
  to.begin_object()
      .member("kind", placement.kind)
      .member("name", placement.name)
      .member("revision", placement.revision)
      .member("decided_at_ms", placement.decided_at_ms)
      .member("cause", placement.cause)
      .member("decided_by", placement.decided_by);
  write_texts(to, "engines", placement.engines);
  to.member("primary", placement.primary).member("confidence", placement.confidence);
  write_texts(to, "reasons", placement.reasons);
  to.member("parameters", placement.parameters).member("figures", placement.figures).end_object();
}

void write_routes(JsonWriter& to, std::span<const RouteFigures> routes) {
  to.begin_array();
  for (const auto& route : routes)
    to.begin_object()
        .member("shape", route.shape)
        .member("engine", route.engine)
        .member("calls", route.calls)
        .member("explorations", route.explorations)
        .member("degraded", route.degraded)
        .member("p50_us", route.p50_us)
        .member("p95_us", route.p95_us)
        .end_object();
  to.end_array();
}

void write_route_counts(JsonWriter& to, const RouteCounts& counts) {
  to.begin_object()
      .member("calls", counts.calls)
      .member("explorations", counts.explorations)
      .member("degraded", counts.degraded)
      .member("learned", counts.learned)
      .member("moves", counts.moves)
      .member("shapes", counts.shapes)
      .member("trouble", counts.trouble)
      .end_object();
}

void write_storage(JsonWriter& to, const OptimalStorage& storage) {
  to.begin_object().member("name", storage.name).member("created", storage.created);
  write_texts(to, "made", storage.made);
  write_texts(to, "how_to", storage.how_to);
  to.key("placement");
  write_placement(to, storage.placement);
  to.end_object();
}

std::string storage_text(const OptimalStorage& storage) {
  std::string text =
      fmt::format("store {} {}\n", storage.name, storage.created ? "is made" : "was there already, just so");
  for (const auto& part : storage.made) text += fmt::format("  {}\n", printable(part));
  text += "\nuse it with\n";
  for (const auto& way : storage.how_to) text += fmt::format("  {}\n", printable(way));
  text += "\nwhy\n";
  for (const auto& reason : storage.placement.reasons) text += fmt::format("  - {}\n", printable(reason));
  return text;
}

std::string placement_text(const Placement& placement) {
  std::string text = fmt::format("{} {}: {}; typical queries ask the {} engine (confidence {:.2f})\n", placement.kind,
                                 printable(placement.name), fmt::join(placement.engines, " and "), placement.primary,
                                 placement.confidence);
  for (const auto& reason : placement.reasons) text += fmt::format("  - {}\n", printable(reason));
  if (!placement.parameters.empty()) text += fmt::format("  with     {}\n", record_text(placement.parameters));
  if (!placement.figures.empty()) text += fmt::format("  figures  {}\n", record_text(placement.figures));
  return text;
}

std::string placements_text(const PlacementList& list, bool wide) {
  RowSet table{.columns = {"kind", "name", "engines", "asked first", "confidence", "decided", "by", "revision"},
               .rows = {}};
  for (const auto& one : list.placements)
    table.rows.push_back({one.kind, one.name, fmt::format("{}", fmt::join(one.engines, "+")), one.primary,
                          fmt::format("{:.2f}", one.confidence), moment(one.decided_at_ms), one.cause,
                          cell(one.revision)});
  std::string text = format_table(table, style_of_output(wide));
  text += fmt::format("{} decisions; {} routes, {} of them tried to learn, {} learned, {} degraded; {} moves\n",
                      list.decisions, grouped(list.totals.calls), list.totals.explorations,
                      grouped(list.totals.learned), list.totals.degraded, list.totals.moves);
  if (!list.routes.empty()) text += "\n" + routes_text(list.routes, wide);
  if (!list.totals.trouble.empty()) text += inked(printable(list.totals.trouble), Ink::yellow) + "\n";
  return text;
}

std::string explanation_text(const PlacementExplanation& explanation, bool wide) {
  std::string text = placement_text(explanation.current) + "\nhistory\n";
  for (const auto& one : explanation.history)
    text += fmt::format("  {} {}: {}, asked first {} (by {} of {})\n", one.revision, moment(one.decided_at_ms),
                        fmt::join(one.engines, "+"), one.primary, one.cause, printable(one.decided_by));
  if (!explanation.routes.empty()) text += "\n" + routes_text(explanation.routes, wide);
  return text;
}

}  // namespace triune::front
