// A module as a plain model: what each operation may come to, and what is visible then. A process that is killed
// performs operations; the test follows them here and compares.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"

namespace triune::testing {

using Document = nlohmann::json;

/// What one operation may come to: what its caller is told, and what is stored then.
struct Possible {
  Document outcome;
  Document state;
};

/// Random numbers that are the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  bool once_in(std::size_t times) { return below(times) == 0; }
  /// One of the names PREFIX0 … PREFIXn.
  std::string name(std::string_view prefix, std::size_t count) {
    return std::string(prefix) + std::to_string(below(count));
  }
  std::string one_of(const std::vector<std::string>& words) { return words[below(words.size())]; }

 private:
  std::mt19937_64 engine_;
};

/// One module. `next` and `perform` are the process's side, the rest is the test's.
class ModuleModel {
 public:
  virtual ~ModuleModel() = default;

  /// Opens the module in a hive, which outlives the model. Throws when it cannot be opened.
  virtual void open(Hive& hive) = 0;
  /// Something to do, which may well be refused. Knows nothing of what is stored but what `perform` was told.
  virtual Document next(Random& random) = 0;
  /// Does it. What the caller is told: `done(…)`, `refused()`, or a text for what must not happen.
  virtual Document perform(const Document& operation, const Actor& actor) = 0;

  /// What is visible of a hive that nobody has written to.
  [[nodiscard]] virtual Document initial() const = 0;
  /// Everything that `operation` may come to. Never empty.
  [[nodiscard]] virtual std::vector<Possible> outcomes(const Document& state, const Document& operation) const = 0;
  /// The part of a state that can be seen. What cannot is told apart by what comes of it later.
  [[nodiscard]] virtual Document visible(const Document& state) const { return state; }
  /// What is visible in the hive, through the module's calls and SQL.
  virtual Document read(Hive& hive) = 0;
  /// What else must hold of the hive, as test failures.
  virtual void check(Hive&, const Document&) {}
  /// Whether an operation that changes the state is in the audit log.
  [[nodiscard]] virtual bool is_audited(const Document&) const { return true; }
  /// Tables that are told in the audit log whole, with their keys behind organization_id.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const = 0;
};

/// All of them by name.
std::vector<std::string> module_models();
std::unique_ptr<ModuleModel> module_model(std::string_view name);

inline Document done(Document value = nullptr) {
  return {{"done", std::move(value)}};
}
inline Document refused() {
  return "refused";
}
/// What a caller is told by an error: that it was refused, or what must not happen.
Document told(const Error& error);

template <class T>
Document told(const Result<T>& result) {
  if (!result) return told(result.error());
  if constexpr (std::is_void_v<T>)
    return done();
  else
    return done(*result);
}
/// The same without the value.
template <class T>
Document told_whether(const Result<T>& result) {
  return result ? done() : told(result.error());
}

/// The value, or an exception that says what failed.
template <class T>
T expect(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
inline void expect(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

/// Rows of a statement as arrays of texts.
Document rows_of(Hive& hive, std::string_view sql);

std::unique_ptr<ModuleModel> access_model();
std::unique_ptr<ModuleModel> agents_model();
std::unique_ptr<ModuleModel> events_model();
std::unique_ptr<ModuleModel> memory_model();
std::unique_ptr<ModuleModel> queue_model();
std::unique_ptr<ModuleModel> tasks_model();
std::unique_ptr<ModuleModel> values_model();

}  // namespace triune::testing
