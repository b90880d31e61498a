-- Columns that collate by themselves, and what has no answer since it collates in no way or in two.

-- @at t0
-- @ordered
SELECT k, plain FROM phrases ORDER BY plain, k;

-- @at t0
-- @ordered
SELECT called, k, no FROM odds WHERE k < 5 ORDER BY called DESC, k, no;

-- @at t0
-- @ordered
SELECT k, posix FROM phrases ORDER BY posix DESC NULLS LAST, k LIMIT 20 OFFSET 5;

-- @ordered
SELECT k, root FROM phrases ORDER BY root, k;

-- @ordered
SELECT k FROM phrases ORDER BY plain COLLATE "und-x-icu", root COLLATE "C", k;

SELECT min(plain), max(plain), min(root), max(root) FROM phrases;

SELECT plain, count(*) FROM phrases GROUP BY plain;

SELECT count(*) FROM phrases WHERE plain < 'a' AND root > 'a';

SELECT count(*) FROM phrases WHERE fold = 'A';

SELECT count(*) FROM phrases WHERE fold IN ('é', 'b') AND fold <> 'E';

SELECT count(DISTINCT fold) FROM phrases;

SELECT lower(fold), count(*) FROM phrases GROUP BY lower(fold COLLATE "C"), lower(fold);

SELECT count(*), min(k) FROM phrases GROUP BY fold;

SELECT count(*) FROM phrases a JOIN phrases b ON a.fold = b.fold;

SELECT fold COLLATE "C", count(*) FROM phrases GROUP BY 1;

SELECT k FROM phrases WHERE fold COLLATE "C" LIKE 'a%';

-- @refused 0A000
SELECT k FROM phrases WHERE fold LIKE 'a%';

-- @refused 0A000
SELECT count(*) FROM phrases WHERE fold ~ 'a';

-- @refused 0A000
SELECT replace(fold, 'a', 'b') FROM phrases;

SELECT k FROM phrases WHERE plain = root;

SELECT count(*) FROM phrases WHERE plain IN (root, 'a');

SELECT nullif(posix, plain) FROM phrases;

SELECT k FROM phrases ORDER BY plain || root, k;

SELECT max(plain || root) FROM phrases;

SELECT k, plain || root FROM phrases;
