// Random workflows against a plain interpreter: the same outputs, and the same steps done.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "modules/workflow_fixture.h"

namespace triune::testing {
namespace {

using Document = nlohmann::json;

std::int64_t digest(const std::string& text) {
  std::uint64_t hash = 1'469'598'103'934'665'603ULL;
  for (const unsigned char c : text) hash = (hash ^ c) * 1'099'511'628'211ULL;
  return static_cast<std::int64_t>((hash >> 20U) % 1'000);
}

/// What a worker answers: steps whose names begin with f fail.
std::optional<Document> answer_of(const std::string& key, const Document& input) {
  if (key.front() == 'f') return {};
  return Document(digest(key + input.dump()));
}

/// Makes documents, whose expressions are of the forms that the interpreter reads.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed), fails_(chance(3)) {}

  Document document() { return {{"queue", "work"}, {"type", "sequential"}, {"steps", Document::array({step(3, {})})}}; }

 private:
  bool chance(std::uint32_t one_of) { return random_() % one_of == 0; }

  std::string name(const std::string& prefix) { return prefix + std::to_string(++names_); }

  Document expression(const std::vector<std::string>& seen) {
    auto list = Document::array();
    list.push_back("${input.n}");
    for (const auto& path : seen)
      if (chance(2)) list.push_back("${" + path + "}");
    return list;
  }

  Document condition(const std::vector<std::string>& seen) {
    const auto path = seen.empty() || chance(3) ? std::string("input.n") : seen[random_() % seen.size()];
    Document one{{"path", path}, {"is", chance(2) ? "<" : "!="}, {"value", 500}};
    return chance(3) ? Document{{"not", one}} : one;
  }

  Document task(const std::vector<std::string>& seen) {
    const bool failing = fails_ && chance(6);
    Document made{{"name", name(failing ? "f" : "t")}, {"type", "task"}, {"payload", expression(seen)}};
    if (failing && chance(2)) made["on_failure"] = "continue";
    if (chance(3)) made["compensation"] = Document{{"payload", "${steps." + made["name"].get<std::string>() + "}"}};
    return made;
  }

  Document step(int depth, std::vector<std::string> seen) {
    const auto kind = depth == 0 ? 0 : random_() % 6;
    if (kind == 0) return task(seen);
    Document made{{"name", name("s")}};
    if (kind <= 3) return steps(std::move(made), kind, depth, std::move(seen));
    if (kind == 4) {
      made["type"] = "conditional";
      made["condition"] = condition(seen);
      made["then"] = step(depth - 1, seen);
      if (chance(2)) made["else"] = step(depth - 1, seen);
      return made;
    }
    made["type"] = "loop";
    const auto around = "loops." + made["name"].get<std::string>();
    if (chance(2)) {
      made["times"] = random_() % 4;
    } else if (chance(2)) {
      made["over"] = "input.list";
      made["most"] = 5;
      seen.push_back(around + ".item");
    } else {
      made["most"] = 5;
      made["while"] = Document{{"path", around + ".index"}, {"is", "<"}, {"value", random_() % 4}};
    }
    seen.push_back(around + ".index");
    seen.push_back(around + ".last");
    made["step"] = step(depth - 1, seen);
    return made;
  }

  Document steps(Document made, std::uint32_t kind, int depth, std::vector<std::string> seen) {
    made["type"] = kind == 1 ? "sequential" : kind == 2 ? "parallel" : "dag";
    made["steps"] = Document::array();
    std::vector<std::string> names;
    const auto count = 1 + random_() % 3;
    for (std::uint32_t i = 0; i < count; ++i) {
      auto visible = seen;
      auto needed = Document::array();
      for (const auto& earlier : names) {
        if (kind == 1 || (kind == 3 && chance(2))) {
          visible.push_back("steps." + earlier);
          needed.push_back(earlier);
        }
      }
      auto part = step(depth - 1, visible);
      names.push_back(part["name"]);
      if (kind == 3) part["depends_on"] = needed;
      made["steps"].push_back(std::move(part));
    }
    // The order in which a dag is written says nothing.
    if (kind == 3) std::reverse(made["steps"].begin(), made["steps"].end());
    return made;
  }

  std::mt19937 random_;
  bool fails_;
  int names_ = 0;
};

/// Does everything at once, in memory, in one order.
class Interpreter {
 public:
  explicit Interpreter(Document input) : input_(std::move(input)) {}

  std::set<std::string> done;

  std::optional<Document> run(const Document& step, const std::string& where) {
    const auto name = step.value("name", std::string());
    auto output = evaluate(step, where);
    if (!output && step.value("on_failure", "") == "continue") output = Document();
    if (output) outputs_[name] = *output;
    return output;
  }

