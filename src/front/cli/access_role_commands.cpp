// access role, access grant and access revoke.
#include "base/try.h"
#include "front/cli/access_commands.h"

namespace triune::front {
namespace {

struct ListArguments {
  std::size_t limit = 100;
};

struct RoleArguments {
  std::string role;
  std::string description;
  std::vector<std::string> parents;
};

struct LinkArguments {
  std::string role;
  std::string other;
  std::string expires_in;
  bool remove = false;
};

struct GrantArguments {
  std::string role;
  std::string right;
  std::string scope;
  std::string resource;
  std::string conditions = "{}";
  std::string expires_in;
  bool deny = false;
};

struct RevokeArguments {
  std::string permission;
};

Result<ExitCode> run_list(const ListArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto roles, access.roles(arguments.limit));
    RowSet rows{.columns = {"id", "name", "description", "parents"}, .rows = {}};
    for (const auto& one : roles) rows.rows.push_back({one.id, one.name, one.description, cell_of(one.parents)});
    return print_rows(line, "roles", rows);
  });
}

Result<ExitCode> run_show(const RoleArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto permissions, access.permissions(arguments.role));
    RowSet rows{
        .columns = {"permission", "effect", "type", "action", "scope", "resource", "conditions", "expires_at_ms"},
        .rows = {}};
    for (const auto& one : permissions)
      rows.rows.push_back({one.id, std::string(to_string(one.effect)), one.resource_type, one.action,
                           std::string(to_string(one.scope)), one.resource_id, one.conditions,
                           cell_of(one.expires_at_ms)});
    return print_rows(line, "permissions", rows);
  });
}

Result<ExitCode> run_create(const RoleArguments& arguments, const CommandLine& line) {
  const NewRole role{.name = arguments.role, .description = arguments.description, .parents = arguments.parents};
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, access.create_role(role, person_at_terminal()));
    return print_record(line, {{"id", id}, {"name", arguments.role}});
  });
}

Result<ExitCode> run_remove(const RoleArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(access.remove_role(arguments.role, person_at_terminal()));
    return print_record(line, {{"removed", arguments.role}});
  });
}

Result<ExitCode> run_inherit(const LinkArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(arguments.remove ? access.remove_parent(arguments.role, arguments.other, person_at_terminal())
                                : access.add_parent(arguments.role, arguments.other, person_at_terminal()));
    return print_record(line, {{"role", arguments.role}, {arguments.remove ? "no_parent" : "parent", arguments.other}});
  });
}

Result<ExitCode> run_assign(const LinkArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto principal, parse_principal(arguments.other));
  TRIUNE_ASSIGN(const auto expires, time_from_now(arguments.expires_in));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(access.assign(principal, arguments.role, expires, person_at_terminal()));
    return print_record(
        line, {{"role", arguments.role}, {"principal", arguments.other}, {"expires_at_ms", cell_of(expires)}});
  });
}

Result<ExitCode> run_unassign(const LinkArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto principal, parse_principal(arguments.other));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(access.unassign(principal, arguments.role, person_at_terminal()));
    return print_record(line, {{"role", arguments.role}, {"taken_from", arguments.other}});
  });
}

Result<ExitCode> run_grant(const GrantArguments& arguments, const CommandLine& line) {
  Permission permission{.effect = arguments.deny ? Effect::deny : Effect::allow};
  TRIUNE_ASSIGN(const auto right, split_right(arguments.right));
  permission.resource_type = right.first;
  permission.action = right.second;
  const std::string narrow = arguments.resource.empty() ? "organization" : "resource";
  TRIUNE_ASSIGN(permission.scope, parse_access_scope(arguments.scope.empty() ? narrow : arguments.scope));
  permission.resource_id = arguments.resource;
  permission.conditions = Json{arguments.conditions};
  TRIUNE_ASSIGN(permission.expires_at_ms, time_from_now(arguments.expires_in));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, access.grant(arguments.role, permission, person_at_terminal()));
    return print_record(line, {{"permission", id},
                               {"role", arguments.role},
                               {"effect", std::string(to_string(permission.effect))},
                               {"right", arguments.right},
                               {"scope", std::string(to_string(permission.scope))},
                               {"expires_at_ms", cell_of(permission.expires_at_ms)}});
  });
}

Result<ExitCode> run_revoke(const RevokeArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(access.revoke(arguments.permission, person_at_terminal()));
    return print_record(line, {{"revoked", arguments.permission}});
  });
}

