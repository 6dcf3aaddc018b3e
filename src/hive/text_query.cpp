#include "hive/text_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/sql_text.h"

namespace triune::hive {

TextQuery::TextQuery(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      const auto end = std::min(text.find('"', at + 1), text.size());
      if (end > at + 1) parts_.push_back({.kind = Kind::term, .text = std::string(text.substr(at + 1, end - at - 1))});
      at = end + 1;
      continue;
    }
    const auto end = std::min(text.find_first_of(" \t\r\n\"", at), text.size());
    if (end > at) add_word(text.substr(at, end - at));
    at = end == at ? at + 1 : end;
  }
  demote_stray_operators();
}

void TextQuery::add_word(std::string_view word) {
  if (word == "AND") return parts_.push_back({.kind = Kind::conjunction, .text = "AND"});
  if (word == "OR") return parts_.push_back({.kind = Kind::disjunction, .text = "OR"});
  if (word == "NOT") return parts_.push_back({.kind = Kind::negation, .text = "NOT"});
  const bool prefix = word.size() > 1 && word.ends_with('*');
  if (prefix) word.remove_suffix(1);
  parts_.push_back({.kind = Kind::term, .text = std::string(word), .prefix = prefix});
}

void TextQuery::demote_stray_operators() {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const bool between =
        i > 0 && i + 1 < parts_.size() && parts_[i - 1].kind == Kind::term && parts_[i + 1].kind == Kind::term;
    if (!between) parts_[i].kind = Kind::term;
  }
}

std::string TextQuery::fts5() const {
  std::string expression;
  for (const auto& part : parts_) {
    const auto spelled =
        part.kind == Kind::term ? model::quote_identifier(part.text) + (part.prefix ? "*" : "") : part.text;
    expression += (expression.empty() ? "" : " ") + spelled;
  }
  return expression;
}

std::string TextQuery::tsquery(std::vector<Value>& parameters) const {
  // As in FTS5 NOT binds before AND, written or not, and AND before OR: alternatives of conjunctions.
  std::string expression = "(";
  Kind before = Kind::disjunction;
  for (const auto& part : parts_) {
    if (part.kind != Kind::term) {
      before = part.kind;
      continue;
    }
    parameters.emplace_back(part.text);
    if (before == Kind::disjunction && parameters.size() > 0 && expression != "(") expression += ") || (";
    if (before != Kind::disjunction) expression += " && ";
    expression += fmt::format("{}triune_term(?{}, {})", before == Kind::negation ? "!! " : "", parameters.size(),
                              part.prefix ? "true" : "false");
    before = Kind::conjunction;
  }
  return expression + ")";
}

}  // namespace triune::hive
