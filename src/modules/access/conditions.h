// Conditions of permissions: what must hold of a request's context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::modules::access {

/// The context may not tell. An allowing permission counts when conditions hold, a denying one unless they fail.
enum class Judgement : std::uint8_t { holds, fails, unknown };

class Conditions {
 public:
  /// Error: `invalid_argument` that says which name has a condition of no known form.
  static Result<Conditions> parse(std::string_view json);

  /// `principal` stands for "$principal".
  [[nodiscard]] Judgement judge(const Record& context, std::string_view principal) const;

 private:
  struct Condition {
    std::string name;
    bool wanted = true;         ///< One of `values`, or none of them.
    std::vector<Value> values;  ///< Empty: a range.
    std::optional<double> least;
    std::optional<double> most;
  };

  template <class Element>
  static Status read_element(const Element& element, Condition& to);
  template <class Element>
  static Status read_range(const Element& object, Condition& to);
  [[nodiscard]] static Judgement judge(const Condition& condition, const Value& value, std::string_view principal);

  std::vector<Condition> conditions_;
};

}  // namespace triune::modules::access
