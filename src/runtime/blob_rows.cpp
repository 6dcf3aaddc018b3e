#include "runtime/blob_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/failpoint.h"
#include "base/hash.h"
#include "base/try.h"
#include "contract/dialect.h"
#include "runtime/blob_format.h"
#include "runtime/blob_hash.h"

namespace triune::runtime {
namespace {

constexpr std::size_t piece_bytes = 256U << 10U;
/// Pieces that one statement reads or writes.
constexpr std::int64_t pieces_at_once = 16;
/// Small blobs share a transaction up to this size and number.
constexpr std::uint64_t group_bytes = 4U << 20U;
constexpr std::size_t group_blobs = 256;
constexpr std::size_t page_blobs = 1000;

Deadline blob_deadline() {
  return Deadline::after(std::chrono::minutes(10));
}

std::size_t pieces_of(std::size_t size) {
  return size == 0 ? 1 : (size - 1) / piece_bytes + 1;
}

std::span<const std::byte> piece_of(std::span<const std::byte> bytes, std::size_t number) {
  const std::size_t first = number * piece_bytes;
  return bytes.subspan(first, std::min(piece_bytes, bytes.size() - first));
}

Bytes encoded(std::span<const std::byte> piece) {
  const auto blob = encode_blob(piece);
  Bytes bytes(blob.header.size() + blob.body().size());
  std::ranges::copy(blob.body(), std::ranges::copy(blob.header, bytes.begin()).out);
  return bytes;
}

/// Texts without characters that JSON escapes, as an array.
template <class Range>
std::string json_array(const Range& items, std::string_view quote) {
  std::string text = "[";
  for (const auto& item : items) text += fmt::format("{}{}{}{}", text.size() > 1 ? "," : "", quote, item, quote);
  return text + "]";
}

std::unexpected<Error> damaged(std::string_view hash) {
  return failure(ErrorCode::corruption,
                 fmt::format("blob {} in the database is damaged; put its content again or restore it", hash));
}

/// Milliseconds that lie between, as the server may add them to its own clock; nothing when it has no bounds.
std::int64_t milliseconds_ago(contract::BlobStore::Clock::time_point time) {
  using std::chrono::milliseconds;
  constexpr milliseconds longest = std::chrono::hours(24 * 365 * 100);
  const auto now = std::chrono::time_point_cast<milliseconds>(contract::BlobStore::Clock::now()).time_since_epoch();
  const auto then = std::chrono::time_point_cast<milliseconds>(time).time_since_epoch();
  // The greatest point in time stands for "whenever it was put".
  return std::clamp(now - std::min(then, now + longest), -longest, longest).count();
}

}  // namespace

Result<std::vector<std::string>> BlobRows::put_many(std::span<const std::span<const std::byte>> contents) {
  std::vector<std::string> hashes;
  hashes.reserve(contents.size());
  std::map<std::string_view, std::span<const std::byte>> distinct;  // in one order for all, so that none deadlocks
  for (const auto bytes : contents) {
    TRIUNE_TRY(require_blob_size(bytes.size(), limit_bytes));
    distinct.emplace(hashes.emplace_back(base::sha256_hex(bytes)), bytes);
  }
  std::vector<Content> group;
  std::uint64_t size = 0;
  for (const auto& [hash, bytes] : distinct) {
    if (!group.empty() && (size + bytes.size() > group_bytes || group.size() == group_blobs)) {
      TRIUNE_TRY(put_group(group));
      group.clear();
      size = 0;
    }
    group.push_back({hash, bytes});
    size += bytes.size();
  }
  if (!group.empty()) TRIUNE_TRY(put_group(group));
  return hashes;
}

Status BlobRows::put_group(std::span<const Content> group) {
  TRIUNE_TRY(store_.write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(touch(session, group));
        TRIUNE_TRY(write_missing(session, group));
        base::failpoint("blob.written");
        return {};
      },
      blob_deadline()));
  base::failpoint("blob.renamed");
  return {};
}

Status BlobRows::touch(contract::RelationalSession& session, std::span<const Content> group) {
  static const std::string sql =
      "INSERT INTO triune_blobs (organization_id, sha256, size_bytes, put_at) SELECT ?1, h.value, s.value, "
      "clock_timestamp() FROM " +
      contract::text_set(contract::Dialect::postgres, 2) + " AS h JOIN " +
      contract::integer_set(contract::Dialect::postgres, 3) +
      " AS s ON s.key = h.key ORDER BY h.value ON CONFLICT (organization_id, sha256) DO UPDATE SET put_at = "
      "clock_timestamp(), size_bytes = excluded.size_bytes";
  std::vector<std::string_view> hashes;
  std::vector<std::size_t> sizes;
  for (const auto& content : group) {
    hashes.push_back(content.hash);
    sizes.push_back(content.bytes.size());
  }
  const std::array<Value, 3> parameters{organization_id_, json_array(hashes, "\""), json_array(sizes, "")};
  TRIUNE_TRY(session.execute(sql, parameters));
  return {};
}

