-- migrate:up
-- UPS's word on an address, so that it is not asked again for a while.
CREATE TABLE address_verdicts (
  verdict_key bytea PRIMARY KEY,      -- HMAC of host and normalised address
  verdict bytea NOT NULL,             -- sealed ValidateAddressResponse
  call_id text NOT NULL,              -- of the call that brought it: the proof
  verdict_time timestamptz NOT NULL,  -- when UPS gave it
  expire_time timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX address_verdicts_expire ON address_verdicts (expire_time);

-- What all replicas know of how fast an account may call UPS. Without a row, as fast as it is set.
CREATE TABLE flow_limits (
  account_id text NOT NULL,
  operation text NOT NULL,            -- '': the whole account
  share double precision NOT NULL,    -- of the full rate, at change_time; it grows from there
  full_rate double precision NOT NULL,  -- calls a second; counts where the account sets none
  change_time timestamptz NOT NULL,   -- when UPS last said 429 to a call sent after the last change
  not_before timestamptz NOT NULL,    -- UPS said to wait until then
  PRIMARY KEY (account_id, operation)
) WITH (fillfactor = 50);

-- migrate:down
