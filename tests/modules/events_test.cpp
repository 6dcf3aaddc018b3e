// Events: told once, in chains, delivered until acknowledged, counted, and let go by the month.
#include "triune/modules/events.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t day_ms = 86'400'000;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class EventsTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    events_ = opened(*hive_);
    ASSERT_TRUE(events_->register_source({.name = "github", .source_type = "github"}));
    ASSERT_TRUE(events_->register_source({.name = "slack"}));
  }
  void TearDown() override { events_.reset(); }

  static std::unique_ptr<Events> opened(Hive& hive) {
    auto opened = Events::open(hive);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  std::string tell(const NewEvent& event) {
    auto told = events_->ingest(event);
    EXPECT_TRUE(told) << told.error().message;
    return told ? told->id : "";
  }

  std::int64_t counted(const AggregateQuery& query = {}) {
    std::int64_t sum = 0;
    const auto found = events_->aggregates(query);
    EXPECT_TRUE(found) << found.error().message;
    if (found)
      for (const auto& one : *found) sum += one.events;
    return sum;
  }

  std::unique_ptr<Events> events_;
};

TEST_F(EventsTest, AnEventIsKeptAsItWasTold) {
  const auto at = now() - 5'000;
  const auto id = tell({.source = "github",
                        .type = "push",
                        .subtype = "forced",
                        .title = "to main",
                        .severity = EventSeverity::warning,
                        .actor = "ada",
                        .target = "triune",
                        .occurred_at_ms = at,
                        .external_id = "d1",
                        .data = {R"({"commits":3})"}});
  const auto event = events_->get(id);
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->source, "github");
  EXPECT_EQ(event->type, "push");
  EXPECT_EQ(event->subtype, "forced");
  EXPECT_EQ(event->title, "to main");
  EXPECT_EQ(event->severity, EventSeverity::warning);
  EXPECT_EQ(event->actor, "ada");
  EXPECT_EQ(event->target, "triune");
  EXPECT_EQ(event->occurred_at_ms, at);
  EXPECT_GE(event->received_at_ms, at);
  EXPECT_EQ(event->external_id, "d1");
  EXPECT_EQ(event->data.text, R"({"commits":3})");
  EXPECT_EQ(event->status, EventStatus::received);
  EXPECT_EQ(events_->get("nothing").error().code, ErrorCode::not_found);
}

TEST_F(EventsTest, ADuplicateIsNoErrorAndChangesNothing) {
  const auto first = tell({.source = "github", .type = "push", .external_id = "d1"});
  const auto again = events_->ingest({.source = "github", .type = "push", .title = "other", .external_id = "d1"});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->id, first);
  // Of another source it is another event.
  EXPECT_FALSE(events_->ingest({.source = "slack", .type = "push", .external_id = "d1"})->duplicate);
  const std::vector<NewEvent> batch{{.source = "github", .type = "push", .external_id = "d2"},
                                    {.source = "github", .type = "push", .external_id = "d1"},
                                    {.source = "github", .type = "push", .external_id = "d2"},
                                    {.source = "github", .type = "push"}};
  const auto report = events_->ingest_many(batch);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->added, 2U);
  EXPECT_EQ(report->duplicates, 2U);
  EXPECT_EQ(report->events[1].id, first);
  EXPECT_EQ(report->events[2].id, report->events[0].id);
  EXPECT_EQ(counted(), 4);
  EXPECT_EQ(events_->query()->size(), 4U);
  EXPECT_EQ(events_->aggregates({.by_source = true})->at(0).duplicates, 3);
}

