#include "fault/failpoints.h"

namespace triune::testing {

std::ostream& operator<<(std::ostream& to, const Failpoint& failpoint) {
  return to << failpoint.name;
}

const std::vector<Failpoint>& failpoints() {
  using enum FailpointMode;
  static const std::vector<Failpoint> table{
      {"blob.written", commits, {1, 12}},
      {"blob.renamed", commits, {1, 12}},
      {"commit.blobs_staged", commits, {1, 12}},
      {"commit.applied", commits, {2, 60}},
      {"commit.durable", commits, {2, 60}},
      {"sqlite.before_commit", commits, {1, 5, 30}},
      {"sqlite.after_commit", commits, {1, 5, 30}},
      {"sqlite.checkpoint", commits, {1}},
      {"projection.before_apply", commits, {1, 9}},
      {"projection.rebuilt", commits, {1, 4}},
      {"projection.before_publish", commits, {2, 3}},
      {"projection.after_publish", commits, {2, 3}},
      {"kuzu.apply.before_commit", commits, {1, 6}},
      {"kuzu.apply.after_commit", commits, {1, 6}},
      {"kuzu.bulk_load.copied", rebuild, {1}},
      {"kuzu.checkpoint", rebuild, {1, 2}},
      {"usearch.bulk_load.loaded", rebuild, {1}},
      {"usearch.save.written", rebuild, {1}},
      {"usearch.save.renamed", rebuild, {1}},
      {"kuzu.bulk_load.copied", load, {1}},
      {"usearch.save.written", load, {1}},
      {"vector_move.recorded", move, {1, 2}},
      {"vector_move.built", move, {1, 2}},
      {"vector_move.verified", move, {1, 2}},
      {"vector_move.switched", move, {1, 2}},
      {"vector_move.in_use", move, {1, 2}},
      {"projection.before_publish", move, {3, 5}},
      {"load.before_log", load, {1, 2, 3}},
      {"migrate.lease_taken", open, {1}},
      {"migrate.before_record", open, {1}},
      {"migrate.applied", open, {1}},
  };
  return table;
}

std::string failpoint_setting(std::string_view name, int pass) {
  return std::string(name) + ":" + std::to_string(pass);
}

}  // namespace triune::testing
