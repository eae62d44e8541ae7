-- migrate:up

-- One package that is followed. Work on it is due when subscribe_due_time or read_due_time has come;
-- a lease moves that time ahead and leaves its token.
CREATE TABLE trackers (
  tracking_number text PRIMARY KEY,
  account text NOT NULL,
  connection text NOT NULL,
  document_type text NOT NULL CHECK (document_type IN ('PO', 'REQ')),
  business_unit text NOT NULL,
  document_id text NOT NULL,
  -- The schedules in the package: element n of each array is one.
  line_numbers int[] NOT NULL,
  schedule_numbers int[] NOT NULL,
  quantities text[] NOT NULL,
  shipment text NOT NULL,
  trace_id text NOT NULL,
  replaces text[] NOT NULL,
  label_time timestamptz NOT NULL,
  status text NOT NULL CHECK (status IN ('LABEL_CREATED', 'PICKED_UP', 'IN_TRANSIT',
    'OUT_FOR_DELIVERY', 'DELIVERED', 'EXCEPTION', 'RETURNING', 'RETURNED', 'VOIDED', 'LOST', 'UNKNOWN')),
  detail text NOT NULL DEFAULT '',
  status_time timestamptz NOT NULL,
  subscription text NOT NULL DEFAULT 'WANTED'
    CHECK (subscription IN ('WANTED', 'SUBSCRIBED', 'REFUSED', 'ENDED')),
  subscription_expire_time timestamptz,
  subscribe_due_time timestamptz DEFAULT now(),
  subscribe_lease text,
  subscribe_attempt_count int NOT NULL DEFAULT 0,
  read_due_time timestamptz,
  read_lease text,
  create_time timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX trackers_by_create_time ON trackers (create_time, tracking_number);
CREATE INDEX trackers_by_document ON trackers (document_id);
CREATE INDEX trackers_to_subscribe ON trackers (subscribe_due_time)
  WHERE subscribe_due_time IS NOT NULL;
CREATE INDEX trackers_to_read ON trackers (read_due_time) WHERE read_due_time IS NOT NULL;

-- One thing that happened to a parcel, whatever channels told it.
CREATE TABLE events (
  tracking_number text NOT NULL REFERENCES trackers,
  event_id text NOT NULL,
  type text NOT NULL,
  code text NOT NULL,
  status_code text NOT NULL,
  status text NOT NULL,
  detail text NOT NULL,
  -- False for news that leave the parcel where it is, such as a new delivery date.
  moves boolean NOT NULL,
  event_time timestamptz NOT NULL,
  local_time text NOT NULL,
  time_precision int NOT NULL,
  source text NOT NULL CHECK (source IN ('OWN', 'WEBHOOK', 'TRACK', 'QUANTUM_VIEW')),
  -- The whole TrackingActivity, sealed: place and words.
  payload bytea NOT NULL,
  receive_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tracking_number, event_id)
);

-- What came by the webhook, as it came. NEW: not looked at; UNKNOWN: nobody follows the number yet;
-- DONE: in events; UNREADABLE: kept for a person.
CREATE TABLE received_events (
  received_id text PRIMARY KEY,
  tracking_number text NOT NULL,
  payload bytea NOT NULL,
  state text NOT NULL DEFAULT 'NEW' CHECK (state IN ('NEW', 'UNKNOWN', 'DONE', 'UNREADABLE')),
  due_time timestamptz DEFAULT now(),
  attempt_count int NOT NULL DEFAULT 0, -- failures to store it that may be no fault of its own
  receive_time timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX received_events_due ON received_events (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX received_events_unknown ON received_events (tracking_number) WHERE state = 'UNKNOWN';
CREATE INDEX received_events_by_time ON received_events (receive_time);

-- How many updates each schedule has had. Updated in the transaction that stores the event, rows
-- locked in key order: so the numbers have no gaps.
CREATE TABLE schedule_counters (
  connection text NOT NULL,
  document_type text NOT NULL,
  business_unit text NOT NULL,
  document_id text NOT NULL,
  line_number int NOT NULL,
  schedule_number int NOT NULL,
  last_sequence bigint NOT NULL,
  PRIMARY KEY (connection, document_type, business_unit, document_id, line_number, schedule_number)
) WITH (fillfactor = 70);

-- One event for one schedule of the package, on its way to ps-ingest.
CREATE TABLE updates (
  connection text NOT NULL,
  document_type text NOT NULL,
  business_unit text NOT NULL,
  document_id text NOT NULL,
  line_number int NOT NULL,
  schedule_number int NOT NULL,
  sequence_number bigint NOT NULL,
  update_id text NOT NULL,
  update_order bigint GENERATED ALWAYS AS IDENTITY,
  quantity text NOT NULL,
  tracking_number text NOT NULL,
  event_id text NOT NULL,
  is_current boolean NOT NULL,
  attempt_count int NOT NULL DEFAULT 0,
  due_time timestamptz NOT NULL DEFAULT now(),
  reported_time timestamptz,
  PRIMARY KEY (connection, document_type, business_unit, document_id, line_number, schedule_number,
               sequence_number)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX updates_to_report ON updates (update_order) WHERE reported_time IS NULL;

-- Status changes for WatchEvents. The position is given after commit, by one publisher at a time.
CREATE TABLE changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position bigint UNIQUE,
  tracking_number text NOT NULL,
  shipment text NOT NULL,
  status text NOT NULL,
  detail text NOT NULL,
  event_time timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX changes_to_publish ON changes (change_id) WHERE position IS NULL;
CREATE TABLE change_head (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  last_position bigint NOT NULL
);
INSERT INTO change_head (last_position) VALUES (0);

-- Which channel would have told, from when to when.
CREATE TABLE coverage (
  tracking_number text NOT NULL REFERENCES trackers,
  channel text NOT NULL CHECK (channel IN ('WEBHOOK', 'TRACK', 'QUANTUM_VIEW')),
  from_time timestamptz NOT NULL,
  to_time timestamptz NOT NULL,
  PRIMARY KEY (tracking_number, channel, from_time)
) WITH (fillfactor = 70);

-- The replicas of the webhook's door. One without stop_time whose heartbeat is old was lost, and
-- with it perhaps events; its stop_time becomes that of its last heartbeat.
CREATE TABLE door_runs (
  run_id text PRIMARY KEY,
  start_time timestamptz NOT NULL DEFAULT now(),
  heartbeat_time timestamptz NOT NULL DEFAULT now(),
  stop_time timestamptz
);

-- Loops that one replica at a time runs.
CREATE TABLE loop_leases (
  loop text PRIMARY KEY,
  holder text NOT NULL,
  until timestamptz NOT NULL
);

CREATE TABLE audit_outbox (
  event_id text PRIMARY KEY,
  entry bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE data_keys (
  data_key_id text PRIMARY KEY,
  scope text NOT NULL UNIQUE,
  key_id text NOT NULL,
  wrapped bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
