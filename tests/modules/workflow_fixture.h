// A hive with workflows, and a worker for its queues.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "integration/hive_fixture.h"
#include "triune/modules/queue.h"
#include "triune/modules/workflows.h"

namespace triune::testing {

class WorkflowTest : public HiveTest {
 protected:
  using Document = nlohmann::json;
  /// What a worker answers to a payload; nothing: it fails.
  using Answer = std::function<std::optional<Document>(const Document& payload)>;

  void SetUp() override {
    HiveTest::SetUp();
    open_all();
    ASSERT_TRUE(queues_->configure({.name = "work", .max_attempts = 1, .backoff_ms = 0}));
  }

  void TearDown() override {
    workflows_.reset();
    queues_.reset();
  }

  void open_all() {
    auto workflows = Workflows::open(*hive_);
    ASSERT_TRUE(workflows) << workflows.error().message;
    workflows_ = std::move(*workflows);
    queues_ = Queues::open(*hive_).value();
  }

  std::string define(const Document& document, const std::string& name = "flow") {
    const auto id = workflows_->define({.name = name, .document = Json{document.dump()}});
    EXPECT_TRUE(id) << id.error().message;
    return id ? *id : "";
  }

  Error refused(const Document& document) {
    const auto id = workflows_->define({.name = "refused", .document = Json{document.dump()}});
    EXPECT_FALSE(id);
    return id ? Error{} : id.error();
  }

  std::string start(const Document& input = Document::object(), const std::string& name = "flow") {
    const auto id = workflows_->start({.workflow = name, .input = Json{input.dump()}});
    EXPECT_TRUE(id) << id.error().message;
    return id ? *id : "";
  }

  WorkflowAdvance advance() {
    const auto done = workflows_->advance(1'000);
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(WorkflowAdvance());
  }

  /// One round: every ready item is answered, then executions go on. Returns how many were answered.
  std::size_t round(const Answer& answer) {
    const auto items = queues_->claim("work", "w", 100);
    EXPECT_TRUE(items) << items.error().message;
    if (!items) return 0;
    for (const auto& item : *items) finish(item, answer(Document::parse(item.payload.text)));
    advance();
    return items->size();
  }

  void finish(const QueueItem& item, const std::optional<Document>& result) {
    done_.push_back(Document::parse(item.payload.text));
    Status ended;
    if (result) {
      const QueueCompletion completion{item.id, item.claim, Json{result->dump()}};
      ended = queues_->complete(std::span(&completion, 1));
    } else {
      const QueueFailure failed{item.id, item.claim, "it broke", false};
      ended = queues_->fail(std::span(&failed, 1));
    }
    EXPECT_TRUE(ended) << ended.error().message;
  }

  /// Until nothing is left to answer.
  WorkflowExecution run(const std::string& id, const Answer& answer) {
    for (int rounds = 0; rounds < 500 && round(answer) > 0;) ++rounds;
    return workflows_->execution(id).value();
  }

  WorkflowExecution state(const std::string& id) { return workflows_->execution(id).value(); }

  /// The keys of what was done, in order.
  std::vector<std::string> keys() const {
    std::vector<std::string> found;
    for (const auto& payload : done_) found.push_back(payload.at("key"));
    return found;
  }

  static std::optional<Document> echo(const Document& payload) { return payload.at("input"); }

  std::unique_ptr<Workflows> workflows_;
  std::unique_ptr<Queues> queues_;
  std::vector<Document> done_;
};

}  // namespace triune::testing
