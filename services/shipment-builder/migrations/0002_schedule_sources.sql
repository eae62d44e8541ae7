-- migrate:up

-- Which requisitions' schedules a purchase order's schedule came from, as the newest revision that
-- was taken in says. No two linked ones are both in purchases that are, or may be, labels.
CREATE TABLE schedule_sources (
  connection_id text NOT NULL,
  -- The purchase order's.
  order_id text NOT NULL,
  line_number integer NOT NULL,
  schedule_number integer NOT NULL,
  -- The requisition's, whether or not it was taken in.
  source_order_id text NOT NULL,
  source_line_number integer NOT NULL,
  source_schedule_number integer NOT NULL,
  PRIMARY KEY (connection_id, order_id, line_number, schedule_number, source_order_id,
               source_line_number, source_schedule_number)
) WITH (fillfactor = 80);
CREATE INDEX schedule_sources_by_source ON schedule_sources (
  connection_id, source_order_id, source_line_number, source_schedule_number);

-- Why an open schedule of a purchase order is not planned.
ALTER TABLE schedules ADD COLUMN skipped text NOT NULL DEFAULT '' CHECK (skipped IN (
  '', 'SHIPPED_AS_REQUISITION', 'PARTLY_SHIPPED_AS_REQUISITION'));
CREATE INDEX schedules_partly_shipped ON schedules (connection_id)
  WHERE skipped = 'PARTLY_SHIPPED_AS_REQUISITION';

-- migrate:down