TEST_F(EventsTest, ALargeBatchIsKeptEventByEventWhateverOfItIsThereAlready) {
  const auto place = [](std::size_t i) { return "d" + std::to_string(i); };
  for (const std::size_t i : {7U, 40U, 99U}) tell({.source = "github", .type = "earlier", .external_id = place(i)});
  std::vector<NewEvent> batch;
  for (std::size_t i = 0; i < 200; ++i)
    batch.push_back({.source = "github",
                     .type = "t" + std::to_string(i % 3),
                     .actor = i % 4 == 0 ? "" : "ada",
                     .cause_external_id = i % 50 == 49 ? place(i - 9) : "",
                     .external_id = place(i)});
  const auto report = events_->ingest_many(batch);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->added, 197U);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto kept = events_->get(report->events[i].id);
    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(kept->external_id, place(i));
    if (report->events[i].duplicate) continue;
    EXPECT_EQ(kept->type, batch[i].type);
    EXPECT_EQ(kept->actor, batch[i].actor);
    EXPECT_EQ(kept->cause, i % 50 == 49 ? report->events[i - 9].id : "");
  }
}

TEST_F(EventsTest, AFingerprintTellsDuplicatesWhereThereIsNoExternalId) {
  const NewEvent event{
      .source = "github", .type = "push", .actor = "ada", .fingerprint_content = true, .data = {R"({"a":1})"}};
  const auto first = tell(event);
  auto later = event;
  later.occurred_at_ms = now() - 1'000;
  EXPECT_TRUE(events_->ingest(later)->duplicate);
  later.data = {R"({"a":2})"};
  EXPECT_FALSE(events_->ingest(later)->duplicate);
  EXPECT_EQ(events_->get(first)->fingerprint.size(), 64U);
}

