// access key. A key's text goes to standard output once, and comes in by standard input: arguments are seen by others.
#include "base/try.h"
#include "front/cli/access_commands.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

struct ListArguments {
  std::size_t limit = 100;
};

struct CreateArguments {
  std::string name;
  std::string owner;
  std::vector<std::string> scopes;
  std::string expires_in;
};

struct KeyArguments {
  std::string id;
  std::string overlap = "1h";
  std::string reason;
  std::string file;
};

std::string owner_of(const std::optional<Principal>& owner) {
  return owner ? to_string(*owner) : std::string();
}

ExitCode print_issued(const CommandLine& line, const IssuedKey& key) {
  if (!line.settings.json) note("keep it now: the key is shown once and kept nowhere");
  return print_record(line, {{"id", key.id}, {"key", key.text}});
}

Result<ExitCode> run_list(const ListArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto keys, access.keys(arguments.limit));
    RowSet rows{.columns = {"id", "name", "prefix", "owner", "scopes", "revoked", "expires_at_ms", "replaced_by",
                            "uses", "last_used_at_ms"},
                .rows = {}};
    for (const auto& one : keys)
      rows.rows.push_back({one.id, one.name, one.prefix, owner_of(one.owner), cell_of(one.scopes), one.revoked,
                           cell_of(one.expires_at_ms), one.replaced_by, one.usage_count, cell_of(one.last_used_at_ms)});
    return print_rows(line, "keys", rows);
  });
}

Result<ExitCode> run_create(const CreateArguments& arguments, const CommandLine& line) {
  NewApiKey key{.name = arguments.name, .owner = {}, .scopes = arguments.scopes};
  if (!arguments.owner.empty()) {
    TRIUNE_ASSIGN(key.owner, parse_principal(arguments.owner));
  }
  TRIUNE_ASSIGN(key.expires_at_ms, time_from_now(arguments.expires_in));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto issued, access.create_key(key, person_at_terminal()));
    return print_issued(line, issued);
  });
}

Result<ExitCode> run_rotate(const KeyArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto overlap, milliseconds_of(arguments.overlap));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto issued,
                  access.rotate_key(arguments.id, std::chrono::milliseconds(overlap), person_at_terminal()));
    return print_issued(line, issued);
  });
}

Result<ExitCode> run_revoke(const KeyArguments& arguments, const CommandLine& line) {
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_TRY(access.revoke_key(arguments.id, arguments.reason, person_at_terminal()));
    return print_record(line, {{"revoked", arguments.id}});
  });
}

Result<ExitCode> run_verify(const KeyArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto text, read_secret(arguments.file));
  return with_access(line, [&](Access& access) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto verified, access.verify_key(text));
    return print_record(line, {{"id", verified.id}, {"name", verified.name}, {"owner", owner_of(verified.owner)}});
  });
}

void add_create(CLI::App& key, CommandLine& line) {
  auto arguments = std::make_shared<CreateArguments>();
  auto* create = add_command(key, "create", "Make one; its text is printed once",
                             "triune access key create deploy --owner user:0199… --scope service:deploy "
                             "--expires-in 90d\n  triune access key create ci --scope task:read --scope task:update");
  create->add_option("name", arguments->name, "For people")->required()->type_name("NAME");
  create->add_option("--owner", arguments->owner, "user:ID or agent:ID; default: it acts for itself, by roles")
      ->type_name("PRINCIPAL");
  create->add_option("--scope", arguments->scopes, "TYPE:ACTION or *; may be repeated")->required()->type_name("SCOPE");
  create->add_option("--expires-in", arguments->expires_in, "Good for so long: 90d, 12h")->type_name("DURATION");
  when_chosen(create, line, arguments, run_create);
}

}  // namespace

void add_access_key_commands(CLI::App& access, CommandLine& line) {
  auto* key = add_command(access, "key", "Make, verify, replace and revoke API keys",
                          "triune access key create deploy --scope service:deploy");
  key->require_subcommand(1);
  auto listed = std::make_shared<ListArguments>();
  auto* list = add_command(*key, "list", "List them, the oldest first", "triune access key list --json");
  list->add_option("-n,--limit", listed->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, listed, run_list);
  add_create(*key, line);

  auto replaced = std::make_shared<KeyArguments>();
  auto* rotate = add_command(*key, "rotate", "Make a new one in place of one, which is good for a while more",
                             "triune access key rotate 0199… --overlap 24h");
  rotate->add_option("id", replaced->id, "Of the old one")->required()->type_name("ID");
  rotate->add_option("--overlap", replaced->overlap, "So long: at most 90d")->capture_default_str();
  when_chosen(rotate, line, replaced, run_rotate);

  auto gone = std::make_shared<KeyArguments>();
  auto* revoke =
      add_command(*key, "revoke", "Refuse one from now on", "triune access key revoke 0199… --reason leaked");
  revoke->add_option("id", gone->id, "Of the key")->required()->type_name("ID");
  revoke->add_option("--reason", gone->reason, "Why")->type_name("TEXT");
  when_chosen(revoke, line, gone, run_revoke);

  auto presented = std::make_shared<KeyArguments>();
  auto* verify = add_command(*key, "verify", "Say whose key it is that standard input holds",
                             "triune access key verify < key.txt");
  verify->add_option("--file", presented->file, "From a file instead")->type_name("FILE");
  when_chosen(verify, line, presented, run_verify);
}

}  // namespace triune::front
