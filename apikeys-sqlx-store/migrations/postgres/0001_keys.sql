-- Times are microseconds since 1970-01-01T00:00:00Z.
--
-- Ids, locators and actors are BYTEA, because PostgreSQL compares BYTEA byte by byte and does not apply a
-- collation. All integers are BIGINT.
--
-- There are no foreign keys, because audit events are written after the deletion of their key, and because checks
-- of foreign keys would lock rows that other transactions change.

-- Organizations. The tables of keys and events refer to an organization by `num`. When an organization is
-- forgotten, its row is replaced by a row with the same `id` and a new `num`. The rows with the old `num` can then
-- no longer be read.
CREATE TABLE apikeys_orgs (
    num       BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        BYTEA  NOT NULL UNIQUE,
    -- NULL if no plan was set and no key was created, and after the organization was forgotten. Such a row
    -- exists because audit events refer to its `num`.
    plan      TEXT,
    -- The number of keys of the organization, for the quota.
    key_count BIGINT NOT NULL CHECK (key_count >= 0)
);

-- Forgotten organizations that still have rows in other tables. The purge (`KeyStore::purge`) removes these rows.
CREATE TABLE apikeys_forgotten (
    num  BIGINT PRIMARY KEY,
    -- The purge has removed the organization's usage of all hours before this hour.
    hour BIGINT NOT NULL
);

CREATE TABLE apikeys_keys (
    id             BYTEA  NOT NULL PRIMARY KEY,
    org            BIGINT NOT NULL,
    name           TEXT    NOT NULL,
    -- The first characters of the secret, by which administrators recognize a key.
    display_prefix TEXT    NOT NULL,
    active         BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    created_by     BYTEA  NOT NULL,
    -- NULL if the key does not expire.
    expires_at     BIGINT,
    -- The time at which `expires_at` was set. NULL if the key does not expire.
    expiry_set_at  BIGINT,
    -- The key's own limit in requests per minute. NULL if the limit of the plan applies.
    rate_limit     BIGINT CHECK (rate_limit BETWEEN 1 AND 10000),
    -- Each update of the key adds 1, so that concurrent updates are detected.
    version        BIGINT NOT NULL,
    -- A JSON object with settings that this version does not know, from a newer version.
    settings       TEXT    NOT NULL
);

CREATE INDEX apikeys_keys_by_org ON apikeys_keys (org, id);

-- Secrets of keys. `scheme` names the digest and the pepper, and `locator` is the digest.
CREATE TABLE apikeys_secrets (
    scheme     TEXT    NOT NULL,
    locator    BYTEA  NOT NULL,
    key        BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    -- The time at which the secret stops working. NULL if the secret works as long as its key.
    ends_at    BIGINT,
    PRIMARY KEY (scheme, locator)
);

CREATE INDEX apikeys_secrets_by_key ON apikeys_secrets (key);

-- The number of secrets of each scheme. Whenever a look-up finds no secret, the schemes are read. This table
-- keeps the read short if there are many secrets.
CREATE TABLE apikeys_schemes (
    scheme  TEXT    NOT NULL PRIMARY KEY,
    secrets BIGINT NOT NULL CHECK (secrets >= 0)
);

-- Deleted keys, with the values that the audit log shows. The id of a deleted key is not used again.
CREATE TABLE apikeys_tombstones (
    id             BYTEA  NOT NULL PRIMARY KEY,
    org            BIGINT NOT NULL,
    name           TEXT    NOT NULL,
    display_prefix TEXT    NOT NULL
);

CREATE INDEX apikeys_tombstones_by_org ON apikeys_tombstones (org, id);

-- The counters of each key in `apikeys_keys`. The counters are in a table of their own because they change far
-- more often than the keys, and because short rows share a page.
--
-- A key exists if it has a row here with the number of its organization. If all keys of a batch of events have
-- such rows, recording the batch needs no other check of the keys.
CREATE TABLE apikeys_counters (
    key           BYTEA  NOT NULL PRIMARY KEY,
    org           BIGINT NOT NULL,
    -- The number of admitted requests since the key was created.
    request_count BIGINT NOT NULL,
    -- The time of the latest admitted request. NULL if no request was admitted.
    last_used_at  BIGINT
) WITH (fillfactor = 50);

-- Warnings before keys expire: the time at which the next warning of a key may be due, and the warning that was sent
-- last. A key has a row if it was active with an expiration when it was created or updated.
CREATE TABLE apikeys_warnings (
    key             BYTEA NOT NULL PRIMARY KEY,
    -- The time from which the key is checked for a warning. NULL if no warning can become due until the key is
    -- updated.
    next_check      BIGINT,
    -- While a process sends a warning, the process has a claim on the key until `next_check`, so that no other
    -- process sends the same warning. This is the id of the claim. NULL if no process sends a warning.
    claim           BYTEA,
    -- The expiration that the last sent warning named, and how long before that expiration the warning was due, in
    -- microseconds. NULL if no warning was sent.
    sent_expires_at BIGINT,
    sent_period_us  BIGINT
);

