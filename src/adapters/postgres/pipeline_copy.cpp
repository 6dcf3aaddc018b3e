// The part of a pipeline that leaves pipeline mode for a COPY, which libpq does not allow in it.
#include <poll.h>

#include <charconv>
#include <memory>

#include "adapters/postgres/pipeline.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

}  // namespace

Status Pipeline::copy_in(const std::string& sql, const Producer& producer, std::uint64_t* rows, Deadline deadline) {
  TRIUNE_TRY(settle(deadline));
  if (PQexitPipelineMode(connection_) != 1 || PQsendQuery(connection_, sql.c_str()) != 1)
    return break_with(lost_connection(PQerrorMessage(connection_)));
  cancelled_ = false;
  may_cancel_ = true;
  auto result = receive_copy(producer, rows, deadline);
  if (!broken_ && PQenterPipelineMode(connection_) != 1)
    return break_with(lost_connection(PQerrorMessage(connection_)));
  if (cancelled_ && pooled_) broken_ = true;
  return result;
}

Status Pipeline::receive_copy(const Producer& producer, std::uint64_t* rows, Deadline deadline) {
  Status outcome;
  while (true) {
    TRIUNE_TRY(wait(deadline));
    const Answer result(PQgetResult(connection_), &PQclear);
    if (result == nullptr) return outcome;
    switch (PQresultStatus(result.get())) {
      case PGRES_COPY_IN: TRIUNE_TRY(send_copy(producer, deadline)); break;
      case PGRES_COMMAND_OK: {
        const std::string_view count = PQcmdTuples(result.get());
        std::uint64_t added = 0;
        std::from_chars(count.data(), count.data() + count.size(), added);
        *rows += added;
        break;
      }
      default:
        outcome = std::unexpected(error_of(result.get(), {}));
        if (PQstatus(connection_) != CONNECTION_OK) return break_with(std::move(outcome.error()));
    }
  }
}

Status Pipeline::send_copy(const Producer& producer, Deadline deadline) {
  std::string part;
  for (bool more = true; more;) {
    part.clear();
    more = producer(part);
    TRIUNE_TRY(send_part(part, deadline));
  }
  int sent = 0;
  while ((sent = PQputCopyEnd(connection_, nullptr)) == 0) TRIUNE_TRY(wait_for_socket(deadline, true));
  return sent == 1 ? Status() : break_with(lost_connection(PQerrorMessage(connection_)));
}

Status Pipeline::send_part(const std::string& part, Deadline deadline) {
  while (true) {
    const int sent = PQputCopyData(connection_, part.data(), static_cast<int>(part.size()));
    if (sent < 0) return break_with(lost_connection(PQerrorMessage(connection_)));
    if (sent == 1) break;
    TRIUNE_TRY(wait_for_socket(deadline, true));
  }
  // What libpq keeps is bounded by one part.
  while (true) {
    const int unsent = PQflush(connection_);
    if (unsent < 0) return break_with(lost_connection(PQerrorMessage(connection_)));
    if (unsent == 0) return {};
    TRIUNE_TRY(wait_for_socket(deadline, true));
  }
}

}  // namespace triune::adapters::postgres