TEST_F(EventsTest, WhatIsWrongIsRefusedByNameAndChangesNothing) {
  EXPECT_EQ(events_->ingest({.source = "nobody", .type = "t"}).error().code, ErrorCode::not_found);
  EXPECT_THAT(events_->ingest({.source = "nobody", .type = "t"}).error().message, HasSubstr("nobody"));
  EXPECT_EQ(events_->ingest({.source = "github"}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(events_->ingest({.source = "github", .type = "t", .data = {"{"}}).error().code,
            ErrorCode::invalid_argument);
  const auto ahead = events_->ingest({.source = "github", .type = "t", .occurred_at_ms = now() + 3'600'000 + 60'000});
  EXPECT_EQ(ahead.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(ahead.error().message, HasSubstr("hour"));
  EXPECT_TRUE(events_->ingest({.source = "github", .type = "t", .occurred_at_ms = now() + 3'000'000}));
  EXPECT_EQ(events_->ingest({.id = "x", .source = "github", .type = "t"}).error().code, ErrorCode::invalid_argument);
  const std::vector<NewEvent> batch{{.source = "github", .type = "t"}, {.source = "github", .type = ""}};
  const auto refused = events_->ingest_many(batch);
  EXPECT_THAT(refused.error().message, HasSubstr("event 2"));
  EXPECT_EQ(counted(), 1);
  ASSERT_TRUE(events_->register_source({.name = "github", .active = false}));
  EXPECT_FALSE(events_->ingest({.source = "github", .type = "t"}));
  ASSERT_TRUE(events_->register_source({.name = "github", .active = true}));
  EXPECT_TRUE(events_->ingest({.source = "github", .type = "t"}));
}

TEST_F(EventsTest, AnEventIsAFactAndOnlyItsStatusChanges) {
  const auto id = tell({.source = "github", .type = "push", .title = "first"});
  const Actor ada{.id = "ada", .type = ActorType::user, .reason = "seen", .request_id = {}};
  ASSERT_TRUE(events_->set_status(id, EventStatus::ignored, ada));
  EXPECT_EQ(events_->get(id)->status, EventStatus::ignored);
  for (const auto* statement : {"UPDATE triune_events SET title = 'second'", "DELETE FROM triune_events",
                                "INSERT INTO triune_event_types (organization_id, type_id, name, created_at_ms) VALUES "
                                "(1, 99, 'x', 0)"})
    EXPECT_EQ(hive_->sql(statement).error().code, ErrorCode::permission_denied) << statement;
  // Its coming is not repeated in the audit log; its changes and its end are there.
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_audit_log WHERE table_name = 'triune_events' AND operation = 'insert'"),
            "0");
  EXPECT_EQ(scalar("SELECT actor FROM triune_audit_log WHERE table_name = 'triune_events' AND operation = 'update'"),
            "ada");
  ASSERT_TRUE(events_->remove(id, ada));
  EXPECT_EQ(events_->get(id).error().code, ErrorCode::not_found);
  EXPECT_THAT(scalar("SELECT before FROM triune_audit_log WHERE table_name = 'triune_events' AND operation = 'delete'"),
              HasSubstr("first"));
  EXPECT_EQ(counted(), 1);
  EXPECT_EQ(events_->remove(id).error().code, ErrorCode::not_found);
}

TEST_F(EventsTest, ChainsAreFoundAndAreInTheGraphWhilePlainEventsAreNot) {
  const auto at = now() - 60'000;
  tell({.source = "github", .type = "plain"});
  const auto push = tell({.source = "github", .type = "push", .occurred_at_ms = at, .external_id = "p"});
  const std::vector<NewEvent> batch{
      {.source = "github", .type = "build", .occurred_at_ms = at + 1, .cause_external_id = "p", .external_id = "b"},
      {.source = "github", .type = "deploy", .occurred_at_ms = at + 2, .cause_external_id = "b"}};
  const auto caused = events_->ingest_many(batch);
  ASSERT_TRUE(caused) << caused.error().message;
  const auto deploy = caused->events[1].id;
  const auto one = tell({.source = "slack", .type = "a", .occurred_at_ms = at + 3, .correlation_id = "incident"});
  const auto two =
      tell({.source = "slack", .type = "b", .occurred_at_ms = at + 4, .correlation_id = "incident", .cause = deploy});
  const auto chain = events_->chain(two);
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->causes.size(), 3U);
  EXPECT_EQ(chain->causes[0].id, deploy);
  EXPECT_EQ(chain->causes[2].id, push);
  ASSERT_EQ(chain->correlated.size(), 1U);
  EXPECT_EQ(chain->correlated[0].id, one);
  EXPECT_EQ(events_->chain(push)->effects.size(), 3U);
  EXPECT_EQ(events_->query({.correlation_id = "incident"})->size(), 2U);
  EXPECT_EQ(cypher_scalar("MATCH (e:Event) RETURN count(e)"), "5");
  EXPECT_EQ(cypher_scalar("MATCH (:Event)-[c:CAUSED]->(:Event) RETURN count(c)"), "3");
  EXPECT_EQ(cypher_scalar("MATCH (a:Event {id: $a})-[:CAUSED*1..5]->(b:Event {id: $b}) RETURN count(*)",
                          {{"a", push}, {"b", two}}),
            "1");
  EXPECT_EQ(cypher_scalar("MATCH (a:Event)-[:CORRELATES_WITH]->(b:Event) RETURN a.id + '>' + b.id"), two + ">" + one);
  const auto missing = events_->ingest({.source = "github", .type = "x", .cause = "absent"});
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  ASSERT_TRUE(events_->remove(two));
  EXPECT_EQ(cypher_scalar("MATCH (e:Event) RETURN count(e)"), "4");
  expect_verified();
}

TEST_F(EventsTest, FiltersFindWhatTheyName) {
  const auto start = now() / 3'600'000 * 3'600'000 - 3 * 3'600'000;
  std::vector<NewEvent> all;
  for (int i = 0; i < 300; ++i)
    all.push_back({.source = i % 3 == 0 ? "slack" : "github",
                   .type = i % 50 == 7 ? "rare" : "common",
                   .severity = i % 10 == 0 ? EventSeverity::error : EventSeverity::info,
                   .actor = "actor" + std::to_string(i % 7),
                   .occurred_at_ms = start + i * 30'000});
  ASSERT_TRUE(events_->ingest_many(all));
  const auto count = [&](EventFilter filter) {
    filter.limit = 1'000;
    const auto found = events_->query(filter);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->size() : 0;
  };
  EXPECT_EQ(count({}), 300U);
  EXPECT_EQ(count({.source = "slack"}), 100U);
  EXPECT_EQ(count({.type = "rare"}), 6U);
  EXPECT_EQ(count({.actor = "actor3"}), 43U);
  EXPECT_EQ(count({.type = "rare", .actor = "actor0"}), 1U);
  EXPECT_EQ(count({.min_severity = EventSeverity::warning}), 30U);
  EXPECT_EQ(count({.since_ms = start + 30'000, .until_ms = start + 90'000}), 2U);
  EXPECT_EQ(count({.source = "nobody"}), 0U);
  EventFilter page{.type = "common", .limit = 100};
  std::set<std::string> seen;
  while (true) {
    const auto found = events_->query(page);
    ASSERT_TRUE(found);
    if (found->empty()) break;
    EXPECT_TRUE(
        std::is_sorted(found->rbegin(), found->rend(), [](const auto& a, const auto& b) { return a.id < b.id; }));
    for (const auto& event : *found) EXPECT_TRUE(seen.insert(event.id).second);
    page.before_id = found->back().id;
  }
  EXPECT_EQ(seen.size(), 294U);
}

TEST_F(EventsTest, ASubscriptionHearsOfWhatItNamesAndAnEmptyListMatchesAll) {
  ASSERT_TRUE(events_->subscribe({.name = "all"}));
  ASSERT_TRUE(events_->subscribe({.name = "reviews",
                                  .sources = {"github"},
                                  .types = {"review", "pull \"request\""},
                                  .actors = {"ada"},
                                  .conditions = {R"({"state":"open"})"},
                                  .min_severity = EventSeverity::info}));
  ASSERT_TRUE(events_->subscribe({.name = "paused", .state = "paused"}));
  tell({.source = "github", .type = "review", .actor = "ada", .data = {R"({"state":"open","n":1})"}});
  tell({.source = "github", .type = "pull \"request\"", .actor = "ada", .data = {R"({"state":"open"})"}});
  tell({.source = "github", .type = "review", .actor = "ada", .data = {R"({"state":"closed"})"}});
  tell({.source = "github", .type = "review", .actor = "bob", .data = {R"({"state":"open"})"}});
  tell({.source = "slack", .type = "review", .actor = "ada", .data = {R"({"state":"open"})"}});
  tell({.source = "github", .type = "review", .severity = EventSeverity::debug, .actor = "ada"});
  EXPECT_EQ(events_->claim("all", "w", 100)->size(), 6U);
  const auto claimed = events_->claim("reviews", "w", 100);
  ASSERT_TRUE(claimed) << claimed.error().message;
  EXPECT_EQ(claimed->size(), 2U);
  EXPECT_THAT(*events_->claim("paused", "w", 100), IsEmpty());
  const auto stored = events_->subscriptions();
  ASSERT_EQ(stored->size(), 3U);
  EXPECT_THAT(stored->at(2).types, ElementsAre("review", "pull \"request\""));
  EXPECT_EQ(events_->claim("nothing", "w").error().code, ErrorCode::not_found);
  ASSERT_TRUE(events_->unsubscribe("all"));
  EXPECT_EQ(events_->deliveries("all").error().code, ErrorCode::not_found);
}

TEST_F(EventsTest, TheProcessingQueueGoesByPriorityAndTimeAndCarriesTheStatus) {
  ASSERT_TRUE(events_->subscribe({.name = "work", .processes = true, .max_attempts = 2, .backoff_ms = 0}));
  const auto first = tell({.source = "github", .type = "a"});
  const auto second = tell({.source = "github", .type = "b"});
  auto claimed = events_->claim("work", "w1", 1);
  ASSERT_TRUE(claimed) << claimed.error().message;
  ASSERT_EQ(claimed->size(), 1U);
  EXPECT_EQ(claimed->front().event.id, first);
  EXPECT_EQ(events_->get(first)->status, EventStatus::processing);
  ASSERT_TRUE(events_->acknowledge(claimed->front(), {R"({"ok":true})"}));
  EXPECT_EQ(events_->get(first)->status, EventStatus::processed);
  EXPECT_TRUE(events_->get(first)->processed_at_ms);
  EXPECT_EQ(events_->acknowledge(claimed->front()).error().code, ErrorCode::conflict);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    claimed = events_->claim("work", "w1", 10);
    ASSERT_EQ(claimed->size(), 1U) << attempt;
    EXPECT_EQ(claimed->front().attempt, attempt);
    ASSERT_TRUE(events_->fail(claimed->front(), "no luck"));
  }
  EXPECT_EQ(events_->get(second)->status, EventStatus::failed);
  EXPECT_THAT(*events_->claim("work", "w1", 10), IsEmpty());
  const auto today = events_->aggregates();
  EXPECT_EQ(today->at(0).processed, 1);
  EXPECT_EQ(today->at(0).failed, 1);
  EXPECT_EQ(events_->revive("work").value(), 1U);
  EXPECT_EQ(events_->claim("work", "w1", 10)->size(), 1U);
}

TEST_F(EventsTest, AnEndedLeaseGivesTheDeliveryToAnotherAndTheFirstHasLostIt) {
  ASSERT_TRUE(events_->subscribe({.name = "work", .lease_ms = 1}));
  tell({.source = "github", .type = "a"});
  const auto lost = events_->claim("work", "slow");
  ASSERT_EQ(lost->size(), 1U);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto taken = events_->claim("work", "quick");
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ(taken->front().claim, 2);
  EXPECT_EQ(events_->acknowledge(lost->front()).error().code, ErrorCode::conflict);
  EXPECT_TRUE(events_->acknowledge(taken->front()));
}

TEST_F(EventsTest, ManyWorkersNeverHoldTheSameDelivery) {
  constexpr int total = 120;
  ASSERT_TRUE(events_->subscribe({.name = "work"}));
  std::vector<NewEvent> all;
  for (int i = 0; i < total; ++i) all.push_back({.source = "github", .type = "a"});
  ASSERT_TRUE(events_->ingest_many(all));
  std::mutex mutex;
  std::multiset<std::string> seen;
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w)
    workers.emplace_back([&, w] {
      while (true) {
        const auto some = events_->claim("work", "w" + std::to_string(w), 7);
        ASSERT_TRUE(some) << some.error().message;
        if (some->empty()) break;
        for (const auto& one : *some) {
          ASSERT_TRUE(events_->acknowledge(one));
          const std::scoped_lock lock(mutex);
          seen.insert(one.event.id);
        }
      }
    });
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(total));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
}

TEST_F(EventsTest, SingleEventsOfManyThreadsAreAllKeptAndErrorsAreTheirOwn) {
  constexpr int threads = 8;
  constexpr int each = 40;
  std::atomic<int> refused = 0;
  std::vector<std::thread> producers;
  for (int t = 0; t < threads; ++t)
    producers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        const bool wrong = i % 10 == 9;
        const auto told = events_->ingest({.source = "github",
                                           .type = "t" + std::to_string(i % 3),
                                           .cause = wrong ? "absent" : "",
                                           .external_id = std::to_string(t) + "/" + std::to_string(i / 2)});
        if (!told) ++refused;
        EXPECT_TRUE(told) << i << ": " << told.error().message;
      }
    });
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(refused, 0) << "an event that repeats another is not looked at further";
  EXPECT_EQ(counted(), threads * each / 2);
}

