#include "adapters/postgres/cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/postgres/results.h"
#include "adapters/postgres/tokens.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

constexpr std::size_t batch_bytes = 1 << 20U;
constexpr std::size_t most_rows = 10'000;

}  // namespace

bool Cursor::fits(const StatementText& text) {
  return text.reads && text.selects;
}

Cursor::Cursor(Pipeline& pipeline, std::shared_ptr<Statement> statement, std::uint64_t number)
    : pipeline_(pipeline), statement_(std::move(statement)), name_(fmt::format("triune_cursor_{}", number)) {}

Status Cursor::declare(const Parameters& parameters) {
  const std::string prefix = fmt::format("DECLARE {} NO SCROLL CURSOR FOR ", name_);
  auto declaration = std::make_shared<Statement>();
  declaration->text.sql = prefix + statement_->text.sql;
  declaration->source = statement_->source;
  declaration->prefix = prefix.size();
  return pipeline_.run(declaration, parameters);
}

Status Cursor::fetch(std::size_t most, Deadline deadline) {
  const std::size_t wanted = std::min(most, batch_);
  rows_.clear();
  bytes_ = 0;
  auto fetching = std::make_shared<Statement>();
  fetching->text.sql = fmt::format("FETCH FORWARD {} FROM {}", wanted, name_);
  fetching->binary = statement_->binary;
  const Receiver receiver = [this](const PGresult* answer) { return take(answer); };
  TRIUNE_TRY(pipeline_.run(fetching, {}, {.receiver = &receiver}));
  TRIUNE_TRY(pipeline_.settle(deadline));
  statement_->binary = fetching->binary;
  at_end_ = rows_.size() < wanted;
  if (!rows_.empty()) batch_ = std::clamp<std::size_t>(batch_bytes / (bytes_ / rows_.size() + 1), 1, most_rows);
  return {};
}

Status Cursor::take(const PGresult* answer) {
  if (columns_.empty()) columns_ = column_names(answer);
  for (int row = 0; row < PQntuples(answer); ++row) {
    for (int column = 0; column < PQnfields(answer); ++column)
      bytes_ += static_cast<std::size_t>(PQgetlength(answer, row, column)) + sizeof(Value);
    TRIUNE_TRY(read_row(answer, row, rows_.emplace_back()));
  }
  return {};
}

Status Cursor::close() {
  return pipeline_.command("CLOSE " + name_);
}

}  // namespace triune::adapters::postgres
