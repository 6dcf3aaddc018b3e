// What is derived from the tables of access.
#pragma once

#include "modules/kit/module_definition.h"

namespace triune::modules::access {

inline const ModuleDefinition& definition() {
  static const ModuleDefinition module{
      .series = "access",
      .needs = {},
      .audited = {{"triune_organization_details", {"slug"}, {}},
                  {"triune_users", {"id"}, {}},
                  {"triune_memberships", {"user_id"}, {}},
                  {"triune_invitations", {"user_id"}, {"token_hash"}},
                  {"triune_roles", {"id"}, {}},
                  {"triune_role_parents", {"role_id", "parent_id"}, {}},
                  {"triune_permissions", {"id"}, {}},
                  {"triune_role_assignments", {"id"}, {}},
                  {"triune_api_keys", {"id"}, {"secret_hash"}},
                  {"triune_login_sessions", {"id"}, {"token_hash"}},
                  {"triune_revoked_tokens", {"jti"}, {}}},
      .nodes = {{.table = "triune_users", .label = "User", .properties = {"name", "username", "status"}},
                {.table = "triune_roles", .label = "Role", .properties = {"name"}}},
      .edges = {{.table = "triune_role_assignments",
                 .type = "HAS_ROLE",
                 .from_column = "user_id",
                 .from_label = "User",
                 .to_column = "role_id",
                 .to_label = "Role"},
                {.table = "triune_role_assignments",
                 .type = "ACTS_AS",
                 .from_column = "agent_id",
                 .from_label = "Agent",
                 .to_column = "role_id",
                 .to_label = "Role"},
                {.table = "triune_role_parents",
                 .type = "INHERITS",
                 .from_column = "role_id",
                 .from_label = "Role",
                 .to_column = "parent_id",
                 .to_label = "Role"}}};
  return module;
}

}  // namespace triune::modules::access
