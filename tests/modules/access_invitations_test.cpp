// Invitations: who gets in by a token, and who does not.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "integration/hive_fixture.h"
#include "triune/modules/access.h"

namespace triune {
namespace {

class AccessInvitationsTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    auto opened = Access::open(*hive_);
    ASSERT_TRUE(opened) << opened.error().message;
    access_ = std::move(*opened);
  }
  void TearDown() override { access_.reset(); }

  IssuedInvitation invite(const NewInvitation& invitation) {
    auto issued = access_->invite(invitation, {.id = "boss", .type = ActorType::user, .reason = {}, .request_id = {}});
    EXPECT_TRUE(issued) << issued.error().message;
    return issued ? *issued : IssuedInvitation{};
  }

  bool may_read(const std::string& user) {
    const auto decision =
        access_->decide({.principal = {PrincipalType::user, user}, .action = "read", .resource_type = "task"});
    EXPECT_TRUE(decision) << decision.error().message;
    return decision && decision->allowed;
  }

  void expect_refused(const std::string& token) {
    const auto accepted = access_->accept_invitation(token);
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().code, ErrorCode::permission_denied);
  }

  std::unique_ptr<Access> access_;
};

TEST_F(AccessInvitationsTest, APersonWhomNobodyKnewIsMadeAndLetInByTheToken) {
  const auto issued = invite({.email = " Ada@Example.org", .name = "Ada", .role = MemberRole::member});
  EXPECT_EQ(access_->user("ada@example.org")->status, AccountStatus::pending);
  EXPECT_FALSE(may_read(issued.user));
  const auto member = access_->accept_invitation(issued.token);
  ASSERT_TRUE(member) << member.error().message;
  EXPECT_EQ(member->user, issued.user);
  EXPECT_EQ(member->invited_by, "boss");
  EXPECT_TRUE(member->joined_at_ms);
  EXPECT_EQ(access_->user(issued.user)->status, AccountStatus::active);
  EXPECT_TRUE(may_read(issued.user));
  expect_refused(issued.token);
}

TEST_F(AccessInvitationsTest, OnlyTheLastTokenCounts) {
  const auto first = invite({.email = "ada@example.org"});
  const auto second = invite({.email = "ada@example.org", .role = MemberRole::admin});
  EXPECT_EQ(first.user, second.user);
  expect_refused(first.token);
  EXPECT_EQ(access_->accept_invitation(second.token)->role, MemberRole::admin);
  const auto again = access_->invite({.email = "ada@example.org"});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(AccessInvitationsTest, NobodyGetsInLateOrAfterBeingRemovedOrSuspended) {
  const auto late = invite({.email = "late@example.org", .lifetime_ms = 1});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  expect_refused(late.token);
  const auto removed = invite({.email = "removed@example.org"});
  ASSERT_TRUE(access_->remove_member(removed.user));
  expect_refused(removed.token);
  const auto suspended = invite({.email = "suspended@example.org"});
  ASSERT_TRUE(access_->update_user(suspended.user, {.status = AccountStatus::suspended}));
  expect_refused(suspended.token);
  EXPECT_FALSE(may_read(suspended.user));
  expect_refused("");
  EXPECT_FALSE(access_->invite({.email = "nonsense"}));
  EXPECT_FALSE(access_->invite({.email = "ada@example.org", .lifetime_ms = 0}));
}

TEST_F(AccessInvitationsTest, OfManyWhoAcceptAtOnceOneGetsIn) {
  const auto issued = invite({.email = "ada@example.org"});
  std::atomic<int> accepted{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { accepted += access_->accept_invitation(issued.token).has_value() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted, 1);
}

TEST_F(AccessInvitationsTest, TheTokenIsNowhereInTheStore) {
  const auto issued = invite({.email = "ada@example.org"});
  const auto kept = hive_->sql("SELECT token_hash FROM triune_invitations");
  ASSERT_TRUE(kept) << kept.error().message;
  ASSERT_EQ(kept->rows.size(), 1U);
  EXPECT_NE(to_text(kept->rows[0][0]), issued.token);
  const auto audited = hive_->sql("SELECT after FROM triune_audit_log WHERE table_name = 'triune_invitations'");
  ASSERT_TRUE(audited) << audited.error().message;
  ASSERT_EQ(audited->rows.size(), 1U);
  EXPECT_THAT(to_text(audited->rows[0][0]), ::testing::Not(::testing::HasSubstr(to_text(kept->rows[0][0]))));
}

}  // namespace
}  // namespace triune
