-- migrate:up
CREATE TABLE connections (
  connection_id text PRIMARY KEY,
  version bigint NOT NULL DEFAULT 1,
  state text NOT NULL CHECK (state IN ('OBSERVE', 'ACTIVE', 'PAUSED', 'STOPPED')),
  state_reason text NOT NULL DEFAULT '',
  activated boolean NOT NULL DEFAULT false, -- was it ever ACTIVE
  settings bytea NOT NULL,                  -- psups.orders.v1.Connection without output-only fields
  password bytea NOT NULL,                  -- sealed
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now()
);

-- A user (OPRID) of a PeopleSoft system: at most one read is in flight for each.
CREATE TABLE readers (
  reader_key text PRIMARY KEY,
  lease_token text NOT NULL DEFAULT '',
  lease_expire_time timestamptz NOT NULL DEFAULT '2000-01-01Z'
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- How far a connection's query of one document type has been read. Reading goes by rounds: from the
-- watermark less the overlap up to round_end_time, cut into windows.
CREATE TABLE source_cursors (
  connection_id text NOT NULL REFERENCES connections,
  document_type text NOT NULL CHECK (document_type IN ('PO', 'REQ')),
  enabled boolean NOT NULL,
  reader_key text NOT NULL REFERENCES readers,
  lease_epoch bigint NOT NULL DEFAULT 0,     -- counts leases: who stores must hold the newest
  due_time timestamptz NOT NULL DEFAULT now(),
  start_time timestamptz NOT NULL,           -- nothing before it is read
  watermark_time timestamptz NOT NULL,       -- all up to here was read
  position_time timestamptz,                 -- NULL between rounds
  round_end_time timestamptz,
  window_seconds integer NOT NULL,           -- longest next window: halved when an answer was cut
  clock_offset_ms bigint NOT NULL DEFAULT 0, -- server's clock less ours
  failure_count integer NOT NULL DEFAULT 0,
  last_read_time timestamptz,                -- last success
  last_error text NOT NULL DEFAULT '',
  PRIMARY KEY (connection_id, document_type)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- One row for each answered read. For control totals.
CREATE TABLE windows (
  connection_id text NOT NULL REFERENCES connections,
  window_id bigint GENERATED ALWAYS AS IDENTITY,
  document_type text NOT NULL,
  from_local text NOT NULL,                  -- base time zone, YYYY-MM-DDTHH:MM:SS, inclusive
  to_local text NOT NULL,
  read_time timestamptz NOT NULL DEFAULT now(),
  call_id text NOT NULL,
  row_count integer NOT NULL,
  document_count integer NOT NULL,
  stored_count integer NOT NULL,
  refused_count integer NOT NULL,            -- older than what is stored
  truncated boolean NOT NULL,
  PRIMARY KEY (connection_id, window_id)
);

-- A document and where its newest revision stands: the queue that shipment-builder works off.
CREATE TABLE orders (
  connection_id text NOT NULL REFERENCES connections,
  order_id text NOT NULL,                    -- derived from the document key
  document_type text NOT NULL,
  business_unit text NOT NULL,
  document_id text NOT NULL,
  revision bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('INELIGIBLE', 'PENDING', 'ACKNOWLEDGED')),
  withdrawn boolean NOT NULL DEFAULT false,
  handed_out boolean NOT NULL DEFAULT false, -- was any revision ever leased
  change_order_batch integer NOT NULL,
  document_status text NOT NULL,
  document_date text NOT NULL,
  last_update_local text NOT NULL,           -- LAST_DTTM_UPDATE, base time zone
  content_hash bytea NOT NULL,
  open_schedules bytea NOT NULL,             -- CheckOrdersResponse.Standing: what may ship
  read_start_time timestamptz NOT NULL,      -- of the read that brought the revision
  revision_time timestamptz NOT NULL DEFAULT now(),
  trace_id text NOT NULL,
  lease_id text NOT NULL DEFAULT '',
  lease_expire_time timestamptz NOT NULL DEFAULT '2000-01-01Z',
  PRIMARY KEY (connection_id, order_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX orders_pending ON orders (revision_time) WHERE state = 'PENDING';
CREATE INDEX orders_by_time ON orders (revision_time, order_id);
CREATE INDEX orders_by_document ON orders (document_id);

-- What each revision said: written once.
CREATE TABLE order_revisions (
  connection_id text NOT NULL,
  order_id text NOT NULL,
  revision bigint NOT NULL,
  call_id text NOT NULL,                     -- the read that brought it
  content bytea NOT NULL,                    -- psups.orders.v1.Order, sealed
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, order_id, revision)
);

CREATE TABLE write_backs (
  connection_id text NOT NULL REFERENCES connections,
  update_id text NOT NULL,
  document_type text NOT NULL,
  business_unit text NOT NULL,
  document_id text NOT NULL,
  line_number integer NOT NULL,
  schedule_number integer NOT NULL,
  sequence_number bigint NOT NULL,
  state text NOT NULL DEFAULT 'PENDING'
    CHECK (state IN ('PENDING', 'WRITTEN', 'PARKED', 'SKIPPED')),
  content bytea NOT NULL,                    -- psups.orders.v1.TrackingUpdate, sealed
  attempt_count integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL DEFAULT now(),
  written_time timestamptz,
  PRIMARY KEY (connection_id, update_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX write_backs_by_schedule ON write_backs (connection_id, document_type, business_unit,
  document_id, line_number, schedule_number, sequence_number);
CREATE INDEX write_backs_parked ON write_backs (connection_id) WHERE state = 'PARKED';
CREATE INDEX write_backs_pending ON write_backs (connection_id, create_time)
  WHERE state = 'PENDING';

-- The one POST that may be in flight for a connection.
CREATE TABLE write_back_lanes (
  connection_id text PRIMARY KEY REFERENCES connections,
  lease_token text NOT NULL DEFAULT '',
  lease_expire_time timestamptz NOT NULL DEFAULT '2000-01-01Z',
  due_time timestamptz NOT NULL DEFAULT now(),
  failure_count integer NOT NULL DEFAULT 0,
  last_error text NOT NULL DEFAULT ''
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- Runs of this service: one that did not end in order may have made calls that nobody recorded.
CREATE TABLE runs (
  run_id text PRIMARY KEY,
  slot text NOT NULL,                        -- host and port: a new run in it proves the old one dead
  start_time timestamptz NOT NULL DEFAULT now(),
  heartbeat_time timestamptz NOT NULL DEFAULT now(),
  oldest_call_time timestamptz NOT NULL DEFAULT now() -- before it every call was recorded
);

CREATE TABLE audit_outbox (
  event_id text PRIMARY KEY,
  entry bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE data_keys (
  data_key_id text PRIMARY KEY,
  scope text NOT NULL UNIQUE,
  key_id text NOT NULL,
  wrapped bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
