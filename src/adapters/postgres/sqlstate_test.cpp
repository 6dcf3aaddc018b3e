// What the codes of the server mean.
#include "adapters/postgres/sqlstate.h"

#include <gtest/gtest.h>

namespace triune::adapters::postgres {
namespace {

struct Case {
  const char* state;
  ErrorCode code;
  Retry retry;
  bool usable;
};

TEST(Sqlstate, Codes_mean_what_a_caller_can_do) {
  using enum ErrorCode;
  const Case cases[] = {{"08006", unavailable, Retry::safe, false},
                        {"22001", invalid_argument, Retry::never, true},
                        {"22021", invalid_argument, Retry::never, true},
                        {"23502", conflict, Retry::never, true},
                        {"23503", conflict, Retry::never, true},
                        {"23505", conflict, Retry::never, true},
                        {"23514", conflict, Retry::never, true},
                        {"25006", unavailable, Retry::safe, false},
                        {"25P02", conflict, Retry::safe, true},
                        {"28P01", permission_denied, Retry::never, false},
                        {"3D000", not_found, Retry::never, false},
                        {"40001", conflict, Retry::safe, true},
                        {"40P01", conflict, Retry::safe, true},
                        {"42501", permission_denied, Retry::never, true},
                        {"42601", invalid_argument, Retry::never, true},
                        {"42P01", invalid_argument, Retry::never, true},
                        {"53100", resource_exhausted, Retry::safe, true},
                        {"53300", unavailable, Retry::safe, false},
                        {"55P03", deadline_exceeded, Retry::safe, true},
                        {"57014", deadline_exceeded, Retry::safe, true},
                        {"57P01", unavailable, Retry::safe, false},
                        {"57P03", unavailable, Retry::safe, false},
                        {"XX001", corruption, Retry::never, false},
                        {"XX000", internal, Retry::never, false},
                        {"P0001", conflict, Retry::never, true},
                        {"ZZ123", internal, Retry::never, true},
                        {"40003", unavailable, Retry::outcome_unknown, false}};
  for (const auto& each : cases) {
    const Meaning meaning = meaning_of(each.state);
    EXPECT_EQ(meaning.code, each.code) << each.state;
    EXPECT_EQ(meaning.retry, each.retry) << each.state;
    EXPECT_EQ(meaning.connection_usable, each.usable) << each.state;
  }
}

TEST(Sqlstate, A_commit_without_answer_is_of_unknown_outcome) {
  const Error error = commit_failure(lost_connection("reset by peer\n"));
  EXPECT_EQ(error.retry, Retry::outcome_unknown);
  EXPECT_FALSE(error.connection_usable);
  EXPECT_FALSE(asks_for_another_run(error));
  EXPECT_TRUE(condemns_all_connections(error));
}

TEST(Sqlstate, Only_what_another_run_may_mend_asks_for_one) {
  const auto error = [](const char* state) {
    const Meaning meaning = meaning_of(state);
    return Error{.code = meaning.code,
                 .message = "x",
                 .engine = "postgres",
                 .native_code = state,
                 .retry = meaning.retry,
                 .connection_usable = meaning.connection_usable};
  };
  for (const char* state : {"40001", "40P01", "26000"}) EXPECT_TRUE(asks_for_another_run(error(state))) << state;
  for (const char* state : {"40002", "40003", "23505", "08006", "57014", "0A000"})
    EXPECT_FALSE(asks_for_another_run(error(state))) << state;
}

}  // namespace
}  // namespace triune::adapters::postgres
