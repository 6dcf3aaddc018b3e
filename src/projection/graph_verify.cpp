// GraphProjection::verify: comparison both ways and repair of just what differs (I3, I4).
#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/try.h"
#include "projection/digest.h"
#include "projection/graph_projection.h"

namespace triune::projection {

using contract::GraphBatch;

namespace {

constexpr std::size_t example_limit = 20;
constexpr std::size_t repair_batch = 1000;

EntityDigest digest(const PutNode& node) {
  return {base::hash64(describe(node.node)), base::hash64(to_json(node.properties))};
}

EntityDigest digest(const PutEdge& edge) {
  return {base::hash64(describe(edge.edge)), base::hash64(to_json(edge.properties))};
}

/// A record as `typed_properties` makes them: sorted, no NULLs.
Record normalized(Record record) {
  std::erase_if(record, [](const Field& field) { return is_null(field.value); });
  std::sort(record.begin(), record.end(), [](const Field& a, const Field& b) { return a.name < b.name; });
  return record;
}

/// Runs over every entity of one side, whatever its kind.
using Walk = std::function<Status(const contract::GraphVisitor&)>;

/// `passed_over` receives the (hashed) entities that no engine can hold.
Walk walk_canonical(contract::RelationalSession& session, const CatalogSnapshot& catalog,
                    const Environment& environment, const contract::GraphSchema& schema, std::uint64_t max_text_bytes,
                    const Progress& progress, std::set<std::uint64_t>& passed_over) {
  return [&, schema, max_text_bytes](const contract::GraphVisitor& visitor) -> Status {
    CanonicalGraph graph(session, catalog, environment.organization_id, max_text_bytes, progress);
    for (const auto& label : schema.labels) TRIUNE_TRY(graph.visit_nodes(label.name, visitor.node));
    for (const auto& type : schema.types) TRIUNE_TRY(graph.visit_edges(type.name, visitor.edge));
    for (const auto& refused : graph.refused()) passed_over.insert(base::hash64(refused.entity));
    return {};
  };
}

Walk walk_engine(contract::GraphStore& store, const contract::GraphSchema& schema) {
  return [&store, schema](const contract::GraphVisitor& visitor) -> Status {
    return store.scan(schema,
                      {[&](const PutNode& node) { return visitor.node({node.node, normalized(node.properties)}); },
                       [&](const PutEdge& edge) { return visitor.edge({edge.edge, normalized(edge.properties)}); }});
  };
}

DigestScan digests(const Walk& walk) {
  return [walk](const std::function<void(const EntityDigest&)>& receive) -> Status {
    return walk({[&](const PutNode& node) -> Status {
                   receive(digest(node));
                   return {};
                 },
                 [&](const PutEdge& edge) -> Status {
                   receive(digest(edge));
                   return {};
                 }});
  };
}

/// Names of the first few entities of one side whose key is in `keys`.
Status add_examples(const Walk& walk, std::string_view what, const std::set<std::uint64_t>& keys, Differences& to) {
  if (keys.empty()) return {};
  const auto note = [&](const std::string& name) -> Status {
    if (to.examples.size() < example_limit && keys.contains(base::hash64(name)))
      to.examples.push_back(std::string(what) + " " + name);
    return {};
  };
  return walk({[&](const PutNode& node) { return note(describe(node.node)); },
               [&](const PutEdge& edge) { return note(describe(edge.edge)); }});
}

std::set<std::uint64_t> united(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::set<std::uint64_t> all(a.begin(), a.end());
  all.insert(b.begin(), b.end());
  return all;
}

}  // namespace

Result<Differences> GraphProjection::verify(contract::RelationalSession& canonical, bool repair,
                                            const Progress& progress) {
  TRIUNE_TRY(apply_unsettled(canonical));
  const auto catalog = environment_.catalog->snapshot();
  TRIUNE_TRY(ensure_schema());
  const auto schema = catalog->graph_schema(environment_.organization_id);
  std::set<std::uint64_t> passed_over;
  const Walk canonical_side =
      walk_canonical(canonical, *catalog, environment_, schema, max_text_bytes(), progress, passed_over);
  const Walk engine_side = walk_engine(*store_, schema);
  TRIUNE_ASSIGN(DigestDifferences found, compare(digests(canonical_side), digests(engine_side)));
  if (!repair) {  // what was set aside is reported as such and not again as missing; a repair tries it once more
    TRIUNE_ASSIGN(const auto set_aside, set_aside_.entities(canonical));
    std::set<std::uint64_t> known = passed_over;
    for (const auto& entity : set_aside) known.insert(base::hash64(entity));
    std::erase_if(found.missing, [&](std::uint64_t key) { return known.contains(key); });
    std::erase_if(found.different, [&](std::uint64_t key) { return known.contains(key); });
    std::erase_if(found.extra, [&](std::uint64_t key) { return known.contains(key); });  // keeps its last good state
  }
  Differences differences{.projection = name(), .organization = environment_.organization};
  differences.checked = found.checked;
  differences.missing = found.missing.size();
  differences.extra = found.extra.size();
  differences.different = found.different.size();
  if (found.empty()) return differences;
  const std::set<std::uint64_t> missing(found.missing.begin(), found.missing.end());
  const std::set<std::uint64_t> extra(found.extra.begin(), found.extra.end());
  const std::set<std::uint64_t> different(found.different.begin(), found.different.end());
  TRIUNE_TRY(add_examples(canonical_side, "missing", missing, differences));
  TRIUNE_TRY(add_examples(canonical_side, "different", different, differences));
  TRIUNE_TRY(add_examples(engine_side, "extra", extra, differences));
  if (!repair) return differences;
  const auto amount = missing.size() + extra.size() + different.size();
  if (amount * 4 > found.checked && amount > repair_batch)
    TRIUNE_TRY(rebuild(progress, Deadline::never()));
  else
    TRIUNE_TRY(repair_differences(canonical, united(found.missing, found.different), extra));
  return differences;
}

Status GraphProjection::apply_unsettled(contract::RelationalSession& canonical) {
  TRIUNE_ASSIGN(const auto entries, read_unsettled(canonical, environment_.organization_id));
  if (entries.empty()) return {};
  // A second session beside the caller's is not waited for long.
  TRIUNE_TRY(environment_.catalog->reload(*environment_.canonical, Deadline::after(std::chrono::seconds(5))));
  const auto catalog = environment_.catalog->snapshot();
  for (const auto& entry : entries)
    if (entry.operation == Operation::load && catalog->is_graph(entry.collection_id)) return still_settling("graph");
  std::vector<Refused> refused;
  TRIUNE_ASSIGN(GraphBatch batch, build(canonical, entries, refused));
  TRIUNE_TRY(ensure_schema());
  TRIUNE_TRY(apply_or_set_aside(std::move(batch), refused));
  return set_aside_.add(refused);
}

Status GraphProjection::repair_differences(contract::RelationalSession& canonical,
                                           const std::set<std::uint64_t>& wanted,
                                           const std::set<std::uint64_t>& unwanted) {
  const auto catalog = environment_.catalog->snapshot();
  const auto schema = catalog->graph_schema(environment_.organization_id);
  contract::GraphBatch deletes;
  contract::GraphBatch nodes;
  contract::GraphBatch edges;
  // What is extra goes first: an extra node may hold the place of nothing, but its edges must not survive it.
  TRIUNE_TRY(walk_engine(*store_, schema)({[&](const PutNode& node) -> Status {
                                             if (unwanted.contains(digest(node).key))
                                               deletes.delete_nodes.push_back(node.node);
                                             return {};
                                           },
                                           [&](const PutEdge& edge) -> Status {
                                             if (unwanted.contains(digest(edge).key))
                                               deletes.delete_edges.push_back(edge.edge);
                                             return {};
                                           }}));
  std::vector<Refused> refused;
  const Progress no_progress;
  std::set<std::uint64_t> passed_over;
  TRIUNE_TRY(apply_or_set_aside(std::move(deletes), refused));
  const auto flush = [&](contract::GraphBatch& batch) -> Status {
    return apply_or_set_aside(std::exchange(batch, {}), refused);
  };
  TRIUNE_TRY(walk_canonical(canonical, *catalog, environment_, schema, max_text_bytes(), no_progress,
                            passed_over)({[&](const PutNode& node) -> Status {
                                            if (wanted.contains(digest(node).key)) nodes.put_nodes.push_back(node);
                                            return nodes.put_nodes.size() < repair_batch ? Status() : flush(nodes);
                                          },
                                          [&](const PutEdge& edge) -> Status {
                                            TRIUNE_TRY(flush(nodes));
                                            if (wanted.contains(digest(edge).key)) edges.put_edges.push_back(edge);
                                            return edges.put_edges.size() < repair_batch ? Status() : flush(edges);
                                          }}));
  TRIUNE_TRY(flush(nodes));
  TRIUNE_TRY(flush(edges));
  TRIUNE_TRY(set_aside_.clear());
  return set_aside_.add(refused);
}

}  // namespace triune::projection
