-- migrate:up
ALTER TABLE source_cursors
  ADD COLUMN fault text NOT NULL DEFAULT '',         -- what cannot be read, until a round ends without
  ADD COLUMN faulty boolean NOT NULL DEFAULT false;  -- the round met it: the watermark stays

-- migrate:down
