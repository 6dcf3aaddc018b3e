#include "raw_postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "harness.h"

namespace triune::bench {
namespace {

using ResultPointer = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::vector<const char*> pointers(const std::vector<std::string>& values) {
  std::vector<const char*> result;
  for (const auto& value : values) result.push_back(value.c_str());
  return result;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char character : text) result += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return result + "'";
}

std::string output_of(const std::string& command) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string text;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  if (::pclose(pipe) != 0) throw std::runtime_error(command + ": " + text);
  return text;
}

}  // namespace

RawPostgres::RawPostgres(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  check(PQstatus(connection_) == CONNECTION_OK, "connecting");
}

RawPostgres::~RawPostgres() {
  PQfinish(connection_);
}

void RawPostgres::check(bool ok, std::string_view what) const {
  if (!ok) throw std::runtime_error(fmt::format("{}: {}", what, PQerrorMessage(connection_)));
}

void RawPostgres::run(const std::string& sql) {
  const ResultPointer result(PQexec(connection_, sql.c_str()), &PQclear);
  check(PQresultStatus(result.get()) == PGRES_COMMAND_OK || PQresultStatus(result.get()) == PGRES_TUPLES_OK, sql);
}

void RawPostgres::prepare(const std::string& name, const std::string& sql) {
  const ResultPointer result(PQprepare(connection_, name.c_str(), sql.c_str(), 0, nullptr), &PQclear);
  check(PQresultStatus(result.get()) == PGRES_COMMAND_OK, sql);
}

void RawPostgres::execute(const std::string& name, const std::vector<std::string>& values) {
  const auto texts = pointers(values);
  const ResultPointer result(
      PQexecPrepared(connection_, name.c_str(), static_cast<int>(texts.size()), texts.data(), nullptr, nullptr, 0),
      &PQclear);
  check(PQresultStatus(result.get()) == PGRES_COMMAND_OK || PQresultStatus(result.get()) == PGRES_TUPLES_OK, name);
}

void RawPostgres::run_parameters(const std::string& sql, const std::vector<std::string>& values) {
  const auto texts = pointers(values);
  const ResultPointer result(PQexecParams(connection_, sql.c_str(), static_cast<int>(texts.size()), nullptr,
                                          texts.data(), nullptr, nullptr, 0),
                             &PQclear);
  check(PQresultStatus(result.get()) == PGRES_COMMAND_OK || PQresultStatus(result.get()) == PGRES_TUPLES_OK, sql);
}

void RawPostgres::execute_batch(const std::string& name, const std::vector<std::vector<std::string>>& rows) {
  run("BEGIN");
  check(PQenterPipelineMode(connection_) == 1, "pipeline");
  for (const auto& row : rows) {
    const auto texts = pointers(row);
    check(PQsendQueryPrepared(connection_, name.c_str(), static_cast<int>(texts.size()), texts.data(), nullptr, nullptr,
                              0) == 1,
          name);
  }
  check(PQpipelineSync(connection_) == 1, "pipeline");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ResultPointer result(PQgetResult(connection_), &PQclear);
    check(PQresultStatus(result.get()) == PGRES_COMMAND_OK, name);
    const ResultPointer end(PQgetResult(connection_), &PQclear);
  }
  const ResultPointer sync(PQgetResult(connection_), &PQclear);
  check(PQexitPipelineMode(connection_) == 1, "pipeline");
  run("COMMIT");
}

double time_psql(const std::string& url, const std::string& statements) {
  return timed(
      [&] { output_of(fmt::format("psql -qX -v ON_ERROR_STOP=1 -d {} -c {}", quoted(url), quoted(statements))); });
}

double pgbench_rate(const std::string& url, const std::filesystem::path& script, int clients, int seconds) {
  const auto text =
      output_of(fmt::format("/usr/lib/postgresql/15/bin/pgbench -n -M prepared -c {0} -j 2 -T {1} -f {2} {3}", clients,
                            seconds, quoted(script.string()), quoted(url)));
  const auto at = text.find("tps = ");
  if (at == std::string::npos) throw std::runtime_error("pgbench said: " + text);
  return std::stod(text.substr(at + 6));
}

}  // namespace triune::bench
