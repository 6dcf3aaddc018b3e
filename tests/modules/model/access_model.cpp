// Access: after every kill each decision is the one that a model makes which looks at all rights each time.
#include <set>
#include <stdexcept>

#include "modules/model/module_model.h"
#include "triune/modules/access.h"

namespace triune::testing {
namespace {

const std::vector<std::string> types{"task", "service"};
const std::vector<std::string> verbs{"read", "update", "deploy"};
const std::vector<std::string> places{"", "p0", "p1"};

/// The rules, without anything kept from one decision to the next.
class Rules {
 public:
  explicit Rules(const Document& state) : state_(state) {}

  [[nodiscard]] std::set<std::string> with_parents(std::set<std::string> roles) const {
    for (std::size_t before = 0; before != roles.size();) {
      before = roles.size();
      for (const auto& [role, one] : state_["roles"].items())
        if (roles.contains(role)) roles.insert(one["parents"].begin(), one["parents"].end());
    }
    return roles;
  }

  [[nodiscard]] bool allows(const AccessRequest& request) const {
    if (!state_["users"].contains(request.principal.id)) return false;
    const auto& user = state_["users"][request.principal.id];
    if (user["status"] != "active") return false;
    bool allowed = allows_member(user["member"], request);
    for (const auto& role : with_parents(user["roles"]))
      for (const auto& [key, right] : state_["roles"][role]["rights"].items()) {
        if (!fits(right, request)) continue;
        if (right["deny"] == true) return false;
        allowed = true;
      }
    return allowed;
  }

 private:
  static bool allows_member(const std::string& role, const AccessRequest& request) {
    if (request.whole_hive) return false;
    return role == "owner" || role == "admin" || (role == "member" && request.action != "deploy") ||
           (role == "viewer" && request.action == "read");
  }

  static bool fits(const Document& right, const AccessRequest& request) {
    if (right["type"] != "*" && right["type"] != request.resource_type) return false;
    if (right["verb"] != "*" && right["verb"] != request.action) return false;
    const std::string scope = right["scope"];
    const bool denies = right["deny"];
    if (scope == "global") return true;
    if (scope == "organization") return denies || !request.whole_hive;
    const auto& asked = scope == "project"    ? request.project
                        : scope == "resource" ? request.resource
                                              : request.instance;
    if (denies) return right["place"] == asked || asked.empty();
    return right["place"] == asked && !request.whole_hive;
  }

  const Document& state_;
};

class AccessModel final : public ModuleModel {
 public:
  void open(Hive& hive) override {
    access_ = expect(Access::open(hive));
    if (access_->user("root")) return;
    static_cast<void>(expect(access_->create_user({.id = "root", .email = "root@example.org", .name = "Root"})));
    expect(access_->set_member({.user = "root", .role = MemberRole::owner}));
  }

  Document next(Random& random) override {
    const auto user = random.name("u", 4);
    const auto role = random.name("r", 4);
    switch (random.below(14)) {
      case 0:
      case 1: return {{"do", "user"}, {"user", user}};
      case 2:
        return random.once_in(3) ? Document{{"do", "remove user"}, {"user", user}}
                                 : Document{{"do", "status"},
                                            {"user", user},
                                            {"status", random.one_of({"active", "active", "suspended"})}};
      case 3:
        return {{"do", "member"}, {"user", user}, {"role", random.one_of({"admin", "member", "viewer", "guest", ""})}};
      case 4: return {{"do", "role"}, {"role", role}};
      case 5:
        return random.once_in(5) ? Document{{"do", "remove role"}, {"role", role}}
                                 : Document{{"do", "role"}, {"role", role}};
      case 6:
      case 7:
        return {
            {"do", random.once_in(4) ? "remove parent" : "parent"}, {"role", role}, {"parent", random.name("r", 4)}};
      case 8:
      case 9:
      case 10: return grant(random, role);
      default:
        return {{"do", random.once_in(4) ? "unassign" : "assign"},
                {"user", user},
                {"role", role},
                {"expired", random.once_in(6)}};
    }
  }

