-- What the services may do less than the default privileges of roles.sql say. To be run after the
-- migrations, each time, by whoever ran roles.sql; safe to repeat.
DO $grants$
DECLARE
  service text;
BEGIN
  FOREACH service IN ARRAY ARRAY[
    'ps_ingest', 'shipment_builder', 'ups_gateway', 'tracking_sync', 'audit_ledger'
  ] LOOP
    EXECUTE format('SET LOCAL ROLE %I', service || '_owner');
    -- Which migrations ran is for the owner to say.
    IF to_regclass(format('%I.schema_migrations', service)) IS NOT NULL THEN
      EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I.schema_migrations FROM %I',
                     service, service);
    END IF;
    RESET ROLE;
  END LOOP;

  -- What was recorded stays: the ledger's service appends, and moves the log's end.
  SET LOCAL ROLE audit_ledger_owner;
  IF to_regclass('audit_ledger.log_head') IS NOT NULL THEN
    REVOKE UPDATE, DELETE ON ALL TABLES IN SCHEMA audit_ledger FROM audit_ledger;
    GRANT UPDATE (tree_size, frontier) ON audit_ledger.log_head TO audit_ledger;
  END IF;
  RESET ROLE;
END
$grants$;
