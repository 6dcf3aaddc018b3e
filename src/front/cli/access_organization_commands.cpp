// access organization and access member.
#include "base/try.h"
#include "front/cli/access_commands.h"

namespace triune::front {
namespace {

struct ListArguments {
  std::size_t limit = 100;
};

Record record_of(const Organization& organization) {
  return {{"number", organization.number},     {"slug", organization.slug},
          {"name", organization.name},         {"description", organization.description},
          {"tier", organization.tier},         {"status", std::string(to_string(organization.status))},
          {"limits", organization.limits},     {"settings", organization.settings},
          {"features", organization.features}, {"contact_email", organization.contact_email},
          {"timezone", organization.timezone}};
}

Result<ExitCode> run_list(const ListArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto organizations, access.organizations(arguments.limit));
    RowSet rows{.columns = {"number", "slug", "name", "tier", "status"}, .rows = {}};
    for (const auto& one : organizations)
      rows.rows.push_back({one.number, one.slug, one.name, one.tier, std::string(to_string(one.status))});
    return print_rows(line, "organizations", rows);
  });
}

struct ShowArguments {
  std::string slug;
};

Result<ExitCode> run_show(const ShowArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto organization, access.organization(arguments.slug));
    return print_record(line, record_of(organization));
  });
}

struct OrganizationArguments {
  std::string slug;
  std::optional<std::string> name;
  std::optional<std::string> tier;
  std::optional<std::string> limits;
  std::optional<std::string> status;
};

Result<ExitCode> run_create(const OrganizationArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    NewOrganization fresh{.slug = arguments.slug, .name = arguments.name.value_or("")};
    if (arguments.tier) fresh.tier = *arguments.tier;
    if (arguments.limits) fresh.limits = Json{*arguments.limits};
    TRIUNE_TRY(access.create_organization(fresh, person_at_terminal()));
    TRIUNE_ASSIGN(const auto made, access.organization(arguments.slug));
    return print_record(line, record_of(made));
  });
}

Result<ExitCode> run_update(const OrganizationArguments& arguments, const CommandLine& line) {
  OrganizationUpdate update{.name = arguments.name, .tier = arguments.tier};
  if (arguments.limits) update.limits = Json{*arguments.limits};
  if (arguments.status) {
    TRIUNE_ASSIGN(update.status, parse_account_status(*arguments.status));
  }
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(access.update_organization(arguments.slug, update, person_at_terminal()));
    TRIUNE_ASSIGN(const auto now, access.organization(arguments.slug));
    return print_record(line, record_of(now));
  });
}

struct MemberArguments {
  std::string user;
  std::string role;
  std::string status = "active";
  std::string title;
};

Result<ExitCode> run_members(const ListArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto members, access.members(arguments.limit));
    RowSet rows{.columns = {"user", "role", "status", "title", "joined_at_ms"}, .rows = {}};
    for (const auto& one : members)
      rows.rows.push_back({one.user, std::string(to_string(one.role)), std::string(to_string(one.status)), one.title,
                           cell_of(one.joined_at_ms)});
    return print_rows(line, "members", rows);
  });
}

Result<ExitCode> run_set_member(const MemberArguments& arguments, const CommandLine& line) {
  Membership membership{.title = arguments.title};
  TRIUNE_ASSIGN(membership.role, parse_member_role(arguments.role));
  TRIUNE_ASSIGN(membership.status, parse_account_status(arguments.status));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto user, access.user(arguments.user));
    membership.user = user.id;
    TRIUNE_TRY(access.set_member(membership, person_at_terminal()));
    return print_record(line, {{"user", user.id}, {"role", arguments.role}, {"status", arguments.status}});
  });
}

Result<ExitCode> run_remove_member(const MemberArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto user, access.user(arguments.user));
    TRIUNE_TRY(access.remove_member(user.id, person_at_terminal()));
    return print_record(line, {{"removed", user.id}});
  });
}

struct InviteArguments {
  std::string email;
  std::string role = "member";
  std::string name;
  std::string expires_in = "7d";
};

struct AcceptArguments {
  std::string file;
};

Result<ExitCode> run_invite(const InviteArguments& arguments, const CommandLine& line) {
  NewInvitation invitation{.email = arguments.email, .name = arguments.name};
  TRIUNE_ASSIGN(invitation.role, parse_member_role(arguments.role));
  TRIUNE_ASSIGN(invitation.lifetime_ms, milliseconds_of(arguments.expires_in));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto issued, access.invite(invitation, person_at_terminal()));
    return print_record(line,
                        {{"user", issued.user}, {"token", issued.token}, {"expires_at_ms", issued.expires_at_ms}});
  });
}

