// The dialects of SQL that canonical stores speak, and the few places where Triune's own statements differ.
//
// Statements outside the adapters are written in what both dialects have: `IS DISTINCT FROM`, `ON CONFLICT … DO
// UPDATE`, `?1` for values. What they lack in common is made here; definitions (triggers, indexes) are in `hive`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace triune::contract {

enum class Dialect : std::uint8_t { sqlite, postgres };

/// An item of FROM: the elements of the JSON array of integers bound as parameter `number`, as column `value`, in their
/// order as column `key` from 0.
std::string integer_set(Dialect dialect, int number);
/// The same of an array of texts.
std::string text_set(Dialect dialect, int number);
/// The same of an array of pairs of integers, `[[1,2],…]`, as columns `first` and `second`.
std::string pair_set(Dialect dialect, int number);
/// A join whose order the planner must keep where it would guess wrong: sets are small and come first.
std::string_view ordered_join(Dialect dialect);

/// One statement in each dialect, made once: `static const DialectText sql([](Dialect d) { return …; });`.
class DialectText {
 public:
  explicit DialectText(std::string (*make)(Dialect)) : texts_{make(Dialect::sqlite), make(Dialect::postgres)} {}
  [[nodiscard]] const std::string& in(Dialect dialect) const { return texts_.at(static_cast<std::size_t>(dialect)); }

 private:
  std::array<std::string, 2> texts_;
};

}  // namespace triune::contract
