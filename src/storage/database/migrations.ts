import { messageTables, objectTables } from './message-tables.ts'

/** One step from one version of the tables to the next. */
export interface Migration {
  /** A few words for the log: what it adds. */
  readonly name: string
  /** Statements without parameters. They run in the schema of the lab, in one transaction with the other steps. */
  readonly sql: string
}

/** The nodes of a lab, what one of them does for all, and their requests to each other. `src/storage/cluster/` uses them. */
const nodeTables = `
  CREATE TABLE nodes (
    name text PRIMARY KEY,
    token text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL,
    addresses text NOT NULL
  );
  CREATE TABLE leases (
    key text PRIMARY KEY,
    node text NOT NULL,
    token text NOT NULL,
    expires_at timestamptz NOT NULL
  );
  CREATE TABLE requests (
    id text PRIMARY KEY,
    node text NOT NULL,
    verb text NOT NULL,
    argument text NOT NULL,
    nodes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE answers (
    request text NOT NULL REFERENCES requests ON DELETE CASCADE,
    node text NOT NULL,
    answer text,
    error text,
    PRIMARY KEY (request, node)
  );
`

/** Values that all nodes share: see `shared-values.ts`. */
const sharedValueTables = `
  -- One row for each map. Every write of a value locks it, so that revisions are committed in their order.
  CREATE TABLE shared_spaces (
    name text PRIMARY KEY,
    revision bigint NOT NULL,
    -- Removals up to this revision are no longer in shared_values.
    forgotten bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE shared_values (
    space text NOT NULL,
    key text NOT NULL,
    -- JSON. Null: removed.
    value text,
    revision bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (space, key)
  );
  CREATE INDEX shared_values_by_revision ON shared_values (space, revision);
`

/** The certificate store, and records that expire, such as orders of ACME. */
const certificateTables = `
  CREATE TABLE certificate_files (
    path text COLLATE "C" PRIMARY KEY,
    text text NOT NULL,
    version bigint NOT NULL
  );
  CREATE INDEX certificate_files_version ON certificate_files (version);
  CREATE TABLE certificate_versions (version bigint NOT NULL);
  INSERT INTO certificate_versions VALUES (0);
  CREATE TABLE certificate_locks (name text PRIMARY KEY);
  INSERT INTO certificate_locks VALUES ('change');
  CREATE TABLE shared_records (
    kind text NOT NULL,
    id text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    text text NOT NULL,
    keys text[] NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL,
    PRIMARY KEY (kind, id)
  );
  CREATE INDEX shared_records_number ON shared_records (kind, number);
  CREATE INDEX shared_records_keys ON shared_records USING gin (keys);
`

/** The outcomes of transactions: see `database.ts`. */
const commitTables = `
  -- A row that each transaction adds. If the connection is lost during its commit, the row tells whether it was committed.
  CREATE TABLE commits (
    token uuid PRIMARY KEY,
    is_committed boolean NOT NULL DEFAULT true,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX commits_at ON commits (at);
`

/**
 * The steps in order. The version of the tables is their number. Add new ones at the end, and never change one that was
 * released. Every statement must work on managed servers: no superuser, no extensions.
 */
export const migrations: readonly Migration[] = [
  {
    name: 'all tables',
    sql: [nodeTables, sharedValueTables, messageTables, certificateTables, commitTables].join('\n'),
  },
  { name: 'objects for large messages', sql: objectTables },
]
