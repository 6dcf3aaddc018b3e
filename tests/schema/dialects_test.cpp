// The schemas of both dialects, of the hive and of every module, beside each other on real engines: the same tables,
// columns, keys, checks and indexes, but for what is written down here.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "migrate/catalogue.h"
#include "migrate/migrate.h"
#include "schema/store_places.h"

namespace triune::testing {
namespace {

using contract::Dialect;
using migrate::Owner;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(2));
}

/// What a table is, in words that both dialects have.
struct PlainTable {
  std::map<std::string, std::string> columns;  ///< Name to type.
  std::map<std::string, std::string> values;   ///< Name to whether it may be NULL and what it is when nobody says.
  std::set<std::string> keys;                  ///< Primary and unique ones, without organization_id in front.
  std::set<std::string> foreign_keys;          ///< With what becomes of a row whose other end goes.
  std::multiset<std::string> checks;           ///< The columns and the constants that each is about,
  std::multiset<std::string> checked;          ///< and the columns alone.
  std::map<std::string, std::string> indexes;  ///< Name to columns and condition.
};
using PlainSchema = std::map<std::string, PlainTable>;

/// The types that mean the same. SQLite has five, so that several of PostgreSQL's are one there; ANY, the key of the
/// change log and of text rows, is the text that PostgreSQL's key is.
std::string plain_type(const std::string& definition) {
  static const std::vector<std::pair<std::string, std::string>> same{{"INTEGER", "whole"},
                                                                     {"bigint", "whole"},
                                                                     {"integer", "whole"},
                                                                     {"smallint", "whole"},
                                                                     {"boolean", "whole"},
                                                                     {"timestamp with time zone", "whole"},
                                                                     {"TEXT", "text"},
                                                                     {"text", "text"},
                                                                     {"uuid", "text"},
                                                                     {"jsonb", "text"},
                                                                     {"ANY", "text"},
                                                                     {"REAL", "real"},
                                                                     {"double precision", "real"},
                                                                     {"numeric", "real"},
                                                                     {"BLOB", "bytes"},
                                                                     {"bytea", "bytes"}};
  for (const auto& [type, plain] : same)
    if (definition.starts_with(type)) return plain;
  return definition;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// In small letters, without brackets, blanks, casts and the organization.
std::string plain_text(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto* const cast : {"::text[]", "::text", "::bigint", "::integer"}) replace_all(text, cast, "");
  replace_all(text, "organization_id, ", "");
  replace_all(text, "organization_id , ", "");
  std::erase_if(text, [](char c) { return c == ' ' || c == '(' || c == ')' || c == '[' || c == ']'; });
  replace_all(text, "=anyarray", "in");
  return text;
}

std::string plain_foreign_key(std::string text) {
  replace_all(text, "FOREIGN KEY ", "");
  replace_all(text, " REFERENCES ", " to ");
  replace_all(text, " ON DELETE ", " delete ");
  replace_all(text, " ON UPDATE ", " update ");
  replace_all(text, " delete NO ACTION", "");
  replace_all(text, " update NO ACTION", "");
  return plain_text(text);
}

/// What an index is on, and where: all behind its table's name.
std::string plain_index(const std::string& definition) {
  const bool unique = plain_text(definition).starts_with("createunique");
  auto text = definition.substr(definition.find('('));
  return (unique ? "unique " : "") + plain_text(text);
}

/// The columns of the table that a check names, and its constants: what it allows, whichever way it is written.
std::string check_in(const std::string& text, const std::map<std::string, std::string>& columns, bool with_constants) {
  std::set<std::string> named;
  std::string word;
  bool quoted = false;
  for (const char c : text + " ") {
    if (c == '\'') quoted = !quoted;
    if (quoted || std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '\'') {
      word += c;
      continue;
    }
    const bool constant = !word.empty() && (word[0] == '\'' || std::isdigit(static_cast<unsigned char>(word[0])) != 0);
    if ((constant && with_constants) || columns.contains(word)) named.insert(word);
    word.clear();
  }
  return fmt::format("{}", fmt::join(named, ", "));
}

