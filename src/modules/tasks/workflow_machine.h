// What comes next in an execution (W1): a pure function of the definition and of what is stored. It changes rows in
// memory and says which items are to be put into queues and taken out; nothing here reads a clock or a store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "modules/tasks/workflow_document.h"
#include "modules/tasks/workflow_expression.h"

namespace triune::modules::tasks {

enum class StepStatus : std::uint8_t { running, completed, failed, cancelled };

/// The iterations that a step is in, from the outermost loop on.
using Iterations = std::vector<std::int64_t>;

/// A row of triune_workflow_steps.
struct StepRow {
  std::string key;
  std::string name;
  std::string type;
  StepStatus status = StepStatus::running;
  std::int64_t attempt = 1;
  std::int64_t iteration = 0;  ///< Of a loop: the one that it is at.
  std::int64_t place = 0;
  std::string item;
  Document data;  ///< Of a conditional: the part chosen; of a loop: its list. Decided once.
  Document output;
  std::string error;
  std::optional<std::int64_t> due_at_ms;
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> ended_at_ms;
  Iterations at;
  bool is_new = false;    ///< Not stored yet.
  bool changed = false;   ///< Since it was stored.
  bool item_new = false;  ///< Its item is among `puts`.
};

/// A row of triune_workflow_executions.
struct ExecutionRow {
  std::string id;
  std::string workflow_name;
  std::string status = "running";
  std::string ends_as;
  std::string compensation = "none";
  double progress = 0;
  Document input;
  Document trigger;
  Document output;
  std::string error;
  std::optional<std::int64_t> due_at_ms;
  std::optional<std::int64_t> wake_at_ms;
  std::optional<std::int64_t> ended_at_ms;
};

/// What became of an item.
struct ItemState {
  std::string state;
  std::string result;
  std::string error;
};

struct ItemPut {
  std::string queue;
  std::string id;
  Document payload;
};

class WorkflowMachine {
 public:
  /// What is stored now; `steps` by key, `items` of running steps by id, `queues` that exist.
  struct State {
    ExecutionRow execution;
    std::map<std::string, StepRow> steps;
    std::map<std::string, ItemState> items;
    std::set<std::string> queues;
  };

  WorkflowMachine(const Definition& definition, State& state, std::int64_t now)
      : definition_(definition), state_(state), now_(now) {}

  /// Goes on as far as possible.
  void run();
  /// Stops what runs and begins to compensate; the execution ends as "failed" or "cancelled".
  void begin_ending(const std::string& ends_as, const std::string& error);

  [[nodiscard]] const std::vector<ItemPut>& puts() const { return puts_; }
  [[nodiscard]] const std::vector<std::string>& cancels() const { return cancels_; }

 private:
  /// The row of the step there, begun if it was not; null when the execution has too many.
  StepRow* evaluate(const Step& step, const Iterations& at);
  StepRow* begin(const std::string& key, const Step& step, std::string_view type, const Iterations& at);
  void go_on(const Step& step, const Iterations& at, StepRow& row);
  void sequential(const Step& step, const Iterations& at, StepRow& row);
  void parallel(const Step& step, const Iterations& at, StepRow& row);
  void dag(const Step& step, const Iterations& at, StepRow& row);
  void conditional(const Step& step, const Iterations& at, StepRow& row);
  void loop(const Step& step, const Iterations& at, StepRow& row);
  /// Whether there is another iteration; ends the row when it cannot be said or there are too many.
  bool loop_goes_on(const Step& step, const Iterations& at, StepRow& row);
  void choose(const Step& step, const Iterations& at, StepRow& row);
  void list_items(const Step& step, const Iterations& at, StepRow& row);
  /// An item of a task or of a compensation.
  void work(const Step& step, const Work& work, StepRow& row);
  void put(const Step& step, const Work& work, StepRow& row);
  void attempt_failed(const Step& step, const Work& work, StepRow& row, const std::string& error);
  void compensate();

  void complete(StepRow& row, Document output);
  void fail(StepRow& row, const std::string& error);
  void cancel(StepRow& row);
  void cancel_inside(const Step& step, const Iterations& at);
  /// The outputs of the parts by their names, once all have ended well; ends the row when one has not.
  void join(const Step& step, const std::vector<StepRow*>& parts, StepRow& row);

  [[nodiscard]] const StepRow* find(const Step& step, const Iterations& at) const;
  [[nodiscard]] Lookup lookup(const Iterations& at) const;
  [[nodiscard]] Document loop_value(const Step& loop, const Iterations& at) const;
  [[nodiscard]] double progress(const Step& step, const Iterations& at) const;
  void note_time();

  const Definition& definition_;
  State& state_;
  const std::int64_t now_;
  std::vector<ItemPut> puts_;
  std::vector<std::string> cancels_;
  std::string too_much_;
  std::int64_t last_place_ = 0;
};

/// "send[2][0]".
std::string key_of(const Step& step, const Iterations& at);
/// The iterations in a key.
Iterations iterations_of(std::string_view key);

}  // namespace triune::modules::tasks
