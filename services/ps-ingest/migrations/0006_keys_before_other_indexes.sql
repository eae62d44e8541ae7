-- migrate:up

-- Of two indexes that look equal while the table is empty PostgreSQL takes the newer, and keeps the
-- plan: looking up one row by its primary key would read all of its connection's. So the primary key
-- is the newest index that begins with connection_id.
ALTER TABLE write_backs DROP CONSTRAINT write_backs_pkey, ADD PRIMARY KEY (connection_id, update_id);

-- migrate:down