CREATE INDEX apikeys_warnings_by_next_check ON apikeys_warnings (next_check) WHERE next_check IS NOT NULL;

-- The number of requests of each key in each hour.
--
-- `hour` is the first column of the primary key, so that the rows of the current hour are on a few pages of the index.
-- `org` is the second column, so that the purge can remove the rows of an organization in an hour together.
--
-- Rows of the current hour change with each batch. The free space in each page lets PostgreSQL change them in place,
-- without a new entry in the index. The table of counters has the free space for the same reason.
CREATE TABLE apikeys_usage (
    -- The time at which the hour begins.
    hour     BIGINT NOT NULL,
    org      BIGINT NOT NULL,
    key      BYTEA  NOT NULL,
    -- The number of admitted requests.
    requests BIGINT NOT NULL,
    -- The number of denied requests.
    denied   BIGINT NOT NULL,
    PRIMARY KEY (hour, org, key)
) WITH (fillfactor = 70);

-- Deleted keys that still have rows in `apikeys_usage`. The purge removes these rows.
CREATE TABLE apikeys_deleted_usage (
    key  BYTEA  NOT NULL PRIMARY KEY,
    org  BIGINT NOT NULL,
    -- The key's usage of all hours before this hour has been removed.
    hour BIGINT NOT NULL
);

-- The revision of the store, and a row that the purge locks, so that one purge runs at a time.
CREATE TABLE apikeys_state (
    name  TEXT   PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO apikeys_state (name, value) VALUES ('revision', 0), ('purge', 0);

-- The latest committed changes, so that a repeated change is not made twice.
CREATE TABLE apikeys_changes (
    revision  BIGINT PRIMARY KEY,
    change_id BYTEA NOT NULL UNIQUE,
    org       BYTEA NOT NULL,
    -- NULL if the change concerns the organization and not a key.
    key       BYTEA
);

-- The instances that keep keys in memory. Before a change returns, it waits until every instance has applied it.
CREATE TABLE apikeys_instances (
    id       BYTEA  NOT NULL PRIMARY KEY,
    -- For how long the instance uses its memory without an answer from this table, in microseconds.
    lease_us BIGINT NOT NULL,
    -- The instance has dropped from its memory what the changes up to this revision have changed.
    applied  BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Writers. Each instance of the service is a writer, which numbers its batches of events 1, 2, 3 and so on.
-- The numbers ensure that a repeated batch is recorded once.
CREATE TABLE apikeys_writers (
    id      BYTEA  NOT NULL PRIMARY KEY,
    -- The number of the last recorded batch. 0 if no batch was recorded.
    seq     BIGINT NOT NULL,
    -- The time of the last recorded batch, or the time at which the writer was opened.
    last_at BIGINT NOT NULL
);

-- The audit log. The primary key serves the log of an organization, newest first.
CREATE TABLE apikeys_audit (
    org        BIGINT NOT NULL,
    -- The first seven bytes of the id are the time at which the id was made.
    id         BYTEA  NOT NULL,
    -- The time of the event.
    at         BIGINT NOT NULL,
    -- False if the id was made less than ten seconds after the time of the event; otherwise true. If it is false, the
    -- time in `id` is close to `at`, so a filter by time can read a range of ids from the primary key.
    late       BOOLEAN NOT NULL,
    -- NULL if the event concerns no key.
    key        BYTEA,
    action     TEXT    NOT NULL,
    -- NULL if the event has no actor, such as a request.
    actor      BYTEA,
    -- The columns from here to `count` describe a request. They are NULL in all other events.
    method     TEXT,
    path       TEXT,
    outcome    TEXT,
    status     BIGINT,
    latency_us BIGINT,
    ip         TEXT,
    user_agent TEXT,
    request_id TEXT,
    trace_id   TEXT,
    denial     TEXT,
    -- The number of requests that the event stands for. NULL if the event is a single request.
    count      BIGINT,
    -- A JSON object with the old and new values of a change. NULL if the event is not a change.
    changes    TEXT,
    -- The number of lost events. NULL if the event does not record lost events.
    lost       BIGINT,
    PRIMARY KEY (org, id)
);

-- Serves the log of a key. The more keys are in use at the same time, the slower are writes, because the entries of each
-- key are in another place of the index. A table of the seconds in which a key has events would then have a row for
-- nearly every event, and be no faster.
CREATE INDEX apikeys_audit_by_key ON apikeys_audit (key, id);
CREATE INDEX apikeys_audit_late ON apikeys_audit (org, at) WHERE late;

-- Events other than requests are rare, so these indexes are small.
CREATE INDEX apikeys_audit_by_action ON apikeys_audit (org, action, id) WHERE action <> 'request';
CREATE INDEX apikeys_audit_by_key_and_action ON apikeys_audit (key, action, id) WHERE action <> 'request';
