// access user.
#include "base/try.h"
#include "front/cli/access_commands.h"

namespace triune::front {
namespace {

struct ListArguments {
  std::size_t limit = 100;
};

struct WhoArguments {
  std::string who;
  bool failed = false;
};

struct UserArguments {
  std::string who;
  std::string email;
  std::optional<std::string> name;
  std::optional<std::string> username;
  std::optional<std::string> status;
  std::string member;
};

Record record_of(const User& user) {
  return {{"id", user.id},
          {"email", user.email},
          {"name", user.name},
          {"username", user.username},
          {"status", std::string(to_string(user.status))},
          {"failed_login_attempts", user.failed_login_attempts},
          {"locked_until_ms", cell_of(user.locked_until_ms)},
          {"login_count", user.login_count},
          {"last_login_at_ms", cell_of(user.last_login_at_ms)},
          {"created_at_ms", user.created_at_ms}};
}

Result<ExitCode> run_list(const ListArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto users, access.users(arguments.limit));
    RowSet rows{.columns = {"id", "email", "name", "username", "status"}, .rows = {}};
    for (const auto& one : users)
      rows.rows.push_back({one.id, one.email, one.name, one.username, std::string(to_string(one.status))});
    return print_rows(line, "users", rows);
  });
}

Result<ExitCode> run_show(const WhoArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto user, access.user(arguments.who));
    auto record = record_of(user);
    TRIUNE_ASSIGN(const auto assignments, access.assignments({PrincipalType::user, user.id}));
    std::vector<std::string> roles;
    for (const auto& one : assignments) roles.push_back(one.role);
    record.push_back({"roles", cell_of(roles)});
    return print_record(line, record);
  });
}

Result<ExitCode> run_create(const UserArguments& arguments, const CommandLine& line) {
  NewUser fresh{.email = arguments.email, .name = arguments.name.value_or(arguments.email)};
  fresh.username = arguments.username.value_or("");
  Membership membership;
  if (!arguments.member.empty()) {
    TRIUNE_ASSIGN(membership.role, parse_member_role(arguments.member));
  }
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(membership.user, access.create_user(fresh, person_at_terminal()));
    if (!arguments.member.empty()) TRIUNE_TRY(access.set_member(membership, person_at_terminal()));
    TRIUNE_ASSIGN(const auto made, access.user(membership.user));
    return print_record(line, record_of(made));
  });
}

Result<ExitCode> run_update(const UserArguments& arguments, const CommandLine& line) {
  UserUpdate update{.name = arguments.name, .username = arguments.username};
  if (!arguments.email.empty()) update.email = arguments.email;
  if (arguments.status) {
    TRIUNE_ASSIGN(update.status, parse_account_status(*arguments.status));
  }
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto user, access.user(arguments.who));
    TRIUNE_TRY(access.update_user(user.id, update, person_at_terminal()));
    TRIUNE_ASSIGN(const auto now, access.user(user.id));
    return print_record(line, record_of(now));
  });
}

Result<ExitCode> run_remove(const WhoArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto user, access.user(arguments.who));
    TRIUNE_TRY(access.remove_user(user.id, person_at_terminal()));
    return print_record(line, {{"removed", user.id}});
  });
}

Result<ExitCode> run_login(const WhoArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto user, access.note_login(arguments.who, !arguments.failed, person_at_terminal()));
    return print_record(line, record_of(user));
  });
}

void add_who(CLI::App* command, const std::shared_ptr<WhoArguments>& arguments) {
  command->add_option("user", arguments->who, "Id, e-mail address or username")->required()->type_name("USER");
}

void add_changes(CLI::App& user, CommandLine& line) {
  auto fresh = std::make_shared<UserArguments>();
  auto* create = add_command(user, "create", "Make one", "triune access user create ada@example.org --member owner");
  create->add_option("email", fresh->email, "E-mail address")->required()->type_name("EMAIL");
  create->add_option("--name", fresh->name, "Default: the address")->type_name("NAME");
  create->add_option("--username", fresh->username, "Unique whatever the case")->type_name("NAME");
  create->add_option("--member", fresh->member, "Make a member too: owner, admin, member, viewer or guest");
  when_chosen(create, line, fresh, run_create);

  auto changed = std::make_shared<UserArguments>();
  auto* update = add_command(user, "update", "Change one", "triune access user update ada --status suspended");
  update->add_option("user", changed->who, "Id, e-mail address or username")->required()->type_name("USER");
  update->add_option("--email", changed->email, "A new address")->type_name("EMAIL");
  update->add_option("--name", changed->name, "A new name")->type_name("NAME");
  update->add_option("--username", changed->username, "A new username; empty: none")->type_name("NAME");
  update->add_option("--status", changed->status, "active, inactive, pending, suspended, deleted, archived");
  when_chosen(update, line, changed, run_update);
}

}  // namespace

void add_access_user_commands(CLI::App& access, CommandLine& line) {
  auto* user = add_command(access, "user", "Make, show and change users", "triune access user create ada@example.org");
  user->require_subcommand(1);
  auto listed = std::make_shared<ListArguments>();
  auto* list = add_command(*user, "list", "List them by their addresses", "triune access user list --json");
  list->add_option("-n,--limit", listed->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, listed, run_list);

  auto shown = std::make_shared<WhoArguments>();
  auto* show = add_command(*user, "show", "Show one with its roles", "triune access user show ada@example.org");
  add_who(show, shown);
  when_chosen(show, line, shown, run_show);
  add_changes(*user, line);

  auto gone = std::make_shared<WhoArguments>();
  auto* remove = add_command(*user, "remove", "Delete one with memberships, keys and sessions",
                             "triune access user remove ada@example.org");
  add_who(remove, gone);
  when_chosen(remove, line, gone, run_remove);

  auto tried = std::make_shared<WhoArguments>();
  auto* login =
      add_command(*user, "login", "Tell of a login that succeeded or failed", "triune access user login ada --failed");
  add_who(login, tried);
  login->add_flag("--failed", tried->failed, "It failed; five in a row lock the user for a while");
  when_chosen(login, line, tried, run_login);
}

}  // namespace triune::front
