SELECT r.name, count(*) AS n, round(sum(t.amount), 2) FROM service.regions r JOIN alice.todos t ON t.region = r.n GROUP BY 1 ORDER BY 1;
SELECT r.name, a.title, b.title FROM service.regions r JOIN alice.todos a ON a.region = r.n JOIN bob.todos b ON b.id = a.id WHERE a.id < 4 ORDER BY a.id;
SELECT count(*) FROM (SELECT title FROM alice.todos UNION ALL SELECT title FROM bob.todos) AS both_of_them;
EXPLAIN (VERBOSE, COSTS OFF) SELECT region, count(*), max(title) FROM alice.todos GROUP BY region HAVING count(*) > 2 ORDER BY region;
SELECT region, count(*), max(title) FROM alice.todos GROUP BY region HAVING count(*) > 2 ORDER BY region;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a.title FROM alice.todos a JOIN alice.titles t USING (title) ORDER BY a.id LIMIT 2;
SELECT a.title FROM alice.todos a JOIN alice.titles t USING (title) ORDER BY a.id LIMIT 2;
