// API keys: their text, what they may, how they are replaced and revoked.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "integration/hive_fixture.h"
#include "modules/access/key_text.h"
#include "triune/modules/access.h"

namespace triune {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

const Principal ada{PrincipalType::user, "ada"};

class AccessKeysTest : public testing::HiveTest {
 protected:
  void SetUp() override {
    testing::HiveTest::SetUp();
    auto opened = Access::open(*hive_);
    ASSERT_TRUE(opened) << opened.error().message;
    access_ = std::move(*opened);
    ASSERT_TRUE(access_->create_user({.id = "ada", .email = "ada@example.org", .name = "Ada"}));
    ASSERT_TRUE(access_->set_member({.user = "ada", .role = MemberRole::member}));
  }

  void TearDown() override { access_.reset(); }

  IssuedKey make(const NewApiKey& key) {
    auto made = access_->create_key(key);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : IssuedKey{};
  }

  bool may(const std::string& key_id, const std::string& action, const std::string& type) {
    const auto decision =
        access_->decide({.principal = {PrincipalType::api_key, key_id}, .action = action, .resource_type = type});
    EXPECT_TRUE(decision) << decision.error().message;
    return decision && decision->allowed;
  }

  Error refusal(const std::string& text) {
    const auto verified = access_->verify_key(text);
    EXPECT_FALSE(verified);
    return verified ? Error{} : verified.error();
  }

  std::unique_ptr<Access> access_;
};

TEST_F(AccessKeysTest, AKeyIsShownOnceAndVerified) {
  const auto key = make({.name = "deploy", .owner = ada, .scopes = {"*"}});
  EXPECT_THAT(key.text, MatchesRegex("triune_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}"));
  const auto verified = access_->verify_key(key.text);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->id, key.id);
  EXPECT_EQ(verified->owner, ada);
  EXPECT_EQ(verified->principal, (Principal{PrincipalType::api_key, key.id}));
  // Of the secret nothing is kept but its hash.
  const auto secret = key.text.substr(18, 43);
  const auto rows = hive_->sql("SELECT * FROM triune_api_keys");
  ASSERT_TRUE(rows);
  for (const auto& cell : rows->rows.at(0)) EXPECT_THAT(to_text(cell), Not(HasSubstr(secret)));
}

TEST_F(AccessKeysTest, AMistypedKeyIsToldWithoutTheStore) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}});
  EXPECT_TRUE(is_well_formed_key(key.text));
  for (std::size_t at = 0; at < key.text.size(); ++at) {
    auto wrong = key.text;
    wrong[at] = wrong[at] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(is_well_formed_key(wrong)) << at;
  }
  auto swapped = key.text;
  std::swap(swapped[20], swapped[21]);
  EXPECT_EQ(is_well_formed_key(swapped), swapped == key.text);
  for (const auto& wrong : {std::string(), std::string("triune_"), key.text + "x", key.text.substr(1), " " + key.text})
    EXPECT_EQ(refusal(wrong).code, ErrorCode::invalid_argument);
}

TEST_F(AccessKeysTest, AnUnknownKeyAndAWrongOneAreToldAlike) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}});
  // A well-formed key of an unknown prefix: one of another hive.
  testing::TemporaryDirectory elsewhere;
  auto hive = Hive::open((elsewhere.path() / "h").string());
  ASSERT_TRUE(hive);
  auto other = Access::open(**hive);
  ASSERT_TRUE(other);
  const auto foreign = (*other)->create_key({.name = "k", .scopes = {"*"}});
  ASSERT_TRUE(foreign) << foreign.error().message;
  const auto unknown = refusal(foreign->text);
  EXPECT_EQ(unknown.code, ErrorCode::permission_denied);
  EXPECT_THAT(unknown.message, Not(HasSubstr(foreign->text.substr(18))));
  const auto wrong = modules::access::key_text(key.text.substr(7, 10), modules::access::random_text(43));
  EXPECT_EQ(refusal(wrong).code, ErrorCode::permission_denied);
  EXPECT_EQ(refusal(wrong).message, unknown.message);
}

TEST_F(AccessKeysTest, AKeyMayWhatItsOwnerMayAndItsScopesName) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"task:*", "*:read"}});
  EXPECT_TRUE(may(key.id, "update", "task"));
  EXPECT_FALSE(may(key.id, "delete", "task"));  // a member may not
  EXPECT_TRUE(may(key.id, "read", "database"));
  EXPECT_FALSE(may(key.id, "update", "database"));  // no scope
  ASSERT_TRUE(access_->update_user("ada", {.status = AccountStatus::suspended}));
  EXPECT_FALSE(may(key.id, "read", "task"));
  EXPECT_EQ(refusal(key.text).code, ErrorCode::permission_denied);
  const auto roles = access_->create_role({.name = "r"});
  ASSERT_TRUE(roles);
  EXPECT_EQ(access_->assign({PrincipalType::api_key, key.id}, "r").error().code, ErrorCode::conflict);
}