Result<ExitCode> run_accept(const AcceptArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto token, read_secret(arguments.file));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto member, access.accept_invitation(token, person_at_terminal()));
    return print_record(line, {{"user", member.user},
                               {"role", std::string(to_string(member.role))},
                               {"status", std::string(to_string(member.status))}});
  });
}

void add_invitations(CLI::App& member, CommandLine& line) {
  auto fresh = std::make_shared<InviteArguments>();
  auto* invite = add_command(member, "invite", "Make a pending member, and a token that is shown once",
                             "triune access member invite ada@example.org --role admin");
  invite->add_option("email", fresh->email, "E-mail address")->required()->type_name("EMAIL");
  invite->add_option("--role", fresh->role, "owner, admin, member, viewer or guest")->capture_default_str();
  invite->add_option("--name", fresh->name, "Of a new user; default: the address")->type_name("NAME");
  invite->add_option("--expires-in", fresh->expires_in, "At most 90d")->capture_default_str()->type_name("DURATION");
  when_chosen(invite, line, fresh, run_invite);

  auto taken = std::make_shared<AcceptArguments>();
  auto* accept = add_command(member, "accept", "Become an active member by the token that standard input holds",
                             "triune access member accept < token.txt");
  accept->add_option("--file", taken->file, "From a file instead")->type_name("FILE");
  when_chosen(accept, line, taken, run_accept);
}

void add_organization_options(CLI::App* command, const std::shared_ptr<OrganizationArguments>& arguments) {
  command->add_option("--name", arguments->name, "For people")->type_name("NAME");
  command->add_option("--tier", arguments->tier, "free, standard, pro, enterprise, or another word")->type_name("TIER");
  command->add_option("--limits", arguments->limits, "Such as {\"max_users\":10}")->type_name("JSON");
}

void add_members(CLI::App& access, CommandLine& line) {
  auto* member = add_command(access, "member", "Say who belongs to the organization, and as what",
                             "triune access member set ada@example.org owner");
  member->require_subcommand(1);
  auto listed = std::make_shared<ListArguments>();
  auto* list = add_command(*member, "list", "List the members", "triune access member list --json");
  list->add_option("-n,--limit", listed->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, listed, run_members);

  auto arguments = std::make_shared<MemberArguments>();
  auto* set = add_command(*member, "set", "Add a member, or change what it is",
                          "triune access member set ada@example.org admin");
  set->add_option("user", arguments->user, "Id, e-mail address or username")->required()->type_name("USER");
  set->add_option("role", arguments->role, "owner, admin, member, viewer or guest")->required()->type_name("ROLE");
  set->add_option("--status", arguments->status, "Only active ones may do anything")->capture_default_str();
  set->add_option("--title", arguments->title, "Of the person")->type_name("TITLE");
  when_chosen(set, line, arguments, run_set_member);

  auto gone = std::make_shared<MemberArguments>();
  auto* remove = add_command(*member, "remove", "Take the membership away", "triune access member remove ada");
  remove->add_option("user", gone->user, "Id, e-mail address or username")->required()->type_name("USER");
  when_chosen(remove, line, gone, run_remove_member);
  add_invitations(*member, line);
}

}  // namespace

void add_access_organization_commands(CLI::App& access, CommandLine& line) {
  auto* organization = add_command(access, "organization", "Make, show and change organizations",
                                   "triune access organization create acme --name 'Acme Inc.'");
  organization->require_subcommand(1);
  auto listed = std::make_shared<ListArguments>();
  auto* list = add_command(*organization, "list", "List all in the hive", "triune access organization list");
  list->add_option("-n,--limit", listed->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, listed, run_list);

  auto shown = std::make_shared<ShowArguments>();
  auto* show = add_command(*organization, "show", "Show one", "triune access organization show acme");
  show->add_option("slug", shown->slug, "Default: that of --org")->type_name("SLUG");
  when_chosen(show, line, shown, run_show);

  auto fresh = std::make_shared<OrganizationArguments>();
  auto* create = add_command(*organization, "create", "Make one; --org SLUG then acts for it",
                             "triune access organization create acme --limits '{\"max_users\":10}'");
  create->add_option("slug", fresh->slug, "a-z, 0-9 and '-'")->required()->type_name("SLUG");
  add_organization_options(create, fresh);
  when_chosen(create, line, fresh, run_create);

  auto changed = std::make_shared<OrganizationArguments>();
  auto* update =
      add_command(*organization, "update", "Change one", "triune access organization update acme --status suspended");
  update->add_option("slug", changed->slug, "Of the organization")->required()->type_name("SLUG");
  add_organization_options(update, changed);
  update->add_option("--status", changed->status, "active, inactive, pending, suspended, deleted, archived");
  when_chosen(update, line, changed, run_update);
  add_members(access, line);
}

}  // namespace triune::front
