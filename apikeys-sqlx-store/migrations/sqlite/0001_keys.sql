-- Times are microseconds since 1970-01-01T00:00:00Z.
--
-- Ids, locators and actors are BLOBs, because SQLite compares BLOBs byte by byte and does not
-- apply a collation.
--
-- There are no foreign keys, because the connections of a service's own pool may not check them.

-- Organizations. The tables of keys and events refer to an organization by `num`. When an organization is
-- forgotten, its row is replaced by a row with the same `id` and a new `num`. The rows with the old `num` can then
-- no longer be read.
-- AUTOINCREMENT ensures that no number is used twice.
CREATE TABLE apikeys_orgs (
    num       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB    NOT NULL UNIQUE,
    -- NULL if no plan was set and no key was created, and after the organization was forgotten. Such a row
    -- exists because audit events refer to its `num`.
    plan      TEXT,
    -- The number of keys of the organization, for the quota.
    key_count INTEGER NOT NULL CHECK (key_count >= 0)
) STRICT;

-- Forgotten organizations that still have rows in other tables. The purge (`KeyStore::purge`) removes these rows.
CREATE TABLE apikeys_forgotten (
    num  INTEGER PRIMARY KEY,
    -- The purge has removed the organization's usage of all hours before this hour.
    hour INTEGER NOT NULL
) STRICT;

