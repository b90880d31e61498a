-- Version 2: how much of a grant's rows fan-outs may disclose, and from how many stores a group must come
-- before an analyst sees it.

ALTER TABLE grants ADD COLUMN fanout TEXT NOT NULL DEFAULT 'rows'
    CHECK (fanout IN ('none', 'additive', 'values', 'rows'));

ALTER TABLE logins ADD COLUMN min_stores_per_group INTEGER NOT NULL DEFAULT 0
    CHECK (min_stores_per_group BETWEEN 0 AND 4294967295);
