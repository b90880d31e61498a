-- Version 1 of the registry. Numbers are never used twice (AUTOINCREMENT): secrets are sealed to them.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- PEM bundles, each kept once however many endpoints trust it.
CREATE TABLE cas (
    id  INTEGER PRIMARY KEY AUTOINCREMENT,
    pem TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    disabled   INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;

CREATE TABLE services (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL UNIQUE,
    extensions      TEXT    NOT NULL DEFAULT '',  -- names, one a line
    home_host       TEXT,
    home_port       INTEGER,
    home_database   TEXT,
    home_tls        TEXT,
    home_ca         INTEGER REFERENCES cas (id),
    home_role       TEXT,
    home_credential TEXT,
    created_at      INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;

CREATE TABLE stores (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id          INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    host             TEXT    NOT NULL,
    port             INTEGER NOT NULL,
    database         TEXT    NOT NULL,
    tls              TEXT    NOT NULL,
    ca               INTEGER REFERENCES cas (id),
    admin_role       TEXT,
    admin_credential TEXT,
    created_at       INTEGER NOT NULL DEFAULT (unixepoch()),
    UNIQUE (user_id, host, port, database)
) STRICT;

-- A service's place in a store. It outlives its grants, and the service's row: who grants the same
-- service again finds the same rows in it.
CREATE TABLE partitions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    store_id   INTEGER NOT NULL REFERENCES stores (id) ON DELETE CASCADE,
    service    TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('schema', 'database', 'existing')),
    schema     TEXT,
    extensions TEXT,
    database   TEXT,
    owner_role TEXT,
    UNIQUE (store_id, service, kind)
) STRICT;
CREATE INDEX partitions_service ON partitions (service);

CREATE TABLE grants (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id           INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    service_id        INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    store_id          INTEGER NOT NULL REFERENCES stores (id) ON DELETE CASCADE,
    partition_id      INTEGER NOT NULL REFERENCES partitions (id) ON DELETE CASCADE,
    role              TEXT    NOT NULL,
    credential        TEXT    NOT NULL,
    reader_role       TEXT,
    reader_credential TEXT,
    state             TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'revoked')),
    expires_at        INTEGER,
    created_at        INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
CREATE UNIQUE INDEX grants_live ON grants (user_id, service_id) WHERE state <> 'revoked';
CREATE INDEX grants_service ON grants (service_id);
CREATE INDEX grants_store ON grants (store_id);
CREATE INDEX grants_partition ON grants (partition_id);

CREATE TABLE logins (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('user', 'service', 'analyst', 'admin')),
    user_id    INTEGER REFERENCES users (id) ON DELETE CASCADE,
    service_id INTEGER REFERENCES services (id) ON DELETE CASCADE,
    verifier   TEXT    NOT NULL,
    disabled   INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    expires_at INTEGER,
    created_at INTEGER NOT NULL DEFAULT (unixepoch()),
    CHECK ((kind = 'user') = (user_id IS NOT NULL)),
    CHECK ((kind IN ('service', 'analyst')) = (service_id IS NOT NULL))
) STRICT;
CREATE INDEX logins_user ON logins (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX logins_service ON logins (service_id) WHERE service_id IS NOT NULL;

-- What must still be done in stores. A store with a row here is reconciling: nobody is served from it.
CREATE TABLE outbox (
    id         TEXT    PRIMARY KEY,
    store_id   INTEGER NOT NULL REFERENCES stores (id) ON DELETE CASCADE,
    grant_id   INTEGER NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL CHECK (kind IN ('revoke')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER NOT NULL,
    last_error TEXT,
    created_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
CREATE INDEX outbox_store ON outbox (store_id);
CREATE INDEX outbox_grant ON outbox (grant_id);
CREATE INDEX outbox_due ON outbox (due_at);

-- What changed, in order. Triggers write it, so that no write can forget to, cascades included.
CREATE TABLE changes (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    entity  TEXT    NOT NULL,
    id      INTEGER NOT NULL
) STRICT;

CREATE TRIGGER users_added    AFTER INSERT ON users    BEGIN INSERT INTO changes (entity, id) VALUES ('user', new.id); END;
CREATE TRIGGER users_changed  AFTER UPDATE ON users    BEGIN INSERT INTO changes (entity, id) VALUES ('user', new.id); END;
CREATE TRIGGER users_gone     AFTER DELETE ON users    BEGIN INSERT INTO changes (entity, id) VALUES ('user', old.id); END;
CREATE TRIGGER services_added   AFTER INSERT ON services BEGIN INSERT INTO changes (entity, id) VALUES ('service', new.id); END;
CREATE TRIGGER services_changed AFTER UPDATE ON services BEGIN INSERT INTO changes (entity, id) VALUES ('service', new.id); END;
CREATE TRIGGER services_gone    AFTER DELETE ON services BEGIN INSERT INTO changes (entity, id) VALUES ('service', old.id); END;
CREATE TRIGGER stores_added   AFTER INSERT ON stores   BEGIN INSERT INTO changes (entity, id) VALUES ('store', new.id); END;
CREATE TRIGGER stores_changed AFTER UPDATE ON stores   BEGIN INSERT INTO changes (entity, id) VALUES ('store', new.id); END;
CREATE TRIGGER stores_gone    AFTER DELETE ON stores   BEGIN INSERT INTO changes (entity, id) VALUES ('store', old.id); END;
CREATE TRIGGER grants_added   AFTER INSERT ON grants   BEGIN INSERT INTO changes (entity, id) VALUES ('grant', new.id); END;
CREATE TRIGGER grants_changed AFTER UPDATE ON grants   BEGIN INSERT INTO changes (entity, id) VALUES ('grant', new.id); END;
CREATE TRIGGER grants_gone    AFTER DELETE ON grants   BEGIN INSERT INTO changes (entity, id) VALUES ('grant', old.id); END;
CREATE TRIGGER logins_added   AFTER INSERT ON logins   BEGIN INSERT INTO changes (entity, id) VALUES ('login', new.id); END;
CREATE TRIGGER logins_changed AFTER UPDATE ON logins   BEGIN INSERT INTO changes (entity, id) VALUES ('login', new.id); END;
CREATE TRIGGER logins_gone    AFTER DELETE ON logins   BEGIN INSERT INTO changes (entity, id) VALUES ('login', old.id); END;
CREATE TRIGGER outbox_added   AFTER INSERT ON outbox   BEGIN INSERT INTO changes (entity, id) VALUES ('store', new.store_id); END;
CREATE TRIGGER outbox_gone    AFTER DELETE ON outbox   BEGIN INSERT INTO changes (entity, id) VALUES ('store', old.store_id); END;
