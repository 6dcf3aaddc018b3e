#include <fmt/format.h>

#include <unordered_map>

#include "base/hash.h"
#include "base/try.h"
#include "intake/tables/load_run.h"

namespace triune::intake {
namespace {

// Ends that were looked up; beyond this many they are looked up anew.
constexpr std::size_t remembered_nodes = 4'000'000;

// Whether nodes exist, asked once for each.
class NodeLookup {
 public:
  explicit NodeLookup(Hive& hive) : hive_(hive) {}

  Result<bool> exists(const NodeReference& node) {
    const auto key = base::hash64(node.id, base::hash64(node.label));
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    auto found = hive_.get_node(node);
    if (!found.has_value() && found.error().code != ErrorCode::not_found) return failure_of(found);
    if (known_.size() >= remembered_nodes) known_.clear();
    known_.emplace(key, found.has_value());
    return found.has_value();
  }

 private:
  Hive& hive_;
  std::unordered_map<std::uint64_t, bool> known_;
};

// Reads edges; with a lookup also sets those aside whose ends do not exist.
class EdgeSupply {
 public:
  EdgeSupply(LoadRun& run, const EdgeLoad& load, NodeLookup* lookup) : run_(run), load_(load), lookup_(lookup) {}

  Result<bool> operator()(PutEdge& edge) {
    for (;;) {
      TRIUNE_ASSIGN(const bool more, run_.next(record_));
      if (!more) return false;
      const auto read = take(edge);
      if (read.has_value()) {
        ++run_.report().rows;
        return true;
      }
      if (read.error().code != ErrorCode::invalid_argument) return std::unexpected(read.error());
      TRIUNE_TRY(run_.set_aside(read.error().message));
    }
  }

 private:
  Status take(PutEdge& edge) {
    TRIUNE_ASSIGN(edge.edge.from.id, take_id(record_, "from"));
    TRIUNE_ASSIGN(edge.edge.to.id, take_id(record_, "to"));
    TRIUNE_TRY(check_properties(record_));
    edge.edge.type = load_.type;
    edge.edge.from.label = load_.from_label;
    edge.edge.to.label = load_.to_label;
    for (const auto* const end : {&edge.edge.from, &edge.edge.to}) {
      if (lookup_ == nullptr) continue;
      TRIUNE_ASSIGN(const bool there, lookup_->exists(*end));
      if (!there)
        return failure(ErrorCode::invalid_argument,
                       fmt::format("the node {} {} does not exist; load the nodes first", end->label, end->id));
    }
    edge.properties = std::move(record_);
    record_.clear();
    return {};
  }

  LoadRun& run_;
  const EdgeLoad& load_;
  NodeLookup* lookup_;
  Record record_;
};

Result<LoadReport> finished(LoadRun& run, Receipt receipt) {
  run.show_progress();
  run.report().changed = receipt.changes;
  run.report().receipt = std::move(receipt);
  return run.report();
}

}  // namespace

Result<LoadReport> load_nodes(Hive& hive, TableReader& reader, std::string_view label, const LoadOptions& options,
                              const Progress& progress) {
  LoadRun run(reader, options, progress);
  TRIUNE_TRY(run.need({"id"}));
  Record record;
  const auto take = [&](PutNode& node) -> Status {
    TRIUNE_ASSIGN(node.node.id, take_id(record, "id"));
    TRIUNE_TRY(check_properties(record));
    node.node.label = label;
    node.properties = std::move(record);
    record.clear();
    return {};
  };
  const auto supply = [&](PutNode& node) -> Result<bool> {
    for (;;) {
      TRIUNE_ASSIGN(const bool more, run.next(record));
      if (!more) return false;
      const auto taken = take(node);
      if (taken.has_value()) break;
      TRIUNE_TRY(run.set_aside(taken.error().message));
    }
    ++run.report().rows;
    return true;
  };
  auto receipt = hive.load_nodes(label, supply);
  if (!receipt.has_value()) return failure_of(receipt);
  return finished(run, std::move(*receipt));
}

Result<LoadReport> load_edges(Hive& hive, TableReader& reader, const EdgeLoad& load, const Progress& progress) {
  LoadRun run(reader, load.options, progress);
  TRIUNE_TRY(run.need({"from", "to"}));
  auto receipt = hive.load_edges(load.type, load.from_label, load.to_label, EdgeSupply(run, load, nullptr));
  if (receipt.has_value()) return finished(run, std::move(*receipt));
  // The bulk load ends at the first edge without its nodes. Most files have none such; for those that have, everything
  // is read again and looked up.
  if (receipt.error().code != ErrorCode::not_found) return failure_of(receipt);
  if (load.options.strict) {
    receipt.error().code = ErrorCode::invalid_argument;
    receipt.error().message = run.at_row(without_number(receipt.error().message));
    return failure_of(receipt);
  }
  if (auto restarted = run.restart(); !restarted.has_value()) return failure_of(receipt);
  NodeLookup lookup(hive);
  receipt = hive.load_edges(load.type, load.from_label, load.to_label, EdgeSupply(run, load, &lookup));
  if (!receipt.has_value()) return failure_of(receipt);
  return finished(run, std::move(*receipt));
}

}  // namespace triune::intake
