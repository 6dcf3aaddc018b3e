// The tokenizer and what is decided by it, without a server.
#include "adapters/postgres/tokens.h"

#include <gtest/gtest.h>

#include "adapters/postgres/rules.h"
#include "adapters/postgres/statement_text.h"
#include "adapters/postgres/user_rules.h"

namespace triune::adapters::postgres {
namespace {

std::string translated(std::string_view sql) {
  const auto text = translate(sql);
  return text ? text->sql : "error: " + text.error().message;
}

TEST(Tokens, Parameters_are_translated_where_they_are_parameters) {
  EXPECT_EQ(translated("SELECT ?1, ?2+?1"), "SELECT $1, $2+$1");
  for (const char* same :
       {"SELECT '?1'", "SELECT 'it''s ?1'", "SELECT E'\\'?1'", "SELECT \"?1\" FROM t", "SELECT \"a\"\"?1\" FROM t",
        "SELECT $$?1$$", "SELECT $tag$ ?1 $$ ?2 $tag$", "SELECT 1 -- ?1", "SELECT 1 /* ?1 /* ?2 */ ?3 */",
        "SELECT a ? 'key', a ?| b, a ?& b, a @? '$.x' FROM t", "SELECT U&'\\003f1'", "SELECT a$1 FROM t"})
    EXPECT_EQ(translated(same), same);
  EXPECT_EQ(translated("SELECT 'a\\', ?1"), "SELECT 'a\\', $1") << "a backslash escapes nothing in plain text";
  EXPECT_EQ(translated("SELECT e'a\\'', ?1"), "SELECT e'a\\'', $1");
  EXPECT_EQ(translated("SELECT a->?1, b ? ?2, c[?3], 1.5e-3?4"), "SELECT a->$1, b ? $2, c[$3], 1.5e-3$4");
  EXPECT_EQ(translate("SELECT ?3")->parameters, 3U);
  for (const char* wrong : {"SELECT ?0", "SELECT ?65536", "SELECT ?99999999999", "SELECT $1"})
    EXPECT_EQ(translate(wrong).error().code, ErrorCode::invalid_argument) << wrong;
}

TEST(Tokens, Statements_end_at_their_semicolons) {
  for (const char* one :
       {"SELECT 1", ";SELECT 1;;", "SELECT ';'", "SELECT $a$;$a$ -- ;\n ;/* ; */",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END"})
    EXPECT_TRUE(translate(one)) << one << ": " << translate(one).error().message;
  for (const char* other : {"", " ", "-- SELECT", ";", "SELECT 1; SELECT 2", "SELECT 1;;DELETE FROM t", "/* SELECT 1"})
    EXPECT_FALSE(translate(other)) << other;
  EXPECT_EQ(split_script("a;\n b ';' ;; -- c\n; d $$;$$").size(), 3U);
  EXPECT_EQ(split_script(" ;; -- a").size(), 0U);
  EXPECT_EQ(split_script("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END; SELECT 2").size(), 2U);
}

TEST(Tokens, Any_bytes_are_cut_without_running_over) {
  for (const char* broken : {"'", "\"", "$a$", "/*", "E'\\", "$", "U&\"", "?", "--", "1e+", "$a", "/*/", "\xFF\xC3"}) {
    for (std::size_t length = 0; length <= std::string_view(broken).size(); ++length) {
      const auto tokens = tokens_of(std::string_view(broken).substr(0, length));
      for (const auto& token : tokens) EXPECT_LE(token.offset + token.text.size(), length);
    }
  }
}

TEST(Rules, Names_fold_as_the_server_folds_them) {
  EXPECT_EQ(tokens_of("Kept")[0].name(), "kept");
  EXPECT_EQ(tokens_of("\"Ke\"\"pt\"")[0].name(), "Ke\"pt");
  EXPECT_TRUE(is_protected("TRIUNE_x"));
  EXPECT_FALSE(is_protected("triune"));
  EXPECT_FALSE(is_protected("my_triune_x"));
}

TEST(Rules, Table_changes_are_found) {
  using Kind = contract::TableChange::Kind;
  const auto change = [](const char* sql) { return table_change_of(tokens_of(sql)); };
  for (const char* sql : {"DROP TABLE kept", "drop table if exists \"kept\";", "DROP TABLE public.kept CASCADE",
                          "/* x */ DROP /* y */ TABLE Kept"}) {
    EXPECT_EQ(change(sql).kind, Kind::drop) << sql;
    EXPECT_EQ(change(sql).table, "kept") << sql;
  }
  for (const char* sql : {"ALTER TABLE kept ADD x int", "ALTER TABLE IF EXISTS ONLY \"public\".kept DROP x"}) {
    EXPECT_EQ(change(sql).kind, Kind::alter) << sql;
    EXPECT_EQ(change(sql).table, "kept") << sql;
  }
  for (const char* sql : {"DROP INDEX kept", "ALTER VIEW kept RENAME TO x", "SELECT 'DROP TABLE kept'", "DROP",
                          "DROP TABLE", "DROP TABLE IF", "", "ALTER TABLE public."})
    EXPECT_EQ(change(sql).kind, Kind::none) << sql;
}

TEST(Rules, Targets_of_a_users_writes_are_found) {
  const auto targets = [](const char* sql) {
    const auto checked = check_user_write(tokens_of(sql));
    return checked ? checked->targets : std::vector<std::string>{"denied: " + checked.error().message};
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(targets("INSERT INTO a.\"B\" SELECT * FROM triune_log"), (Names{"a.\"B\""}));
  EXPECT_EQ(targets("WITH x AS (DELETE FROM ONLY a RETURNING *), y AS (UPDATE b SET c = 1) INSERT INTO d VALUES(1)"),
            (Names{"a", "b", "d"}));
  EXPECT_EQ(targets("INSERT INTO a VALUES(1) ON CONFLICT(id) DO UPDATE SET b = 1"), (Names{"a"}));
  EXPECT_EQ(targets("SELECT * FROM a FOR NO KEY UPDATE"), Names{});
  EXPECT_EQ(targets("CREATE TABLE a(id bigint REFERENCES b(id) ON DELETE CASCADE ON UPDATE SET NULL)"), Names{});
}

}  // namespace
}  // namespace triune::adapters::postgres
