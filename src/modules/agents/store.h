// What the parts of this module share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"

namespace triune::modules::agents {

inline constexpr std::size_t most_rows = 10'000;
/// Of the text of a context, and of the JSON of a snapshot.
inline constexpr std::size_t most_content_bytes = 16U << 20U;

inline Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

inline std::int64_t limited(std::size_t limit) {
  return static_cast<std::int64_t>(limit < most_rows ? limit : most_rows);
}

/// A part of the module within one session.
class Part {
 public:
  Part(contract::RelationalSession& session, std::int64_t organization_id)
      : session_(session), organization_id_(organization_id) {}

 protected:
  /// `not_found` when there is no such agent.
  Status expect_agent(std::string_view id) const;
  Result<RowSet> rows(std::string_view sql, std::span<const Value> parameters) const {
    return session_.query(sql, parameters, most_rows);
  }
  [[nodiscard]] Value organization() const { return organization_id_; }

  contract::RelationalSession& session_;
  std::int64_t organization_id_;
};

}  // namespace triune::modules::agents
