/** The tables of the message store. `src/storage/store/engines/postgres/` reads and writes them. */
export const messageTables = `
  -- One row: what the numbers of folders are taken from. Locked by every change of a folder's name or settings.
  CREATE TABLE lab (
    tag text NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    last_folder bigint NOT NULL DEFAULT 0,
    last_uid_validity bigint NOT NULL DEFAULT 0,
    state_revision bigint NOT NULL DEFAULT 0
  );
  INSERT INTO lab (tag) VALUES (substr(md5(random()::text || clock_timestamp()::text), 1, 8));

  -- The rows below 0 are spaces of values that belong to no folder.
  CREATE TABLE folders (
    id bigint PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL,
    uid_validity bigint NOT NULL,
    settings text NOT NULL,
    version bigint NOT NULL,
    first_uid bigint NOT NULL DEFAULT 1,
    uid_next bigint NOT NULL DEFAULT 1,
    mod_seq bigint NOT NULL DEFAULT 1,
    value_seq bigint NOT NULL DEFAULT 0,
    messages bigint NOT NULL DEFAULT 0,
    octets bigint NOT NULL DEFAULT 0,
    unseen bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    deleted_octets bigint NOT NULL DEFAULT 0,
    keywords text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now(),
    lock_token text,
    lock_node text,
    locked_until timestamptz
  ) WITH (fillfactor = 70);
  CREATE INDEX folders_by_version ON folders (version);
  CREATE INDEX folders_by_owner ON folders (owner);
  CREATE INDEX folders_locked ON folders (id) WHERE lock_token IS NOT NULL;

  CREATE TABLE deleted_folders (
    id bigint PRIMARY KEY,
    owner text NOT NULL,
    name text NOT NULL,
    uid_next bigint NOT NULL,
    version bigint NOT NULL
  );
  CREATE INDEX deleted_folders_by_version ON deleted_folders (version);
  CREATE INDEX deleted_folders_by_name ON deleted_folders (md5(owner || '/' || name));

  CREATE TABLE entries (
    folder bigint NOT NULL,
    uid bigint NOT NULL,
    blob bigint NOT NULL,
    size bigint NOT NULL,
    internal_date bigint NOT NULL,
    saved_at bigint NOT NULL,
    flags text NOT NULL,
    mod_seq bigint NOT NULL,
    details text,
    PRIMARY KEY (folder, uid)
  );
  CREATE INDEX entries_by_mod_seq ON entries (folder, mod_seq);
  CREATE INDEX entries_by_time ON entries (saved_at, folder, uid);
  CREATE INDEX entries_by_blob ON entries (blob);

  CREATE TABLE vanished (
    folder bigint NOT NULL,
    mod_seq bigint NOT NULL,
    uids bigint[] NOT NULL,
    PRIMARY KEY (folder, mod_seq)
  );

  -- The octets of messages in pieces of 64 KiB. Piece -1 precedes the others.
  CREATE TABLE pieces (
    blob bigint NOT NULL,
    piece integer NOT NULL,
    octets bytea NOT NULL,
    PRIMARY KEY (blob, piece)
  );
  ALTER TABLE pieces ALTER COLUMN octets SET STORAGE EXTERNAL;
  CREATE SEQUENCE blob_numbers;
  -- How many messages share a blob, if it ever was more than one.
  CREATE TABLE holders (blob bigint PRIMARY KEY, messages bigint NOT NULL);
  -- Blobs of messages that are still arriving.
  CREATE TABLE incoming (blob bigint PRIMARY KEY, touched_at timestamptz NOT NULL DEFAULT now());
  -- Blobs of deleted messages, which sessions may still be reading.
  CREATE TABLE doomed (blob bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());

  CREATE TABLE overviews (blob bigint PRIMARY KEY, overview text NOT NULL);
  CREATE TABLE places (
    message_id text NOT NULL,
    folder bigint NOT NULL,
    uid bigint NOT NULL,
    PRIMARY KEY (message_id, folder, uid)
  );
  CREATE INDEX places_by_folder ON places (folder, uid);
  CREATE TABLE history (message_id text PRIMARY KEY);

  CREATE TABLE subscriptions (owner text NOT NULL, name text NOT NULL);
  CREATE INDEX subscriptions_by_owner ON subscriptions (owner);
  CREATE TABLE state (key text PRIMARY KEY, value text NOT NULL);
  -- The keys of table state that were ever set or removed, with the revision of their last change.
  CREATE TABLE state_changes (key text PRIMARY KEY, revision bigint NOT NULL);
  CREATE INDEX state_changes_by_revision ON state_changes (revision);
  -- The messages of all folders together, in parts that different nodes change.
  CREATE TABLE message_counts (shard integer PRIMARY KEY, messages bigint NOT NULL) WITH (fillfactor = 10);

  CREATE TABLE "values" (
    folder bigint NOT NULL,
    kind text NOT NULL,
    reader text NOT NULL,
    name_key text NOT NULL,
    name text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (folder, kind, reader, name_key)
  );
  -- What changed in the values of a folder, for the other nodes. Removed after a while.
  CREATE TABLE value_changes (
    folder bigint NOT NULL,
    value_seq bigint NOT NULL,
    kind text NOT NULL,
    reader text,
    names text NOT NULL,
    mod_seq bigint,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (folder, value_seq)
  );
  CREATE INDEX value_changes_by_time ON value_changes (at);
  -- The folders that each transaction changed, by which nodes find what others have changed. Removed after a while. A node
  -- that was disconnected compares all folders, so the rows need not survive a crash.
  CREATE UNLOGGED TABLE changes (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    writer bigint NOT NULL,
    folders bigint[] NOT NULL
  );
  CREATE INDEX changes_by_transaction ON changes (transaction);
`

/** The octets of messages that are objects of S3: see `object-pieces.ts`. */
export const objectTables = `
  -- An object has the pieces of a blob after those of the row before, or of the table pieces, up to this one.
  CREATE TABLE objects (
    blob bigint NOT NULL,
    piece integer NOT NULL,
    octets integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (blob, piece)
  );
  CREATE INDEX objects_by_name ON objects (name);
  -- One row: a part of the names of all objects of the store, and when those were last removed that no message has.
  CREATE TABLE object_space (id text NOT NULL, swept_at timestamptz NOT NULL DEFAULT now());
  INSERT INTO object_space (id) VALUES (md5(random()::text || clock_timestamp()::text));
`