/// "NULL" or "NOT NULL", and the default. Numbers that the store gives have none.
std::string plain_value(std::string definition) {
  replace_all(definition, "generated by default as identity", "");
  const bool needed = definition.find(" not null") != std::string::npos;
  replace_all(definition, " not null", "");
  const auto at = definition.find("default ");
  auto value = at == std::string::npos ? std::string() : plain_text(definition.substr(at));
  if (value.find("julianday") != std::string::npos || value.find("clock_timestamp") != std::string::npos)
    value = "default now";
  return (needed ? "NOT NULL " : "NULL ") + value;
}

bool is_own(const migrate::CatalogueEntry& entry) {
  return entry.table.empty() || entry.table == "triune_schema_history" || entry.table == "triune_schema_lease";
}

PlainSchema plain(const migrate::Catalogue& catalogue) {
  PlainSchema schema;
  for (const auto& [key, entry] : catalogue) {
    if (is_own(entry)) continue;
    auto& table = schema[entry.table];
    if (entry.kind == "column") {
      table.columns[entry.name] = plain_type(entry.definition);
      table.values[entry.name] = plain_value(entry.definition);
    }
    if (entry.kind == "primary key" || entry.kind == "unique") table.keys.insert(plain_text(entry.name));
    if (entry.kind == "foreign key") table.foreign_keys.insert(plain_foreign_key(entry.definition));
    if (entry.kind == "index") table.indexes[entry.name] = plain_index(entry.definition);
  }
  for (const auto& [key, entry] : catalogue) {
    if (is_own(entry)) continue;
    auto& table = schema[entry.table];
    // SQLite says of a row's number that it may be NULL, which then means the next one.
    if (entry.kind == "primary key")
      if (const auto value = table.values.find(plain_text(entry.name));
          value != table.values.end() && value->second == "NULL ")
        value->second = "NOT NULL ";
    if (entry.kind == "check") {
      table.checks.insert(check_in(entry.definition, table.columns, true));
      table.checked.insert(check_in(entry.definition, table.columns, false));
    }
  }
  return schema;
}

/// Where the dialects differ on purpose; the heads of the migrations say why.
const std::set<std::string>& only_in_one() {
  static const std::set<std::string> names{
      // One writer and statement triggers by row, in SQLite.
      "triune_bulk", "triune_replaced", "triune_text_rows", "triune_event_writer",
      // Who acts: settings of the transaction in PostgreSQL.
      "triune_audit_context",
      // The words of memories: FTS5, and a tsvector in triune_memory_texts.
      "triune_memory_words", "triune_memory_vocabulary",
      // The one row that whoever mends the order of tasks locks; SQLite has one writer.
      "triune_task_order",
      // Several nodes that share a server.
      "triune_log_floors", "triune_blobs", "triune_blob_pieces", "triune_schema_objects", "triune_cluster_nodes",
      "triune_leases"};
  return names;
}

/// Columns that only one dialect needs: organization_id first in every key, the order within a transaction's entries,
/// and the words of memories in the way of each.
bool is_extra_column(const std::string& table, const std::string& column) {
  static const std::set<std::string> extra{"triune_change_log.entry", "triune_memory_texts.text_row",
                                           "triune_memory_texts.words"};
  return column == "organization_id" || extra.contains(table + "." + column);
}

/// Tables whose keys differ: the position in the log is one number in SQLite, and a transaction's with its order in
/// PostgreSQL; the number of a text in FTS5 is a key of SQLite's.
const std::set<std::string> other_keys{"triune_change_log", "triune_memory_texts"};

/// Columns that the store fills in one dialect: a transaction's number is its position in the log in PostgreSQL.
const std::set<std::string> other_values{"triune_audit_log.position", "triune_change_log.lsn"};

/// Tables with checks in another way: patterns are GLOB here and regular expressions there, and empty JSON, which most
/// is, is not parsed in PostgreSQL. The modules' own tests try both.
const std::set<std::string> other_checks{"triune_events",      "triune_nodes", "triune_organization_details",
                                         "triune_permissions", "triune_users", "triune_vectors"};

/// Indexes that only one dialect needs: a position is no order of entries where several write; words are in an index of
/// their own kind; PostgreSQL has the collection's key for it.
const std::set<std::string> other_indexes{"triune_audit_log_by_position", "triune_memory_texts_words",
                                          "triune_vector_texts_by_vector"};

