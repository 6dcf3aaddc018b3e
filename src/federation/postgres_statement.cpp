#include "federation/postgres_statement.h"

#include <fmt/format.h>
#include <pg_query.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/try.h"

namespace triune::federation {
namespace {

using simdjson::dom::element;

/// The parser writes its tree down by recursion without a bound of its own: 100,000 sums in a row end the process.
constexpr std::size_t most_words = 5'000;

/// The statement as PostgreSQL has it, and the way back.
class ParsedText {
 public:
  ParsedText(std::string_view sql, std::span<const FunctionCall> calls, PostgresStatement::Text text) {
    if (text == PostgresStatement::Text::predicate) insert("SELECT 1 WHERE (");
    std::size_t copied = 0;
    for (const auto& call : calls) {
      if (!call.stands_as_set) continue;
      text_ += sql.substr(copied, call.begin - copied);
      insert("(SELECT * FROM ");
      text_ += sql.substr(call.begin, call.end - call.begin);
      insert(")");
      copied = call.end;
    }
    text_ += sql.substr(copied);
    // Behind a line break, in case the text ends with a comment.
    if (text == PostgresStatement::Text::predicate) text_ += "\n)";
    for (const auto& token : sql_tokens(text_, Spelling::postgres)) {
      if (token.kind == SqlToken::Kind::parameter) text_[token.offset] = '$';
      if (token.kind == SqlToken::Kind::word || (token.kind == SqlToken::Kind::symbol && !token.is_symbol(',')))
        ++words_;
    }
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  /// Words and operators: a tree is no deeper.
  [[nodiscard]] std::size_t words() const { return words_; }
  [[nodiscard]] std::size_t original(std::size_t offset) const {
    std::size_t less = 0;
    for (const auto& one : insertions_)
      if (one.at < offset) less += std::min(one.size, offset - one.at);
    return offset - less;
  }

 private:
  struct Insertion {
    std::size_t at;
    std::size_t size;
  };
  void insert(std::string_view what) {
    insertions_.push_back({text_.size(), what.size()});
    text_ += what;
  }

  std::string text_;
  std::vector<Insertion> insertions_;
  std::size_t words_ = 0;
};

struct FreeResult {
  void operator()(PgQueryParseResult* result) const {
    pg_query_free_parse_result(*result);
    delete result;
  }
};

std::size_t byte_of_character(std::string_view text, std::size_t character) {
  std::size_t at = 0;
  for (; at < text.size() && character > 0; ++at)
    if (at + 1 == text.size() || (static_cast<unsigned char>(text[at + 1]) & 0xC0U) != 0x80U) --character;
  return at;
}

std::unexpected<Error> syntax_error(const PgQueryError& error, std::string_view sql, const ParsedText& parsed) {
  const auto place = byte_of_character(parsed.text(), static_cast<std::size_t>(std::max(error.cursorpos, 1)) - 1);
  const auto byte = std::min(parsed.original(place), sql.size());
  auto failed = failure(ErrorCode::invalid_argument, fmt::format("{}, at byte {} of the statement, near `{}`",
                                                                 error.message, byte + 1, sql.substr(byte, 40)));
  failed.error().engine = "postgres";
  failed.error().native_code = "42601";
  return failed;
}

std::string_view text_of(element node, std::string_view key) {
  std::string_view text;
  if (node[key].get(text) != simdjson::SUCCESS) return {};
  return text;
}

/// `{"String": {"sval": "a"}}`
std::string_view name_in(element node) {
  element string;
  return node["String"].get(string) == simdjson::SUCCESS ? text_of(string, "sval") : std::string_view();
}

/// The first location within a node.
std::optional<std::size_t> location_in(element node) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (node.get(object) == simdjson::SUCCESS) {
    std::uint64_t location = 0;
    if (object["location"].get(location) == simdjson::SUCCESS) return location;
    for (const auto field : object)
      if (const auto found = location_in(field.value)) return found;
  } else if (node.get(array) == simdjson::SUCCESS) {
    for (const auto one : array)
      if (const auto found = location_in(one)) return found;
  }
  return std::nullopt;
}

}  // namespace

/// Walks the tree, whose depth simdjson bounds.
class TreeReader {
 public:
  TreeReader(const ParsedText& text, PostgresStatement& statement) : text_(text), statement_(statement) {}

  Status read(element node) {
    simdjson::dom::array array;
    if (node.get(array) == simdjson::SUCCESS) {
      for (const auto one : array) TRIUNE_TRY(read(one));
      return {};
    }
    simdjson::dom::object object;
    if (node.get(object) != simdjson::SUCCESS) return {};
    for (const auto field : object) TRIUNE_TRY(read_field(field.key, field.value));
    return {};
  }