Status BlobRows::write_missing(contract::RelationalSession& session, std::span<const Content> group) {
  static const std::string sql =
      "SELECT p.sha256, p.position, encode(sha256(p.bytes), 'hex') FROM triune_blob_pieces p JOIN " +
      contract::text_set(contract::Dialect::postgres, 2) +
      " AS h ON h.value = p.sha256 WHERE p.organization_id = ?1 ORDER BY p.sha256, p.position";
  std::vector<std::string_view> hashes;
  for (const auto& content : group) hashes.push_back(content.hash);
  // The server hashes what it has, so that content which is there need not travel in either direction.
  std::map<std::string, std::vector<std::string>, std::less<>> stored;
  const std::array<Value, 2> parameters{organization_id_, json_array(hashes, "\"")};
  TRIUNE_TRY(session.visit(sql, parameters, [&](std::span<const Value> row) -> Status {
    stored[std::get<std::string>(row[0])].push_back(
        fmt::format("{} {}", std::get<std::int64_t>(row[1]), std::get<std::string>(row[2])));
    return {};
  }));
  for (const auto& content : group) {
    const auto found = stored.find(content.hash);
    bool whole = found != stored.end() && found->second.size() == pieces_of(content.bytes.size());
    for (std::size_t i = 0; whole && i < found->second.size(); ++i)
      whole = found->second[i] == fmt::format("{} {}", i, base::sha256_hex(encoded(piece_of(content.bytes, i))));
    if (!whole) TRIUNE_TRY(write_pieces(session, content));
  }
  return {};
}

Status BlobRows::write_pieces(contract::RelationalSession& session, const Content& content) {
  // B4: what is damaged, or was compressed by another version, is written anew.
  const std::array<Value, 2> key{organization_id_, std::string(content.hash)};
  TRIUNE_TRY(session.execute("DELETE FROM triune_blob_pieces WHERE organization_id = ?1 AND sha256 = ?2", key));
  static const std::vector<std::string> columns = {"organization_id", "sha256", "position", "bytes"};
  std::vector<Value> values;
  for (std::size_t i = 0; i < pieces_of(content.bytes.size()); ++i) {
    values.insert(values.end(), {key[0], key[1], static_cast<std::int64_t>(i), encoded(piece_of(content.bytes, i))});
    if (values.size() < columns.size() * pieces_at_once) continue;
    TRIUNE_TRY(session.load_rows("triune_blob_pieces", columns, values));
    values.clear();
  }
  if (!values.empty()) TRIUNE_TRY(session.load_rows("triune_blob_pieces", columns, values));
  return {};
}

Result<std::size_t> BlobRows::read_pieces(contract::RelationalSession& session, std::string_view hash,
                                          std::int64_t first, Bytes& bytes) const {
  const std::array<Value, 4> parameters{organization_id_, std::string(hash), first, first + pieces_at_once};
  std::size_t count = 0;
  TRIUNE_TRY(
      session.visit("SELECT position, bytes FROM triune_blob_pieces WHERE organization_id = ?1 AND sha256 = ?2 "
                    "AND position >= ?3 AND position < ?4 ORDER BY position",
                    parameters, [&](std::span<const Value> row) -> Status {
                      if (std::get<std::int64_t>(row[0]) != first + static_cast<std::int64_t>(count++))
                        return damaged(hash);
                      auto piece = decode_blob(std::get<Bytes>(row[1]), piece_bytes);
                      if (!piece || bytes.size() + piece->size() > limit_bytes) return damaged(hash);
                      bytes.insert(bytes.end(), piece->begin(), piece->end());
                      return {};
                    }));
  return count;
}

Result<Bytes> BlobRows::get(std::string_view hash) const {
  TRIUNE_TRY(require_blob_hash(hash));
  TRIUNE_ASSIGN(const auto session, store_.read(contract::ReadScope::internal, blob_deadline()));
  const std::array<Value, 2> key{organization_id_, std::string(hash)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session->query("SELECT size_bytes FROM triune_blobs WHERE organization_id = ?1 AND sha256 = ?2", key, 1));
  if (rows.rows.empty()) return no_such_blob(hash);
  const auto size = static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows[0][0]));
  if (size > limit_bytes) return damaged(hash);
  Bytes bytes;
  bytes.reserve(size);
  for (std::int64_t first = 0;; first += pieces_at_once) {
    TRIUNE_ASSIGN(const std::size_t count, read_pieces(*session, hash, first, bytes));
    if (count < static_cast<std::size_t>(pieces_at_once)) break;
  }
  if (bytes.size() != size || base::sha256_hex(bytes) != hash) return damaged(hash);  // B2
  return bytes;
}