class BothDialects : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    sqlite = new PlainSchema(schema_of(Dialect::sqlite));
    postgres = new PlainSchema(schema_of(Dialect::postgres));
  }
  static void TearDownTestSuite() {
    delete std::exchange(sqlite, nullptr);
    delete std::exchange(postgres, nullptr);
  }

  /// All series; some build on others, so whatever fails waits for the next round.
  static PlainSchema schema_of(Dialect dialect) {
    const StorePlace place(dialect);
    auto waiting = migrate::series_names(dialect);
    for (auto before = waiting.size() + 1; !waiting.empty() && waiting.size() < before;) {
      before = waiting.size();
      std::erase_if(waiting, [&](const auto series) {
        return migrate::apply(place.store(), series, migrate::migrations(dialect, series), soon()).has_value();
      });
    }
    EXPECT_TRUE(waiting.empty()) << waiting.front() << " was not applied";
    const auto session = place.store().read(contract::ReadScope::internal, soon());
    return plain(migrate::read_catalogue(**session, Owner::triune).value());
  }

  /// Of the tables that both have, but for some.
  template <class Part>
  static void expect_same(const Part& part, const std::set<std::string>& except = {}) {
    for (const auto& [name, table] : *sqlite)
      if (const auto other = postgres->find(name); other != postgres->end() && !except.contains(name)) {
        EXPECT_EQ(part(table), part(other->second)) << name << ", in SQLite and in PostgreSQL";
      }
  }

  static PlainSchema* sqlite;
  static PlainSchema* postgres;
};

PlainSchema* BothDialects::sqlite = nullptr;
PlainSchema* BothDialects::postgres = nullptr;

TEST_F(BothDialects, HaveTheSameTables) {
  std::set<std::string> differing;
  for (const auto& [name, table] : *sqlite)
    if (!postgres->contains(name)) differing.insert(name);
  for (const auto& [name, table] : *postgres)
    if (!sqlite->contains(name)) differing.insert(name);
  EXPECT_EQ(differing, only_in_one());
}

TEST_F(BothDialects, HaveTheSameColumnsOfTypesThatMeanTheSame) {
  for (const auto& [name, table] : *sqlite) {
    const auto other = postgres->find(name);
    if (other == postgres->end()) continue;
    for (const auto& [column, type] : table.columns) {
      const auto found = other->second.columns.find(column);
      if (found == other->second.columns.end())
        EXPECT_TRUE(is_extra_column(name, column)) << name << "." << column << " is missing in PostgreSQL";
      else
        EXPECT_EQ(type, found->second) << name << "." << column;
    }
    for (const auto& [column, type] : other->second.columns)
      EXPECT_TRUE(table.columns.contains(column) || is_extra_column(name, column))
          << name << "." << column << " is missing in SQLite";
  }
}

TEST_F(BothDialects, HaveTheSameKeysButForTheOrganization) {
  expect_same([](const PlainTable& table) { return table.keys; }, other_keys);
}

TEST_F(BothDialects, ReferToTheSameTablesInTheSameWay) {
  expect_same([](const PlainTable& table) { return table.foreign_keys; });
}

TEST_F(BothDialects, NeedTheSameValuesAndHaveTheSameDefaults) {
  for (const auto& [name, table] : *sqlite) {
    const auto other = postgres->find(name);
    if (other == postgres->end()) continue;
    for (const auto& [column, value] : table.values)
      if (const auto found = other->second.values.find(column);
          found != other->second.values.end() && !other_values.contains(fmt::format("{}.{}", name, column))) {
        EXPECT_EQ(value, found->second) << name << "." << column << ", in SQLite and in PostgreSQL";
      }
  }
}

TEST_F(BothDialects, CheckTheSameColumns) {
  expect_same([](const PlainTable& table) { return table.checked; });
}

TEST_F(BothDialects, CheckTheSameConstants) {
  expect_same([](const PlainTable& table) { return table.checks; }, other_checks);
}

TEST_F(BothDialects, HaveTheSameIndexes) {
  expect_same([](const PlainTable& table) {
    auto indexes = table.indexes;
    for (const auto& name : other_indexes) indexes.erase(name);
    return indexes;
  });
}

}  // namespace
}  // namespace triune::testing