CREATE TABLE apikeys_keys (
    id             BLOB    NOT NULL PRIMARY KEY,
    org            INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    -- The first characters of the secret, by which administrators recognize a key.
    display_prefix TEXT    NOT NULL,
    active         INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at     INTEGER NOT NULL,
    created_by     BLOB    NOT NULL,
    -- NULL if the key does not expire.
    expires_at     INTEGER,
    -- The time at which `expires_at` was set. NULL if the key does not expire.
    expiry_set_at  INTEGER,
    -- The key's own limit in requests per minute. NULL if the limit of the plan applies.
    rate_limit     INTEGER CHECK (rate_limit BETWEEN 1 AND 10000),
    -- Each update of the key adds 1, so that concurrent updates are detected.
    version        INTEGER NOT NULL,
    -- A JSON object with settings that this version does not know, from a newer version.
    settings       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_keys_by_org ON apikeys_keys (org, id);

-- Secrets of keys. `scheme` names the digest and the pepper, and `locator` is the digest.
CREATE TABLE apikeys_secrets (
    scheme     TEXT    NOT NULL,
    locator    BLOB    NOT NULL,
    key        BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    -- The time at which the secret stops working. NULL if the secret works as long as its key.
    ends_at    INTEGER,
    PRIMARY KEY (scheme, locator)
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_secrets_by_key ON apikeys_secrets (key);

-- The number of secrets of each scheme. Whenever a look-up finds no secret, the schemes are read. This table
-- keeps the read short if there are many secrets.
CREATE TABLE apikeys_schemes (
    scheme  TEXT    NOT NULL PRIMARY KEY,
    secrets INTEGER NOT NULL CHECK (secrets >= 0)
) STRICT, WITHOUT ROWID;

-- Deleted keys, with the values that the audit log shows. The id of a deleted key is not used again.
CREATE TABLE apikeys_tombstones (
    id             BLOB    NOT NULL PRIMARY KEY,
    org            INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    display_prefix TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_tombstones_by_org ON apikeys_tombstones (org, id);

-- The counters of each key in `apikeys_keys`. The counters are in a table of their own because they change far
-- more often than the keys, and because short rows share a page.
--
-- A key exists if it has a row here with the number of its organization. If all keys of a batch of events have
-- such rows, recording the batch needs no other check of the keys.
CREATE TABLE apikeys_counters (
    key           BLOB    NOT NULL PRIMARY KEY,
    org           INTEGER NOT NULL,
    -- The number of admitted requests since the key was created.
    request_count INTEGER NOT NULL,
    -- The time of the latest admitted request. NULL if no request was admitted.
    last_used_at  INTEGER
) STRICT, WITHOUT ROWID;

-- Warnings before keys expire: the time at which the next warning of a key may be due, and the warning that was sent
-- last. A key has a row if it was active with an expiration when it was created or updated.
CREATE TABLE apikeys_warnings (
    key             BLOB NOT NULL PRIMARY KEY,
    -- The time from which the key is checked for a warning. NULL if no warning can become due until the key is
    -- updated.
    next_check      INTEGER,
    -- While a process sends a warning, the process has a claim on the key until `next_check`, so that no other
    -- process sends the same warning. This is the id of the claim. NULL if no process sends a warning.
    claim           BLOB,
    -- The expiration that the last sent warning named, and how long before that expiration the warning was due, in
    -- microseconds. NULL if no warning was sent.
    sent_expires_at INTEGER,
    sent_period_us  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_warnings_by_next_check ON apikeys_warnings (next_check) WHERE next_check IS NOT NULL;

-- The number of requests of each key in each hour.
--
-- `hour` is the first column of the primary key, so that the rows of the current hour are on a few pages. If
-- `key` were the first column, each key of a batch would write a page of its own. `org` is the second column,
-- so that the purge can remove the rows of an organization in an hour together.
CREATE TABLE apikeys_usage (
    -- The time at which the hour begins.
    hour     INTEGER NOT NULL,
    org      INTEGER NOT NULL,
    key      BLOB    NOT NULL,
    -- The number of admitted requests.
    requests INTEGER NOT NULL,
    -- The number of denied requests.
    denied   INTEGER NOT NULL,
    PRIMARY KEY (hour, org, key)
) STRICT, WITHOUT ROWID;

-- Deleted keys that still have rows in `apikeys_usage`. The purge removes these rows.
CREATE TABLE apikeys_deleted_usage (
    key  BLOB    NOT NULL PRIMARY KEY,
    org  INTEGER NOT NULL,
    -- The key's usage of all hours before this hour has been removed.
    hour INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The latest committed changes, so that a repeated change is not made twice.
--
-- SQLite gives a new row the highest number in the table plus 1. The latest row is never deleted, so the
-- highest `revision` is the revision of the store.
CREATE TABLE apikeys_changes (
    revision  INTEGER PRIMARY KEY,
    change_id BLOB NOT NULL UNIQUE,
    org       BLOB NOT NULL,
    -- NULL if the change concerns the organization and not a key.
    key       BLOB
) STRICT;

-- The instances that keep keys in memory. Before a change returns, it waits until every instance has applied it.
CREATE TABLE apikeys_instances (
    id       BLOB    NOT NULL PRIMARY KEY,
    -- For how long the instance uses its memory without an answer from this table, in microseconds.
    lease_us INTEGER NOT NULL,
    -- The instance has dropped from its memory what the changes up to this revision have changed.
    applied  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Writers. Each instance of the service is a writer, which numbers its batches of events 1, 2, 3 and so on.
-- The numbers ensure that a repeated batch is recorded once.
CREATE TABLE apikeys_writers (
    id      BLOB    NOT NULL PRIMARY KEY,
    -- The number of the last recorded batch. 0 if no batch was recorded.
    seq     INTEGER NOT NULL,
    -- The time of the last recorded batch, or the time at which the writer was opened.
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit log. SQLite appends the rows in the order in which they are written.
--
-- Each recorded request with `late = 0` writes to one index only, `apikeys_audit_by_org`. The index serves the log of an
-- organization, newest first, and ensures that ids are unique.
CREATE TABLE apikeys_audit (
    event      INTEGER PRIMARY KEY,
    org        INTEGER NOT NULL,
    -- The first seven bytes of the id are the time at which the id was made.
    id         BLOB    NOT NULL,
    -- The time of the event.
    at         INTEGER NOT NULL,
    -- 0 if the id was made less than ten seconds after the time of the event; otherwise 1. With 0, the time in
    -- `id` is close to `at`, so a filter by time can read a range of ids from `apikeys_audit_by_org`.
    late       INTEGER NOT NULL CHECK (late IN (0, 1)),
    -- NULL if the event concerns no key.
    key        BLOB,
    action     TEXT    NOT NULL,
    -- NULL if the event has no actor, such as a request.
    actor      BLOB,
    -- The columns from here to `count` describe a request. They are NULL in all other events.
    method     TEXT,
    path       TEXT,
    outcome    TEXT,
    status     INTEGER,
    latency_us INTEGER,
    ip         TEXT,
    user_agent TEXT,
    request_id TEXT,
    trace_id   TEXT,
    denial     TEXT,
    -- The number of requests that the event stands for. NULL if the event is a single request.
    count      INTEGER,
    -- A JSON object with the old and new values of a change. NULL if the event is not a change.
    changes    TEXT,
    -- The number of lost events. NULL if the event does not record lost events.
    lost       INTEGER
) STRICT;

CREATE UNIQUE INDEX apikeys_audit_by_org ON apikeys_audit (org, id);
CREATE INDEX apikeys_audit_late ON apikeys_audit (org, at) WHERE late = 1;

-- Events other than requests are rare, so these indexes are small.
CREATE INDEX apikeys_audit_by_action ON apikeys_audit (org, action, id) WHERE action <> 'request';
CREATE INDEX apikeys_audit_by_key_and_action ON apikeys_audit (key, action, id) WHERE action <> 'request';

-- The spans of about one second in which a key has audit events. `first` and `last` are the bounds of the ids
-- that were made in the span.
--
-- The table replaces an index on (key, id) of the audit log. Such an index would write a page for each event,
-- because the keys of consecutive events differ. A busy key writes one row per second to this table.
CREATE TABLE apikeys_audit_spans (
    key   BLOB NOT NULL,
    first BLOB NOT NULL,
    last  BLOB NOT NULL,
    PRIMARY KEY (key, first)
) STRICT, WITHOUT ROWID;
