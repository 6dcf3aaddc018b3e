// The words of tasks: canonical ones, and those of the systems that tasks come from.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "modules/kit/module.h"
#include "triune/modules/tasks.h"

namespace triune {
namespace {

using enum TaskStatus;

constexpr std::array<std::pair<std::string_view, TaskStatus>, 10> canonical{{{"draft", draft},
                                                                             {"pending", pending},
                                                                             {"assigned", assigned},
                                                                             {"in_progress", in_progress},
                                                                             {"blocked", blocked},
                                                                             {"review", review},
                                                                             {"completed", completed},
                                                                             {"failed", failed},
                                                                             {"cancelled", cancelled},
                                                                             {"archived", archived}}};

/// Words that other systems use for the same.
constexpr std::array<std::pair<std::string_view, TaskStatus>, 24> foreign{
    {{"backlog", draft},          {"analysis", assigned},   {"todo", pending},
     {"queued", pending},         {"open", pending},        {"new", pending},
     {"retrying", pending},       {"running", in_progress}, {"executing", in_progress},
     {"active", in_progress},     {"started", in_progress}, {"development", in_progress},
     {"deployment", in_progress}, {"paused", blocked},      {"waiting_dependency", blocked},
     {"waiting", blocked},        {"in_review", review},    {"testing", review},
     {"done", completed},         {"complete", completed},  {"success", completed},
     {"error", failed},           {"timeout", failed},      {"canceled", cancelled}}};

constexpr std::array<std::pair<TaskStatus, TaskStatus>, 36> transitions{
    {{draft, pending},         {draft, cancelled},     {draft, archived},        {pending, draft},
     {pending, assigned},      {pending, in_progress}, {pending, blocked},       {pending, cancelled},
     {pending, failed},        {assigned, pending},    {assigned, in_progress},  {assigned, blocked},
     {assigned, cancelled},    {assigned, failed},     {in_progress, pending},   {in_progress, assigned},
     {in_progress, blocked},   {in_progress, review},  {in_progress, completed}, {in_progress, failed},
     {in_progress, cancelled}, {blocked, pending},     {blocked, assigned},      {blocked, in_progress},
     {blocked, cancelled},     {blocked, failed},      {review, in_progress},    {review, completed},
     {review, failed},         {review, cancelled},    {completed, archived},    {failed, pending},
     {failed, archived},       {failed, cancelled},    {cancelled, pending},     {cancelled, archived}}};

constexpr std::array<std::string_view, 5> priorities{"low", "normal", "high", "urgent", "critical"};

std::string known_statuses() {
  std::string words;
  for (const auto& [word, status] : canonical) words += fmt::format("{}{}", words.empty() ? "" : ", ", word);
  return words;
}

}  // namespace

std::string_view to_string(TaskStatus status) noexcept {
  return canonical[static_cast<std::size_t>(status)].first;
}

Result<TaskStatus> parse_task_status(std::string_view word) {
  for (const auto& [known, status] : canonical)
    if (known == word) return status;
  return modules::unknown_word("a task's status", word, known_statuses());
}

Result<TaskStatus> canonical_task_status(std::string_view word) {
  std::string plain(word);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](unsigned char c) { return c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(c)); });
  for (const auto& [known, status] : foreign)
    if (known == plain) return status;
  if (auto status = parse_task_status(plain)) return status;
  std::string words = known_statuses();
  for (const auto& [known, status] : foreign) words += fmt::format(", {}", known);
  return modules::unknown_word("the status of a task from elsewhere", word, words);
}

bool may_follow(TaskStatus now, TaskStatus next) noexcept {
  return now == next || std::find(transitions.begin(), transitions.end(), std::pair(now, next)) != transitions.end();
}

std::string_view to_string(TaskPriority priority) noexcept {
  return priorities[static_cast<std::size_t>(priority)];
}

Result<TaskPriority> parse_task_priority(std::string_view word) {
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (priorities[i] == word) return static_cast<TaskPriority>(i);
  return modules::unknown_word("a task's priority", word, "low, normal, high, urgent, critical");
}

}  // namespace triune
