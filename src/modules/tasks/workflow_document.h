// The document of a workflow's definition as a tree of steps, and everything that is checked when it is defined.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::modules::tasks {

using Document = nlohmann::json;

inline constexpr std::size_t most_document_bytes = 1'000'000;
inline constexpr std::size_t most_document_steps = 1'000;
inline constexpr std::size_t most_execution_steps = 10'000;
inline constexpr std::size_t most_loops_inside = 4;
inline constexpr std::size_t deepest_step = 32;
inline constexpr std::size_t deepest_json = 64;
inline constexpr std::int64_t most_iterations = 5'000;
inline constexpr std::int64_t longest_timeout_ms = 366LL * 86'400'000;
inline constexpr std::int64_t default_timeout_ms = 4LL * 3'600'000;

/// Text as a document at most so deep; `what` names it in the error.
Result<Document> parse_document(std::string_view text, std::string_view what, std::size_t deepest = deepest_json);

enum class StepType : std::uint8_t { task, sequential, parallel, conditional, dag, loop };
std::string_view to_string(StepType type) noexcept;

/// Work that is put into a queue.
struct Work {
  std::string queue;
  Document payload = Document::object();
  std::int64_t timeout_ms = 0;  ///< 0: none.
  std::int64_t retries = 0;     ///< New items after one is dead or took too long.
};

/// What keeps a loop going.
enum class LoopKind : std::uint8_t { times, over, while_true };

struct Step {
  std::string name;
  std::string place;  ///< In the document, for errors.
  StepType type = StepType::task;
  bool goes_on = false;  ///< Its failure is no failure of what it is in.
  Work work;             ///< Of a task.
  std::unique_ptr<Work> compensation;
  std::vector<Step> steps;                           ///< Of a conditional: then, else; of a loop: its body.
  std::vector<std::vector<std::size_t>> depends_on;  ///< Of a dag: for each of `steps`, those it needs.
  Document condition;                                ///< Of a conditional, and of a loop while it holds.
  LoopKind loop = LoopKind::times;
  std::string over;       ///< The path of a list.
  std::int64_t most = 0;  ///< Iterations.
  std::size_t loops = 0;  ///< That it is in.
  const Step* parent = nullptr;
};

/// Immutable; pointers into it live as long as it.
struct Definition {
  Step root;
  std::int64_t timeout_ms = default_timeout_ms;  ///< 0: none.
  std::map<std::string, const Step*> steps;      ///< By name.
};

/// Error: `invalid_argument` that names the place, "steps[2].payload: …".
Result<std::shared_ptr<const Definition>> parse_definition(std::string_view text);

}  // namespace triune::modules::tasks
