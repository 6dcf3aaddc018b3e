// Organizations: their number is the hive's, their details are here.
#include <array>

#include "base/try.h"
#include "modules/access/checks.h"
#include "modules/access/implementation.h"
#include "modules/kit/rows.h"

namespace triune::modules::access {
namespace {

using contract::RelationalSession;

constexpr std::string_view columns =
    "d.organization_id, d.slug, d.name, d.description, d.tier, d.status, d.settings, d.features, d.limits, "
    "d.contact_email, d.timezone, d.created_at_ms, d.updated_at_ms";

Result<Organization> organization_of(const std::vector<Value>& row) {
  Organization organization{.number = integer(row[0]),
                            .slug = text(row[1]),
                            .name = text(row[2]),
                            .description = text(row[3]),
                            .tier = text(row[4])};
  TRIUNE_ASSIGN(organization.status, parse_account_status(text(row[5])));
  organization.settings = Json{text(row[6])};
  organization.features = Json{text(row[7])};
  organization.limits = Json{text(row[8])};
  organization.contact_email = text(row[9]);
  organization.timezone = text(row[10]);
  organization.created_at_ms = integer(row[11]);
  organization.updated_at_ms = integer(row[12]);
  return organization;
}

/// Of the organization with the slug, made when there is none.
Result<std::int64_t> number_for(RelationalSession& session, const std::string& slug) {
  const std::array<Value, 1> name{slug};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_organizations (name) VALUES (?1) ON CONFLICT (name) DO NOTHING", name));
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT organization_id FROM triune_organizations WHERE name = ?1", name, 1));
  return integer(rows.rows.at(0).at(0));
}

std::unexpected<Error> no_such(std::string_view slug) {
  return failure(ErrorCode::not_found,
                 slug.empty() ? std::string("this organization was not described yet; create it by its slug")
                              : fmt::format("there is no organization {}", slug));
}

/// Which rows: of the slug, or of the hive's own.
std::string_view condition_of(std::string_view slug) {
  return slug.empty() ? "organization_id = ?1" : "slug = ?2 AND ?1 > 0";
}

}  // namespace

Result<std::int64_t> StoredAccess::create_organization(const NewOrganization& organization, const Actor& actor) {
  TRIUNE_TRY(check_slug(organization.slug));
  std::string contact;
  if (!organization.contact_email.empty()) {
    TRIUNE_ASSIGN(contact, normalised_email(organization.contact_email));
  }
  std::int64_t number = 0;
  TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(number, number_for(session, organization.slug));
    const std::array<Value, 1> key{number};
    TRIUNE_ASSIGN(const RowSet known,
                  session.query("SELECT 1 FROM triune_organization_details WHERE organization_id = ?1", key, 1));
    if (!known.rows.empty())
      return failure(ErrorCode::already_exists, fmt::format("there is an organization {} already", organization.slug));
    const std::array<Value, 11> row{number,
                                    organization.slug,
                                    organization.name.empty() ? organization.slug : organization.name,
                                    organization.description,
                                    organization.tier,
                                    organization.settings.text,
                                    organization.features.text,
                                    organization.limits.text,
                                    contact,
                                    organization.timezone,
                                    now_ms()};
    return about(session.execute("INSERT INTO triune_organization_details (organization_id, slug, name, description, "
                                 "tier, settings, features, limits, contact_email, timezone, created_at_ms, "
                                 "updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
                                 row),
                 fmt::format("organization {}", organization.slug));
  }));
  return number;
}

Result<Organization> StoredAccess::organization(std::string_view slug) {
  const std::array<Value, 2> key{own(), std::string(slug)};
  TRIUNE_ASSIGN(const RowSet rows,
                read(fmt::format("SELECT {} FROM triune_organization_details d WHERE {}", columns, condition_of(slug)),
                     std::span(key).first(slug.empty() ? 1 : 2)));
  if (rows.rows.empty()) return no_such(slug);
  return organization_of(rows.rows[0]);
}

Result<std::vector<Organization>> StoredAccess::organizations(std::size_t limit) {
  const std::array<Value, 1> parameters{limited(limit)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      read(fmt::format("SELECT {} FROM triune_organization_details d ORDER BY d.slug LIMIT ?1", columns), parameters));
  std::vector<Organization> found;
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(auto one, organization_of(row));
    found.push_back(std::move(one));
  }
  return found;
}

Status StoredAccess::update_organization(std::string_view slug, const OrganizationUpdate& update, const Actor& actor) {
  TRIUNE_ASSIGN(const auto now, organization(slug));
  Assignments to;
  to.add("name", update.name);
  to.add("description", update.description);
  to.add("tier", update.tier);
  if (update.status) to.set("status", std::string(to_string(*update.status)));
  to.add("settings", update.settings);
  to.add("features", update.features);
  to.add("limits", update.limits);
  to.set("updated_at_ms", now_ms());
  return write(actor, [&](RelationalSession& session) -> Status {
    const auto changed = session.execute(
        fmt::format("UPDATE triune_organization_details SET {} WHERE organization_id = ?1 AND slug = ?2", to.text()),
        to.parameters(now.number, now.slug));
    if (changed && *changed == 0) return no_such(now.slug);
    return about(changed, fmt::format("organization {}", now.slug));
  });
}

}  // namespace triune::modules::access
