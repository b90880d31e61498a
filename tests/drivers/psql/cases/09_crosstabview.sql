SELECT l, m, count(*) FROM (VALUES ('a', 'x'), ('a', 'y'), ('b', 'x'), ('b', 'x')) AS v(l, m) GROUP BY 1, 2 ORDER BY 1, 2 \crosstabview
-- Watched until it fails, the third time.
CREATE SEQUENCE public.watched;
SELECT 6 / (3 - nextval('public.watched')) AS left \watch 0.05
