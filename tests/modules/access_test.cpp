// Access: organizations, users, members, roles and what they decide.
#include "triune/modules/access.h"

#include <gmock/gmock.h>

#include <thread>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class AccessTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    open_access();
  }

  void open_access(AccessOptions options = {}) {
    auto opened = Access::open(*hive_, options);
    ASSERT_TRUE(opened) << opened.error().message;
    access_ = std::move(*opened);
  }

  void TearDown() override { access_.reset(); }

  void make_user(const std::string& id, std::optional<MemberRole> role = std::nullopt) {
    const auto made = access_->create_user({.id = id, .email = id + "@example.org", .name = id});
    ASSERT_TRUE(made) << made.error().message;
    if (role) ok(access_->set_member({.user = id, .role = *role}));
  }

  void make_role(const std::string& name, std::vector<std::string> parents = {}) {
    const auto made = access_->create_role({.name = name, .parents = std::move(parents)});
    ASSERT_TRUE(made) << made.error().message;
  }

  std::string grant(const std::string& role, const Permission& permission) {
    const auto made = access_->grant(role, permission);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : "";
  }

  static void ok(const Status& status) { EXPECT_TRUE(status) << status.error().message; }

  Decision decide(const AccessRequest& request) {
    const auto decision = access_->decide(request);
    EXPECT_TRUE(decision) << decision.error().message;
    return decision ? *decision : Decision{};
  }

  bool may(const std::string& user, const std::string& action, const std::string& type) {
    return decide({.principal = {PrincipalType::user, user}, .action = action, .resource_type = type}).allowed;
  }

  /// Runs SQL as another program would: in a transaction with Triune's rights there is none for users.
  bool sql(const std::string& statement) { return hive_->sql(statement).has_value(); }

  std::unique_ptr<Access> access_;
};

const Principal ada{PrincipalType::user, "ada"};

TEST_F(AccessTest, WhatNothingAllowsIsDenied) {
  make_user("ada");
  const auto decision = decide({.principal = ada, .action = "read", .resource_type = "task"});
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.rule, "nothing");
  EXPECT_FALSE(may("nobody", "read", "task"));
  const Principal agent{PrincipalType::agent, "worker"};
  EXPECT_FALSE(decide({.principal = agent, .action = "read", .resource_type = "task"}).allowed);
  EXPECT_EQ(access_->decide({.principal = ada, .action = "fly", .resource_type = "task"}).error().code,
            ErrorCode::invalid_argument);
  EXPECT_FALSE(access_->decide({.principal = ada, .action = "read", .resource_type = "*"}));
  EXPECT_FALSE(access_->decide({.principal = {}, .action = "read", .resource_type = "task"}));
}

TEST_F(AccessTest, MembersMayWhatTheirRoleSays) {
  make_user("owner", MemberRole::owner);
  make_user("admin", MemberRole::admin);
  make_user("member", MemberRole::member);
  make_user("viewer", MemberRole::viewer);
  make_user("guest", MemberRole::guest);
  EXPECT_TRUE(may("owner", "admin", "organization"));
  EXPECT_FALSE(may("admin", "admin", "organization"));
  EXPECT_TRUE(may("admin", "delete", "user"));
  EXPECT_TRUE(may("member", "update", "task"));
  EXPECT_FALSE(may("member", "delete", "task"));
  EXPECT_FALSE(may("member", "update", "role"));
  EXPECT_TRUE(may("member", "read", "role"));
  EXPECT_TRUE(may("viewer", "read", "task"));
  EXPECT_FALSE(may("viewer", "update", "task"));
  EXPECT_FALSE(may("guest", "read", "task"));
  // Nothing that a membership allows reaches beyond the organization.
  EXPECT_FALSE(
      decide(
          {.principal = {PrincipalType::user, "owner"}, .action = "read", .resource_type = "task", .whole_hive = true})
          .allowed);
}

