// Random rights, and every decision compared with a plain model that looks at all of them each time.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "integration/hive_fixture.h"
#include "triune/modules/access.h"

namespace triune {
namespace {

const std::vector<std::string> people{"u0", "u1", "u2", "u3"};
const std::vector<std::string> role_names{"r0", "r1", "r2", "r3", "r4"};
const std::vector<std::string> types{"task", "service"};
const std::vector<std::string> verbs{"read", "update", "deploy"};
const std::vector<std::string> places{"", "a", "b"};

/// Whoever has rights, as sets.
struct Model {
  struct Person {
    AccountStatus status = AccountStatus::active;
    std::optional<MemberRole> role;
    std::set<std::string> roles;
  };
  struct Right {
    std::string type;
    std::string verb;
    AccessScope scope = AccessScope::organization;
    std::string place;
    bool deny = false;
    auto operator<=>(const Right&) const = default;
  };
  std::map<std::string, Person> people;
  std::map<std::string, std::set<std::string>> parents;
  std::map<std::string, std::map<Right, std::string>> rights;  // to the permission's id

  std::set<std::string> closure(const std::set<std::string>& of) const {
    std::set<std::string> all = of;
    for (std::size_t before = 0; before != all.size();) {
      before = all.size();
      for (const auto& [role, above] : parents)
        if (all.contains(role)) all.insert(above.begin(), above.end());
    }
    return all;
  }

  static bool fits(const Right& right, const AccessRequest& request) {
    if (right.type != "*" && right.type != request.resource_type) return false;
    if (right.verb != "*" && right.verb != request.action) return false;
    if (right.scope == AccessScope::global) return true;
    if (right.scope == AccessScope::organization) return right.deny || !request.whole_hive;
    const auto& asked = right.scope == AccessScope::project    ? request.project
                        : right.scope == AccessScope::resource ? request.resource
                                                               : request.instance;
    if (right.deny) return asked == right.place || asked.empty();
    return asked == right.place && !request.whole_hive;
  }

  bool decide(const AccessRequest& request) const {
    const auto found = people.find(request.principal.id);
    if (found == people.end() || found->second.status != AccountStatus::active) return false;
    const auto& person = found->second;
    bool allowed = false;
    for (const auto& role : closure(person.roles)) {
      const auto of_role = rights.find(role);
      if (of_role == rights.end()) continue;
      for (const auto& [right, id] : of_role->second) {
        if (!fits(right, request)) continue;
        if (right.deny) return false;
        allowed = true;
      }
    }
    if (person.role && !request.whole_hive) {
      if (*person.role == MemberRole::owner || *person.role == MemberRole::admin) allowed = true;
      if (*person.role == MemberRole::member && request.action != "deploy") allowed = true;
      if (*person.role == MemberRole::viewer && request.action == "read") allowed = true;
    }
    return allowed;
  }
};

class AccessModelTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    auto opened = Access::open(*hive_);
    ASSERT_TRUE(opened) << opened.error().message;
    access_ = std::move(*opened);
    ASSERT_TRUE(access_->create_user({.id = "root", .email = "root@example.org", .name = "Root"}));
    ASSERT_TRUE(access_->set_member({.user = "root", .role = MemberRole::owner}));
    for (const auto& role : role_names) ASSERT_TRUE(access_->create_role({.name = role}));
  }

  void TearDown() override { access_.reset(); }

  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  const std::string& one_of(const std::vector<std::string>& words) { return words[below(words.size())]; }
  static std::string or_all(std::string word, bool all) { return all ? "*" : std::move(word); }

  void person_comes_goes_or_changes() {
    const auto& id = one_of(people);
    auto& known = model_.people;
    if (!known.contains(id)) {
      ASSERT_TRUE(access_->create_user({.id = id, .email = id + "@example.org", .name = id}));
      known[id] = {};
    } else if (below(4) == 0) {
      ASSERT_TRUE(access_->remove_user(id));
      known.erase(id);
    } else if (below(2) == 0) {
      const auto status = below(3) == 0 ? AccountStatus::suspended : AccountStatus::active;
      ASSERT_TRUE(access_->update_user(id, {.status = status}));
      known[id].status = status;
    } else {
      const auto role = static_cast<MemberRole>(1 + below(4));
      ASSERT_TRUE(access_->set_member({.user = id, .role = role}));
      known[id].role = role;
    }
  }