 private:
  Status read_field(std::string_view key, element value) {
    constexpr std::array<std::string_view, 5> writes{"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt",
                                                     "intoClause"};
    if (std::find(writes.begin(), writes.end(), key) != writes.end())
      return failure(ErrorCode::permission_denied,
                     "a statement that calls functions of other engines only reads, in its WITH too");
    if (key == "RangeFunction") TRIUNE_TRY(add_function(value));
    if (key == "RangeVar") add_item(value, text_of(value, "relname"));
    if (key == "RangeSubselect") add_item(value, {});
    if (key == "ColumnRef") add_column(value);
    std::uint64_t location = 0;
    const bool placed = value.is_object() && value["location"].get(location) == simdjson::SUCCESS;
    if (placed && key == "FuncCall") statement_.calls_.insert(text_.original(location));
    const bool subquery = placed && key == "SubLink";
    if (subquery) subqueries_.push_back(text_.original(location));
    TRIUNE_TRY(read(value));
    if (subquery) subqueries_.pop_back();
    return {};
  }

  void add_item(element node, std::string_view name) {
    element alias;
    if (node["alias"].get(alias) == simdjson::SUCCESS) name = text_of(alias, "aliasname");
    const auto location = location_in(node);
    if (location && !name.empty()) statement_.items_.push_back({text_.original(*location), std::string(name)});
  }

  /// `{"functions": [{"List": {"items": [{"FuncCall": {…}}, {}]}}]}`
  Status add_function(element node) {
    simdjson::dom::array functions;
    if (node["functions"].get(functions) != simdjson::SUCCESS) return {};
    for (const auto one : functions) {
      element call;
      if (one.at_pointer("/List/items/0/FuncCall").get(call) != simdjson::SUCCESS) continue;
      std::uint64_t location = 0;
      simdjson::dom::array names;
      if (call["location"].get(location) != simdjson::SUCCESS || call["funcname"].get(names) != simdjson::SUCCESS)
        continue;
      const auto offset = text_.original(location);
      if (functions.size() == 1 && names.size() == 1) statement_.tables_.insert(offset);
      add_item(node, name_in(names.at(names.size() - 1).value_unsafe()));
    }
    return {};
  }

  void add_column(element node) {
    std::uint64_t location = 0;
    simdjson::dom::array fields;
    if (node["location"].get(location) != simdjson::SUCCESS || node["fields"].get(fields) != simdjson::SUCCESS) return;
    ColumnUse use{.offset = text_.original(location), .qualifier = {}, .name = {}, .subqueries = subqueries_};
    for (const auto field : fields) {
      use.qualifier = std::exchange(use.name, std::string(name_in(field)));
    }
    statement_.columns_.push_back(std::move(use));
  }

  const ParsedText& text_;
  PostgresStatement& statement_;
  std::vector<std::size_t> subqueries_;
};

namespace {

std::unexpected<Error> no_single_select(std::size_t statements, std::string_view kind) {
  if (statements != 1)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{}: ask them one at a time", statements == 0
                                                                 ? std::string("there is no statement")
                                                                 : fmt::format("there are {} statements", statements)));
  return failure(ErrorCode::permission_denied,
                 fmt::format("a statement that calls functions of other engines is one SELECT, and this is {}",
                             kind.substr(0, kind.rfind("Stmt"))));
}

}  // namespace

Result<PostgresStatement> PostgresStatement::parse(std::string_view sql, std::span<const FunctionCall> calls,
                                                   Text text) {
  const ParsedText parsed(sql, calls, text);
  if (parsed.words() > most_words)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("a statement that calls functions of other engines has at most {} words and operators, and "
                    "this has {}; values and commas do not count, and a list may be a parameter",
                    most_words, parsed.words()));
  const std::unique_ptr<PgQueryParseResult, FreeResult> result(
      new PgQueryParseResult(pg_query_parse(parsed.text().c_str())));
  if (result->error != nullptr) return syntax_error(*result->error, sql, parsed);
  simdjson::dom::parser parser;
  element tree;
  simdjson::dom::array statements;
  const std::string_view json(result->parse_tree);
  if (parser.parse(json.data(), json.size()).get(tree) != simdjson::SUCCESS ||
      tree["stmts"].get(statements) != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument, "the statement is nested too deep");
  std::string_view kind;
  simdjson::dom::object one;
  if (statements.size() == 1 && statements.at(0)["stmt"].get(one) == simdjson::SUCCESS && one.size() > 0)
    kind = one.begin().key();
  if (kind != "SelectStmt") return no_single_select(statements.size(), kind);
  PostgresStatement statement;
  TRIUNE_TRY(TreeReader(parsed, statement).read(tree));
  return statement;
}

std::vector<const ColumnUse*> PostgresStatement::columns_in(TextRange range) const {
  std::vector<const ColumnUse*> found;
  for (const auto& column : columns_) {
    if (!range.holds(column.offset)) continue;
    const bool inner = std::any_of(column.subqueries.begin(), column.subqueries.end(),
                                   [&](std::size_t offset) { return range.holds(offset); });
    if (!inner) found.push_back(&column);
  }
  return found;
}

std::set<std::string> PostgresStatement::items_in(TextRange range) const {
  std::set<std::string> names;
  for (const auto& item : items_)
    if (range.holds(item.offset)) names.insert(item.name);
  return names;
}

}  // namespace triune::federation
