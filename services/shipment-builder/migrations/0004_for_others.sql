-- migrate:up
-- What other services read: lists by more conditions, a stream of changes, labels that can be had again.

CREATE INDEX orders_by_id ON orders (order_id);
-- Times of change follow the order of the rows well enough for so small an index.
CREATE INDEX shipments_by_update_time ON shipments USING brin (update_time);
CREATE INDEX shipments_by_label_time ON shipments (label_time, connection_id, shipment_id)
  WHERE label_time IS NOT NULL;

-- What the label cost by published rates, and what UPS said beside it.
ALTER TABLE purchases ADD COLUMN published_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE purchases ADD COLUMN published_currency text NOT NULL DEFAULT '';
ALTER TABLE purchases ADD COLUMN alerts text NOT NULL DEFAULT '';  -- a line each
-- Of the label as it was bought: by them it is had again if it is lost here.
ALTER TABLE packages ADD COLUMN label_sha256 text NOT NULL DEFAULT '';
ALTER TABLE packages ADD COLUMN label_format text NOT NULL DEFAULT '';

-- Shipments that changed, for WatchShipments: the newest change of each, and those that are to be
-- published. The position is given after commit, by one publisher at a time.
CREATE TABLE changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position bigint UNIQUE,
  connection_id text NOT NULL,
  shipment_id text NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX changes_to_publish ON changes (change_id) WHERE position IS NULL;
CREATE INDEX changes_by_shipment ON changes (connection_id, shipment_id);
CREATE TABLE change_head (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  last_position bigint NOT NULL
);
INSERT INTO change_head (last_position) VALUES (0);
INSERT INTO changes (connection_id, shipment_id)
SELECT connection_id, shipment_id FROM shipments ORDER BY update_time;

-- Whatever writes a shipment, a package or a review notes the change: no writer can forget to.
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changes (connection_id, shipment_id) VALUES (NEW.connection_id, NEW.shipment_id);
  RETURN NULL;
END $$;

CREATE TRIGGER shipment_made AFTER INSERT ON shipments
  FOR EACH ROW EXECUTE FUNCTION note_change();
-- Leases and what else is the queue's own are no change to others.
CREATE TRIGGER shipment_changed AFTER UPDATE ON shipments
  FOR EACH ROW
  WHEN ((OLD.order_revision, OLD.state, OLD.failure, OLD.service_code, OLD.ship_date, OLD.fingerprint,
         OLD.sealed, OLD.ship_to_call, OLD.purchase_number, OLD.ups_shipment_id, OLD.charges_minor,
         OLD.currency_code, OLD.label_time, OLD.mapping_version, OLD.estimated_minor,
         OLD.estimated_currency, OLD.waits_for)
    IS DISTINCT FROM
        (NEW.order_revision, NEW.state, NEW.failure, NEW.service_code, NEW.ship_date, NEW.fingerprint,
         NEW.sealed, NEW.ship_to_call, NEW.purchase_number, NEW.ups_shipment_id, NEW.charges_minor,
         NEW.currency_code, NEW.label_time, NEW.mapping_version, NEW.estimated_minor,
         NEW.estimated_currency, NEW.waits_for))
  EXECUTE FUNCTION note_change();
CREATE TRIGGER review_opened AFTER INSERT ON reviews
  FOR EACH ROW EXECUTE FUNCTION note_change();
CREATE TRIGGER review_closed AFTER UPDATE ON reviews
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION note_change();

-- Packages are written beside their shipment, most often: then the transaction has noted it.
CREATE FUNCTION note_packages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changes (connection_id, shipment_id)
  SELECT DISTINCT n.connection_id, n.shipment_id FROM new_packages n WHERE NOT EXISTS (
    SELECT FROM changes c WHERE c.connection_id = n.connection_id AND c.shipment_id = n.shipment_id
    AND c.position IS NULL AND c.xmin = pg_current_xact_id()::xid);
  RETURN NULL;
END $$;
CREATE TRIGGER packages_made AFTER INSERT ON packages
  REFERENCING NEW TABLE AS new_packages FOR EACH STATEMENT EXECUTE FUNCTION note_packages();
CREATE TRIGGER packages_changed AFTER UPDATE ON packages
  REFERENCING NEW TABLE AS new_packages FOR EACH STATEMENT EXECUTE FUNCTION note_packages();

-- migrate:down
