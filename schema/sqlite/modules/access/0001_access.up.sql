-- Who may do what: organizations, users, memberships, roles with permissions, API keys, sessions and tokens. Times are
-- milliseconds since 1970; documents are JSON. Of keys, sessions and tokens only hashes are kept. Triggers delete what
-- hangs on a row too: programs that have foreign keys off must leave no rights behind for whoever gets an id again.

-- Counts what decisions rest on: they are cached, and looked at anew when the sum of an organization's rows has grown.
CREATE TABLE triune_access_epochs (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  shard INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_organization_details (
  organization_id INTEGER NOT NULL PRIMARY KEY REFERENCES triune_organizations (organization_id),
  slug TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 100 AND slug NOT GLOB '*[^a-z0-9-]*'),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  description TEXT NOT NULL DEFAULT '',
  tier TEXT NOT NULL DEFAULT 'standard' CHECK (length(tier) BETWEEN 1 AND 50),
  status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'inactive', 'pending', 'suspended', 'deleted', 'archived')),
  settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
  features TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(features)),
  limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits)),
  contact_email TEXT NOT NULL DEFAULT '',
  timezone TEXT NOT NULL DEFAULT 'UTC',
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- E-mail addresses are kept without upper case and blanks, so that equal ones are equal.
CREATE TABLE triune_users (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 5 AND 320),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  username TEXT CHECK (length(username) BETWEEN 1 AND 100 AND username NOT GLOB '*[^A-Za-z0-9._-]*'),
  status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'inactive', 'pending', 'suspended', 'deleted', 'archived')),
  avatar_url TEXT NOT NULL DEFAULT '',
  timezone TEXT NOT NULL DEFAULT 'UTC',
  settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
  external_ids TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(external_ids)),
  failed_login_attempts INTEGER NOT NULL DEFAULT 0 CHECK (failed_login_attempts >= 0),
  locked_until_ms INTEGER,
  login_count INTEGER NOT NULL DEFAULT 0 CHECK (login_count >= 0),
  last_login_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, email),
  CHECK (email LIKE '_%@_%._%' AND email NOT LIKE '%@%@%' AND email NOT LIKE '%.'),
  CHECK (email NOT GLOB '*[A-Z]*' AND email NOT GLOB ('*[' || char(1) || '-' || char(32) || char(127) || ']*'))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX triune_users_by_username ON triune_users (organization_id, lower(username)) WHERE username IS NOT NULL;

CREATE TABLE triune_memberships (
  organization_id INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer', 'guest')),
  status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'inactive', 'pending', 'suspended', 'deleted', 'archived')),
  title TEXT NOT NULL DEFAULT '',
  department TEXT NOT NULL DEFAULT '',
  invited_by TEXT NOT NULL DEFAULT '',
  joined_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, user_id),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_memberships_by_role ON triune_memberships (organization_id, role, status);