TEST_F(EventsTest, OldMonthsLeaveWithAllThatHangsOnTheirEventsWhileNewOnesCome) {
  const auto old = now() - 200 * day_ms;
  ASSERT_TRUE(events_->subscribe({.name = "work"}));
  std::vector<NewEvent> all;
  for (int i = 0; i < 2'500; ++i)
    all.push_back(
        {.source = "github", .type = "old", .occurred_at_ms = old + i, .external_id = "o" + std::to_string(i)});
  all[3].correlation_id = "c";
  all[4].correlation_id = "c";
  ASSERT_TRUE(events_->ingest_many(all));
  const auto kept = tell({.source = "github", .type = "new", .correlation_id = "c"});
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; !done || i < 3; ++i) EXPECT_TRUE(events_->ingest({.source = "slack", .type = "meanwhile"}));
  });
  const auto report = events_->retain(100);
  done = true;
  writer.join();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->events, 2'500U);
  EXPECT_EQ(report->months.size(), 1U);
  EXPECT_THAT(*events_->query({.type = "old"}), IsEmpty());
  EXPECT_TRUE(events_->get(kept));
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_event_keys"), "0");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_event_chains"), "1");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_audit_log WHERE table_name = 'triune_events'"), "0");
  EXPECT_EQ(scalar("SELECT events FROM triune_event_retentions"), "2500");
  EXPECT_EQ(cypher_scalar("MATCH (e:Event) RETURN count(e)"), "1");
  // What was counted stays, and an event of that month may come again.
  EXPECT_EQ(counted({.type = "old"}), 2'500);
  EXPECT_FALSE(events_->ingest(all[0])->duplicate);
  EXPECT_EQ(events_->retain(100)->events, 1U);
  EXPECT_THAT(events_->retain(100)->months, IsEmpty());
}

