\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO lists (name) VALUES ('kept');
INSERT INTO lists (name) VALUES ('kept');
SELECT count(*) FROM lists WHERE name = 'kept';
COMMIT;
SELECT count(*) FROM lists WHERE name = 'kept';
\set ON_ERROR_ROLLBACK off
BEGIN;
SAVEPOINT one;
DELETE FROM lists;
ROLLBACK TO one;
RELEASE one;
SELECT count(*) FROM lists;
SELECT 1 / 0;
SELECT 1;
COMMIT;
SELECT count(*) FROM lists;