void add_making(CLI::App& role, CommandLine& line) {
  auto fresh = std::make_shared<RoleArguments>();
  auto* create = add_command(role, "create", "Make one", "triune access role create reviewer --parent reader");
  create->add_option("name", fresh->role, "Unique in the organization")->required()->type_name("NAME");
  create->add_option("--parent", fresh->parents, "A role whose permissions it has too; may be repeated");
  create->add_option("--description", fresh->description, "For people")->type_name("TEXT");
  when_chosen(create, line, fresh, run_create);

  auto gone = std::make_shared<RoleArguments>();
  auto* remove =
      add_command(role, "remove", "Delete one, and take it from whoever has it", "triune access role remove reviewer");
  remove->add_option("role", gone->role, "Id or name")->required()->type_name("ROLE");
  when_chosen(remove, line, gone, run_remove);

  auto parent = std::make_shared<LinkArguments>();
  auto* inherit =
      add_command(role, "inherit", "Give a role all that another has", "triune access role inherit reviewer reader");
  inherit->add_option("role", parent->role, "Id or name")->required()->type_name("ROLE");
  inherit->add_option("parent", parent->other, "The other")->required()->type_name("ROLE");
  inherit->add_flag("--not", parent->remove, "No longer");
  when_chosen(inherit, line, parent, run_inherit);
}

void add_giving(CLI::App& role, CommandLine& line) {
  auto given = std::make_shared<LinkArguments>();
  auto* assign = add_command(role, "assign", "Give somebody a role",
                             "triune access role assign reviewer agent:worker-7 --expires-in 30d");
  assign->add_option("role", given->role, "Id or name")->required()->type_name("ROLE");
  assign->add_option("principal", given->other, "user:ID, agent:ID or api_key:ID")->required()->type_name("PRINCIPAL");
  assign->add_option("--expires-in", given->expires_in, "For so long: 30d, 12h, 15m, 90s")->type_name("DURATION");
  when_chosen(assign, line, given, run_assign);

  auto taken = std::make_shared<LinkArguments>();
  auto* unassign =
      add_command(role, "unassign", "Take a role from somebody", "triune access role unassign reviewer agent:worker-7");
  unassign->add_option("role", taken->role, "Id or name")->required()->type_name("ROLE");
  unassign->add_option("principal", taken->other, "user:ID, agent:ID or api_key:ID")->required();
  when_chosen(unassign, line, taken, run_unassign);
}

void add_grant(CLI::App& access, CommandLine& line) {
  auto arguments = std::make_shared<GrantArguments>();
  auto* grant = add_command(access, "grant", "Add a permission to a role",
                            "triune access grant reviewer task:update\n"
                            "  triune access grant careful database:delete --deny --resource ledger");
  grant->add_option("role", arguments->role, "Id or name")->required()->type_name("ROLE");
  grant->add_option("right", arguments->right, "Resource type and action; * for all")
      ->required()
      ->type_name("TYPE:ACTION");
  grant->add_flag("--deny", arguments->deny, "Deny it, whatever allows it");
  grant->add_option("--scope", arguments->scope, "global, organization, project, resource, instance")
      ->type_name("SCOPE");
  grant->add_option("--resource", arguments->resource, "Of the project, resource or instance")->type_name("ID");
  grant->add_option("--if", arguments->conditions, "Conditions on the context")->type_name("JSON");
  grant->add_option("--expires-in", arguments->expires_in, "For so long: 30d, 12h, 15m, 90s")->type_name("DURATION");
  when_chosen(grant, line, arguments, run_grant);

  auto gone = std::make_shared<RevokeArguments>();
  auto* revoke = add_command(access, "revoke", "Take a permission from its role", "triune access revoke 0199…");
  revoke->add_option("permission", gone->permission, "Its id, as role show tells")->required()->type_name("ID");
  when_chosen(revoke, line, gone, run_revoke);
}

}  // namespace

void add_access_role_commands(CLI::App& access, CommandLine& line) {
  auto* role = add_command(access, "role", "Make, show and give roles", "triune access role create reviewer");
  role->require_subcommand(1);
  auto listed = std::make_shared<ListArguments>();
  auto* list = add_command(*role, "list", "List them by their names", "triune access role list");
  list->add_option("-n,--limit", listed->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, listed, run_list);

  auto shown = std::make_shared<RoleArguments>();
  auto* show = add_command(*role, "show", "Show the permissions of one", "triune access role show reviewer");
  show->add_option("role", shown->role, "Id or name")->required()->type_name("ROLE");
  when_chosen(show, line, shown, run_show);
  add_making(*role, line);
  add_giving(*role, line);
  add_grant(access, line);
}

}  // namespace triune::front
