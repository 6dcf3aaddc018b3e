#include "adapters/sqlite/function_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/sqlite/sqlite_error.h"
#include "adapters/sqlite/statement.h"
#include "model/sql_text.h"

namespace triune::adapters::sqlite {

/// The callbacks of a module. What the functions throw ends in `guarded`, before SQLite, which is C.
struct FunctionModule {
  struct Table : sqlite3_vtab {
    FunctionTables* tables = nullptr;
    std::size_t number = 0;
    [[nodiscard]] const contract::TableFunction& function() const { return tables->functions_.functions()[number]; }
  };
  struct Cursor : sqlite3_vtab_cursor {
    std::unique_ptr<contract::RowSource> source;
    std::vector<Value> arguments;
    std::vector<Value> row;
    sqlite3_int64 number = 0;
    bool at_end = true;
    [[nodiscard]] Table& table() const { return *static_cast<Table*>(pVtab); }
  };

  static int connect(sqlite3* database, void* registered, int argument_count, const char* const* arguments,
                     sqlite3_vtab** table, char** message);
  static int best_index(sqlite3_vtab* table, sqlite3_index_info* index);
  static int disconnect(sqlite3_vtab* table);
  static int open(sqlite3_vtab* table, sqlite3_vtab_cursor** cursor);
  static int close(sqlite3_vtab_cursor* cursor);
  static int filter(sqlite3_vtab_cursor* cursor, int place, const char* given, int count, sqlite3_value** values);
  static int next(sqlite3_vtab_cursor* cursor);
  static int eof(sqlite3_vtab_cursor* cursor);
  static int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int column);
  static int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* rowid);

  static int fail(Table& table, Error error);
  static int require(Table& table, std::uint64_t given);
  static const sqlite3_module module;
};

namespace {

constexpr std::size_t most_arguments = 16;

int give(char*& place, const std::string& message) {
  sqlite3_free(place);
  place = sqlite3_mprintf("%s", message.c_str());
  return SQLITE_ERROR;
}

/// Runs what may throw.
template <class Work>
Status guarded(const Work& work) {
  try {
    return work();
  } catch (const std::exception& exception) {
    return refuse(ErrorCode::internal, fmt::format("the function threw an exception: {}", exception.what()));
  }
}

/// Counts a call while it is under way, also when it throws.
class CallScope {
 public:
  explicit CallScope(int& calls) : calls_(calls) { ++calls_; }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() { --calls_; }

 private:
  int& calls_;
};

using Constraints = std::array<int, most_arguments>;

/// As many as the argument says that limits them, where that is a constant.
sqlite3_int64 expected_rows(const contract::TableFunction& function, sqlite3_index_info* index,
                            const Constraints& constraint_of, std::uint64_t given) {
  const auto usual = static_cast<sqlite3_int64>(function.expected_rows);
  if (!function.limit || (given >> *function.limit & 1U) == 0) return usual;
  sqlite3_value* value = nullptr;
  if (sqlite3_vtab_rhs_value(index, constraint_of[*function.limit], &value) != SQLITE_OK || value == nullptr)
    return usual;
  return sqlite3_value_type(value) == SQLITE_INTEGER ? std::max<sqlite3_int64>(sqlite3_value_int64(value), 1) : usual;
}

std::string declaration(const contract::TableFunction& function) {
  std::string columns;
  for (const auto& column : function.columns)
    columns += (columns.empty() ? "" : ", ") + model::quote_identifier(column);
  for (const auto& argument : function.arguments) columns += ", " + model::quote_identifier(argument) + " HIDDEN";
  return "CREATE TABLE x(" + columns + ")";
}

}  // namespace

const sqlite3_module FunctionModule::module = [] {
  sqlite3_module result{};
  result.xConnect = &connect;  // without xCreate it is a table by its name alone
  result.xBestIndex = &best_index;
  result.xDisconnect = &disconnect;
  result.xOpen = &open;
  result.xClose = &close;
  result.xFilter = &filter;
  result.xNext = &next;
  result.xEof = &eof;
  result.xColumn = &column;
  result.xRowid = &rowid;
  return result;
}();

