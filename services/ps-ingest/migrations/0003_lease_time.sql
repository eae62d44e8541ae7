-- migrate:up
-- When the lane was leased: a POST that nobody recorded was made, if at all, from then on.
ALTER TABLE write_back_lanes ADD COLUMN lease_time timestamptz NOT NULL DEFAULT '2000-01-01Z';

-- migrate:down
