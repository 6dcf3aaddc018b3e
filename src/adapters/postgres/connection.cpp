#include "adapters/postgres/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <vector>

#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

constexpr int oldest_supported = 140000;

using Settings = std::map<std::string, std::string>;

/// The parts of the URL. libpq's message would quote the URL, and with it the password.
Result<Settings> parse(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(PQconninfoParse(url.c_str(), nullptr),
                                                                            &PQconninfoFree);
  const bool is_url = url.starts_with("postgresql://") || url.starts_with("postgres://");
  if (parsed == nullptr || !is_url)
    return refuse(ErrorCode::invalid_argument,
                  "the URL of the server is not of the form postgresql://user@host:port/database?setting=value, with "
                  "special characters written as %XX");
  Settings settings;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr && *option->val != '\0') settings[option->keyword] = option->val;
  return settings;
}

void add_own(Settings& settings, bool pooled) {
  settings["client_encoding"] = "UTF8";
  settings.try_emplace("application_name", "triune");
  settings.try_emplace("tcp_user_timeout", "30000");
  // Poolers refuse this one; each of their transactions sets what matters for itself.
  if (!pooled)
    settings["options"] +=
        " -c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres -c bytea_output=hex "
        "-c extra_float_digits=1 -c standard_conforming_strings=on -c cursor_tuple_fraction=1";
}

void ignore_notice(void* /*unused*/, const PGresult* /*notice*/) {}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    parts.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// One set of settings for each host of the URL, so that a silent host takes its share of the time only.
std::vector<Settings> one_by_one(const Settings& settings) {
  std::map<std::string, std::vector<std::string>> lists;
  std::size_t count = 1;
  for (const char* name : {"host", "hostaddr", "port"})
    if (const auto found = settings.find(name); found != settings.end())
      count = std::max(count, (lists[name] = split(found->second)).size());
  std::vector<Settings> result(count, settings);
  for (const auto& [name, parts] : lists)
    for (std::size_t index = 0; index < count; ++index)
      result[index][name] = parts.size() == 1 ? parts[0] : index < parts.size() ? parts[index] : "";
  if (const auto found = settings.find("target_session_attrs");
      count > 1 && found != settings.end() && found->second == "prefer-standby") {
    // First a standby anywhere, then whatever there is.
    std::vector<Settings> second = result;
    for (auto& each : result) each["target_session_attrs"] = "standby";
    for (auto& each : second) each["target_session_attrs"] = "any";
    result.insert(result.end(), second.begin(), second.end());
  }
  return result;
}

std::string without(std::string text, const std::string& secret) {
  if (secret.empty()) return text;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
  return text;
}

}  // namespace

/// Makes one connection, host by host.
class Connector {
 public:
  Connector(Settings settings, bool pooled) : settings_(std::move(settings)), pooled_(pooled) {}

  Result<std::unique_ptr<contract::PooledConnection>> connect(Deadline deadline) {
    const auto hosts = one_by_one(settings_);
    Result<std::unique_ptr<contract::PooledConnection>> last =
        refuse(ErrorCode::deadline_exceeded, "the deadline passed before connecting", Retry::safe);
    for (std::size_t index = 0; index < hosts.size(); ++index) {
      const auto share = deadline.is_bounded()
                             ? Deadline::after(deadline.remaining() / static_cast<std::int64_t>(hosts.size() - index))
                             : deadline;
      last = connect_to(hosts[index], share);
      if (last || last.error().code != ErrorCode::unavailable) return last;
    }
    return last;
  }