TEST_F(AccessTest, DenyWinsAlsoOverAnOwnerAndWhateverTheRequestLeavesOpen) {
  make_user("ada", MemberRole::owner);
  make_role("careful");
  const auto id = grant("careful", {.effect = Effect::deny,
                                    .resource_type = "database",
                                    .action = "delete",
                                    .scope = AccessScope::resource,
                                    .resource_id = "ledger"});
  ok(access_->assign(ada, "careful"));
  const AccessRequest request{.principal = ada, .action = "delete", .resource_type = "database", .resource = "ledger"};
  EXPECT_FALSE(decide(request).allowed);
  EXPECT_EQ(decide(request).rule, "permission:" + id);
  auto other = request;
  other.resource = "scratch";
  EXPECT_TRUE(decide(other).allowed);
  auto all = request;
  all.resource.clear();  // all of them: the ledger too
  EXPECT_FALSE(decide(all).allowed);
  ok(access_->revoke(id));
  EXPECT_TRUE(decide(request).allowed);
  EXPECT_EQ(access_->revoke(id).error().code, ErrorCode::not_found);
}

TEST_F(AccessTest, AllowingPermissionsReachAsFarAsTheirScope) {
  make_user("ada");
  make_role("r");
  ok(access_->assign(ada, "r"));
  grant("r", {.resource_type = "task", .action = "read", .scope = AccessScope::project, .resource_id = "p1"});
  grant("r", {.resource_type = "task", .action = "update", .scope = AccessScope::resource, .resource_id = "t1"});
  grant("r", {.resource_type = "service", .action = "*", .scope = AccessScope::instance, .resource_id = "i1"});
  grant("r", {.resource_type = "monitoring", .action = "read", .scope = AccessScope::global});
  const auto allowed = [&](AccessRequest request) {
    request.principal = ada;
    return decide(request).allowed;
  };
  EXPECT_TRUE(allowed({.action = "read", .resource_type = "task", .project = "p1"}));
  EXPECT_TRUE(allowed({.action = "read", .resource_type = "task", .resource = "t9", .project = "p1"}));
  EXPECT_FALSE(allowed({.action = "read", .resource_type = "task", .project = "p2"}));
  EXPECT_FALSE(allowed({.action = "read", .resource_type = "task"}));
  EXPECT_TRUE(allowed({.action = "update", .resource_type = "task", .resource = "t1"}));
  EXPECT_FALSE(allowed({.action = "update", .resource_type = "task"}));
  EXPECT_TRUE(allowed({.action = "scale", .resource_type = "service", .instance = "i1"}));
  EXPECT_FALSE(allowed({.action = "scale", .resource_type = "service", .resource = "i1"}));
  EXPECT_TRUE(allowed({.action = "read", .resource_type = "monitoring", .whole_hive = true}));
  EXPECT_FALSE(allowed({.action = "read", .resource_type = "task", .project = "p1", .whole_hive = true}));
}

TEST_F(AccessTest, RolesInheritAtAnyDepthAndCloseNoCircle) {
  make_user("ada");
  make_role("r0");
  for (int i = 1; i < 150; ++i) make_role("r" + std::to_string(i), {"r" + std::to_string(i - 1)});
  grant("r0", {.resource_type = "task", .action = "deploy"});
  ok(access_->assign(ada, "r149"));
  EXPECT_TRUE(may("ada", "deploy", "task"));
  const auto closing = access_->add_parent("r0", "r149");
  EXPECT_EQ(closing.error().code, ErrorCode::conflict);
  EXPECT_THAT(closing.error().message, HasSubstr("ancestor"));
  EXPECT_FALSE(access_->add_parent("r0", "r0"));
  ok(access_->remove_parent("r75", "r74"));
  EXPECT_FALSE(may("ada", "deploy", "task"));
  ok(access_->add_parent("r0", "r149"));  // no circle any more
  ok(access_->remove_role("r149"));
  EXPECT_TRUE(access_->assignments(ada)->empty());
}

