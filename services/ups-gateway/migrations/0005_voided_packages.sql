-- migrate:up
ALTER TABLE voids ADD COLUMN tracking_numbers text[] NOT NULL DEFAULT '{}';  -- sorted; empty: the whole shipment

-- migrate:down
