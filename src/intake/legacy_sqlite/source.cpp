#include "intake/legacy_sqlite/source.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "model/sql_text.h"
#include "placement/assess.h"
#include "placement/names.h"
#include "placement/schema_reader.h"
#include "placement/source.h"

namespace triune::intake::legacy {
namespace {

constexpr std::uint64_t cache_bytes = 16ULL << 20U;
constexpr std::size_t most_definitions = 100'000;

Deadline short_deadline() {
  return Deadline::after(std::chrono::seconds(60));
}

std::int64_t modified_ns(const struct stat& info) {
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return info.st_mtim.tv_sec * nanoseconds + info.st_mtim.tv_nsec;
}

}  // namespace

Result<std::unique_ptr<LegacySource>> LegacySource::open(const contract::Registry& engines,
                                                         const std::filesystem::path& path) {
  const auto factory = engines.foreign.find("sqlite");
  if (factory == engines.foreign.end())
    return failure(ErrorCode::unsupported, "this program cannot read databases of other programs");
  TRIUNE_ASSIGN(auto database, factory->second({.path = path, .memory_bytes = cache_bytes}));
  TRIUNE_ASSIGN(const auto described, database->describe());
  std::unique_ptr<LegacySource> source(new LegacySource(std::move(database)));
  TRIUNE_TRY(source->read(described.reads_hold_writers));
  return source;
}

Status LegacySource::read(bool reads_hold_writers) {
  TRIUNE_ASSIGN(const auto rows,
                database_->query("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY rowid", {},
                                 most_definitions, short_deadline()));
  for (const auto& row : rows.rows)
    definitions_.push_back({to_text(row[0]), to_text(row[1]), to_text(row[2]), to_text(row[3])});
  const placement::AssessOptions options;
  placement::Source source(*database_, options, reads_hold_writers);
  TRIUNE_ASSIGN(tables_, placement::read_schema(source));
  if (source.problems().empty()) return {};
  const auto& problem = source.problems().front();
  return failure(ErrorCode::unsupported,
                 fmt::format("the table {} cannot be read: {}", problem.where, problem.message));
}

const placement::TableReport* LegacySource::table(std::string_view name) const {
  return placement::find_table(tables_, name);
}

const Definition* LegacySource::definition(std::string_view type, std::string_view name) const {
  const auto found = std::find_if(definitions_.begin(), definitions_.end(), [&](const Definition& one) {
    return one.type == type && placement::same_name(one.name, name);
  });
  return found == definitions_.end() ? nullptr : &*found;
}

std::string LegacySource::schema_hash() const {
  std::string text;
  for (const auto& one : definitions_)
    for (const auto* part : {&one.type, &one.name, &one.table, &one.sql})
      text += fmt::format("{}:{}", part->size(), *part);
  return base::sha256_hex(base::as_bytes(text));
}

RowReader LegacySource::reader() {
  return [this](std::string_view sql, std::span<const Value> parameters,
                const std::function<Status(std::span<const Value>)>& visitor) {
    return database_->visit(sql, parameters, visitor, Deadline::never());
  };
}

Result<std::uint64_t> LegacySource::count(const std::string& table) {
  TRIUNE_ASSIGN(const auto rows, database_->query("SELECT count(*) FROM \"main\"." + model::quote_identifier(table), {},
                                                  1, Deadline::after(std::chrono::minutes(10))));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

SourceStamp stamp_of(const std::filesystem::path& path) {
  SourceStamp stamp{.path = path.string()};
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    stamp.bytes = static_cast<std::uint64_t>(info.st_size);
    stamp.modified_ns = modified_ns(info);
  }
  if (::stat((path.string() + "-wal").c_str(), &info) == 0 && info.st_size > 0) {
    stamp.log_bytes = static_cast<std::uint64_t>(info.st_size);
    stamp.modified_ns = std::max(stamp.modified_ns, modified_ns(info));
  }
  return stamp;
}

bool same_content(const SourceStamp& before, const SourceStamp& now) {
  return before.bytes == now.bytes && before.log_bytes == now.log_bytes && before.modified_ns == now.modified_ns;
}

}  // namespace triune::intake::legacy