TEST_F(EventsTest, MonthsAreMadeAhead) {
  const auto months = events_->months();
  ASSERT_TRUE(months) << months.error().message;
  ASSERT_EQ(months->size(), 4U);
  EXPECT_LE(months->front().from_ms, now());
  for (std::size_t i = 1; i < months->size(); ++i) EXPECT_EQ((*months)[i].from_ms, (*months)[i - 1].until_ms);
  EXPECT_THAT(*events_->make_months(3), IsEmpty());
  EXPECT_EQ(events_->make_months(5)->size(), 2U);
}

TEST_F(EventsTest, OrganizationsDoNotSeeOrEndEachOthersEvents) {
  const auto old = now() - 200 * day_ms;
  const auto mine =
      tell({.source = "github", .type = "a", .occurred_at_ms = old, .correlation_id = "c", .external_id = "same"});
  events_.reset();
  reopen({.organization = "other"});
  auto others = opened(*hive_);
  ASSERT_TRUE(others->register_source({.name = "github"}));
  EXPECT_EQ(others->get(mine).error().code, ErrorCode::not_found);
  const auto theirs = others->ingest({.source = "github", .type = "a", .occurred_at_ms = old, .external_id = "same"});
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_FALSE(theirs->duplicate);
  EXPECT_EQ(others->query()->size(), 1U);
  EXPECT_EQ(others->retain(30)->events, 1U);
  others.reset();
  reopen();
  events_ = opened(*hive_);
  EXPECT_TRUE(events_->get(mine));
  EXPECT_EQ(events_->retain(30)->events, 1U);
  EXPECT_EQ(events_->months()->size(), 4U);
}

