-- migrate:up

-- The log's end. One row; writers queue on its lock, hence no gaps and no forks.
CREATE TABLE log_head (
  head_id smallint PRIMARY KEY CHECK (head_id = 1),
  tree_size bigint NOT NULL CHECK (tree_size >= 0),
  -- The roots of the full subtrees that the tree is made of, left to right, 32 bytes each: all
  -- that is needed to append and to compute the root.
  frontier bytea NOT NULL,
  CHECK (length(frontier) = 32 * length(replace(tree_size::bit(64)::text, '0', '')))
);
INSERT INTO log_head (head_id, tree_size, frontier) VALUES (1, 0, '');

-- The leaves.
CREATE TABLE entries (
  entry_index bigint PRIMARY KEY CHECK (entry_index >= 0),
  event_id text NOT NULL UNIQUE,
  entry bytea NOT NULL,
  leaf_hash bytea NOT NULL CHECK (length(leaf_hash) = 32),
  -- Copies of the entry's own fields, to find it by.
  subject text NOT NULL,
  trace_id text NOT NULL,
  action text NOT NULL,
  append_time timestamptz NOT NULL
);
CREATE INDEX entries_by_subject ON entries (subject, entry_index);
CREATE INDEX entries_by_trace ON entries (trace_id, entry_index) WHERE trace_id <> '';
CREATE INDEX entries_by_action ON entries (action, entry_index);

-- Roots of the full subtrees of height 8, 16, 24, …: with them a proof reads at most 255 leaf
-- hashes however long the log is.
CREATE TABLE nodes (
  height smallint NOT NULL CHECK (height > 0 AND height % 8 = 0),
  position bigint NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (height, position)
);

-- What was signed.
CREATE TABLE checkpoints (
  tree_size bigint PRIMARY KEY,
  note text NOT NULL,
  signature bytea NOT NULL,
  root_hash bytea NOT NULL,
  sign_time timestamptz NOT NULL DEFAULT now()
);

-- A second lock on the door, for a role that was granted too much by mistake.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON nodes
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER one_for_ever BEFORE DELETE OR TRUNCATE ON log_head
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the service's role may do, and no more: nobody who serves requests can change or remove what
-- was recorded. deploy/postgres/roles.sql gives each service all four verbs on its tables by
-- default; here the owner takes back what this one must not have. A later migration that adds a
-- table does the same.
DO $$
DECLARE
  app text;
BEGIN
  FOR app IN
    SELECT DISTINCT grantee FROM information_schema.table_privileges
    WHERE table_schema = current_schema() AND grantee <> current_user
  LOOP
    -- Left: SELECT, INSERT.
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON entries, nodes, checkpoints FROM %I', app);
    -- Left: SELECT, UPDATE.
    EXECUTE format('REVOKE INSERT, DELETE, TRUNCATE ON log_head FROM %I', app);
  END LOOP;
END
$$;

-- migrate:down
