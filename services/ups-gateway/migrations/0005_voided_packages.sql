-- migrate:up
ALTER TABLE voids ADD COLUMN tracking_numbers text[] NOT NULL DEFAULT '{}';  -- sorted; empty: the whole shipment
-- They stood in ups_shipment_id, after a colon.
UPDATE voids SET tracking_numbers = string_to_array(split_part(ups_shipment_id, ':', 2), ','),
  ups_shipment_id = split_part(ups_shipment_id, ':', 1) WHERE ups_shipment_id LIKE '%:%';

-- migrate:down