TEST_F(EventsTest, DifferentActorsOfADayAreCountedExactly) {
  std::vector<NewEvent> all;
  for (int i = 0; i < 50; ++i)
    all.push_back({.source = i % 2 == 0 ? "github" : "slack", .type = "a", .actor = "actor" + std::to_string(i % 9)});
  ASSERT_TRUE(events_->ingest_many(all));
  ASSERT_TRUE(events_->ingest({.source = "github", .type = "a", .actor = "actor1"}));
  ASSERT_TRUE(events_->ingest({.source = "github", .type = "a"}));
  EXPECT_EQ(events_->aggregates({.actors = true})->at(0).actors, 9);
  EXPECT_EQ(events_->aggregates({.by_source = true, .actors = true})->at(1).actors, 9);
  // Whoever tells again what was told did not act.
  const auto tell_as = [&](const std::string& actor) {
    return events_->ingest({.source = "github", .type = "a", .actor = actor, .external_id = "once"});
  };
  ASSERT_TRUE(tell_as("actor1"));
  ASSERT_TRUE(tell_as("another")->duplicate);
  EXPECT_EQ(events_->aggregates({.actors = true})->at(0).actors, 9);
  EXPECT_EQ(events_->aggregates({.by_type = true, .actors = true}).error().code, ErrorCode::invalid_argument);
  EXPECT_GT(events_->aggregates({.period = EventPeriod::hour})->at(0).per_second, 0);
  const auto health = events_->health();
  ASSERT_TRUE(health) << health.error().message;
  EXPECT_EQ(health->at(0).events + health->at(1).events, 53);
}