Status BlobRows::check(std::string_view hash) const {
  auto bytes = get(hash);
  if (!bytes) return failure_of(bytes);
  return {};
}

Status BlobRows::hold(contract::RelationalSession& session, std::span<const std::string> hashes) {
  if (hashes.empty()) return {};
  for (const auto& hash : hashes) TRIUNE_TRY(require_blob_hash(hash));
  static const std::string sql =
      "SELECT b.sha256 FROM triune_blobs b WHERE b.organization_id = ?1 AND b.sha256 IN "
      "(SELECT h.value FROM " +
      contract::text_set(contract::Dialect::postgres, 2) + " AS h) ORDER BY b.sha256 FOR KEY SHARE OF b";
  std::set<std::string_view> missing(hashes.begin(), hashes.end());
  const std::array<Value, 2> parameters{organization_id_, json_array(missing, "\"")};
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, parameters, hashes.size()));
  for (const auto& row : rows.rows) missing.erase(std::get<std::string>(row[0]));
  if (!missing.empty()) return swept_since_put(*missing.begin());
  return {};
}

Result<bool> BlobRows::remove(contract::RelationalSession& session, std::string_view hash,
                              Clock::time_point unless_put_since) {
  TRIUNE_TRY(require_blob_hash(hash));
  const std::array<Value, 3> parameters{organization_id_, std::string(hash), milliseconds_ago(unless_put_since)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT put_at < clock_timestamp() - ?3 * interval '1 millisecond' FROM triune_blobs "
                              "WHERE organization_id = ?1 AND sha256 = ?2 FOR UPDATE",
                              parameters, 1));
  if (rows.rows.empty()) return true;
  if (!std::get<bool>(rows.rows[0][0])) return false;
  // A statement of its own: the lock waited for commits, and only a newer snapshot shows what they refer to.
  const std::array<Value, 2> key{organization_id_, std::string(hash)};
  TRIUNE_ASSIGN(const std::uint64_t gone,
                session.execute("DELETE FROM triune_blobs b WHERE b.organization_id = ?1 AND b.sha256 = ?2 "
                                "AND NOT EXISTS (SELECT 1 FROM triune_blob_references r "
                                "WHERE r.organization_id = ?1 AND r.sha256 = ?2)",
                                key));
  return gone > 0;
}

Result<std::vector<contract::StoredBlob>> BlobRows::page_behind(std::string_view hash) const {
  TRIUNE_ASSIGN(const auto session, store_.read(contract::ReadScope::internal, blob_deadline()));
  const std::array<Value, 3> parameters{organization_id_, std::string(hash), static_cast<std::int64_t>(page_blobs)};
  std::vector<contract::StoredBlob> page;
  // Ages and not times, since the server's clock is not this machine's.
  TRIUNE_TRY(session->visit(
      "SELECT b.sha256, (SELECT CAST(coalesce(sum(octet_length(p.bytes)), 0) AS bigint) FROM triune_blob_pieces p "
      "WHERE p.organization_id = b.organization_id AND p.sha256 = b.sha256), "
      "CAST(extract(epoch FROM clock_timestamp() - b.put_at) * 1000 AS bigint) FROM triune_blobs b "
      "WHERE b.organization_id = ?1 AND b.sha256 > ?2 ORDER BY b.sha256 LIMIT ?3",
      parameters, [&](std::span<const Value> row) -> Status {
        page.push_back({.hash = std::get<std::string>(row[0]),
                        .stored_bytes = static_cast<std::uint64_t>(std::get<std::int64_t>(row[1])),
                        .last_put = Clock::now() - std::chrono::milliseconds(std::get<std::int64_t>(row[2]))});
        return {};
      }));
  return page;
}

Status BlobRows::visit(const Visitor& visitor) const {
  std::string last;
  while (true) {
    // The visitor works without this connection, so that it may use the store itself.
    TRIUNE_ASSIGN(const auto page, page_behind(last));
    for (const auto& blob : page) TRIUNE_TRY(visitor(blob));
    if (page.size() < page_blobs) return {};
    last = page.back().hash;
  }
}

Result<std::uint64_t> BlobRows::sweep_temporaries(std::chrono::seconds /*age*/) {
  return 0;
}

}  // namespace triune::runtime