 private:
  Result<std::unique_ptr<contract::PooledConnection>> connect_to(const Settings& settings, Deadline deadline) {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : settings) {
      keywords.push_back(keyword.c_str());
      values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    Connection::Handle handle(PQconnectStartParams(keywords.data(), values.data(), 0));
    if (handle == nullptr) return refuse(ErrorCode::resource_exhausted, "no memory for a connection", Retry::safe);
    PQsetNoticeReceiver(handle.get(), &ignore_notice, nullptr);
    TRIUNE_TRY(finish(handle.get(), deadline));
    if (PQserverVersion(handle.get()) < oldest_supported)
      return refuse(ErrorCode::unsupported,
                    fmt::format("the server is PostgreSQL {}; Triune needs 14 or later, and is tested with 15",
                                PQserverVersion(handle.get()) / 10'000));
    if (PQsetnonblocking(handle.get(), 1) != 0 || PQenterPipelineMode(handle.get()) != 1)
      return std::unexpected(lost_connection(PQerrorMessage(handle.get())));
    return std::unique_ptr<contract::PooledConnection>(new Connection(std::move(handle), pooled_));
  }

  Status finish(PGconn* handle, Deadline deadline) {
    PostgresPollingStatusType next = PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
      if (next == PGRES_POLLING_FAILED) return failed(handle);
      pollfd ready{.fd = PQsocket(handle),
                   .events = static_cast<short>(next == PGRES_POLLING_READING ? POLLIN : POLLOUT),
                   .revents = 0};
      const int found =
          ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(deadline.remaining().count(), 1 << 30)));
      if (found < 0 && errno == EINTR) continue;
      if (found <= 0)
        return refuse(ErrorCode::unavailable, fmt::format("the server {} did not answer in time", place(handle)),
                      Retry::safe);
      next = PQconnectPoll(handle);
    }
    return {};
  }

  static std::string place(PGconn* handle) {
    const auto text = [](const char* given) { return given == nullptr ? "" : given; };
    return fmt::format("{}:{}", text(PQhost(handle)), text(PQport(handle)));
  }

  /// libpq keeps no SQLSTATE of a failed start, so its words must do.
  Status failed(PGconn* handle) {
    const auto password = settings_.find("password");
    std::string message =
        without(PQerrorMessage(handle), password == settings_.end() ? std::string() : password->second);
    while (!message.empty() && message.back() == '\n') message.pop_back();
    const auto says = [&message](std::string_view words) { return message.find(words) != std::string::npos; };
    ErrorCode code = ErrorCode::unavailable;
    if (says("authentication failed") || says("no pg_hba.conf entry") || says("no password supplied") ||
        (says("role \"") && says("does not exist")))
      code = ErrorCode::permission_denied;
    if (says("database \"") && says("does not exist")) code = ErrorCode::not_found;
    if (says("invalid ") && says(" value")) code = ErrorCode::invalid_argument;
    auto error = refuse(code, fmt::format("cannot connect: {}", message),
                        code == ErrorCode::unavailable ? Retry::safe : Retry::never);
    error.error().connection_usable = false;
    return error;
  }

  const Settings settings_;
  const bool pooled_;
};

Connection::Connection(Handle handle, bool pooled)
    : handle_(std::move(handle)), pooled_(pooled), pipeline_(handle_.get(), pooled), statements_(!pooled) {
  PQsetNoticeReceiver(handle_.get(), &Connection::take_notice, warned_.get());
}

/// Notices are for people at a terminal, but for one: the function's name is the only part that is never translated.
void Connection::take_notice(void* warned, const PGresult* notice) {
  const char* function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
  if (function != nullptr && std::string_view(function) == "SyncRepWaitForLSN") *static_cast<bool*>(warned) = true;
}

Result<std::unique_ptr<contract::PooledConnection>> Connection::open(const ConnectionOptions& options,
                                                                     Deadline deadline) {
  TRIUNE_ASSIGN(Settings settings, parse(options.url));
  add_own(settings, options.transaction_pooler);
  return Connector(std::move(settings), options.transaction_pooler).connect(deadline);
}

bool Connection::usable() {
  if (condemned_ || PQstatus(handle()) != CONNECTION_OK || !pipeline_.absorb()) return false;
  if (!pipeline_.idle()) return true;
  if (PQtransactionStatus(handle()) != PQTRANS_IDLE) return false;
  // Nothing should come unasked but notices, and the end; libpq must read either, or it would hide what is behind it.
  pollfd ready{.fd = PQsocket(handle()), .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, 0) > 0) {
    char byte = 0;
    const auto peeked = ::recv(PQsocket(handle()), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (peeked <= 0 && !(peeked < 0 && errno == EAGAIN)) return false;
    if (PQconsumeInput(handle()) != 1 || PQstatus(handle()) != CONNECTION_OK) return false;
  }
  return true;
}

Status Connection::validate(Deadline deadline) {
  TRIUNE_TRY(pipeline_.command("SELECT 1"));
  return pipeline_.settle(deadline);
}

}  // namespace triune::adapters::postgres