TEST_F(AccessTest, WhatHasExpiredCountsForNothing) {
  make_user("ada");
  make_role("r");
  constexpr std::int64_t past = 1'000;
  grant("r", {.resource_type = "task", .action = "read", .expires_at_ms = past});
  ok(access_->assign(ada, "r"));
  EXPECT_FALSE(may("ada", "read", "task"));
  grant("r", {.resource_type = "task", .action = "read"});
  EXPECT_TRUE(may("ada", "read", "task"));
  ok(access_->assign(ada, "r", past));
  EXPECT_FALSE(may("ada", "read", "task"));
  EXPECT_EQ(access_->assignments(ada)->at(0).expires_at_ms, past);
}

TEST_F(AccessTest, ExpiryIsLookedAtWhenItIsDecidedNotWhenItIsRead) {
  open_access({.staleness = std::chrono::hours(1)});
  make_user("ada");
  make_role("r");
  grant("r", {.resource_type = "task", .action = "read"});
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  ok(access_->assign(ada, "r", now + 3'000));
  EXPECT_TRUE(may("ada", "read", "task"));
  std::this_thread::sleep_for(std::chrono::milliseconds(3'100));
  EXPECT_FALSE(may("ada", "read", "task"));
}

TEST_F(AccessTest, ConditionsAreJudgedByTheContext) {
  make_user("ada", MemberRole::owner);
  make_user("bob");
  make_role("r");
  make_role("d");
  ok(access_->assign({PrincipalType::user, "bob"}, "r"));
  ok(access_->assign(ada, "d"));
  grant("r", {.resource_type = "task",
              .action = "update",
              .conditions = Json{R"({"owner":"$principal","cost":{"max":10},"environment":["test","staging"]})"}});
  grant("d", {.effect = Effect::deny,
              .resource_type = "service",
              .action = "deploy",
              .conditions = Json{R"({"environment":{"not":"staging"}})"}});
  const auto bob_may = [&](Record context) {
    return decide({.principal = {PrincipalType::user, "bob"},
                   .action = "update",
                   .resource_type = "task",
                   .context = std::move(context)})
        .allowed;
  };
  const Field owner{"owner", std::string("bob")};
  const Field staging{"environment", std::string("staging")};
  EXPECT_TRUE(bob_may({owner, staging, {"cost", std::int64_t{10}}}));
  EXPECT_FALSE(bob_may({owner, staging, {"cost", 10.5}}));
  EXPECT_FALSE(bob_may({owner, staging}));
  EXPECT_FALSE(bob_may({{"owner", std::string("ada")}, staging, {"cost", std::int64_t{1}}}));
  EXPECT_FALSE(bob_may({owner, {"environment", std::string("production")}, {"cost", std::int64_t{1}}}));
  const auto ada_may = [&](Record context) {
    return decide({.principal = ada, .action = "deploy", .resource_type = "service", .context = std::move(context)})
        .allowed;
  };
  EXPECT_TRUE(ada_may({staging}));
  EXPECT_FALSE(ada_may({{"environment", std::string("production")}}));
  EXPECT_FALSE(ada_may({}));  // nobody told: it may be production
  for (const auto* bad : {"[]", "{\"a\":{}}", "{\"a\":{\"min\":\"x\"}}", "{\"a\":[]}", "{\"a\":null}", "{"})
    EXPECT_EQ(access_->grant("r", {.resource_type = "task", .action = "read", .conditions = Json{bad}}).error().code,
              ErrorCode::invalid_argument)
        << bad;
}

TEST_F(AccessTest, WhoeverIsNotActiveMayNothing) {
  make_user("ada", MemberRole::owner);
  make_user("bob", MemberRole::admin);
  EXPECT_TRUE(may("bob", "read", "task"));
  ok(access_->update_user("bob", {.status = AccountStatus::suspended}));
  EXPECT_FALSE(may("bob", "read", "task"));
  ok(access_->update_user("bob", {.status = AccountStatus::active}));
  ok(access_->set_member({.user = "bob", .role = MemberRole::admin, .status = AccountStatus::pending}));
  EXPECT_FALSE(may("bob", "read", "task"));
  ok(access_->set_member({.user = "bob", .role = MemberRole::admin}));
  ASSERT_TRUE(access_->create_organization({.slug = "default", .name = "Ours"}));
  EXPECT_TRUE(may("bob", "read", "task"));
  ok(access_->update_organization({}, {.status = AccountStatus::suspended}));
  EXPECT_FALSE(may("bob", "read", "task"));
  EXPECT_EQ(decide({.principal = ada, .action = "read", .resource_type = "task"}).rule, "status");
}

TEST_F(AccessTest, OneActiveOwnerStays) {
  make_user("ada", MemberRole::owner);
  make_user("bob", MemberRole::member);
  for (const auto& refused :
       {access_->set_member({.user = "ada", .role = MemberRole::admin}), access_->remove_member("ada"),
        access_->set_member({.user = "ada", .role = MemberRole::owner, .status = AccountStatus::suspended}),
        access_->update_user("ada", {.status = AccountStatus::inactive}), access_->remove_user("ada")}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("owner"));
  }
  ok(access_->set_member({.user = "bob", .role = MemberRole::owner}));
  ok(access_->update_user("ada", {.status = AccountStatus::inactive}));
  EXPECT_FALSE(access_->remove_member("bob"));  // ada is not active
  ok(access_->update_user("ada", {.status = AccountStatus::active}));
  ok(access_->remove_user("bob"));
  EXPECT_EQ(access_->members()->size(), 1U);
}

TEST_F(AccessTest, AddressesAreNormalisedAndUnique) {
  const auto id = access_->create_user({.email = "  Ada@Example.ORG ", .name = "Ada", .username = "Ada"});
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(access_->user("ADA@example.org")->id, *id);
  EXPECT_EQ(access_->user("ada")->id, *id);
  EXPECT_EQ(access_->user(*id)->email, "ada@example.org");
  const auto again = access_->create_user({.email = "ADA@EXAMPLE.org", .name = "Other"});
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_THAT(again.error().message, HasSubstr("ada@example.org"));
  EXPECT_EQ(access_->create_user({.email = "b@example.org", .name = "B", .username = "aDA"}).error().code,
            ErrorCode::conflict);
  for (const auto* bad : {"", "ada", "ada@", "@example.org", "ada@example", "a@b@c.org", "a b@c.org", "a@c.", "a@.c"})
    EXPECT_EQ(access_->create_user({.email = bad, .name = "x"}).error().code, ErrorCode::invalid_argument) << bad;
  EXPECT_FALSE(access_->create_user({.email = "x@example.org", .name = " "}));
  EXPECT_EQ(access_->user("nobody").error().code, ErrorCode::not_found);
}

TEST_F(AccessTest, OrganizationsAreApart) {
  const auto number =
      access_->create_organization({.slug = "acme", .name = "Acme", .limits = Json{R"({"max_users":1})"}});
  ASSERT_TRUE(number) << number.error().message;
  EXPECT_EQ(access_->create_organization({.slug = "acme"}).error().code, ErrorCode::already_exists);
  for (const auto* bad : {"", "Acme", "a_b", "a b"}) EXPECT_FALSE(access_->create_organization({.slug = bad})) << bad;
  EXPECT_EQ(access_->organization("acme")->number, *number);
  EXPECT_EQ(access_->organization().error().code, ErrorCode::not_found);
  make_user("ada", MemberRole::owner);
  const auto key = access_->create_key({.name = "k", .owner = ada, .scopes = {"*"}});
  ASSERT_TRUE(key) << key.error().message;
  // The same place, for the other organization.
  access_.reset();
  reopen({.organization = "acme"});
  open_access();
  EXPECT_FALSE(may("ada", "read", "task"));
  EXPECT_EQ(access_->user("ada").error().code, ErrorCode::not_found);
  EXPECT_TRUE(access_->users()->empty());
  EXPECT_EQ(access_->verify_key(key->text).error().code, ErrorCode::permission_denied);
  EXPECT_FALSE(access_->set_member({.user = "ada", .role = MemberRole::owner}));
  // Addresses are unique within an organization, and this one limits its users.
  make_user("ada");
  EXPECT_THAT(access_->create_user({.email = "b@example.org", .name = "b"}).error().message, HasSubstr("max_users"));
}

TEST_F(AccessTest, AnIdThatIsGivenAgainHasNoRightsOfBefore) {
  make_user("ada");
  make_role("r");
  grant("r", {.resource_type = "*", .action = "*"});
  ok(access_->assign(ada, "r"));
  EXPECT_TRUE(may("ada", "read", "task"));
  ok(access_->remove_user("ada"));
  EXPECT_FALSE(may("ada", "read", "task"));
  make_user("ada");
  EXPECT_FALSE(may("ada", "read", "task"));
}

TEST_F(AccessTest, ADecisionKnowsWhatWasChangedInThisProcessAtOnce) {
  open_access({.staleness = std::chrono::hours(1)});
  auto other = Access::open(*hive_);
  ASSERT_TRUE(other);
  make_user("ada", MemberRole::viewer);
  EXPECT_TRUE(may("ada", "read", "task"));
  ok((*other)->remove_member("ada"));
  EXPECT_FALSE(may("ada", "read", "task"));
}

TEST_F(AccessTest, ExplainsWithEveryPermissionConsidered) {
  make_user("ada");
  make_role("base");
  make_role("r", {"base"});
  grant("base", {.resource_type = "task", .action = "read"});
  grant("r", {.effect = Effect::deny, .resource_type = "task", .action = "delete"});
  ok(access_->assign(ada, "r"));
  const auto explained = access_->explain({.principal = ada, .action = "read", .resource_type = "task"});
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_TRUE(explained->decision.allowed);
  ASSERT_EQ(explained->considered.size(), 2U);
  EXPECT_FALSE(explained->considered[0].counts);
  EXPECT_THAT(explained->considered[0].why, HasSubstr("another action"));
  EXPECT_TRUE(explained->considered[1].counts);
  EXPECT_EQ(explained->considered[1].role, "base");
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_role_permissions v JOIN triune_roles r ON r.id = v.role_id WHERE "
                   "r.name = 'r'"),
            "2");
}

TEST_F(AccessTest, PermissionsThatMakeNoSenseAreRefused) {
  make_role("r");
  for (const auto& bad :
       {Permission{.resource_type = "Task", .action = "read"}, Permission{.resource_type = "task", .action = "fly"},
        Permission{.resource_type = "task", .action = "read", .scope = AccessScope::project},
        Permission{.resource_type = "task", .action = "read", .resource_id = "x"}})
    EXPECT_EQ(access_->grant("r", bad).error().code, ErrorCode::invalid_argument);
  const auto first = grant("r", {.resource_type = "task", .action = "read"});
  EXPECT_EQ(grant("r", {.resource_type = "task", .action = "read", .conditions = Json{R"({"a":1})"}}), first);
  EXPECT_EQ(access_->permissions("r")->size(), 1U);
  EXPECT_EQ(access_->grant("absent", {.resource_type = "task", .action = "read"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(access_->assign({PrincipalType::user, "absent"}, "r").error().code, ErrorCode::not_found);
}

TEST_F(AccessTest, SqlThroughTheApiReadsAndWritesNothing) {
  make_user("ada", MemberRole::viewer);
  EXPECT_EQ(scalar("SELECT role FROM triune_organization_members WHERE user_id = 'ada'"), "viewer");
  for (const auto* statement :
       {"UPDATE triune_memberships SET role = 'owner'", "DELETE FROM triune_users", "DROP TABLE triune_permissions",
        "INSERT INTO triune_access_epochs VALUES (1, 5, 0)", "UPDATE triune_access_epochs SET epoch = 0"})
    EXPECT_FALSE(sql(statement)) << statement;
}

TEST_F(AccessTest, TheGraphFollows) {
  make_user("ada");
  make_role("base");
  make_role("r", {"base"});
  ok(access_->assign(ada, "r"));
  EXPECT_EQ(cypher_scalar("MATCH (u:User)-[:HAS_ROLE]->(r:Role)-[:INHERITS]->(b:Role) RETURN u.id + r.name + b.name"),
            "adarbase");
  ok(access_->unassign(ada, "r"));
  EXPECT_EQ(cypher_scalar("MATCH (:User)-[e:HAS_ROLE]->(:Role) RETURN count(e)"), "0");
  ok(access_->remove_user("ada"));
  EXPECT_EQ(cypher_scalar("MATCH (u:User) RETURN count(u)"), "0");
  expect_verified();
}

TEST_F(AccessTest, ChangesAreAuditedWithoutSecrets) {
  const Actor root{.id = "root", .type = ActorType::user, .reason = "hired"};
  ASSERT_TRUE(access_->create_user({.id = "ada", .email = "ada@example.org", .name = "Ada"}, root));
  const auto key = access_->create_key({.name = "k", .owner = ada, .scopes = {"*"}}, root);
  ASSERT_TRUE(key);
  const auto session = access_->begin_session({.user = "ada"});
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(scalar("SELECT actor FROM triune_audit_log WHERE table_name = 'triune_users' AND operation = 'insert'"),
            "root");
  const auto rows = hive_->sql(
      "SELECT after FROM triune_audit_log WHERE table_name IN ('triune_api_keys', "
      "'triune_login_sessions')");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows.size(), 2U);
  const auto hashes = hive_->sql(
      "SELECT secret_hash FROM triune_api_keys UNION ALL SELECT token_hash FROM "
      "triune_login_sessions");
  ASSERT_TRUE(hashes);
  for (const auto& row : rows->rows) {
    EXPECT_THAT(to_text(row[0]), HasSubstr("…"));
    for (const auto& hash : hashes->rows) EXPECT_THAT(to_text(row[0]), Not(HasSubstr(to_text(hash[0]))));
  }
}

TEST_F(AccessTest, FailedLoginsLockForAWhile) {
  open_access({.failed_logins_allowed = 3, .lockout = std::chrono::milliseconds(1'500)});
  make_user("ada");
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(access_->note_login("ada@example.org", false)->failed_login_attempts, i);
  const auto locked = access_->note_login("ada", true);
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, ErrorCode::permission_denied);
  EXPECT_FALSE(access_->begin_session({.user = "ada"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(1'600));
  EXPECT_EQ(access_->note_login("ada", false)->failed_login_attempts, 1);  // begins anew
  const auto in = access_->note_login("ada", true);
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_EQ(in->failed_login_attempts, 0);
  EXPECT_EQ(in->login_count, 1);
  ok(access_->update_user("ada", {.status = AccountStatus::suspended}));
  EXPECT_FALSE(access_->note_login("ada", true));
}

TEST_F(AccessTest, SessionsEndAndTokensAreRefused) {
  make_user("ada");
  const auto issued = access_->begin_session({.user = "ada", .client_ip = "::1"});
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(access_->session(issued->token)->user, "ada");
  EXPECT_EQ(access_->session("wrong").error().code, ErrorCode::permission_denied);
  ok(access_->update_user("ada", {.status = AccountStatus::suspended}));
  EXPECT_FALSE(access_->session(issued->token));
  ok(access_->update_user("ada", {.status = AccountStatus::active}));
  EXPECT_TRUE(access_->session(issued->token));
  ok(access_->end_session(issued->id));
  EXPECT_FALSE(access_->session(issued->token));
  const auto brief = access_->begin_session({.user = "ada", .lifetime_ms = 1});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(access_->session(brief->token));
  EXPECT_FALSE(access_->is_token_revoked("j1").value());
  ok(access_->revoke_token({.jti = "j1", .reason = "logout", .expires_at_ms = 1}));
  ok(access_->revoke_token({.jti = "j1", .reason = "again", .expires_at_ms = 1}));
  EXPECT_TRUE(access_->is_token_revoked("j1").value());
  EXPECT_EQ(access_->sweep().value(), 1U);
  EXPECT_FALSE(access_->is_token_revoked("j1").value());
}

}  // namespace
}  // namespace triune
