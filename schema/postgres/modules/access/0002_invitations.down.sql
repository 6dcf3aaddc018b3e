DELETE FROM triune_hive WHERE key LIKE 'module.access.%';
DROP TABLE triune_invitations;

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
