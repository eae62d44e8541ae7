-- migrate:up
CREATE TABLE audit_outbox (
  event_id text PRIMARY KEY,
  entry bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

CREATE TABLE data_keys (
  data_key_id text PRIMARY KEY,
  scope text NOT NULL UNIQUE,
  key_id text NOT NULL,
  wrapped bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);

-- A credential of UPS's: a host and a client id, however many accounts share it. This row is the
-- lock under which token requests are counted.
CREATE TABLE treasuries (
  treasury_id text PRIMARY KEY,  -- HMAC of host and client id
  token bytea,                   -- sealed; NULL: none yet
  token_version text NOT NULL DEFAULT '',  -- call_id of the request that brought it
  token_expire_time timestamptz,
  token_lifetime interval,
  lease_id text NOT NULL DEFAULT '',       -- call_id of the request that is being made
  lease_until timestamptz NOT NULL DEFAULT 'epoch',
  lease_run_id text NOT NULL DEFAULT '',   -- the process that makes it
  forced_time timestamptz NOT NULL DEFAULT 'epoch',  -- last renewal because UPS said 401
  closed_until timestamptz NOT NULL DEFAULT 'epoch', -- UPS said 429
  retry_time timestamptz NOT NULL DEFAULT 'epoch',   -- not before, after a failure
  failure_count integer NOT NULL DEFAULT 0,
  credential_refused boolean NOT NULL DEFAULT false,
  problem text NOT NULL DEFAULT ''         -- a sentence with the next step
) WITH (fillfactor = 50);

-- Every token request, counted before it is sent.
CREATE TABLE token_requests (
  treasury_id text NOT NULL REFERENCES treasuries,
  call_id text NOT NULL,
  request_time timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('COUNTED', 'GRANTED', 'REFUSED', 'LOST', 'NOT_SENT')),
  PRIMARY KEY (treasury_id, call_id)
);
CREATE INDEX token_requests_time ON token_requests (treasury_id, request_time);

CREATE TABLE accounts (
  account_id text PRIMARY KEY,
  treasury_id text NOT NULL REFERENCES treasuries,
  settings bytea NOT NULL,  -- sealed Account
  secret bytea NOT NULL,    -- sealed client secret
  secret_time timestamptz NOT NULL DEFAULT now(),  -- the newest of a treasury's accounts counts
  token_limit integer NOT NULL CHECK (token_limit > 0),
  token_min_interval interval NOT NULL,
  last_error text NOT NULL DEFAULT '',
  last_error_time timestamptz NOT NULL DEFAULT 'epoch',
  create_time timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounts_treasury ON accounts (treasury_id);

-- Purchases. The row is committed before the POST: request_id never buys twice.
CREATE TABLE calls (
  call_id text PRIMARY KEY,  -- transId of the POST; begins with its time, so that the key ascends
  request_id text NOT NULL UNIQUE,
  account_id text NOT NULL,
  connection_id text NOT NULL,
  content_hash bytea NOT NULL,  -- HMAC of the request's content
  request bytea NOT NULL,       -- sealed CreateShipmentRequest
  reference text NOT NULL,      -- derived; on the label, and what a lost answer is asked by
  package_count integer NOT NULL,
  lane text NOT NULL,
  state text NOT NULL
    CHECK (state IN ('SENT', 'DONE', 'REJECTED', 'NOT_MADE', 'IN_DOUBT')),
  result bytea,                 -- sealed Call.Result without label bytes
  error_code text NOT NULL DEFAULT '',
  error_http_status integer NOT NULL DEFAULT 0,
  clerk_message text NOT NULL DEFAULT '',
  retryable boolean NOT NULL DEFAULT false,
  doubt text NOT NULL DEFAULT '',
  needs_person boolean NOT NULL DEFAULT false,
  known_number text NOT NULL DEFAULT '',      -- IN_DOUBT: a 1Z that Track has under the reference
  negative_count integer NOT NULL DEFAULT 0,  -- IN_DOUBT: rounds in which no channel knew it
  round_count integer NOT NULL DEFAULT 0,     -- rounds of asking, for the back-off
  due_time timestamptz,         -- SENT: silence becomes doubt; later: when UPS is asked next
  lease_id text NOT NULL DEFAULT '',
  trace_id text NOT NULL,
  actor text NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX calls_due ON calls (due_time) WHERE due_time IS NOT NULL;

-- Label bytes, until the buyer has stored them.
CREATE TABLE call_labels (
  call_id text PRIMARY KEY,
  labels bytea NOT NULL  -- sealed Call.Result, labels only
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE TABLE voids (
  request_id text PRIMARY KEY,
  account_id text NOT NULL,
  ups_shipment_id text NOT NULL,
  state text NOT NULL CHECK (state IN ('SENT', 'DONE')),
  already_voided boolean NOT NULL DEFAULT false,
  create_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now()
);

-- What went to UPS and came back, as evidence. Never the body of a token request or reply.
CREATE TABLE exchanges (
  call_id text PRIMARY KEY,
  account_id text NOT NULL,
  operation text NOT NULL,
  http_status integer NOT NULL,  -- 0: no reply
  payload bytea NOT NULL,        -- sealed JSON: request, response (labels taken out), error
  create_time timestamptz NOT NULL DEFAULT now()
);

-- Each running process; one that vanished without a clean stop may have left reads unrecorded.
CREATE TABLE runs (
  run_id text PRIMARY KEY,
  start_time timestamptz NOT NULL DEFAULT now(),
  heartbeat_time timestamptz NOT NULL DEFAULT now(),
  unrecorded_since timestamptz NOT NULL DEFAULT now()  -- oldest read that was on its way then
) WITH (fillfactor = 50);

-- migrate:down
