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

Cursor::Cursor(Pipeline& pipeline, std::shared_ptr<Statement> statement, std::uint64_t number, std::size_t most)
    : pipeline_(pipeline),
      statement_(std::move(statement)),
      name_(fmt::format("triune_cursor_{}", number)),
      receiver_([this](const PGresult* answer) { return take(answer); }),
      left_(most),
      at_end_(most == 0) {}

Status Cursor::declare(const Parameters& parameters) {
  const std::string prefix = fmt::format("DECLARE {} NO SCROLL CURSOR FOR ", name_);
  auto declaration = std::make_shared<Statement>();
  declaration->text.sql = prefix + statement_->text.sql;
  declaration->source = statement_->source;
  declaration->prefix = prefix.size();
  return pipeline_.run(declaration, parameters);
}

Status Cursor::ask() {
  next_.wanted = std::min(left_, size_);
  next_.rows = 0;
  next_.bytes = 0;
  left_ -= next_.wanted;
  fetching_ = std::make_shared<Statement>();
  fetching_->text.sql = fmt::format("FETCH FORWARD {} FROM {}", next_.wanted, name_);
  fetching_->binary = statement_->binary;
  asked_ = true;
  return pipeline_.run(fetching_, {}, {.receiver = &receiver_, .whole = true});
}

Status Cursor::fetch(Deadline deadline) {
  if (!asked_) TRIUNE_TRY(ask());
  TRIUNE_TRY(pipeline_.settle(deadline));
  asked_ = false;
  statement_->binary = fetching_->binary;
  std::swap(current_, next_);
  at_end_ = current_.rows < current_.wanted || left_ == 0;
  if (current_.rows > 0)
    size_ = std::clamp<std::size_t>(batch_bytes / (current_.bytes / current_.rows + 1), 1, most_rows);
  if (at_end_) return {};
  TRIUNE_TRY(ask());
  pipeline_.push();
  return {};
}

Status Cursor::take(const PGresult* answer) {
  if (columns_.empty()) columns_ = column_names(answer);
  const int rows = PQntuples(answer);
  const auto columns = static_cast<std::size_t>(PQnfields(answer));
  next_.values.resize(static_cast<std::size_t>(rows) * columns);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < PQnfields(answer); ++column)
      next_.bytes += static_cast<std::size_t>(PQgetlength(answer, row, column)) + sizeof(Value);
    TRIUNE_TRY(
        read_row(answer, row, std::span(next_.values).subspan(static_cast<std::size_t>(row) * columns, columns)));
  }
  next_.rows = static_cast<std::size_t>(rows);
  return {};
}

Status Cursor::close() {
  return pipeline_.command("CLOSE " + name_);
}

}  // namespace triune::adapters::postgres
