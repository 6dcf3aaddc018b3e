// The engines under test; a new one is one entry here.
#include "conformance/relational/suite.h"
#include "support/postgres_server.h"

namespace triune::conformance {
namespace {

RelationalQuirks sqlite() {
  return {
      .name = "sqlite",
      .engine = "sqlite",
      .place =
          [](const std::filesystem::path& directory) { return contract::EngineOptions{.path = directory / "store"}; },
      .table_suffix = " STRICT",
      .booleans_are_integers = true,
      .json_is_text = true,
      .longest_value = 64ULL << 20U,
      .endless_query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
      .endless_write =
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
          "INSERT INTO numbers(value) SELECT max(i) FROM n",
      .full_text_create = "CREATE VIRTUAL TABLE words USING fts5(body)",
      .full_text_insert = "INSERT INTO words(body) VALUES(?1)",
      .full_text_query = "SELECT body FROM words WHERE words MATCH ?1 ORDER BY rank",
  };
}

RelationalQuirks postgres() {
  return {
      .name = "postgres",
      .engine = "postgres",
      .place =
          [](const std::filesystem::path&) {
            auto& server = triune::testing::shared_postgres_server();
            return contract::EngineOptions{.url = server.url(server.create_database())};
          },
      .remove =
          [](const contract::EngineOptions& options) {
            triune::testing::shared_postgres_server().drop_database(options.url.substr(options.url.rfind('/') + 1));
          },
      .integer_type = "bigint",
      .bytes_type = "bytea",
      .double_type = "double precision",
      .boolean_type = "boolean",
      .json_type = "json",
      .any_type = "text",
      .endless_query = "SELECT max(a * b) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
      .endless_write =
          "INSERT INTO numbers(value) "
          "SELECT max(a * b) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
      .full_text_create = "CREATE TABLE words(body text)",
      .full_text_insert = "INSERT INTO words(body) VALUES(?1)",
      .full_text_query =
          "SELECT body FROM words WHERE to_tsvector('simple', body) @@ plainto_tsquery('simple', ?1) ORDER BY body",
  };
}

RelationalQuirks postgres_pooler() {
  auto quirks = postgres();
  quirks.name = "postgres_pooler";
  quirks.place = [direct = quirks.place](const std::filesystem::path& directory) {
    auto options = direct(directory);
    options.transaction_pooler = true;
    return options;
  };
  return quirks;
}

}  // namespace

std::vector<RelationalQuirks> engines() {
  return {sqlite(), postgres(), postgres_pooler()};
}

std::string engine_name(const ::testing::TestParamInfo<RelationalQuirks>& parameter) {
  return parameter.param.name;
}

INSTANTIATE_TEST_SUITE_P(Engines, RelationalConformance, ::testing::ValuesIn(engines()), engine_name);

}  // namespace triune::conformance