  Document perform(const Document& operation, const Actor& actor) override {
    const std::string what = operation["do"];
    const std::string role = operation.value("role", "");
    if (operation.contains("user")) return perform_on_user(what, operation["user"], operation, actor);
    if (what == "role") return told_whether(access_->create_role({.name = role}, actor));
    if (what == "remove role") return told(access_->remove_role(role, actor));
    if (what == "parent") return told(access_->add_parent(role, operation["parent"].get<std::string>(), actor));
    if (what == "remove parent")
      return told(access_->remove_parent(role, operation["parent"].get<std::string>(), actor));
    const Permission permission{.effect = operation["deny"] == true ? Effect::deny : Effect::allow,
                                .resource_type = operation["type"],
                                .action = operation["verb"],
                                .scope = *parse_access_scope(operation["scope"].get<std::string>()),
                                .resource_id = operation["place"]};
    if (what == "grant") return told_whether(access_->grant(role, permission, actor));
    return revoke(role, permission, actor);
  }

  [[nodiscard]] Document initial() const override {
    return {{"users", Document::object()}, {"roles", Document::object()}};
  }

  [[nodiscard]] std::vector<Possible> outcomes(const Document& state, const Document& operation) const override {
    auto next = state;
    const bool applied = operation.contains("user") ? apply_to_user(next, operation) : apply_to_role(next, operation);
    return applied ? std::vector<Possible>{{done(), next}} : std::vector<Possible>{{refused(), state}};
  }