  void role_gets_or_loses_a_parent() {
    const auto& role = one_of(role_names);
    const auto& parent = one_of(role_names);
    if (below(3) == 0) {
      ASSERT_TRUE(access_->remove_parent(role, parent));
      model_.parents[role].erase(parent);
      return;
    }
    const bool closes = model_.closure({parent}).contains(role);
    EXPECT_EQ(access_->add_parent(role, parent).has_value(), !closes) << role << " under " << parent;
    if (!closes) model_.parents[role].insert(parent);
  }

  void role_gets_or_loses_a_right() {
    const auto& role = one_of(role_names);
    auto& rights = model_.rights[role];
    if (!rights.empty() && below(3) == 0) {
      const auto gone = std::next(rights.begin(), static_cast<std::ptrdiff_t>(below(rights.size())));
      ASSERT_TRUE(access_->revoke(gone->second));
      rights.erase(gone);
      return;
    }
    Model::Right right{or_all(one_of(types), below(4) == 0), or_all(one_of(verbs), below(4) == 0)};
    right.scope = static_cast<AccessScope>(below(5));
    right.deny = below(3) == 0;
    if (right.scope > AccessScope::organization) right.place = places[1 + below(2)];
    const auto id = access_->grant(role, {.effect = right.deny ? Effect::deny : Effect::allow,
                                          .resource_type = right.type,
                                          .action = right.verb,
                                          .scope = right.scope,
                                          .resource_id = right.place});
    ASSERT_TRUE(id) << id.error().message;
    rights[right] = *id;
  }

  void person_gets_or_loses_a_role() {
    const auto& id = one_of(people);
    const auto& role = one_of(role_names);
    const Principal principal{PrincipalType::user, id};
    const bool known = model_.people.contains(id);
    if (below(3) == 0) {
      ASSERT_TRUE(access_->unassign(principal, role));
      if (known) model_.people[id].roles.erase(role);
      return;
    }
    const bool expired = below(4) == 0;
    const auto given = access_->assign(principal, role, expired ? std::optional<std::int64_t>(5) : std::nullopt);
    EXPECT_EQ(given.has_value(), known);
    if (!known) return;
    if (expired)
      model_.people[id].roles.erase(role);
    else
      model_.people[id].roles.insert(role);
  }

  void compare_decisions() {
    for (const auto& id : people)
      for (const auto& type : types)
        for (const auto& verb : verbs) {
          const AccessRequest request{.principal = {PrincipalType::user, id},
                                      .action = verb,
                                      .resource_type = type,
                                      .resource = one_of(places),
                                      .project = one_of(places),
                                      .instance = one_of(places),
                                      .whole_hive = below(8) == 0};
          const auto decision = access_->decide(request);
          ASSERT_TRUE(decision) << decision.error().message;
          EXPECT_EQ(decision->allowed, model_.decide(request))
              << id << ' ' << verb << ' ' << type << " resource '" << request.resource << "' project '"
              << request.project << "' instance '" << request.instance << "': " << decision->reason;
          const auto explained = access_->explain(request);
          ASSERT_TRUE(explained) << explained.error().message;
          EXPECT_EQ(explained->decision.allowed, decision->allowed);
        }
  }

  std::mt19937 random_;
  Model model_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessModelTest, EveryDecisionIsThatOfThePlainModel) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  random_.seed(seed);
  for (int round = 0; round < 250; ++round) {
    switch (below(4)) {
      case 0: person_comes_goes_or_changes(); break;
      case 1: role_gets_or_loses_a_parent(); break;
      case 2: role_gets_or_loses_a_right(); break;
      default: person_gets_or_loses_a_role(); break;
    }
    if (HasFatalFailure()) return;
    if (round % 5 == 0) compare_decisions();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace triune
