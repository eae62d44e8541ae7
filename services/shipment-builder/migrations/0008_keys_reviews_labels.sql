-- migrate:up

-- Statements are first planned while the tables are empty, and the plans stay until the tables are
-- analyzed. Of two indexes that look equal then, PostgreSQL takes the newer: looking up one row by its
-- primary key would read all rows of its connection. So another index that begins with connection_id
-- is older than the primary key, or begins with something else, or is of no use to such a look-up.
DROP INDEX shipments_by_order;
CREATE INDEX shipments_by_order ON shipments (order_id, connection_id);
DROP INDEX purchases_by_time;
CREATE INDEX purchases_by_time ON purchases (connection_id, create_time) WHERE state <> 'NOT_MADE';
ALTER TABLE reviews DROP CONSTRAINT reviews_pkey, ADD PRIMARY KEY (connection_id, review_id);
ALTER TABLE schedule_sources DROP CONSTRAINT schedule_sources_pkey,
  ADD PRIMARY KEY (connection_id, order_id, line_number, schedule_number, source_order_id,
    source_line_number, source_schedule_number);
-- With OFFSET each row is one look into an index; a join would read all changes there are.
CREATE OR REPLACE FUNCTION note_packages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changes (connection_id, shipment_id)
  SELECT DISTINCT n.connection_id, n.shipment_id FROM new_packages n WHERE NOT EXISTS (
    SELECT FROM changes c WHERE c.connection_id = n.connection_id AND c.shipment_id = n.shipment_id
    AND c.position IS NULL AND c.xmin = pg_current_xact_id()::xid OFFSET 0);
  RETURN NULL;
END $$;

-- A shipment may be asked about for several causes at once, and for one cause in several cases: another
-- package of it that was scanned though it is void. The same question is asked once.
DROP INDEX reviews_one_open;
CREATE UNIQUE INDEX reviews_open_once ON reviews (connection_id, shipment_id, reason, md5(message))
  WHERE state = 'OPEN';

-- When its labels came to be known here, which after a lost answer is long after UPS made them:
-- whoever prints all labels since then misses none.
ALTER TABLE shipments ADD COLUMN label_stored_time timestamptz;
UPDATE shipments SET label_stored_time = label_time;
DROP INDEX shipments_by_label_time;
CREATE INDEX shipments_by_label_stored_time ON shipments (label_stored_time, connection_id, shipment_id)
  WHERE label_stored_time IS NOT NULL;

-- migrate:down
