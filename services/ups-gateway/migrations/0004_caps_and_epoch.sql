-- migrate:up
ALTER TABLE accounts
  ADD COLUMN stop_time timestamptz,  -- the kill switch; NULL: it buys
  ADD COLUMN stop_reason text NOT NULL DEFAULT '',
  ADD COLUMN search_since timestamptz;  -- since then commits may be lost; NULL: none

-- What an account bought, for its caps: a row for five minutes, updated once by each group of
-- intents, under the lock of the account's row.
CREATE TABLE purchase_counts (
  account_id text NOT NULL,
  bucket timestamptz NOT NULL,  -- its begin
  purchases bigint NOT NULL,
  spend_minor bigint NOT NULL,  -- in the currency of the account's cap
  PRIMARY KEY (account_id, bucket)
) WITH (fillfactor = 50);

-- Which database this is. A row that differs from what the server says of itself means: restored,
-- or failed over, and what was committed since `alive_time` may be gone.
CREATE TABLE database_epochs (
  number integer PRIMARY KEY,
  epoch text NOT NULL,
  notice_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  alive_time timestamptz NOT NULL DEFAULT clock_timestamp(),  -- last comparison that agreed
  unseen_from timestamptz  -- alive_time of the epoch before; NULL: the first
) WITH (fillfactor = 50);

-- migrate:down