TEST_F(AccessKeysTest, AKeyOfItsOwnHasRolesOfItsOwn) {
  const auto key = make({.name = "service", .scopes = {"task:read", "task:update"}});
  EXPECT_FALSE(may(key.id, "read", "task"));
  ASSERT_TRUE(access_->create_role({.name = "reader"}));
  ASSERT_TRUE(access_->grant("reader", {.resource_type = "*", .action = "read"}));
  ASSERT_TRUE(access_->assign({PrincipalType::api_key, key.id}, "reader"));
  EXPECT_TRUE(may(key.id, "read", "task"));
  EXPECT_FALSE(may(key.id, "update", "task"));
  EXPECT_FALSE(may(key.id, "read", "database"));
  const auto next = access_->rotate_key(key.id, std::chrono::hours(1));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(may(next->id, "read", "task"));
}

TEST_F(AccessKeysTest, ReplacedKeysAreGoodForTheOverlap) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}});
  const auto next = access_->rotate_key(key.id, std::chrono::hours(1));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(access_->verify_key(key.text));
  EXPECT_TRUE(access_->verify_key(next->text));
  EXPECT_EQ(access_->rotate_key(key.id, std::chrono::hours(1)).error().code, ErrorCode::conflict);
  const auto last = access_->rotate_key(next->id, std::chrono::milliseconds(0));
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_THAT(refusal(next->text).message, HasSubstr("expired"));
  EXPECT_FALSE(may(next->id, "read", "task"));
  EXPECT_TRUE(may(last->id, "read", "task"));
  EXPECT_FALSE(access_->rotate_key(last->id, std::chrono::milliseconds(-1)));
}

TEST_F(AccessKeysTest, ARevokedKeyStaysRevoked) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}});
  EXPECT_TRUE(access_->verify_key(key.text));
  ASSERT_TRUE(access_->revoke_key(key.id, "leaked"));
  ASSERT_TRUE(access_->revoke_key(key.id, "again"));
  EXPECT_THAT(refusal(key.text).message, HasSubstr("revoked"));
  EXPECT_FALSE(may(key.id, "read", "task"));
  EXPECT_EQ(access_->keys()->at(0).revoked_reason, "leaked");
  EXPECT_EQ(access_->rotate_key(key.id, std::chrono::hours(1)).error().code, ErrorCode::conflict);
  EXPECT_EQ(access_->revoke_key("absent").error().code, ErrorCode::not_found);
}

TEST_F(AccessKeysTest, AnExpiredKeyIsRefused) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}, .expires_at_ms = 1'000});
  EXPECT_THAT(refusal(key.text).message, HasSubstr("expired"));
  EXPECT_FALSE(may(key.id, "read", "task"));
}

TEST_F(AccessKeysTest, KeysThatMakeNoSenseAreRefused) {
  EXPECT_EQ(access_->create_key({.name = "k"}).error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(access_->create_key({.name = "k", .scopes = {"tasks"}}));
  EXPECT_FALSE(access_->create_key({.name = "k", .scopes = {"task:fly"}}));
  EXPECT_EQ(access_->create_key({.name = "k", .owner = Principal{PrincipalType::user, "absent"}, .scopes = {"*"}})
                .error()
                .code,
            ErrorCode::not_found);
  EXPECT_FALSE(access_->create_key({.name = "k", .owner = Principal{PrincipalType::api_key, "x"}, .scopes = {"*"}}));
}

TEST_F(AccessKeysTest, UsesAreCountedAndWrittenAtMostOnceAMinute) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}});
  const auto before = lsn();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(access_->verify_key(key.text));
  EXPECT_EQ(access_->keys()->at(0).usage_count, 1);  // the first was written, the others are in memory
  EXPECT_TRUE(access_->keys()->at(0).last_used_at_ms);
  access_.reset();
  EXPECT_EQ(scalar("SELECT usage_count FROM triune_api_key_usage"), "50");
  EXPECT_EQ(
      scalar("SELECT count(*) FROM triune_audit_log WHERE table_name = 'triune_api_keys' AND operation = 'update'"),
      "0");
  EXPECT_LE(before, lsn());
}

TEST_F(AccessKeysTest, ManyThreadsVerifyAndDecideWhileRightsChange) {
  const auto key = make({.name = "k", .owner = ada, .scopes = {"*"}});
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        const auto decision =
            access_->decide({.principal = {PrincipalType::api_key, key.id}, .action = "read", .resource_type = "task"});
        if (!decision || !access_->verify_key(key.text)) ++failures;
      }
    });
  for (int i = 0; i < 10; ++i) {
    const bool member = i % 2 == 0;
    const auto role = member ? MemberRole::guest : MemberRole::member;
    ASSERT_TRUE(access_->set_member({.user = "ada", .role = role}));
    // Whoever changes something sees it at once.
    EXPECT_EQ(may(key.id, "read", "task"), !member);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace triune
