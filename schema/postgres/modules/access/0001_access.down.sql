DELETE FROM triune_hive WHERE key LIKE 'module.access.%';
DROP VIEW triune_role_permissions;
DROP VIEW triune_organization_members;
DROP VIEW triune_active_users;
DROP VIEW triune_active_organizations;
DROP TABLE triune_revoked_tokens;
DROP TABLE triune_login_sessions;
DROP TABLE triune_role_assignments;
DROP TABLE triune_api_key_usage;
DROP TABLE triune_api_keys;
DROP TABLE triune_permissions;
DROP TABLE triune_role_parents;
DROP TABLE triune_roles;
DROP TABLE triune_memberships;
DROP TABLE triune_users;
DROP TABLE triune_organization_details;
DROP TABLE triune_access_epochs;
DROP FUNCTION triune_access_changed();
DROP FUNCTION triune_role_assignments_before();
DROP FUNCTION triune_role_parents_before();
DROP FUNCTION triune_api_keys_before();
DROP FUNCTION triune_roles_before();
DROP FUNCTION triune_users_before();
DROP FUNCTION triune_memberships_before();
DROP FUNCTION triune_access_keep_owner(bigint, text);

-- A trigger goes with its table, and the function that was derived for it does not.
DO $$
DECLARE
  derived regprocedure;
BEGIN
  FOR derived IN
    SELECT p.oid FROM pg_proc p WHERE p.pronamespace = CAST(current_schema() AS regnamespace)
      AND p.proname ~ '^triune_(graph|audit)_triune_' AND p.prorettype = CAST('trigger' AS regtype)
      AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgfoid = p.oid)
  LOOP
    EXECUTE 'DROP FUNCTION ' || derived;
  END LOOP;
END $$;
