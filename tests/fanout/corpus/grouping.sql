-- GROUP BY.

-- @at t3 t2 t1
SELECT mood, count(*) FROM todos GROUP BY mood;

-- @at t3 t2 t1
SELECT done, count(*), sum(hours), avg(hours) FROM todos GROUP BY done;

-- @at t3 t2
SELECT title, count(*) FROM todos GROUP BY title;

SELECT lower(title) AS title, count(*) FROM todos GROUP BY lower(title);

SELECT lower(title) AS l, count(*) FROM todos GROUP BY l;

SELECT lower(title), count(*) FROM todos GROUP BY 1;

SELECT lower(title), mood, count(*), max(hours) FROM todos GROUP BY 1, 2;

SELECT mood FROM todos GROUP BY mood;

SELECT count(*) FROM todos GROUP BY mood;

SELECT count(*), sum(hours) FROM todos GROUP BY list_id;

SELECT 1, 'x' AS x, count(*) FROM todos GROUP BY done;

SELECT 'x' AS x, count(*) FROM todos GROUP BY 1;

SELECT count(*) FROM todos GROUP BY ();

SELECT count(*) FROM todos WHERE false GROUP BY ();

SELECT count(*) FROM todos WHERE false GROUP BY mood;

-- @scale
SELECT weight, count(*) FROM todos GROUP BY weight;

SELECT trim_scale(weight), count(*), sum(hours) FROM todos GROUP BY trim_scale(weight);

SELECT count(*), sum(hours) FROM todos GROUP BY weight;

SELECT round(weight) AS w, count(*), min(title) FROM todos WHERE weight < 100 GROUP BY round(weight);

SELECT count(*), min(small) FROM todos GROUP BY odd;

-- @about
SELECT score, count(*) FROM todos GROUP BY score;

SELECT count(*), sum(small) FROM todos GROUP BY score;

-- @about real
SELECT ratio, count(*) FROM todos GROUP BY ratio;

SELECT small, count(*) FROM todos GROUP BY small;

SELECT big, count(*), count(DISTINCT title) FROM todos GROUP BY big;

SELECT due, count(*) FROM todos GROUP BY due;

SELECT at, count(*) FROM todos GROUP BY at;

SELECT stamp, count(*) FROM todos GROUP BY stamp;

SELECT justify_interval(took), count(*) FROM todos GROUP BY justify_interval(took);

SELECT count(*), sum(hours) FROM todos GROUP BY took;

SELECT tags, count(*) FROM todos GROUP BY tags;

SELECT meta, count(*) FROM todos GROUP BY meta;

SELECT raw, count(*) FROM todos GROUP BY raw;

SELECT note, count(*) FROM todos GROUP BY note;

SELECT c, count(*) FROM todos GROUP BY c;

SELECT range, count(*) FROM todos GROUP BY range;

SELECT t, tz, count(*) FROM odds GROUP BY t, tz;

SELECT ip, count(*) FROM odds GROUP BY ip;

SELECT bits, more, count(*) FROM odds GROUP BY bits, more;

SELECT share, called, ch, count(*) FROM odds GROUP BY share, called, ch;

SELECT moods, grid, count(*) FROM odds GROUP BY moods, grid;

SELECT m, count(*) FROM odds GROUP BY m;

SELECT mood, done, count(*), sum(small), max(big) FROM todos GROUP BY mood, done;

SELECT mood::text || coalesce(done::text, '?') AS both, count(*) FROM todos GROUP BY mood, done;

SELECT mood::text, length(mood::text), count(*) FROM todos GROUP BY mood;

SELECT date_trunc('month', due) AS month, count(*) FROM todos WHERE isfinite(due) GROUP BY 1;

SELECT extract(year FROM due) AS year, count(*) FROM todos GROUP BY extract(year FROM due);

SELECT extract(dow FROM due), to_char(due, 'YYYY-MM'), count(*) FROM todos WHERE isfinite(due) GROUP BY 1, 2;

SELECT id, count(*) FROM todos WHERE small = 7 GROUP BY id;

SELECT id, title, mood, count(*) FROM todos WHERE small = 7 GROUP BY id;

SELECT todos.*, count(*) FROM todos WHERE small = 7 AND hours = 8 GROUP BY id;

SELECT hours > 5 AS long, count(*) FROM todos GROUP BY hours > 5;

SELECT hours % 3, sum(hours), avg(weight) FROM todos GROUP BY hours % 3;

SELECT (hours, small), count(*) FROM todos GROUP BY (hours, small);

SELECT CASE WHEN hours < 3 THEN 'short' WHEN hours < 10 THEN 'medium' ELSE 'long' END AS size, count(*), sum(hours::int8) FROM todos GROUP BY 1;

SELECT coalesce(title, 'none'), count(*) FROM todos GROUP BY coalesce(title, 'none');

SELECT left(title, 1) AS first, count(*), string_agg(title, ',' ORDER BY title, id) FROM todos GROUP BY 1;

SELECT title COLLATE "C", count(*) FROM todos GROUP BY title COLLATE "C";

SELECT t.mood, count(t.id), max(t.title) FROM todos AS t GROUP BY t.mood;

SELECT mood m, count(*) c FROM todos t (a, b) GROUP BY m;

SELECT mood, count(*) AS mood FROM todos GROUP BY todos.mood;

SELECT "Order", count(*), sum("select") FROM "Mixed Case" GROUP BY "Order";

SELECT page, sum(hits), count(*) FROM visits GROUP BY page;

SELECT "on", page, sum(hits) FROM visits GROUP BY "on", page;

SELECT kind, count(*), sum(amount), avg(amount) FROM events GROUP BY kind;

SELECT amount, count(*) FROM events GROUP BY amount;

SELECT color, count(*), max(budget) FROM lists GROUP BY color;

SELECT shout, count(*) FROM lists GROUP BY shout;

SELECT done, count(*) FILTER (WHERE mood = 'happy'), sum(hours) FILTER (WHERE small > 0), array_agg(DISTINCT mood ORDER BY mood) FROM todos GROUP BY done;

SELECT mood, count(DISTINCT title), count(DISTINCT done), count(*) FROM todos GROUP BY mood;

SELECT mood, count(DISTINCT title) FILTER (WHERE done), sum(DISTINCT hours), sum(hours) FROM todos GROUP BY mood;

SELECT DISTINCT count(*) FROM todos GROUP BY title;

SELECT mood, sum(hours) + sum(small), sum(hours) * 100.0 / sum(sum(hours)) OVER () FROM todos GROUP BY mood;

SELECT n, count(*) FROM todos GROUP BY n;

SELECT upper(left(coalesce(note, '-'), 1)) AS letter, bool_or(done), bool_and(done), bit_or(small) FROM todos GROUP BY letter;

SELECT hours AS small, count(*) FROM todos GROUP BY small, hours;

SELECT twice(hours), count(*) FROM todos WHERE abs(hours::int8) < 100 GROUP BY twice(hours);

SELECT meta -> 'a' AS a, count(*) FROM todos GROUP BY meta -> 'a';

SELECT jsonb_typeof(meta), count(*) FROM todos GROUP BY 1;

SELECT cardinality(tags), count(*) FROM todos GROUP BY 1;

SELECT NULL AS nothing, count(*) FROM todos GROUP BY 1;

SELECT done, mood, count(*) FROM todos GROUP BY DISTINCT done, mood;
