-- migrate:up

-- The day on which the shipment is to leave: reviews are listed by it. The day of the review where
-- the shipment may leave as soon as possible.
ALTER TABLE reviews ADD COLUMN ship_by date NOT NULL DEFAULT CURRENT_DATE;
UPDATE reviews r SET ship_by = coalesce(nullif(s.ship_date, '')::date, r.create_time::date)
FROM shipments s WHERE s.connection_id = r.connection_id AND s.shipment_id = r.shipment_id;
CREATE INDEX reviews_by_ship_by ON reviews (ship_by, create_time, connection_id, review_id);
CREATE INDEX reviews_open ON reviews (ship_by, create_time, connection_id, review_id)
  WHERE state = 'OPEN';
CREATE INDEX reviews_by_shipment ON reviews (connection_id, shipment_id, close_time);
DROP INDEX reviews_by_time;

-- The decision as it was given (psups.shipments.v1.ResolveReviewRequest); NULL: none, or one of an
-- older version. For whom it was made, as the caller said.
ALTER TABLE reviews ADD COLUMN decision bytea;
ALTER TABLE reviews ADD COLUMN on_behalf_of text NOT NULL DEFAULT '';

-- The webhook's place: 0: nothing was posted yet, 1: that it was opened, 2: that it was closed.
ALTER TABLE reviews ADD COLUMN hook_posted smallint NOT NULL DEFAULT 0
  CHECK (hook_posted BETWEEN 0 AND 2);
ALTER TABLE reviews ADD COLUMN hook_due_time timestamptz NOT NULL DEFAULT now();
ALTER TABLE reviews ADD COLUMN hook_tries integer NOT NULL DEFAULT 0;
UPDATE reviews SET hook_posted = 2 WHERE state <> 'OPEN';
CREATE INDEX reviews_to_post ON reviews (hook_due_time)
  WHERE hook_posted = 0 OR (hook_posted = 1 AND state <> 'OPEN');

-- Reasons of reviews that a person let pass.
ALTER TABLE shipments ADD COLUMN waived text[] NOT NULL DEFAULT '{}';
-- A person chose the service.
ALTER TABLE shipments ADD COLUMN service_chosen boolean NOT NULL DEFAULT false;

-- migrate:down
