-- migrate:up

-- The newest revision of each order that was taken in.
CREATE TABLE orders (
  connection_id text NOT NULL,
  order_id text NOT NULL,
  revision bigint NOT NULL,
  -- Shipments that were ever built of it: their ids are derived from this number.
  built bigint NOT NULL DEFAULT 0,
  -- psups.orders.v1.Order.
  sealed bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, order_id)
) WITH (fillfactor = 80);

-- How much of each schedule is spoken for by purchases.
CREATE TABLE schedules (
  connection_id text NOT NULL,
  order_id text NOT NULL,
  line_number integer NOT NULL,
  schedule_number integer NOT NULL,
  -- As the order has it; never below what purchases hold.
  ordered numeric NOT NULL,
  open numeric NOT NULL,
  -- What PeopleSoft had received when the order was first seen: not ours to ship.
  received_before numeric NOT NULL CHECK (received_before >= 0),
  -- In purchases that are, or may be, labels. Only a purchase's end without a label, or its void,
  -- gives it back.
  allocated numeric NOT NULL DEFAULT 0 CHECK (allocated >= 0),
  PRIMARY KEY (connection_id, order_id, line_number, schedule_number),
  CONSTRAINT schedule_allocated_once CHECK (allocated <= ordered - received_before)
) WITH (fillfactor = 80);