  Document read(Hive&) override {
    auto state = initial();
    for (const auto& user : expect(access_->users(1'000))) {
      if (user.id == "root") continue;
      std::set<std::string> roles;
      for (const auto& one : expect(access_->assignments({PrincipalType::user, user.id})))
        if (!one.expires_at_ms) roles.insert(one.role);
      state["users"][user.id] = {{"status", to_string(user.status)}, {"member", ""}, {"roles", roles}};
    }
    for (const auto& member : expect(access_->members(1'000)))
      if (member.user != "root") state["users"][member.user]["member"] = to_string(member.role);
    for (const auto& role : expect(access_->roles(1'000))) {
      if (role.is_system) continue;
      state["roles"][role.name] = {{"parents", std::set<std::string>(role.parents.begin(), role.parents.end())},
                                   {"rights", Document::object()}};
      for (const auto& one : expect(access_->permissions(role.name))) {
        Document right{{"deny", one.effect == Effect::deny},
                       {"type", one.resource_type},
                       {"verb", one.action},
                       {"scope", to_string(one.scope)},
                       {"place", one.resource_id}};
        state["roles"][role.name]["rights"][right.dump()] = right;
      }
    }
    return state;
  }

  void check(Hive&, const Document& state) override {
    const Rules rules(state);
    for (const auto* user : {"u0", "u1", "u2", "u3"})
      for (const auto& type : types)
        for (const auto& verb : verbs)
          for (const auto& place : places)
            for (const bool whole : {false, true}) {
              const AccessRequest request{.principal = {PrincipalType::user, user},
                                          .action = verb,
                                          .resource_type = type,
                                          .resource = place,
                                          .project = place,
                                          .instance = place,
                                          .whole_hive = whole};
              const auto decision = expect(access_->decide(request));
              if (decision.allowed != rules.allows(request))
                throw std::runtime_error(std::string("the decision on ") + user + " " + verb + " " + type + " at '" +
                                         place + "' differs: " + decision.reason);
            }
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> audited_tables() const override {
    return {};
  }

  /// What an expired assignment or the same again changes cannot be seen.
  [[nodiscard]] bool is_audited(const Document&) const override { return true; }

 private:
  static Document grant(Random& random, const std::string& role) {
    Document right{{"do", random.once_in(4) ? "revoke" : "grant"},
                   {"role", role},
                   {"deny", random.once_in(4)},
                   {"type", random.one_of({"*", "task", "service"})},
                   {"verb", random.one_of({"*", "read", "update", "deploy"})},
                   {"scope", random.one_of({"global", "organization", "project", "resource", "instance"})},
                   {"place", ""}};
    if (right["scope"] != "global" && right["scope"] != "organization") right["place"] = random.name("p", 2);
    return right;
  }

  Document perform_on_user(const std::string& what, const std::string& user, const Document& operation,
                           const Actor& actor) {
    const Principal principal{PrincipalType::user, user};
    if (what == "user")
      return told_whether(access_->create_user({.id = user, .email = user + "@example.org", .name = user}, actor));
    if (what == "remove user") return told(access_->remove_user(user, actor));
    if (what == "status")
      return told(
          access_->update_user(user, {.status = *parse_account_status(operation["status"].get<std::string>())}, actor));
    const std::string role = operation["role"];
    if (what == "member")
      return told(role.empty() ? access_->remove_member(user, actor)
                               : access_->set_member({.user = user, .role = *parse_member_role(role)}, actor));
    if (what == "unassign") return told(access_->unassign(principal, role, actor));
    return told(access_->assign(principal, role,
                                operation["expired"] == true ? std::optional<std::int64_t>(5) : std::nullopt, actor));
  }

  Document revoke(const std::string& role, const Permission& wanted, const Actor& actor) {
    const auto permissions = access_->permissions(role);
    if (!permissions) return told(permissions.error());
    for (const auto& one : *permissions)
      if (one.effect == wanted.effect && one.resource_type == wanted.resource_type && one.action == wanted.action &&
          one.scope == wanted.scope && one.resource_id == wanted.resource_id)
        return told(access_->revoke(one.id, actor));
    return refused();
  }

  static bool apply_to_user(Document& state, const Document& operation) {
    const std::string what = operation["do"];
    const std::string id = operation["user"];
    auto& users = state["users"];
    if (what == "user") {
      if (users.contains(id)) return false;
      users[id] = {{"status", "active"}, {"member", ""}, {"roles", Document::array()}};
      return true;
    }
    const std::string role = operation.value("role", "");
    const bool wants_role = what == "assign" || what == "unassign";
    if (wants_role && !state["roles"].contains(role)) return false;
    // Taking away a role that is not there is no error.
    if (!users.contains(id)) return what == "unassign";
    auto& user = users[id];
    if (what == "member" && role.empty() && user["member"] == "") return false;
    if (what == "remove user") users.erase(id);
    if (what == "status") user["status"] = operation["status"];
    if (what == "member") user["member"] = role;
    if (!wants_role) return true;
    std::set<std::string> roles = user["roles"];
    roles.erase(role);
    if (what == "assign" && operation["expired"] == false) roles.insert(role);
    user["roles"] = roles;
    return true;
  }

  static bool apply_to_role(Document& state, const Document& operation) {
    const std::string what = operation["do"];
    const std::string role = operation["role"];
    auto& roles = state["roles"];
    if (what == "role") {
      if (roles.contains(role)) return false;
      roles[role] = {{"parents", Document::array()}, {"rights", Document::object()}};
      return true;
    }
    if (!roles.contains(role)) return false;
    if (what == "remove role") return apply_remove_role(state, role);
    if (what == "parent" || what == "remove parent") return apply_parent(state, operation);
    auto right = operation;
    right.erase("do");
    right.erase("role");
    auto& rights = roles[role]["rights"];
    if (what == "revoke") return rights.erase(right.dump()) > 0;
    rights[right.dump()] = right;
    return true;
  }

  static bool apply_parent(Document& state, const Document& operation) {
    const std::string role = operation["role"];
    const std::string parent = operation["parent"];
    auto& roles = state["roles"];
    if (!roles.contains(parent)) return false;
    std::set<std::string> parents = roles[role]["parents"];
    if (operation["do"] == "parent" && Rules(state).with_parents({parent}).contains(role)) return false;
    if (operation["do"] == "parent")
      parents.insert(parent);
    else
      parents.erase(parent);
    roles[role]["parents"] = parents;
    return true;
  }

  static bool apply_remove_role(Document& state, const std::string& role) {
    const auto without = [&](const Document& list) {
      std::set<std::string> kept = list;
      kept.erase(role);
      return kept;
    };
    state["roles"].erase(role);
    for (auto& [name, one] : state["roles"].items()) one["parents"] = without(one["parents"]);
    for (auto& [id, user] : state["users"].items()) user["roles"] = without(user["roles"]);
    return true;
  }

  std::unique_ptr<Access> access_;
};

}  // namespace

std::unique_ptr<ModuleModel> access_model() {
  return std::make_unique<AccessModel>();
}

}  // namespace triune::testing
