-- Who may do what: organizations, users, memberships, roles with permissions, API keys, sessions and tokens. Times are
-- milliseconds since 1970; documents are JSON. Of keys, sessions and tokens only hashes are kept.

-- Counts what decisions rest on: they are cached, and looked at anew when the sum of an organization's rows has grown.
CREATE TABLE triune_access_epochs (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  shard bigint NOT NULL DEFAULT 0,
  epoch bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, shard)
);

CREATE TABLE triune_organization_details (
  organization_id bigint NOT NULL PRIMARY KEY REFERENCES triune_organizations (organization_id),
  slug text NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 100 AND slug COLLATE "C" !~ '[^a-z0-9-]'),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  tier text NOT NULL DEFAULT 'standard' CHECK (length(tier) BETWEEN 1 AND 50),
  status text NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'inactive', 'pending', 'suspended', 'deleted', 'archived')),
  settings text NOT NULL DEFAULT '{}' CHECK (CAST(settings AS json) IS NOT NULL),
  features text NOT NULL DEFAULT '{}' CHECK (CAST(features AS json) IS NOT NULL),
  limits text NOT NULL DEFAULT '{}' CHECK (CAST(limits AS json) IS NOT NULL),
  contact_email text NOT NULL DEFAULT '',
  timezone text NOT NULL DEFAULT 'UTC',
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL
);

-- E-mail addresses are kept without upper case and blanks, so that equal ones are equal.
CREATE TABLE triune_users (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  email text NOT NULL CHECK (length(email) BETWEEN 5 AND 320),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  username text CHECK (length(username) BETWEEN 1 AND 100 AND username COLLATE "C" !~ '[^A-Za-z0-9._-]'),
  status text NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'inactive', 'pending', 'suspended', 'deleted', 'archived')),
  avatar_url text NOT NULL DEFAULT '',
  timezone text NOT NULL DEFAULT 'UTC',
  settings text NOT NULL DEFAULT '{}' CHECK (CAST(settings AS json) IS NOT NULL),
  external_ids text NOT NULL DEFAULT '{}' CHECK (CAST(external_ids AS json) IS NOT NULL),
  failed_login_attempts bigint NOT NULL DEFAULT 0 CHECK (failed_login_attempts >= 0),
  locked_until_ms bigint,
  login_count bigint NOT NULL DEFAULT 0 CHECK (login_count >= 0),
  last_login_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, email),
  CHECK (email LIKE '_%@_%._%' AND email NOT LIKE '%@%@%' AND email NOT LIKE '%.'),
  CHECK (email COLLATE "C" !~ '[A-Z]' AND email COLLATE "C" !~ '[\x01-\x20\x7f]')
);

CREATE UNIQUE INDEX triune_users_by_username ON triune_users (organization_id, lower(username)) WHERE username IS NOT NULL;

CREATE TABLE triune_memberships (
  organization_id bigint NOT NULL,
  user_id text NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer', 'guest')),
  status text NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'inactive', 'pending', 'suspended', 'deleted', 'archived')),
  title text NOT NULL DEFAULT '',
  department text NOT NULL DEFAULT '',
  invited_by text NOT NULL DEFAULT '',
  joined_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, user_id),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_memberships_by_role ON triune_memberships (organization_id, role, status);

CREATE TABLE triune_roles (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  is_system bigint NOT NULL DEFAULT 0 CHECK (is_system IN (0, 1)),
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
);

