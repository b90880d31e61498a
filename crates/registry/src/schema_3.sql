-- Version 3: answers of fan-outs that are kept in tables on homes, and refreshed.

CREATE TABLE materialized (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    name                 TEXT    NOT NULL UNIQUE,
    service_id           INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    statement            TEXT    NOT NULL,
    every_s              INTEGER NOT NULL CHECK (every_s > 0),
    min_coverage         REAL    NOT NULL DEFAULT 0,
    min_stores_per_group INTEGER NOT NULL DEFAULT 0 CHECK (min_stores_per_group BETWEEN 0 AND 4294967295),
    due_at               INTEGER NOT NULL,
    tries                INTEGER NOT NULL DEFAULT 0,  -- refreshes that came to an end
    last_error           TEXT,                        -- of the last one, if it failed
    as_of                INTEGER,                     -- of the answer that is kept
    asked                INTEGER,
    ok                   INTEGER,
    rows                 INTEGER,
    created_at           INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
CREATE INDEX materialized_due ON materialized (due_at);
CREATE INDEX materialized_service ON materialized (service_id);