/// Random batches, duplicates, statuses, removals and deliveries against a plain model in memory.
TEST_F(EventsTest, RandomOperationsAgreeWithAPlainModel) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  struct Known {
    std::string type;
    EventStatus status = EventStatus::received;
  };
  std::map<std::string, Known> model;
  std::map<std::string, std::string> by_key;
  std::map<std::string, std::int64_t> told_of_type;
  std::set<std::string> waiting;
  ASSERT_TRUE(events_->subscribe({.name = "odd", .types = {"t1"}}));
  const auto pick = [&]() { return std::next(model.begin(), static_cast<std::ptrdiff_t>(random() % model.size())); };
  for (int round = 0; round < 60; ++round) {
    const auto choice = random() % 6;
    if (choice < 3 || model.empty()) {
      std::vector<NewEvent> batch;
      for (std::size_t i = random() % 90; i-- > 0;)
        batch.push_back({.source = "github",
                         .type = "t" + std::to_string(random() % 4),
                         .occurred_at_ms = now() - static_cast<std::int64_t>(random() % (60 * 60'000)),
                         .external_id = random() % 3 == 0 ? "" : std::to_string(random() % 900)});
      const auto report = events_->ingest_many(batch);
      ASSERT_TRUE(report) << report.error().message;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto& told = report->events[i];
        const auto known = by_key.find(batch[i].external_id);
        const bool repeats = !batch[i].external_id.empty() && known != by_key.end();
        ASSERT_EQ(told.duplicate, repeats);
        if (repeats) {
          ASSERT_EQ(told.id, known->second);
          continue;
        }
        model[told.id] = {.type = batch[i].type};
        ++told_of_type[batch[i].type];
        if (!batch[i].external_id.empty()) by_key[batch[i].external_id] = told.id;
        if (batch[i].type == "t1") waiting.insert(told.id);
      }
    } else if (choice == 3) {
      const auto one = pick();
      one->second.status = static_cast<EventStatus>(random() % 6);
      ASSERT_TRUE(events_->set_status(one->first, one->second.status));
    } else if (choice == 4) {
      const auto one = pick();
      ASSERT_TRUE(events_->remove(one->first));
      std::erase_if(by_key, [&](const auto& key) { return key.second == one->first; });
      waiting.erase(one->first);
      model.erase(one);
    } else {
      const auto claimed = events_->claim("odd", "w", random() % 5 + 1);
      ASSERT_TRUE(claimed) << claimed.error().message;
      for (const auto& delivery : *claimed) {
        EXPECT_EQ(waiting.erase(delivery.event.id), 1U);
        ASSERT_TRUE(events_->acknowledge(delivery));
      }
    }
  }
  const auto all = events_->query({.limit = 10'000});
  ASSERT_EQ(all->size(), model.size());
  for (const auto& event : *all) {
    ASSERT_TRUE(model.contains(event.id));
    EXPECT_EQ(event.type, model[event.id].type);
    EXPECT_EQ(event.status, model[event.id].status);
  }
  for (const auto& [type, count] : told_of_type) EXPECT_EQ(counted({.type = type}), count) << type;
  EXPECT_EQ(events_->claim("odd", "w", 1'000)->size(), waiting.size());
}

}  // namespace
}  // namespace triune