int FunctionModule::connect(sqlite3* database, void* registered, int /*argument_count*/,
                            const char* const* /*arguments*/, sqlite3_vtab** table, char** /*message*/) {
  const auto& own = *static_cast<FunctionTables::Registered*>(registered);
  auto made = std::make_unique<Table>();
  made->tables = own.tables;
  made->number = own.number;
  // A view or trigger of the file must not reach other engines.
  sqlite3_vtab_config(database, SQLITE_VTAB_DIRECTONLY);
  const int code = sqlite3_declare_vtab(database, declaration(made->function()).c_str());
  if (code == SQLITE_OK) *table = made.release();
  return code;
}

int FunctionModule::disconnect(sqlite3_vtab* table) {
  delete static_cast<Table*>(table);
  return SQLITE_OK;
}

int FunctionModule::fail(Table& table, Error error) {
  const int code = give(table.zErrMsg, error.message);
  table.tables->error_ = std::unexpected(std::move(error));
  return code;
}

int FunctionModule::require(Table& table, std::uint64_t given) {
  const auto& function = table.function();
  for (std::size_t i = 0; i < function.required; ++i)
    if ((given >> i & 1U) == 0)
      return fail(table, {.code = ErrorCode::invalid_argument,
                          .message = contract::missing_argument(function, i),
                          .engine = {},
                          .native_code = {}});
  return SQLITE_OK;
}

int FunctionModule::best_index(sqlite3_vtab* base, sqlite3_index_info* index) {
  auto& table = *static_cast<Table*>(base);
  const auto& function = table.function();
  const auto first = static_cast<int>(function.columns.size());
  std::uint64_t given = 0;
  bool waits = false;
  Constraints constraint_of{};
  for (int i = 0; i < index->nConstraint; ++i) {
    const auto& constraint = index->aConstraint[i];
    if (constraint.iColumn < first || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    // Of an argument that comes from a table which this order of joining reads later.
    if (constraint.usable == 0) waits = true;
    if (constraint.usable == 0) continue;
    const auto argument = static_cast<std::size_t>(constraint.iColumn - first);
    if ((given >> argument & 1U) != 0) continue;
    given |= 1U << argument;
    constraint_of[argument] = i;
  }
  if (waits) return SQLITE_CONSTRAINT;
  if (const int code = require(table, given); code != SQLITE_OK) return code;
  int position = 0;
  for (std::size_t argument = 0; argument < function.arguments.size(); ++argument) {
    if ((given >> argument & 1U) == 0) continue;
    auto& usage = index->aConstraintUsage[constraint_of[argument]];
    usage.argvIndex = ++position;
    usage.omit = 1;
  }
  index->idxNum = ++table.tables->places_;
  const auto rows = expected_rows(function, index, constraint_of, given);
  // Plans show this text.
  index->idxStr = sqlite3_mprintf("%llu %lld %s", static_cast<unsigned long long>(given), rows, function.name.c_str());
  index->needToFreeIdxStr = 1;
  index->estimatedCost = function.expected_cost;
  index->estimatedRows = rows;
  return SQLITE_OK;
}

int FunctionModule::open(sqlite3_vtab* /*table*/, sqlite3_vtab_cursor** cursor) {
  *cursor = new Cursor();
  return SQLITE_OK;
}

int FunctionModule::close(sqlite3_vtab_cursor* cursor) {
  delete static_cast<Cursor*>(cursor);
  return SQLITE_OK;
}

int FunctionModule::filter(sqlite3_vtab_cursor* base, int place, const char* given, int count, sqlite3_value** values) {
  auto& cursor = *static_cast<Cursor*>(base);
  auto& table = cursor.table();
  auto& tables = *table.tables;
  const auto mask = std::strtoull(given, nullptr, 10);
  auto called = guarded([&]() -> Status {
    cursor.source.reset();
    cursor.number = 0;
    cursor.arguments.assign(table.function().arguments.size(), Null{});
    int position = 0;
    for (std::size_t argument = 0; argument < cursor.arguments.size() && position < count; ++argument)
      if ((mask >> argument & 1U) != 0) cursor.arguments[argument] = value_of(values[position++]);
    const CallScope scope(tables.calls_);
    auto source = tables.functions_.call(table.number, place, tables.session_, cursor.arguments);
    if (!source) return failure_of(source);
    cursor.source = std::move(*source);
    return {};
  });
  if (!called) return fail(table, std::move(called.error()));
  return next(base);
}

int FunctionModule::next(sqlite3_vtab_cursor* base) {
  auto& cursor = *static_cast<Cursor*>(base);
  auto moved = guarded([&]() -> Status {
    auto more = cursor.source->next(cursor.row);
    if (!more) return failure_of(more);
    cursor.at_end = !*more;
    return {};
  });
  ++cursor.number;
  return moved ? SQLITE_OK : fail(cursor.table(), std::move(moved.error()));
}

int FunctionModule::eof(sqlite3_vtab_cursor* cursor) {
  return static_cast<Cursor*>(cursor)->at_end ? 1 : 0;
}

int FunctionModule::column(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
  const auto& cursor = *static_cast<Cursor*>(base);
  const auto index = static_cast<std::size_t>(column);
  const auto columns = cursor.table().function().columns.size();
  give_result(context, index < columns ? cursor.row.at(index) : cursor.arguments.at(index - columns));
  return SQLITE_OK;
}

int FunctionModule::rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* rowid) {
  *rowid = static_cast<Cursor*>(cursor)->number;
  return SQLITE_OK;
}

