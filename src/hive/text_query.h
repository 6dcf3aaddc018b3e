// What a person types into a text search, in the languages of the engines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triune/value.h"

namespace triune::hive {

/// Words and "phrases" that must all occur; `OR` and `NOT` are operators where they stand between two terms; a star
/// behind a word looks for what begins so. Every text is a query: what is no operator is a term.
class TextQuery {
 public:
  explicit TextQuery(std::string_view text);

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  /// As an FTS5 expression that always parses.
  [[nodiscard]] std::string fts5() const;
  /// As a SQL expression of type tsquery; the terms are bound behind `parameters`.
  [[nodiscard]] std::string tsquery(std::vector<Value>& parameters) const;

 private:
  enum class Kind : std::uint8_t { term, conjunction, disjunction, negation };
  struct Part {
    Kind kind = Kind::term;
    std::string text;
    bool prefix = false;
  };
  void add_word(std::string_view word);
  void demote_stray_operators();

  std::vector<Part> parts_;
};

}  // namespace triune::hive
