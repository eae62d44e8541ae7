-- migrate:up

-- Whom a purchase was made for, "SETID/VENDOR_ID"; purchases are counted by it and by time.
ALTER TABLE purchases ADD COLUMN vendor text NOT NULL DEFAULT '';
CREATE INDEX purchases_by_time ON purchases (connection_id, create_time);

-- migrate:down
