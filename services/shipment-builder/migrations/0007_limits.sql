-- migrate:up

-- Whom a purchase was made for, "SETID/VENDOR_ID"; purchases are counted by it and by time.
ALTER TABLE purchases ADD COLUMN vendor text NOT NULL DEFAULT '';
CREATE INDEX purchases_by_time ON purchases (connection_id, create_time);
CREATE INDEX reviews_of_unusual_rates ON reviews (connection_id) WHERE reason = 'PURCHASES_UNUSUAL';

-- migrate:down