CREATE TABLE triune_roles (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  description TEXT NOT NULL DEFAULT '',
  is_system INTEGER NOT NULL DEFAULT 0 CHECK (is_system IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

-- A role has the permissions of its parents, and of theirs.
CREATE TABLE triune_role_parents (
  organization_id INTEGER NOT NULL,
  role_id TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  PRIMARY KEY (organization_id, role_id, parent_id),
  CHECK (role_id <> parent_id),
  FOREIGN KEY (organization_id, role_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, parent_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_role_parents_by_parent ON triune_role_parents (organization_id, parent_id);

-- `resource_id` is of a project, a resource or an instance, as `scope` says; it is empty for wider ones.
CREATE TABLE triune_permissions (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  role_id TEXT NOT NULL,
  effect TEXT NOT NULL DEFAULT 'allow' CHECK (effect IN ('allow', 'deny')),
  resource_type TEXT NOT NULL CHECK (length(resource_type) BETWEEN 1 AND 100
    AND (resource_type = '*' OR resource_type NOT GLOB '*[^a-z0-9_.-]*')),
  action TEXT NOT NULL CHECK (action IN ('*', 'create', 'read', 'update', 'delete', 'execute', 'admin', 'configure',
    'monitor', 'deploy', 'scale')),
  scope TEXT NOT NULL DEFAULT 'organization'
    CHECK (scope IN ('global', 'organization', 'project', 'resource', 'instance')),
  resource_id TEXT NOT NULL DEFAULT '' CHECK (length(resource_id) <= 400),
  conditions TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(conditions)),
  expires_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, role_id, resource_type, action, scope, resource_id, effect),
  CHECK ((resource_id = '') = (scope IN ('global', 'organization'))),
  FOREIGN KEY (organization_id, role_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A key acts for a user, for an agent, or (both empty) for itself. `secret_hash` is the SHA-256 of what is shown once.
CREATE TABLE triune_api_keys (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  key_prefix TEXT NOT NULL CHECK (length(key_prefix) BETWEEN 8 AND 40),
  secret_hash TEXT NOT NULL CHECK (length(secret_hash) = 64),
  user_id TEXT,
  agent_id TEXT CHECK (length(agent_id) BETWEEN 1 AND 200),
  scopes TEXT NOT NULL CHECK (json_valid(scopes)),
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
  expires_at_ms INTEGER,
  replaced_by TEXT,
  created_by TEXT NOT NULL DEFAULT '',
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  revoked_reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, key_prefix),
  CHECK (user_id IS NULL OR agent_id IS NULL),
  CHECK ((status = 'revoked') = (revoked_at_ms IS NOT NULL)),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_api_keys_by_user ON triune_api_keys (organization_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX triune_api_keys_by_agent ON triune_api_keys (organization_id, agent_id) WHERE agent_id IS NOT NULL;

-- Written at most once a minute for each key.
CREATE TABLE triune_api_key_usage (
  organization_id INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
  last_used_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, key_id),
  FOREIGN KEY (organization_id, key_id) REFERENCES triune_api_keys (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Who has a role: a user, an agent, or a key that acts for itself.
CREATE TABLE triune_role_assignments (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  role_id TEXT NOT NULL,
  user_id TEXT,
  agent_id TEXT CHECK (length(agent_id) BETWEEN 1 AND 200),
  api_key_id TEXT,
  expires_at_ms INTEGER,
  granted_by TEXT NOT NULL DEFAULT '',
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  CHECK ((user_id IS NOT NULL AND agent_id IS NULL AND api_key_id IS NULL)
    OR (user_id IS NULL AND agent_id IS NOT NULL AND api_key_id IS NULL)
    OR (user_id IS NULL AND agent_id IS NULL AND api_key_id IS NOT NULL)),
  FOREIGN KEY (organization_id, role_id) REFERENCES triune_roles (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, api_key_id) REFERENCES triune_api_keys (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX triune_role_assignments_by_user ON triune_role_assignments (organization_id, user_id, role_id)
WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX triune_role_assignments_by_agent ON triune_role_assignments (organization_id, agent_id, role_id)
WHERE agent_id IS NOT NULL;
CREATE UNIQUE INDEX triune_role_assignments_by_key ON triune_role_assignments (organization_id, api_key_id, role_id)
WHERE api_key_id IS NOT NULL;
CREATE INDEX triune_role_assignments_by_role ON triune_role_assignments (organization_id, role_id);

CREATE TABLE triune_login_sessions (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  user_id TEXT NOT NULL,
  token_hash TEXT NOT NULL CHECK (length(token_hash) = 64),
  client_ip TEXT NOT NULL DEFAULT '' CHECK (length(client_ip) <= 45),
  user_agent TEXT NOT NULL DEFAULT '' CHECK (length(user_agent) <= 1000),
  created_at_ms INTEGER NOT NULL,
  last_activity_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, token_hash),
  CHECK (expires_at_ms > created_at_ms),
  FOREIGN KEY (organization_id, user_id) REFERENCES triune_users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_login_sessions_by_user ON triune_login_sessions (organization_id, user_id);
CREATE INDEX triune_login_sessions_by_expiry ON triune_login_sessions (organization_id, expires_at_ms);

-- Tokens that are refused before they expire; a row is of no use afterwards.
CREATE TABLE triune_revoked_tokens (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  jti TEXT NOT NULL CHECK (length(jti) BETWEEN 1 AND 200),
  token_type TEXT NOT NULL DEFAULT 'access' CHECK (token_type IN ('access', 'refresh')),
  subject TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  revoked_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, jti)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_revoked_tokens_by_expiry ON triune_revoked_tokens (organization_id, expires_at_ms);

-- At least one active owner stays, unless the organization is deleted.
CREATE TRIGGER triune_memberships_owner_update BEFORE UPDATE ON triune_memberships
WHEN old.role = 'owner' AND old.status = 'active' AND (new.role <> 'owner' OR new.status <> 'active') BEGIN
  SELECT RAISE(ABORT, 'an organization keeps at least one active owner: make another member an owner first')
  WHERE NOT EXISTS (
    SELECT 1 FROM triune_memberships m JOIN triune_users u ON u.organization_id = m.organization_id AND u.id = m.user_id
    WHERE m.organization_id = old.organization_id AND m.user_id <> old.user_id AND m.role = 'owner'
      AND m.status = 'active' AND u.status = 'active')
  AND NOT EXISTS (
    SELECT 1 FROM triune_organization_details WHERE organization_id = old.organization_id AND status = 'deleted');
END;

CREATE TRIGGER triune_memberships_owner_delete BEFORE DELETE ON triune_memberships
WHEN old.role = 'owner' AND old.status = 'active' BEGIN
  SELECT RAISE(ABORT, 'an organization keeps at least one active owner: make another member an owner first')
  WHERE NOT EXISTS (
    SELECT 1 FROM triune_memberships m JOIN triune_users u ON u.organization_id = m.organization_id AND u.id = m.user_id
    WHERE m.organization_id = old.organization_id AND m.user_id <> old.user_id AND m.role = 'owner'
      AND m.status = 'active' AND u.status = 'active')
  AND NOT EXISTS (
    SELECT 1 FROM triune_organization_details WHERE organization_id = old.organization_id AND status = 'deleted');
END;

CREATE TRIGGER triune_users_owner BEFORE UPDATE OF status ON triune_users
WHEN old.status = 'active' AND new.status <> 'active' BEGIN
  SELECT RAISE(ABORT, 'an organization keeps at least one active owner: make another member an owner first')
  WHERE EXISTS (
    SELECT 1 FROM triune_memberships
    WHERE organization_id = old.organization_id AND user_id = old.id AND role = 'owner' AND status = 'active')
  AND NOT EXISTS (
    SELECT 1 FROM triune_memberships m JOIN triune_users u ON u.organization_id = m.organization_id AND u.id = m.user_id
    WHERE m.organization_id = old.organization_id AND m.user_id <> old.id AND m.role = 'owner'
      AND m.status = 'active' AND u.status = 'active')
  AND NOT EXISTS (
    SELECT 1 FROM triune_organization_details WHERE organization_id = old.organization_id AND status = 'deleted');
END;

-- What hangs on a user, a role and a key goes with it.
CREATE TRIGGER triune_users_gone BEFORE DELETE ON triune_users BEGIN
  DELETE FROM triune_memberships WHERE organization_id = old.organization_id AND user_id = old.id;
  DELETE FROM triune_role_assignments WHERE organization_id = old.organization_id AND user_id = old.id;
  DELETE FROM triune_api_keys WHERE organization_id = old.organization_id AND user_id = old.id;
  DELETE FROM triune_login_sessions WHERE organization_id = old.organization_id AND user_id = old.id;
END;

CREATE TRIGGER triune_roles_gone BEFORE DELETE ON triune_roles BEGIN
  SELECT RAISE(ABORT, 'a role of the system is not deleted') WHERE old.is_system = 1;
  DELETE FROM triune_role_parents WHERE organization_id = old.organization_id AND old.id IN (role_id, parent_id);
  DELETE FROM triune_permissions WHERE organization_id = old.organization_id AND role_id = old.id;
  DELETE FROM triune_role_assignments WHERE organization_id = old.organization_id AND role_id = old.id;
END;

CREATE TRIGGER triune_api_keys_gone BEFORE DELETE ON triune_api_keys BEGIN
  DELETE FROM triune_role_assignments WHERE organization_id = old.organization_id AND api_key_id = old.id;
  DELETE FROM triune_api_key_usage WHERE organization_id = old.organization_id AND key_id = old.id;
END;

-- Ids stay, and so do whom a key acts for, its secret, and that it was revoked.
CREATE TRIGGER triune_users_identity BEFORE UPDATE ON triune_users
WHEN old.organization_id <> new.organization_id OR old.id <> new.id BEGIN
  SELECT RAISE(ABORT, 'the id of a user never changes');
END;

CREATE TRIGGER triune_roles_identity BEFORE UPDATE ON triune_roles
WHEN old.organization_id <> new.organization_id OR old.id <> new.id BEGIN
  SELECT RAISE(ABORT, 'the id of a role never changes');
END;

CREATE TRIGGER triune_api_keys_identity BEFORE UPDATE ON triune_api_keys
WHEN old.organization_id <> new.organization_id OR old.id <> new.id OR old.key_prefix <> new.key_prefix
  OR old.secret_hash <> new.secret_hash OR old.user_id IS NOT new.user_id OR old.agent_id IS NOT new.agent_id
  OR (old.status = 'revoked' AND new.status <> 'revoked') BEGIN
  SELECT RAISE(ABORT, 'an API key keeps its id, its secret, its owner and its revocation: make another key');
END;

-- Roles close no circle, however long.
CREATE TRIGGER triune_role_parents_acyclic BEFORE INSERT ON triune_role_parents BEGIN
  SELECT RAISE(ABORT, 'a role cannot inherit from itself: its new parent has it as an ancestor already')
  WHERE EXISTS (
    WITH RECURSIVE above (id) AS (
      SELECT new.parent_id
      UNION
      SELECT p.parent_id FROM above a
      JOIN triune_role_parents p ON p.organization_id = new.organization_id AND p.role_id = a.id)
    SELECT 1 FROM above WHERE id = new.role_id);
END;

CREATE TRIGGER triune_role_parents_stay BEFORE UPDATE ON triune_role_parents BEGIN
  SELECT RAISE(ABORT, 'the parent of a role is taken away and given, never changed');
END;

-- A key that acts for somebody may do what they may: it has no roles of its own.
CREATE TRIGGER triune_role_assignments_key_insert BEFORE INSERT ON triune_role_assignments
WHEN new.api_key_id IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'this API key acts for its owner and has no roles of its own: assign the role to the owner')
  WHERE EXISTS (SELECT 1 FROM triune_api_keys WHERE organization_id = new.organization_id AND id = new.api_key_id
                AND (user_id IS NOT NULL OR agent_id IS NOT NULL));
END;

CREATE TRIGGER triune_role_assignments_stay BEFORE UPDATE ON triune_role_assignments
WHEN old.organization_id <> new.organization_id OR old.role_id <> new.role_id OR old.user_id IS NOT new.user_id
  OR old.agent_id IS NOT new.agent_id OR old.api_key_id IS NOT new.api_key_id BEGIN
  SELECT RAISE(ABORT, 'who has a role is taken away and given, never changed');
END;

-- An organization may limit its users.
CREATE TRIGGER triune_users_limited BEFORE INSERT ON triune_users BEGIN
  SELECT RAISE(ABORT, 'the organization has as many users as its limit max_users allows')
  FROM triune_organization_details d
  WHERE d.organization_id = new.organization_id AND json_extract(d.limits, '$.max_users') IS NOT NULL
    AND (SELECT count(*) FROM triune_users WHERE organization_id = new.organization_id)
      >= CAST(json_extract(d.limits, '$.max_users') AS INTEGER);
END;

-- The epoch grows.
CREATE TRIGGER triune_organization_details_epoch_insert AFTER INSERT ON triune_organization_details BEGIN
  INSERT INTO triune_access_epochs (organization_id) SELECT new.organization_id
  WHERE NOT EXISTS (SELECT 1 FROM triune_access_epochs WHERE organization_id = new.organization_id);
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_organization_details_epoch_update AFTER UPDATE ON triune_organization_details BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id IN (old.organization_id, new.organization_id);
END;
CREATE TRIGGER triune_organization_details_epoch_delete AFTER DELETE ON triune_organization_details BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER triune_users_epoch_update AFTER UPDATE OF status ON triune_users WHEN old.status <> new.status BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_users_epoch_delete AFTER DELETE ON triune_users BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER triune_memberships_epoch_insert AFTER INSERT ON triune_memberships BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_memberships_epoch_update AFTER UPDATE ON triune_memberships BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id IN (old.organization_id, new.organization_id);
END;
CREATE TRIGGER triune_memberships_epoch_delete AFTER DELETE ON triune_memberships BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER triune_role_parents_epoch_insert AFTER INSERT ON triune_role_parents BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_role_parents_epoch_delete AFTER DELETE ON triune_role_parents BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER triune_permissions_epoch_insert AFTER INSERT ON triune_permissions BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_permissions_epoch_update AFTER UPDATE ON triune_permissions BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id IN (old.organization_id, new.organization_id);
END;
CREATE TRIGGER triune_permissions_epoch_delete AFTER DELETE ON triune_permissions BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER triune_role_assignments_epoch_insert AFTER INSERT ON triune_role_assignments BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_role_assignments_epoch_update AFTER UPDATE ON triune_role_assignments BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_role_assignments_epoch_delete AFTER DELETE ON triune_role_assignments BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;
CREATE TRIGGER triune_api_keys_epoch_update AFTER UPDATE ON triune_api_keys BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = new.organization_id;
END;
CREATE TRIGGER triune_api_keys_epoch_delete AFTER DELETE ON triune_api_keys BEGIN
  UPDATE triune_access_epochs SET epoch = epoch + 1 WHERE organization_id = old.organization_id;
END;

-- What people read.
CREATE VIEW triune_active_organizations AS
SELECT o.organization_id, o.name AS organization, d.slug, d.name, d.tier
FROM triune_organizations o JOIN triune_organization_details d ON d.organization_id = o.organization_id
WHERE d.status = 'active';

CREATE VIEW triune_active_users AS
SELECT organization_id, id, email, name, username, last_login_at_ms FROM triune_users WHERE status = 'active';

CREATE VIEW triune_organization_members AS
SELECT m.organization_id, m.user_id, u.email, u.name, m.role, m.status, u.status AS user_status, m.joined_at_ms
FROM triune_memberships m JOIN triune_users u ON u.organization_id = m.organization_id AND u.id = m.user_id;

-- Every permission of every role with those it inherits.
CREATE VIEW triune_role_permissions AS
WITH RECURSIVE held (organization_id, role_id, from_role_id) AS (
  SELECT organization_id, id, id FROM triune_roles
  UNION
  SELECT h.organization_id, h.role_id, p.parent_id
  FROM held h JOIN triune_role_parents p ON p.organization_id = h.organization_id AND p.role_id = h.from_role_id)
SELECT h.organization_id, h.role_id, h.from_role_id, p.id AS permission_id, p.effect, p.resource_type, p.action, p.scope,
       p.resource_id, p.conditions, p.expires_at_ms
FROM held h JOIN triune_permissions p ON p.organization_id = h.organization_id AND p.role_id = h.from_role_id;
