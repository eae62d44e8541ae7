-- migrate:up

-- The rules of each connection: every version that ever counted. The newest counts; shipments keep
-- the one that they were built by.
CREATE TABLE mappings (
  connection_id text NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  -- psups.shipments.v1.Rules: they may name people and accounts.
  sealed bytea NOT NULL,
  comment text NOT NULL,
  created_by text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, version)
);

-- 0: built before there were rules, or by those that every default makes.
ALTER TABLE shipments ADD COLUMN mapping_version bigint NOT NULL DEFAULT 0;
-- "SETID/VENDOR_ID", and the earliest DUE_DT.
ALTER TABLE shipments ADD COLUMN vendor text NOT NULL DEFAULT '';
ALTER TABLE shipments ADD COLUMN due_date text NOT NULL DEFAULT '';
-- What it would cost; NULL: nobody asked.
ALTER TABLE shipments ADD COLUMN estimated_minor bigint;
ALTER TABLE shipments ADD COLUMN estimated_currency text NOT NULL DEFAULT '';
-- Why it is not bought though nothing is wrong with it; empty: it does not wait.
ALTER TABLE shipments ADD COLUMN waits_for text NOT NULL DEFAULT '';

-- The catalogue's box, empty for a carton of its own; UPS's packaging code, empty for 02.
ALTER TABLE packages ADD COLUMN box_id text NOT NULL DEFAULT '';
ALTER TABLE packages ADD COLUMN packaging_code text NOT NULL DEFAULT '';

-- migrate:down