 private:
  std::optional<Document> evaluate(const Document& step, const std::string& where) {
    const auto type = step.at("type").get<std::string>();
    if (type == "task") {
      const auto key = step.value("name", std::string("workflow")) + where;
      done.insert(key);
      return answer_of(key, filled(step.at("payload")));
    }
    if (type == "conditional") {
      if (holds(step.at("condition"))) return run(step.at("then"), where);
      return step.contains("else") ? run(step.at("else"), where) : Document();
    }
    if (type == "loop") return loop(step, where);
    auto output = Document::object();
    std::set<std::string> ended;
    while (ended.size() < step.at("steps").size())
      for (const auto& part : step.at("steps")) {
        const auto name = part.at("name").get<std::string>();
        const auto needed = part.value("depends_on", std::vector<std::string>());
        if (ended.count(name) > 0 ||
            !std::all_of(needed.begin(), needed.end(), [&](const auto& n) { return ended.count(n) > 0; }))
          continue;
        const auto one = run(part, where);
        if (!one) return {};
        output[name] = *one;
        ended.insert(name);
      }
    return output;
  }

  std::optional<Document> loop(const Document& step, const std::string& where) {
    auto outputs = Document::array();
    auto& now = loops_[step.value("name", std::string())];
    for (std::int64_t i = 0;; ++i) {
      now = Document{{"index", i}, {"last", outputs.empty() ? Document() : outputs.back()}};
      if (step.contains("times") && i >= step.at("times").get<std::int64_t>()) return outputs;
      if (step.contains("over") && i >= static_cast<std::int64_t>(input_.at("list").size())) return outputs;
      if (step.contains("while") && !holds(step.at("while"))) return outputs;
      if (step.contains("over")) now["item"] = input_.at("list").at(static_cast<std::size_t>(i));
      const auto one = run(step.at("step"), where + "[" + std::to_string(i) + "]");
      if (!one) return {};
      outputs.push_back(*one);
    }
  }

  Document at(const std::string& path) const {
    if (path == "input.n") return input_.at("n");
    const auto name = path.substr(6, path.find('.', 6) - 6);
    if (path.compare(0, 6, "steps.") == 0) return outputs_.at(name);
    return loops_.at(name).at(path.substr(path.rfind('.') + 1));
  }

  Document filled(const Document& list) const {
    auto values = Document::array();
    for (const auto& one : list)
      values.push_back(at(one.get<std::string>().substr(2, one.get<std::string>().size() - 3)));
    return values;
  }

  bool holds(const Document& condition) const {
    if (condition.contains("not")) return !holds(condition.at("not"));
    const auto value = at(condition.at("path"));
    if (condition.at("is") == "!=") return value != condition.at("value");
    return value.is_number() && value < condition.at("value");
  }

  Document input_;
  std::map<std::string, Document> outputs_;
  std::map<std::string, Document> loops_;
};

class WorkflowRandomTest : public WorkflowTest {
 protected:
  /// Keys that were done, but not what undid them; each once.
  std::set<std::string> keys_done() const {
    std::set<std::string> keys;
    for (const auto& key : WorkflowTest::keys())
      if (key.find("/undo") == std::string::npos) {
        EXPECT_TRUE(keys.insert(key).second) << key << " twice";
      }
    return keys;
  }

  /// W4.
  void expect_undone_backwards(const std::string& id) {
    std::map<std::string, std::int64_t> places;
    const auto steps = workflows_->steps(id).value();
    for (const auto& step : steps) places[step.key] = step.place;
    std::int64_t last = INT64_MAX;
    for (const auto& key : keys()) {
      const auto undo = key.find("/undo");
      if (undo == std::string::npos) continue;
      const auto place = places.at(key.substr(0, undo));
      EXPECT_GT(place, 0) << key;
      EXPECT_LT(place, last) << key;
      last = place;
    }
  }
};

TEST_F(WorkflowRandomTest, AnyWorkflowEndsAsAPlainInterpreterSays) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::uint32_t round = 0; round < 60 && !HasFailure(); ++round) {
    Generator generator(seed + round);
    const auto document = generator.document();
    SCOPED_TRACE(document.dump());
    const Document input{{"n", (seed + round) % 1'000}, {"list", {3, 1, 2}}};
    define(document, "flow" + std::to_string(round));
    done_.clear();
    const auto id = start(input, "flow" + std::to_string(round));
    const auto ended =
        run(id, [](const Document& payload) { return answer_of(payload.at("key"), payload.at("input")); });
    Interpreter model(input);
    const auto expected = model.run(document, {});
    ASSERT_EQ(ended.status, expected ? "completed" : "failed") << ended.error;
    const auto done = keys_done();
    if (expected) {
      EXPECT_EQ(Document::parse(ended.output.text), *expected);
      EXPECT_EQ(done, model.done);
      EXPECT_EQ(ended.progress, 100);
    } else {
      expect_undone_backwards(id);
    }
  }
}

}  // namespace
}  // namespace triune::testing
