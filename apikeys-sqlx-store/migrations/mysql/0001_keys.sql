-- Times are microseconds since 1970-01-01T00:00:00Z.
--
-- Ids, locators, actors, schemes and actions are VARBINARY, because MySQL compares VARBINARY byte by byte. All
-- collations that both MySQL and MariaDB have ignore spaces at the end of a text. Other texts are never compared. All
-- integers are BIGINT.
--
-- The server commits each statement that creates a table. If a process stops in the middle, the next one runs all
-- statements again. Therefore each statement can be repeated.
--
-- There are no foreign keys, because audit events are written after the deletion of their key, and because checks
-- of foreign keys would lock rows that other transactions change.

-- Organizations. The tables of keys and events refer to an organization by `num`. When an organization is
-- forgotten, its row is replaced by a row with the same `id` and a new `num`. The rows with the old `num` can then
-- no longer be read. InnoDB does not use a number twice, even after a restart.
CREATE TABLE IF NOT EXISTS apikeys_orgs (
    num       BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id        VARBINARY(255) NOT NULL,
    -- NULL if no plan was set and no key was created, and after the organization was forgotten. Such a row
    -- exists because audit events refer to its `num`.
    plan      VARCHAR(255),
    -- The number of keys of the organization, for the quota.
    key_count BIGINT         NOT NULL CHECK (key_count >= 0),
    UNIQUE INDEX apikeys_orgs_by_id (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Forgotten organizations that still have rows in other tables. The purge (`KeyStore::purge`) removes these rows.
CREATE TABLE IF NOT EXISTS apikeys_forgotten (
    num  BIGINT NOT NULL PRIMARY KEY,
    -- The purge has removed the organization's usage of all hours before this hour.
    hour BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS apikeys_keys (
    id             VARBINARY(16)  NOT NULL PRIMARY KEY,
    org            BIGINT         NOT NULL,
    name           VARCHAR(255)   NOT NULL,
    -- The first characters of the secret, by which administrators recognize a key.
    display_prefix VARCHAR(255)   NOT NULL,
    active         BOOLEAN        NOT NULL,
    created_at     BIGINT         NOT NULL,
    created_by     VARBINARY(255) NOT NULL,
    -- NULL if the key does not expire.
    expires_at     BIGINT,
    -- The time at which `expires_at` was set. NULL if the key does not expire.
    expiry_set_at  BIGINT,
    -- The key's own limit in requests per minute. NULL if the limit of the plan applies.
    rate_limit     BIGINT         CHECK (rate_limit BETWEEN 1 AND 10000),
    -- Each update of the key adds 1, so that concurrent updates are detected.
    version        BIGINT         NOT NULL,
    -- A JSON object with settings that this version does not know, from a newer version.
    settings       LONGTEXT       NOT NULL,
    INDEX apikeys_keys_by_org (org, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Secrets of keys. `scheme` names the digest and the pepper, and `locator` is the digest.
CREATE TABLE IF NOT EXISTS apikeys_secrets (
    scheme     VARBINARY(255)  NOT NULL,
    locator    VARBINARY(1024) NOT NULL,
    key        VARBINARY(16)   NOT NULL,
    created_at BIGINT          NOT NULL,
    -- The time at which the secret stops working. NULL if the secret works as long as its key.
    ends_at    BIGINT,
    PRIMARY KEY (scheme, locator),
    INDEX apikeys_secrets_by_key (key)
) ENGINE = InnoDB;

-- The number of secrets of each scheme. Whenever a look-up finds no secret, the schemes are read. This table
-- keeps the read short if there are many secrets.
CREATE TABLE IF NOT EXISTS apikeys_schemes (
    scheme  VARBINARY(255) NOT NULL PRIMARY KEY,
    secrets BIGINT         NOT NULL CHECK (secrets >= 0)
) ENGINE = InnoDB;

-- Deleted keys, with the values that the audit log shows. The id of a deleted key is not used again.
CREATE TABLE IF NOT EXISTS apikeys_tombstones (
    id             VARBINARY(16) NOT NULL PRIMARY KEY,
    org            BIGINT        NOT NULL,
    name           VARCHAR(255)  NOT NULL,
    display_prefix VARCHAR(255)  NOT NULL,
    INDEX apikeys_tombstones_by_org (org, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The counters of each key in `apikeys_keys`. The counters are in a table of their own because they change far
-- more often than the keys, and because short rows share a page.
--
-- A key exists if it has a row here with the number of its organization. If all keys of a batch of events have
-- such rows, recording the batch needs no other check of the keys.
CREATE TABLE IF NOT EXISTS apikeys_counters (
    key           VARBINARY(16) NOT NULL PRIMARY KEY,
    org           BIGINT        NOT NULL,
    -- The number of admitted requests since the key was created.
    request_count BIGINT        NOT NULL,
    -- The time of the latest admitted request. NULL if no request was admitted.
    last_used_at  BIGINT
) ENGINE = InnoDB;

-- Warnings before keys expire: the time at which the next warning of a key may be due, and the warning that was sent
-- last. A key has a row if it was active with an expiration when it was created or updated.
CREATE TABLE IF NOT EXISTS apikeys_warnings (
    key             VARBINARY(16) NOT NULL PRIMARY KEY,
    -- The time from which the key is checked for a warning. NULL if no warning can become due until the key is
    -- updated.
    next_check      BIGINT,
    -- While a process sends a warning, the process has a claim on the key until `next_check`, so that no other
    -- process sends the same warning. This is the id of the claim. NULL if no process sends a warning.
    claim           VARBINARY(16),
    -- The expiration that the last sent warning named, and how long before that expiration the warning was due, in
    -- microseconds. NULL if no warning was sent.
    sent_expires_at BIGINT,
    sent_period_us  BIGINT,
    INDEX apikeys_warnings_by_next_check (next_check)
) ENGINE = InnoDB;

-- The number of requests of each key in each hour.
--
-- `hour` is the first column of the primary key, so that the rows of the current hour are on a few pages.
-- `org` is the second column, so that the purge can remove the rows of an organization in an hour together.
--
-- The index serves the usage of a key. Adding to the numbers of a row does not change the index.
CREATE TABLE IF NOT EXISTS apikeys_usage (
    -- The time at which the hour begins.
    hour     BIGINT        NOT NULL,
    org      BIGINT        NOT NULL,
    key      VARBINARY(16) NOT NULL,
    -- The number of admitted requests.
    requests BIGINT        NOT NULL,
    -- The number of denied requests.
    denied   BIGINT        NOT NULL,
    PRIMARY KEY (hour, org, key),
    INDEX apikeys_usage_by_key (key, hour)
) ENGINE = InnoDB;

-- Deleted keys that still have rows in `apikeys_usage`. The purge removes these rows.
CREATE TABLE IF NOT EXISTS apikeys_deleted_usage (
    key  VARBINARY(16) NOT NULL PRIMARY KEY,
    org  BIGINT        NOT NULL,
    -- The key's usage of all hours before this hour has been removed.
    hour BIGINT        NOT NULL
) ENGINE = InnoDB;

-- The revision of the store, and a row that the purge locks, so that one purge runs at a time.
CREATE TABLE IF NOT EXISTS apikeys_state (
    name  VARBINARY(32) NOT NULL PRIMARY KEY,
    value BIGINT        NOT NULL
) ENGINE = InnoDB;

INSERT INTO apikeys_state (name, value) VALUES ('revision', 0), ('purge', 0) ON DUPLICATE KEY UPDATE value = value;

-- The latest committed changes, so that a repeated change is not made twice.
CREATE TABLE IF NOT EXISTS apikeys_changes (
    revision  BIGINT         NOT NULL PRIMARY KEY,
    change_id VARBINARY(16)  NOT NULL,
    org       VARBINARY(255) NOT NULL,
    -- NULL if the change concerns the organization and not a key.
    key       VARBINARY(16),
    UNIQUE INDEX apikeys_changes_by_change_id (change_id)
) ENGINE = InnoDB;

-- The instances that keep keys in memory. Before a change returns, it waits until every instance has applied it.
CREATE TABLE IF NOT EXISTS apikeys_instances (
    id       VARBINARY(16) NOT NULL PRIMARY KEY,
    -- For how long the instance uses its memory without an answer from this table, in microseconds.
    lease_us BIGINT        NOT NULL,
    -- The instance has dropped from its memory what the changes up to this revision have changed.
    applied  BIGINT        NOT NULL
) ENGINE = InnoDB;

-- Writers. Each instance of the service is a writer, which numbers its batches of events 1, 2, 3 and so on.
-- The numbers ensure that a repeated batch is recorded once.
CREATE TABLE IF NOT EXISTS apikeys_writers (
    id      VARBINARY(16) NOT NULL PRIMARY KEY,
    -- The number of the last recorded batch. 0 if no batch was recorded.
    seq     BIGINT        NOT NULL,
    -- The time of the last recorded batch, or the time at which the writer was opened.
    last_at BIGINT        NOT NULL
) ENGINE = InnoDB;

-- The audit log. InnoDB stores the rows in the order of the primary key, which serves the log of an organization, newest
-- first. The index serves the log of a key.
CREATE TABLE IF NOT EXISTS apikeys_audit (
    org        BIGINT         NOT NULL,
    -- The first seven bytes of the id are the time at which the id was made.
    id         VARBINARY(16)  NOT NULL,
    -- The time of the event.
    at         BIGINT         NOT NULL,
    -- False if the id was made less than ten seconds after the time of the event; otherwise true. If it is false, the
    -- time in `id` is close to `at`, so a filter by time can read a range of ids from the primary key.
    late       BOOLEAN        NOT NULL,
    -- NULL if the event concerns no key.
    key        VARBINARY(16),
    action     VARBINARY(255) NOT NULL,
    -- NULL if the event has no actor, such as a request.
    actor      VARBINARY(255),
    -- The columns from here to `count` describe a request. They are NULL in all other events.
    method     VARCHAR(255),
    path       TEXT,
    outcome    VARCHAR(255),
    status     BIGINT,
    latency_us BIGINT,
    ip         VARCHAR(255),
    user_agent TEXT,
    request_id VARCHAR(255),
    trace_id   VARCHAR(255),
    denial     VARCHAR(255),
    -- The number of requests that the event stands for. NULL if the event is a single request.
    count      BIGINT,
    -- A JSON object with the old and new values of a change. NULL if the event is not a change.
    changes    LONGTEXT,
    -- The number of lost events. NULL if the event does not record lost events.
    lost       BIGINT,
    PRIMARY KEY (org, id),
    INDEX apikeys_audit_by_key (key, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The events other than requests, and the events with `late`, which are rare. An index on `apikeys_audit` would have an
-- entry for each request, because InnoDB has no partial indexes. With three such indexes, writes took 1.6 to 1.9 times
-- as long.
CREATE TABLE IF NOT EXISTS apikeys_audit_rare (
    org    BIGINT         NOT NULL,
    action VARBINARY(255) NOT NULL,
    id     VARBINARY(16)  NOT NULL,
    key    VARBINARY(16),
    at     BIGINT         NOT NULL,
    late   BOOLEAN        NOT NULL,
    PRIMARY KEY (org, action, id),
    INDEX apikeys_audit_rare_by_key (key, action, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS apikeys_audit_late (
    org BIGINT        NOT NULL,
    at  BIGINT        NOT NULL,
    id  VARBINARY(16) NOT NULL,
    PRIMARY KEY (org, at, id)
) ENGINE = InnoDB
