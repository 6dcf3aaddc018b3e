#include "adapters/kuzu/analysis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "adapters/kuzu/kuzu_error.h"
#include "adapters/kuzu/names.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::GraphAnalysis;
using contract::KnownSchema;
using contract::NodeScore;

template <class Map>
Result<std::set<std::string>> chosen(const std::vector<std::string>& wanted, const Map& known, std::string_view what) {
  std::set<std::string> names;
  for (const auto& name : wanted) {
    if (!known.contains(name))
      return kuzu_failure(ErrorCode::invalid_argument, fmt::format("there is no {} '{}' to analyse", what, name));
    names.insert(name);
  }
  if (wanted.empty())
    for (const auto& [name, entry] : known) names.insert(name);
  return names;
}

std::string name_list(const std::set<std::string>& names) {
  std::vector<std::string> quoted;
  for (const auto& name : names) quoted.push_back(in_quotes(name));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

// A projected graph belongs to a connection and is made and dropped by statements that Kuzu counts as writing.
class Projection {
 public:
  static constexpr std::string_view name = "triune_analysis";

  Projection(Session& session, Sessions& sessions) : session_(session), sessions_(sessions) {}
  Projection(const Projection&) = delete;
  Projection& operator=(const Projection&) = delete;
  ~Projection() {
    if (!made_) return;
    session_.set_deadline(Deadline::never());
    const auto turn = sessions_.write_turn(Deadline::never());
    [[maybe_unused]] const auto dropped = session_.execute(fmt::format("CALL DROP_PROJECTED_GRAPH('{}')", name));
  }

  Status make(const std::set<std::string>& labels, const std::set<std::string>& types, Deadline deadline) {
    TRIUNE_ASSIGN(const auto turn, sessions_.write_turn(deadline));
    TRIUNE_TRY(
        session_.execute(fmt::format("CALL PROJECT_GRAPH('{}', {}, {})", name, name_list(labels), name_list(types))));
    made_ = true;
    return {};
  }

 private:
  Session& session_;
  Sessions& sessions_;
  bool made_ = false;
};

std::string statement(GraphAnalysis::Kind kind) {
  const auto call = [](std::string_view function, std::string_view column) {
    return fmt::format("CALL {}('{}') RETURN label(node), node.`id`, {}", function, Projection::name, column);
  };
  switch (kind) {
    case GraphAnalysis::Kind::page_rank: return call("page_rank", "rank");
    case GraphAnalysis::Kind::components: return call("weakly_connected_components", "group_id");
    case GraphAnalysis::Kind::communities: return call("louvain", "louvain_id");
  }
  return {};
}

double number(const Value& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
}

}  // namespace

Result<std::vector<NodeScore>> analyze(Sessions& sessions, const KnownSchema& known, const GraphAnalysis& analysis,
                                       Deadline deadline) {
  TRIUNE_ASSIGN(const auto labels, chosen(analysis.labels, known.labels, "label"));
  TRIUNE_ASSIGN(const auto types, chosen(analysis.types, known.types, "edge type"));
  std::vector<NodeScore> scores;
  if (labels.empty()) return scores;
  TRIUNE_ASSIGN(const auto session, sessions.read(deadline));
  Projection projection(*session, sessions);
  TRIUNE_TRY(projection.make(labels, types, deadline));
  TRIUNE_TRY(session->visit(statement(analysis.kind), {}, [&](std::span<const Value> row) -> Status {
    scores.push_back({{std::get<std::string>(row[0]), std::get<std::string>(row[1])}, number(row[2])});
    return {};
  }));
  return scores;
}

}  // namespace triune::adapters::kuzu