-- A role has the permissions of its parents, and of theirs.
CREATE TABLE triune_role_parents (
  organization_id bigint NOT NULL,
  role_id text NOT NULL,
  parent_id text NOT NULL,
  PRIMARY KEY (organization_id, role_id, parent_id),
  CHECK (role_id <> parent_id),
  FOREIGN KEY (organization_id, role_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, parent_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_role_parents_by_parent ON triune_role_parents (organization_id, parent_id);

-- `resource_id` is of a project, a resource or an instance, as `scope` says; it is empty for wider ones.
CREATE TABLE triune_permissions (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  role_id text NOT NULL,
  effect text NOT NULL DEFAULT 'allow' CHECK (effect IN ('allow', 'deny')),
  resource_type text NOT NULL CHECK (length(resource_type) BETWEEN 1 AND 100
    AND (resource_type = '*' OR resource_type COLLATE "C" !~ '[^a-z0-9_.-]')),
  action text NOT NULL CHECK (action IN ('*', 'create', 'read', 'update', 'delete', 'execute', 'admin', 'configure',
    'monitor', 'deploy', 'scale')),
  scope text NOT NULL DEFAULT 'organization'
    CHECK (scope IN ('global', 'organization', 'project', 'resource', 'instance')),
  resource_id text NOT NULL DEFAULT '' CHECK (length(resource_id) <= 400),
  conditions text NOT NULL DEFAULT '{}' CHECK (CAST(conditions AS json) IS NOT NULL),
  expires_at_ms bigint,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, role_id, resource_type, action, scope, resource_id, effect),
  CHECK ((resource_id = '') = (scope IN ('global', 'organization'))),
  FOREIGN KEY (organization_id, role_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE
);

-- A key acts for a user, for an agent, or (both empty) for itself. `secret_hash` is the SHA-256 of what is shown once.
CREATE TABLE triune_api_keys (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  key_prefix text NOT NULL CHECK (length(key_prefix) BETWEEN 8 AND 40),
  secret_hash text NOT NULL CHECK (length(secret_hash) = 64),
  user_id text,
  agent_id text CHECK (length(agent_id) BETWEEN 1 AND 200),
  scopes text NOT NULL CHECK (CAST(scopes AS json) IS NOT NULL),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
  expires_at_ms bigint,
  replaced_by text,
  created_by text NOT NULL DEFAULT '',
  created_at_ms bigint NOT NULL,
  revoked_at_ms bigint,
  revoked_reason text NOT NULL DEFAULT '',
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, key_prefix),
  CHECK (user_id IS NULL OR agent_id IS NULL),
  CHECK ((status = 'revoked') = (revoked_at_ms IS NOT NULL)),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_api_keys_by_user ON triune_api_keys (organization_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX triune_api_keys_by_agent ON triune_api_keys (organization_id, agent_id) WHERE agent_id IS NOT NULL;

-- Written at most once a minute for each key.
CREATE TABLE triune_api_key_usage (
  organization_id bigint NOT NULL,
  key_id text NOT NULL,
  usage_count bigint NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
  last_used_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, key_id),
  FOREIGN KEY (organization_id, key_id) REFERENCES triune_api_keys (organization_id, id) ON DELETE CASCADE
);

-- Who has a role: a user, an agent, or a key that acts for itself.
CREATE TABLE triune_role_assignments (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  role_id text NOT NULL,
  user_id text,
  agent_id text CHECK (length(agent_id) BETWEEN 1 AND 200),
  api_key_id text,
  expires_at_ms bigint,
  granted_by text NOT NULL DEFAULT '',
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  CHECK ((user_id IS NOT NULL AND agent_id IS NULL AND api_key_id IS NULL)
    OR (user_id IS NULL AND agent_id IS NOT NULL AND api_key_id IS NULL)
    OR (user_id IS NULL AND agent_id IS NULL AND api_key_id IS NOT NULL)),
  FOREIGN KEY (organization_id, role_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, api_key_id) REFERENCES triune_api_keys (organization_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX triune_role_assignments_by_user ON triune_role_assignments (organization_id, user_id, role_id)
WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX triune_role_assignments_by_agent ON triune_role_assignments (organization_id, agent_id, role_id)
WHERE agent_id IS NOT NULL;
CREATE UNIQUE INDEX triune_role_assignments_by_key ON triune_role_assignments (organization_id, api_key_id, role_id)
WHERE api_key_id IS NOT NULL;
CREATE INDEX triune_role_assignments_by_role ON triune_role_assignments (organization_id, role_id);

CREATE TABLE triune_login_sessions (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  user_id text NOT NULL,
  token_hash text NOT NULL CHECK (length(token_hash) = 64),
  client_ip text NOT NULL DEFAULT '' CHECK (length(client_ip) <= 45),
  user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 1000),
  created_at_ms bigint NOT NULL,
  last_activity_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  ended_at_ms bigint,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, token_hash),
  CHECK (expires_at_ms > created_at_ms),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_login_sessions_by_user ON triune_login_sessions (organization_id, user_id);
CREATE INDEX triune_login_sessions_by_expiry ON triune_login_sessions (organization_id, expires_at_ms);

-- Tokens that are refused before they expire; a row is of no use afterwards.
CREATE TABLE triune_revoked_tokens (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  jti text NOT NULL CHECK (length(jti) BETWEEN 1 AND 200),
  token_type text NOT NULL DEFAULT 'access' CHECK (token_type IN ('access', 'refresh')),
  subject text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  revoked_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, jti)
);

CREATE INDEX triune_revoked_tokens_by_expiry ON triune_revoked_tokens (organization_id, expires_at_ms);

-- At least one active owner stays, unless the organization is deleted. Whoever takes one away waits for others who do.
CREATE FUNCTION triune_access_keep_owner(organization bigint, but text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  PERFORM 1 FROM triune_organizations WHERE organization_id = organization FOR NO KEY UPDATE;
  IF NOT EXISTS (
      SELECT 1 FROM triune_memberships m JOIN triune_users u ON u.organization_id = m.organization_id AND u.id = m.user_id
      WHERE m.organization_id = organization AND m.user_id <> but AND m.role = 'owner' AND m.status = 'active'
        AND u.status = 'active')
    AND EXISTS (SELECT 1 FROM triune_organizations WHERE organization_id = organization)
    AND NOT EXISTS (
      SELECT 1 FROM triune_organization_details WHERE organization_id = organization AND status = 'deleted') THEN
    RAISE EXCEPTION 'an organization keeps at least one active owner: make another member an owner first'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
END $$;

CREATE FUNCTION triune_memberships_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF old.role = 'owner' AND old.status = 'active'
    AND (TG_OP = 'DELETE' OR new.role <> 'owner' OR new.status <> 'active') THEN
    PERFORM triune_access_keep_owner(old.organization_id, old.user_id);
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN old; END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_memberships_before BEFORE UPDATE OR DELETE ON triune_memberships
FOR EACH ROW EXECUTE FUNCTION triune_memberships_before();

CREATE FUNCTION triune_users_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ DECLARE most bigint; BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT CAST(CAST(limits AS json) ->> 'max_users' AS bigint) INTO most
    FROM triune_organization_details WHERE organization_id = new.organization_id;
    IF most IS NULL THEN RETURN new; END IF;
    PERFORM 1 FROM triune_organizations WHERE organization_id = new.organization_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM triune_users WHERE organization_id = new.organization_id) >= most THEN
      RAISE EXCEPTION 'the organization has as many users as its limit max_users allows'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN new;
  END IF;
  IF old.organization_id <> new.organization_id OR old.id <> new.id THEN
    RAISE EXCEPTION 'the id of a user never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF old.status = 'active' AND new.status <> 'active' AND EXISTS (
    SELECT 1 FROM triune_memberships
    WHERE organization_id = old.organization_id AND user_id = old.id AND role = 'owner' AND status = 'active') THEN
    PERFORM triune_access_keep_owner(old.organization_id, old.id);
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_users_before BEFORE INSERT OR UPDATE ON triune_users
FOR EACH ROW EXECUTE FUNCTION triune_users_before();

-- Ids stay, and so do whom a key acts for, its secret, and that it was revoked.
CREATE FUNCTION triune_roles_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN
    IF old.is_system = 1 THEN
      RAISE EXCEPTION 'a role of the system is not deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN old;
  END IF;
  IF old.organization_id <> new.organization_id OR old.id <> new.id THEN
    RAISE EXCEPTION 'the id of a role never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_roles_before BEFORE UPDATE OR DELETE ON triune_roles
FOR EACH ROW EXECUTE FUNCTION triune_roles_before();

CREATE FUNCTION triune_api_keys_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF old.organization_id <> new.organization_id OR old.id <> new.id OR old.key_prefix <> new.key_prefix
    OR old.secret_hash <> new.secret_hash OR old.user_id IS DISTINCT FROM new.user_id
    OR old.agent_id IS DISTINCT FROM new.agent_id OR (old.status = 'revoked' AND new.status <> 'revoked') THEN
    RAISE EXCEPTION 'an API key keeps its id, its secret, its owner and its revocation: make another key'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_api_keys_before BEFORE UPDATE ON triune_api_keys
FOR EACH ROW EXECUTE FUNCTION triune_api_keys_before();

-- Roles close no circle, however long; two transactions close none together.
CREATE FUNCTION triune_role_parents_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'UPDATE' THEN
    RAISE EXCEPTION 'the parent of a role is taken away and given, never changed'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM 1 FROM triune_organizations WHERE organization_id = new.organization_id FOR NO KEY UPDATE;
  IF EXISTS (
    WITH RECURSIVE above (id) AS (
      SELECT new.parent_id
      UNION
      SELECT p.parent_id FROM above a
      JOIN triune_role_parents p ON p.organization_id = new.organization_id AND p.role_id = a.id)
    SELECT 1 FROM above WHERE id = new.role_id) THEN
    RAISE EXCEPTION 'a role cannot inherit from itself: its new parent has it as an ancestor already'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_role_parents_before BEFORE INSERT OR UPDATE ON triune_role_parents
FOR EACH ROW EXECUTE FUNCTION triune_role_parents_before();

-- A key that acts for somebody may do what they may: it has no roles of its own.
CREATE FUNCTION triune_role_assignments_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF old.organization_id <> new.organization_id OR old.role_id <> new.role_id
      OR old.user_id IS DISTINCT FROM new.user_id OR old.agent_id IS DISTINCT FROM new.agent_id
      OR old.api_key_id IS DISTINCT FROM new.api_key_id THEN
      RAISE EXCEPTION 'who has a role is taken away and given, never changed'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSIF EXISTS (SELECT 1 FROM triune_api_keys WHERE organization_id = new.organization_id AND id = new.api_key_id
                AND (user_id IS NOT NULL OR agent_id IS NOT NULL)) THEN
    RAISE EXCEPTION 'this API key acts for its owner and has no roles of its own: assign the role to the owner'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_role_assignments_before BEFORE INSERT OR UPDATE ON triune_role_assignments
FOR EACH ROW EXECUTE FUNCTION triune_role_assignments_before();

-- The epoch grows, in a row that transactions side by side do not share.
CREATE FUNCTION triune_access_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  INSERT INTO triune_access_epochs (organization_id, shard, epoch)
  SELECT o.organization_id, pg_backend_pid() % 16, 1 FROM triune_organizations o
  WHERE o.organization_id IN (old.organization_id, new.organization_id)
  ON CONFLICT (organization_id, shard) DO UPDATE SET epoch = triune_access_epochs.epoch + 1;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_organization_details_epoch AFTER INSERT OR UPDATE OR DELETE ON triune_organization_details
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();
CREATE TRIGGER triune_users_epoch AFTER UPDATE OF status OR DELETE ON triune_users
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();
CREATE TRIGGER triune_memberships_epoch AFTER INSERT OR UPDATE OR DELETE ON triune_memberships
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();
CREATE TRIGGER triune_role_parents_epoch AFTER INSERT OR DELETE ON triune_role_parents
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();
CREATE TRIGGER triune_permissions_epoch AFTER INSERT OR UPDATE OR DELETE ON triune_permissions
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();
CREATE TRIGGER triune_role_assignments_epoch AFTER INSERT OR UPDATE OR DELETE ON triune_role_assignments
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();
CREATE TRIGGER triune_api_keys_epoch AFTER UPDATE OR DELETE ON triune_api_keys
FOR EACH ROW EXECUTE FUNCTION triune_access_changed();

-- What people read.
CREATE VIEW triune_active_organizations WITH (security_invoker = true) AS
SELECT o.organization_id, o.name AS organization, d.slug, d.name, d.tier
FROM triune_organizations o JOIN triune_organization_details d ON d.organization_id = o.organization_id
WHERE d.status = 'active';

CREATE VIEW triune_active_users WITH (security_invoker = true) AS
SELECT organization_id, id, email, name, username, last_login_at_ms FROM triune_users WHERE status = 'active';

CREATE VIEW triune_organization_members WITH (security_invoker = true) AS
SELECT m.organization_id, m.user_id, u.email, u.name, m.role, m.status, u.status AS user_status, m.joined_at_ms
FROM triune_memberships m JOIN triune_users u ON u.organization_id = m.organization_id AND u.id = m.user_id;

-- Every permission of every role with those it inherits.
CREATE VIEW triune_role_permissions WITH (security_invoker = true) AS
WITH RECURSIVE held (organization_id, role_id, from_role_id) AS (
  SELECT organization_id, id, id FROM triune_roles
  UNION
  SELECT h.organization_id, h.role_id, p.parent_id
  FROM held h JOIN triune_role_parents p ON p.organization_id = h.organization_id AND p.role_id = h.from_role_id)
SELECT h.organization_id, h.role_id, h.from_role_id, p.id AS permission_id, p.effect, p.resource_type, p.action, p.scope,
       p.resource_id, p.conditions, p.expires_at_ms
FROM held h JOIN triune_permissions p ON p.organization_id = h.organization_id AND p.role_id = h.from_role_id;
