-- migrate:up
-- A cursor reads for a purpose: to find what is new, in a slow sweep of everything, or a range that a
-- person asked for.
ALTER TABLE source_cursors
  ADD COLUMN purpose text NOT NULL DEFAULT 'POLL' CHECK (purpose IN ('POLL', 'SWEEP', 'BACKFILL')),
  ADD COLUMN end_time timestamptz,                       -- of a backfill: nothing after it is read
  ADD COLUMN after_business_unit text NOT NULL DEFAULT '', -- the window was read up to this document
  ADD COLUMN after_document_id text NOT NULL DEFAULT '',
  ADD COLUMN idle_rounds integer NOT NULL DEFAULT 0,     -- that brought nothing, one after the other
  ADD COLUMN most_rows integer NOT NULL DEFAULT 0,       -- of an answer so far
  ADD COLUMN row_cap integer NOT NULL DEFAULT 0,         -- what PeopleSoft gives at most; 0: unknown
  ADD COLUMN round_time timestamptz;                     -- when a round last ended
ALTER TABLE source_cursors DROP CONSTRAINT source_cursors_pkey;
ALTER TABLE source_cursors ADD PRIMARY KEY (connection_id, document_type, purpose);
INSERT INTO source_cursors (connection_id, document_type, purpose, enabled, reader_key, start_time,
  watermark_time, window_seconds, due_time)
SELECT connection_id, document_type, 'SWEEP', enabled, reader_key, start_time, start_time,
  window_seconds, now() + interval '1 day' FROM source_cursors;

ALTER TABLE windows
  ADD COLUMN purpose text NOT NULL DEFAULT 'POLL',
  ADD COLUMN counted_rows integer NOT NULL DEFAULT -1;   -- by the site's count query; -1: not asked

-- When the document was last seen to say what is stored, if that was later than its revision's read.
ALTER TABLE orders ADD COLUMN checked_time timestamptz NOT NULL DEFAULT '2000-01-01Z';

ALTER TABLE write_backs DROP CONSTRAINT write_backs_state_check;
ALTER TABLE write_backs ADD CONSTRAINT write_backs_state_check
  CHECK (state IN ('PENDING', 'ACCEPTED', 'WRITTEN', 'PARKED', 'SKIPPED'));
ALTER TABLE write_backs
  ADD COLUMN accept_time timestamptz,  -- when PeopleSoft accepted it, of one that is ACCEPTED
  ADD COLUMN confirm_time timestamptz; -- when to ask next whether it is stored
CREATE INDEX write_backs_accepted ON write_backs (connection_id, confirm_time)
  WHERE state = 'ACCEPTED';

-- migrate:down
