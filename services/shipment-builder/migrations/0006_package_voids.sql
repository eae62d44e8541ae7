-- migrate:up

-- Of a package that goes without the others of its shipment: its label is to be voided, or is void.
ALTER TABLE packages ADD COLUMN void_state text NOT NULL DEFAULT ''
  CHECK (void_state IN ('', 'WANTED', 'DONE'));

-- migrate:down
