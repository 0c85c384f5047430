-- Times are microseconds since 1970, UTC. Ids, locators and the host's own texts (organizations,
-- actors) are BLOBs, so that they are compared byte by byte, whatever the collation.
-- There are no foreign keys, because a host's pool may have them off.

-- An organization has a number, by which all its rows refer to it. When the organization is
-- forgotten, its id gets a fresh number, so that none of the old rows can be reached; numbers are
-- never used twice. Without a plan the organization is not stored: the row only numbers its events.
CREATE TABLE apikeys_orgs (
    num       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB    NOT NULL UNIQUE,
    plan      TEXT,
    key_count INTEGER NOT NULL CHECK (key_count >= 0)
) STRICT;

-- The numbers of forgotten organizations whose rows are not all purged yet. Usage before `hour` is.
CREATE TABLE apikeys_forgotten (
    num  INTEGER PRIMARY KEY,
    hour INTEGER NOT NULL
) STRICT;

CREATE TABLE apikeys_keys (
    id             BLOB    NOT NULL PRIMARY KEY,
    org            INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    display_prefix TEXT    NOT NULL,
    active         INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at     INTEGER NOT NULL,
    created_by     BLOB    NOT NULL,
    expires_at     INTEGER,
    expiry_set_at  INTEGER,
    rate_limit     INTEGER CHECK (rate_limit BETWEEN 1 AND 10000),
    version        INTEGER NOT NULL,
    settings       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_keys_by_org ON apikeys_keys (org, id);

CREATE TABLE apikeys_secrets (
    scheme     TEXT    NOT NULL,
    locator    BLOB    NOT NULL,
    key        BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    ends_at    INTEGER,
    PRIMARY KEY (scheme, locator)
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_secrets_by_key ON apikeys_secrets (key);

-- The number of secrets of each scheme. It is asked for after every unknown secret, so the secrets
-- are not counted each time.
CREATE TABLE apikeys_schemes (
    scheme  TEXT    NOT NULL PRIMARY KEY,
    secrets INTEGER NOT NULL CHECK (secrets >= 0)
) STRICT, WITHOUT ROWID;

-- What deletions leave for the audit log.
CREATE TABLE apikeys_tombstones (
    id             BLOB    NOT NULL PRIMARY KEY,
    org            INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    display_prefix TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX apikeys_tombstones_by_org ON apikeys_tombstones (org, id);

-- A key has a row here from its creation to its deletion. A batch that finds the rows of all its
-- keys under their organizations' numbers knows that all the keys exist. Rows are short, so that
-- many share a page.
CREATE TABLE apikeys_counters (
    key           BLOB    NOT NULL PRIMARY KEY,
    org           INTEGER NOT NULL,
    request_count INTEGER NOT NULL,
    last_used_at  INTEGER
) STRICT, WITHOUT ROWID;

-- The hour comes first, so that the rows being written lie together on a few pages. With the key
-- first, every key of a batch would write a page of its own. The organization comes next, so that
-- its rows of an hour can be removed together.
CREATE TABLE apikeys_usage (
    hour     INTEGER NOT NULL,
    org      INTEGER NOT NULL,
    key      BLOB    NOT NULL,
    requests INTEGER NOT NULL,
    denied   INTEGER NOT NULL,
    PRIMARY KEY (hour, org, key)
) STRICT, WITHOUT ROWID;

-- The latest changes. SQLite numbers a row one above the highest number in the table, and the
-- latest rows are never deleted, so the highest number is the store's revision.
CREATE TABLE apikeys_changes (
    revision  INTEGER PRIMARY KEY,
    change_id BLOB NOT NULL UNIQUE,
    org       BLOB NOT NULL,
    key       BLOB
) STRICT;

CREATE TABLE apikeys_writers (
    id      BLOB    NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows are appended in the order in which they arrive. The index on (org, id) is the only one that
-- every request pays for: it serves an organization's log, newest first, and keeps ids unique.
-- `late` is 1 if the id was not made within ten seconds after `at`. For all other rows a span of
-- `at` is also a span of ids, so that a time filter needs no index of its own.
CREATE TABLE apikeys_audit (
    event      INTEGER PRIMARY KEY,
    org        INTEGER NOT NULL,
    id         BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    late       INTEGER NOT NULL CHECK (late IN (0, 1)),
    key        BLOB,
    action     TEXT    NOT NULL,
    actor      BLOB,
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
    count      INTEGER,
    changes    TEXT,
    lost       INTEGER
) STRICT;

CREATE UNIQUE INDEX apikeys_audit_by_org ON apikeys_audit (org, id);
CREATE INDEX apikeys_audit_late ON apikeys_audit (org, at) WHERE late = 1;

-- All events other than requests are rare, so full indexes on them cost next to nothing.
CREATE INDEX apikeys_audit_by_action ON apikeys_audit (org, action, id) WHERE action <> 'request';
CREATE INDEX apikeys_audit_by_key_and_action ON apikeys_audit (key, action, id) WHERE action <> 'request';

-- The spans of ids, of about a second each, in which a key has events. They stand in for an index
-- on (key, id), which would cost more than the rest of a request's row: keys come in any order, so
-- each event would write an index page of its own. A busy key writes one row here a second.
CREATE TABLE apikeys_audit_spans (
    key   BLOB NOT NULL,
    first BLOB NOT NULL,
    last  BLOB NOT NULL,
    PRIMARY KEY (key, first)
) STRICT, WITHOUT ROWID;