FunctionTables::FunctionTables(Connection& connection, contract::RelationalSession& session,
                               contract::TableFunctions& functions)
    : connection_(connection), session_(session), functions_(functions) {
  for (std::size_t i = 0; i < functions.functions().size(); ++i)
    sqlite3_create_module(connection.handle(), functions.functions()[i].name.c_str(), &FunctionModule::module,
                          &registered_.emplace_back(Registered{this, i}));
  count_steps(!functions.measured_statement().empty());
}

FunctionTables::~FunctionTables() {
  count_steps(false);
  for (const auto& function : functions_.functions())
    sqlite3_create_module(connection_.handle(), function.name.c_str(), nullptr, nullptr);
}

bool FunctionTables::used_by(std::string_view sql) const {
  for (const auto& function : functions_.functions())
    if (mentions(sql, function.name)) return true;
  return false;
}

void FunctionTables::count_steps(bool on) {
  sqlite3_db_config(connection_.handle(), SQLITE_DBCONFIG_STMT_SCANSTATUS, on ? 1 : 0, nullptr);
}

bool FunctionTables::measures(std::string_view sql) const {
  const auto measured = functions_.measured_statement();
  return !measured.empty() && sql.ends_with(measured);
}

void FunctionTables::report_steps(std::string_view sql, sqlite3_stmt* statement) const {
  if (sql != functions_.measured_statement()) return;
  for (int index = 0;; ++index) {
    const auto ask = [&](int what, void* answer) {
      return sqlite3_stmt_scanstatus_v2(statement, index, what, SQLITE_SCANSTAT_COMPLEX, answer) == SQLITE_OK;
    };
    int step = 0;
    sqlite3_int64 loops = -1;
    sqlite3_int64 rows = -1;
    contract::StepFigures figures;
    if (!ask(SQLITE_SCANSTAT_SELECTID, &step)) return;
    if (!ask(SQLITE_SCANSTAT_NLOOP, &loops) || !ask(SQLITE_SCANSTAT_NVISIT, &rows) ||
        !ask(SQLITE_SCANSTAT_EST, &figures.estimated_rows))
      return;
    // A step without a loop of its own, such as sorting, is not counted.
    if (loops < 0 || rows < 0) continue;
    figures.step = step;
    figures.loops = static_cast<std::uint64_t>(loops);
    figures.rows = static_cast<std::uint64_t>(rows);
    functions_.measured(figures);
  }
}

void FunctionTables::number_places() {
  if (calls_ == 0)
    places_ = 0;
  else
    places_ = std::max(places_, contract::first_nested_place);
}

Status FunctionTables::take_error() {
  return std::exchange(error_, Status());
}

}  // namespace triune::adapters::sqlite
