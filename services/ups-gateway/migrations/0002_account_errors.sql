-- migrate:up
-- Which errors UPS gave, and how often. Per account some hundred rows at most: what is over counts
-- under the code ''.
CREATE TABLE account_errors (
  account_id text NOT NULL,
  operation text NOT NULL,
  ups_code text NOT NULL,        -- '': UPS gave none, or the account has too many different ones
  http_status integer NOT NULL,  -- 0: no reply
  count bigint NOT NULL,
  first_time timestamptz NOT NULL DEFAULT now(),
  last_time timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, operation, ups_code, http_status)
) WITH (fillfactor = 50);

-- migrate:down
