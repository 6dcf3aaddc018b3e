DELETE FROM triune_hive WHERE key LIKE 'module.events.%';
DROP VIEW triune_event_days;
DROP VIEW triune_event_source_health;
DROP VIEW triune_recent_events;
DROP VIEW triune_event_list;
DROP VIEW triune_event_matches;
DROP TABLE triune_event_deliveries;
DROP TABLE triune_event_subscriptions;
DROP TABLE triune_event_retentions;
DROP TABLE triune_event_chains;
DROP TABLE triune_event_keys;
DROP FUNCTION triune_event_chain(triune_events);
DROP TABLE triune_events;
DROP TABLE triune_event_actors;
DROP TABLE triune_event_counts;
DROP TABLE triune_event_types;
DROP TABLE triune_event_sources;
DROP TABLE triune_event_months;
DROP FUNCTION triune_event_deliveries_status();
DROP FUNCTION triune_event_names_kept();
DROP FUNCTION triune_event_month_open(bigint);
DROP FUNCTION triune_events_gone();
DROP FUNCTION triune_events_status();
DROP FUNCTION triune_events_stay();
DROP FUNCTION triune_events_arrived();
DROP FUNCTION triune_event_count(bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint);
DROP FUNCTION triune_event_id_from(bigint);

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
