-- migrate:up
-- Orders that changed, for WatchOrders: the newest change of each, and those that are to be published.
-- The position is given after commit, by one publisher at a time.
CREATE TABLE changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position bigint UNIQUE,
  connection_id text NOT NULL,
  order_id text NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX changes_to_publish ON changes (change_id) WHERE position IS NULL;
CREATE INDEX changes_by_order ON changes (connection_id, order_id);
CREATE TABLE change_head (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  last_position bigint NOT NULL
);
INSERT INTO change_head (last_position) VALUES (0);
INSERT INTO changes (connection_id, order_id)
SELECT connection_id, order_id FROM orders ORDER BY revision_time;

-- migrate:down
