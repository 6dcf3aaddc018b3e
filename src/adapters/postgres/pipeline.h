// What was sent over a connection and not answered yet.
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/postgres/parameters.h"
#include "adapters/postgres/statement.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::postgres {

/// Gets every result of a statement that has rows. An error is kept and returned when all is answered.
using Receiver = std::function<Status(const PGresult*)>;

/// Appends the next part of a COPY to the text; false when that was the last.
using Producer = std::function<bool(std::string&)>;

inline constexpr std::string_view failed_tag = "failed";

/// What happens to the answer of one statement. The pointers live until it is answered.
struct Order {
  std::uint64_t* changed = nullptr;    ///< The number of rows it changed is added.
  const Receiver* receiver = nullptr;  ///< Rows go here, one result for each row.
  std::string* tag = nullptr;          ///< The command tag, or `failed_tag` when it is this one that failed.
  std::size_t row = 0;                 ///< Named in errors, from 1; 0: none.
};

/// Sends statements without waiting and reads their answers in order. Invariants:
///
/// P1 Every statement sent has one entry in `expected_`, and answers come in that order.
/// P2 After an error the server skips everything up to the next sync point, which `settle` and `dispatch` set.
/// P3 Nothing waits for the socket to take more without reading what it has, so full buffers cannot deadlock.
/// P4 After `broken()` nothing more is sent or read; the connection must be closed.
///
///     idle ──send──▶ sent ──sync──▶ flushing ──answers──▶ idle        any ──error of the socket──▶ broken
///
/// In the use of one thread at a time.
class Pipeline {
 public:
  /// `connection` is connected, in pipeline mode and not blocking. `pooled`: a cancelled connection is not used again,
  /// since a pooler may pass the request on late.
  Pipeline(PGconn* connection, bool pooled) : connection_(connection), pooled_(pooled) {}

  /// Sends a statement, prepared first when it has a name and needs it.
  Status run(const std::shared_ptr<Statement>& statement, const Parameters& parameters, Order order = {});
  /// Prepares without running.
  Status prepare(const std::shared_ptr<Statement>& statement);
  /// A command of the adapter's own, without parameters.
  Status command(std::string_view sql, Order order = {});

  /// Waits until everything is answered; the first error there was. When `deadline` passes, the server is asked to
  /// stop (but for a COMMIT), and a moment later the connection is given up. Errors also: `deadline_exceeded`,
  /// `unavailable`.
  Status settle(Deadline deadline, bool may_cancel = true);
  /// Runs a COPY … FROM STDIN by itself, everything sent before being answered. Adds the number of rows to `*rows`.
  Status copy_in(const std::string& sql, const Producer& producer, std::uint64_t* rows, Deadline deadline);
  /// Sends everything off without waiting for an answer. What fails then is of no interest.
  void dispatch();
  /// Takes what has arrived, without waiting. False: broken.
  bool absorb();

  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] bool idle() const { return expected_.empty(); }
  /// Enough is under way that answers should be read before more is sent.
  [[nodiscard]] bool full() const;

 private:
  struct Expected {
    enum class Kind : unsigned char { prepare, run, sync };
    Kind kind = Kind::run;
    std::shared_ptr<Statement> statement;  ///< Null for commands.
    Order order;
    bool silent = false;  ///< Nobody waits for it: its error is of no interest.
  };
  Status sent(int accepted, Expected expected, std::size_t bytes);
  Status break_with(Error error);
  Status wait(Deadline deadline);
  Status wait_for_socket(Deadline deadline, bool unsent);
  Status past_deadline();
  void set_sync_point();
  /// Reads all answers to the first of `expected_` and removes it.
  Status read_answers(Deadline deadline);
  void take_answer(const PGresult* result);
  void note_error(Error error);
  void take_done(const PGresult* result);
  Status first_error();
  Status receive_copy(const Producer& producer, std::uint64_t* rows, Deadline deadline);
  Status send_copy(const Producer& producer, Deadline deadline);
  Status send_part(const std::string& part, Deadline deadline);

  PGconn* connection_;
  const bool pooled_;
  std::deque<Expected> expected_;
  std::size_t bytes_ = 0;  ///< Sent since all was answered last.
  bool unsynced_ = false;  ///< Something was sent behind the last sync point.
  bool broken_ = false;
  bool cancelled_ = false;
  bool may_cancel_ = true;
  Deadline grace_ = Deadline::never();  ///< For the answer to a cancel request.
  Status error_;                        ///< The first one since the last `settle`.
};

}  // namespace triune::adapters::postgres