CREATE TABLE shipments (
  connection_id text NOT NULL,
  shipment_id text NOT NULL,
  order_id text NOT NULL,
  document_type text NOT NULL CHECK (document_type IN ('PO', 'REQ')),
  business_unit text NOT NULL,
  document_id text NOT NULL,
  -- The newest revision of the order that it is known to agree with.
  order_revision bigint NOT NULL,
  trace_id text NOT NULL,
  state text NOT NULL CHECK (state IN (
    'RECEIVED', 'VALIDATING', 'LABELING', 'LABELED', 'IN_TRANSIT', 'DELIVERED', 'NEEDS_REVIEW',
    'FAILED', 'WITHDRAWN', 'VOIDING', 'VOIDED', 'CANCELLED', 'RETURNED', 'LOST')),
  resume_state text NOT NULL DEFAULT '',
  failure text NOT NULL DEFAULT '',
  service_code text NOT NULL,
  ship_date text NOT NULL,
  -- The schedules in it, as arrays of the same length.
  share_lines integer[] NOT NULL,
  share_schedules integer[] NOT NULL,
  share_quantities numeric[] NOT NULL,
  share_received numeric[] NOT NULL,
  fingerprint text NOT NULL,
  -- psups.shipments.v1.Shipment with ship_from and ship_to.
  sealed bytea NOT NULL,
  validated boolean NOT NULL DEFAULT false,
  ship_from_call text NOT NULL DEFAULT '',
  ship_to_call text NOT NULL DEFAULT '',
  -- Whether its schedules are spoken for while the order says the same.
  holds boolean NOT NULL DEFAULT true,
  undo text NOT NULL DEFAULT '' CHECK (undo IN ('', 'CHANGE', 'PERSON')),
  purchase_number integer NOT NULL DEFAULT 0,
  ups_shipment_id text NOT NULL DEFAULT '',
  charges_minor bigint NOT NULL DEFAULT 0,
  currency_code text NOT NULL DEFAULT '',
  label_time timestamptz,
  void_number integer NOT NULL DEFAULT 0,
  acknowledged boolean NOT NULL DEFAULT false,
  handed_over boolean NOT NULL DEFAULT false,
  -- The queue: which loop it waits for, from when on, and under which lease.
  work text NOT NULL CHECK (work IN ('', 'VALIDATE', 'LABEL', 'HAND_OVER', 'VOID')),
  due_time timestamptz,  -- NULL: no work; infinity: parked until its connection may buy
  lease_token text,
  lease_count integer NOT NULL DEFAULT 0,
  wait_count integer NOT NULL DEFAULT 0,
  failure_count integer NOT NULL DEFAULT 0,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, shipment_id),
  CHECK ((work = '') = (due_time IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX shipments_due ON shipments (work, due_time) WHERE due_time IS NOT NULL;
CREATE INDEX shipments_parked ON shipments (connection_id) WHERE due_time = 'infinity';
CREATE INDEX shipments_by_order ON shipments (connection_id, order_id);
CREATE INDEX shipments_by_document ON shipments (document_id);
CREATE INDEX shipments_by_time ON shipments (create_time, connection_id, shipment_id);
CREATE INDEX shipments_not_ended ON shipments (state) WHERE state IN (
  'RECEIVED', 'VALIDATING', 'LABELING', 'LABELED', 'IN_TRANSIT', 'NEEDS_REVIEW', 'FAILED', 'VOIDING');

CREATE TABLE packages (
  connection_id text NOT NULL,
  shipment_id text NOT NULL,
  package_number integer NOT NULL CHECK (package_number BETWEEN 1 AND 200),
  weight_lb numeric NOT NULL CHECK (weight_lb > 0 AND weight_lb <= 150),
  length_in integer NOT NULL,
  width_in integer NOT NULL,
  height_in integer NOT NULL,
  -- What is inside, as arrays of the same length.
  content_lines integer[] NOT NULL,
  content_schedules integer[] NOT NULL,
  content_quantities numeric[] NOT NULL,
  tracking_number text NOT NULL DEFAULT '',
  tracking_status text NOT NULL DEFAULT '',
  PRIMARY KEY (connection_id, shipment_id, package_number),
  FOREIGN KEY (connection_id, shipment_id) REFERENCES shipments
) WITH (fillfactor = 80);
CREATE INDEX packages_by_number ON packages (tracking_number) WHERE tracking_number <> '';

-- Each attempt to buy a shipment's labels.
CREATE TABLE purchases (
  connection_id text NOT NULL,
  shipment_id text NOT NULL,
  purchase_number integer NOT NULL CHECK (purchase_number > 0),
  state text NOT NULL CHECK (state IN (
    'OPEN', 'IN_DOUBT', 'DONE', 'REJECTED', 'NOT_MADE', 'VOIDED')),
  account text NOT NULL,
  reference text NOT NULL,
  ship_date text NOT NULL,
  ups_code text NOT NULL DEFAULT '',
  message text NOT NULL DEFAULT '',
  -- The identity of the person who looked at UPS and did not find it.
  confirmed_by text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, shipment_id, purchase_number),
  FOREIGN KEY (connection_id, shipment_id) REFERENCES shipments
) WITH (fillfactor = 80);

CREATE TABLE labels (
  connection_id text NOT NULL,
  shipment_id text NOT NULL,
  package_number integer NOT NULL,
  label_format text NOT NULL,
  sealed bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, shipment_id, package_number),
  FOREIGN KEY (connection_id, shipment_id) REFERENCES shipments
);
-- A label is as good as random: compressing it costs time and saves nothing.
ALTER TABLE labels ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE reviews (
  connection_id text NOT NULL,
  review_id text NOT NULL,
  shipment_id text NOT NULL,
  reason text NOT NULL,
  state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RESOLVED', 'OBSOLETE')),
  message text NOT NULL,
  side text NOT NULL CHECK (side IN ('', 'SHIP_FROM', 'SHIP_TO')),
  -- psups.shipments.v1.Review with address and candidates.
  sealed bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  told_time timestamptz,  -- when a log line said so
  close_time timestamptz,
  resolution text NOT NULL DEFAULT '',
  resolved_by text NOT NULL DEFAULT '',
  comment text NOT NULL DEFAULT '',
  PRIMARY KEY (connection_id, review_id),
  FOREIGN KEY (connection_id, shipment_id) REFERENCES shipments
);
CREATE UNIQUE INDEX reviews_one_open ON reviews (connection_id, shipment_id) WHERE state = 'OPEN';
CREATE INDEX reviews_by_time ON reviews (create_time, connection_id, review_id);
CREATE INDEX reviews_untold ON reviews (create_time) WHERE told_time IS NULL AND state = 'OPEN';

-- Orders to be planned again because schedules of theirs became free.
CREATE TABLE replans (
  connection_id text NOT NULL,
  order_id text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, order_id)
);

-- What UPS said of addresses, found by an HMAC of account and address.
CREATE TABLE address_verdicts (
  account text NOT NULL,
  address_key bytea NOT NULL,
  -- psups.ups.v1.ValidateAddressResponse.
  sealed bytea NOT NULL,
  expire_time timestamptz NOT NULL,
  PRIMARY KEY (account, address_key)
);
CREATE INDEX address_verdicts_by_expiry ON address_verdicts (expire_time);

-- How far a stream of a peer was applied.
CREATE TABLE cursors (
  stream text PRIMARY KEY,
  position text NOT NULL,
  update_time timestamptz NOT NULL DEFAULT now()
);
INSERT INTO cursors (stream, position) VALUES ('tracking', '');

CREATE TABLE audit_outbox (
  event_id text PRIMARY KEY,
  entry bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Data keys, wrapped by a key that is not in the database.
CREATE TABLE data_keys (
  data_key_id text PRIMARY KEY,
  scope text NOT NULL UNIQUE,
  key_id text NOT NULL,
  wrapped bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
