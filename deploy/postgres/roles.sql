-- One schema, one owner and one login role for each service, so that no service can read another's
-- data and none can change its own tables' shape. To be run in psups' database by its owner, who
-- has CREATEROLE, or by a superuser; safe to repeat. How the roles log in (peer, password,
-- certificate) is for pg_hba.conf to say.
DO $roles$
DECLARE
  service text;
  owner text;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  REVOKE ALL ON SCHEMA public FROM PUBLIC;

  FOREACH service IN ARRAY ARRAY[
    'ps_ingest', 'shipment_builder', 'ups_gateway', 'tracking_sync', 'audit_ledger'
  ] LOOP
    owner := service || '_owner';
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', owner);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', service);
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I, %I', current_database(), owner, service);

    -- Statements name tables without their schema, so that tests can use scratch schemas.
    EXECUTE format('ALTER ROLE %I SET search_path = %I', owner, service);
    EXECUTE format('ALTER ROLE %I SET search_path = %I', service, service);

    -- A superuser acts as any role; whoever else runs this has to be let.
    IF current_setting('is_superuser') = 'off' THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', owner);
    END IF;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service, owner);

    -- The owner runs the migrations; the service only works with what they made.
    EXECUTE format('SET LOCAL ROLE %I', owner);
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', service);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, service);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I '
                   'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', service, service);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I '
                   'GRANT USAGE, SELECT ON SEQUENCES TO %I', service, service);
    RESET ROLE;
  END LOOP;
END
$roles$;
