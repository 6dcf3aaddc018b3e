// access on the command line.
#include <gmock/gmock.h>

#include "integration/cli_process.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CliAccess : public CliTest {
 protected:
  void SetUp() override { make_hive(); }

  std::string make_user(const std::string& name, const std::string& member) {
    return succeed({"access", "user", "create", name + "@example.org", "--username", name, "--member", member})
        .document()
        .at("id");
  }
};

TEST_F(CliAccess, UsersRolesAndGrantsLeadToDecisions) {
  const auto ada = "user:" + make_user("ada", "viewer");
  EXPECT_TRUE(succeed({"access", "check", ada, "task:read"}).document().at("allowed"));
  const auto denied = triune({"--json", "access", "check", ada, "task:update", "--resource", "t1"});
  EXPECT_EQ(denied.exit_code, 4);
  EXPECT_EQ(denied.document().at("rule"), "nothing");
  static_cast<void>(succeed({"access", "role", "create", "editor"}));
  static_cast<void>(succeed({"access", "role", "create", "lead", "--parent", "editor"}));
  const auto granted =
      succeed({"access", "grant", "editor", "task:update", "--resource", "t1", "--expires-in", "1h"}).document();
  EXPECT_EQ(granted.at("scope"), "resource");
  static_cast<void>(succeed({"access", "role", "assign", "lead", ada}));
  EXPECT_TRUE(succeed({"access", "check", ada, "task:update", "--resource", "t1"}).document().at("allowed"));
  const auto explained = succeed({"access", "check", ada, "task:update", "--resource", "t1", "--explain"}).document();
  EXPECT_EQ(explained.at("considered").at(0).at("role"), "editor");
  EXPECT_EQ(succeed({"access", "user", "show", "ada"}).document().at("roles"), "lead");
  static_cast<void>(succeed({"access", "revoke", granted.at("permission")}));
  EXPECT_EQ(triune({"access", "check", ada, "task:update", "--resource", "t1"}).exit_code, 4);
  EXPECT_EQ(triune({"access", "role", "inherit", "editor", "lead"}).exit_code, 4);
  EXPECT_EQ(triune({"access", "user", "create", "nonsense"}).exit_code, 1);
  EXPECT_EQ(triune({"access", "user", "show", "nobody"}).exit_code, 3);
}

TEST_F(CliAccess, KeysAreShownOnceVerifiedReplacedAndRevoked) {
  const auto ada = make_user("ada", "owner");
  const auto made =
      succeed({"access", "key", "create", "deploy", "--owner", "user:" + ada, "--scope", "task:*"}).document();
  const std::string text = made.at("key");
  EXPECT_EQ(succeed({"access", "key", "verify"}, text + "\n").document().at("id"), made.at("id"));
  EXPECT_EQ(triune({"access", "key", "verify"}, "triune_nonsense").exit_code, 1);
  EXPECT_THAT(triune({"access", "key", "list"}).out, Not(HasSubstr(text.substr(18, 43))));
  const auto next = succeed({"access", "key", "rotate", made.at("id"), "--overlap", "0s"}).document();
  EXPECT_NE(triune({"access", "key", "verify"}, text).exit_code, 0);
  static_cast<void>(succeed({"access", "key", "revoke", next.at("id"), "--reason", "leaked"}));
  EXPECT_NE(triune({"access", "key", "verify"}, next.at("key").get<std::string>()).exit_code, 0);
  const auto audited = succeed({"audit", "list", "--table", "triune_api_keys"});
  EXPECT_THAT(audited.out, Not(HasSubstr(text.substr(18, 43))));
}

TEST_F(CliAccess, WhoIsInvitedGetsInByTheTokenOnce) {
  const auto issued = succeed({"access", "member", "invite", "ada@example.org", "--role", "admin"}).document();
  const std::string token = issued.at("token");
  const auto ada = "user:" + issued.at("user").get<std::string>();
  EXPECT_EQ(triune({"access", "check", ada, "task:update"}).exit_code, 4);
  const auto joined = succeed({"access", "member", "accept"}, token + "\n").document();
  EXPECT_EQ(joined.at("role"), "admin");
  EXPECT_EQ(triune({"access", "check", ada, "task:update"}).exit_code, 0);
  EXPECT_NE(triune({"access", "member", "accept"}, token).exit_code, 0);
  EXPECT_THAT(succeed({"audit", "list", "--table", "triune_invitations"}).out, Not(HasSubstr(token)));
  EXPECT_EQ(triune({"access", "member", "invite", "bob@example.org", "--expires-in", "91d"}).exit_code, 1);
}

TEST_F(CliAccess, OrganizationsAreMadeAndApart) {
  static_cast<void>(make_user("ada", "owner"));
  EXPECT_EQ(succeed({"access", "organization", "create", "acme", "--limits", R"({"max_users":1})"})
                .document()
                .at("limits")
                .at("max_users"),
            1);
  EXPECT_TRUE(succeed({"--org", "acme", "access", "user", "list"}).document().at("users").empty());
  EXPECT_EQ(triune({"access", "member", "set", "ada", "viewer"}).exit_code, 4) << "the only owner";
  EXPECT_EQ(succeed({"access", "organization", "update", "acme", "--status", "suspended"}).document().at("status"),
            "suspended");
  EXPECT_EQ(succeed({"access", "organization", "list"}).document().at("organizations").size(), 1U);
}

}  // namespace
}  // namespace triune::testing
