-- WITHIN GROUP: percentiles, mode, hypothetical ranks.

-- @at t3 t2
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) FROM todos;

-- @at t3 t2
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY hours) FROM todos;

SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY title), percentile_disc(0.1) WITHIN GROUP (ORDER BY title DESC) FROM todos;

SELECT percentile_cont(ARRAY[0, 0.25, 0.5, 0.75, 1]) WITHIN GROUP (ORDER BY small) FROM todos;

SELECT percentile_disc(ARRAY[0.1, NULL, 0.9]) WITHIN GROUP (ORDER BY due) FROM todos;

SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY ratio) FROM todos;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FROM todos WHERE took < '1 year';

SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY mood), percentile_disc(0.5) WITHIN GROUP (ORDER BY at) FROM todos;

SELECT mood, percentile_cont(0.5) WITHIN GROUP (ORDER BY hours), percentile_disc(0.5) WITHIN GROUP (ORDER BY small) FROM todos GROUP BY mood;

SELECT done, percentile_disc(0.25) WITHIN GROUP (ORDER BY hours) FILTER (WHERE mood = 'ok') FROM todos GROUP BY done;

SELECT mode() WITHIN GROUP (ORDER BY hours) FROM todos;

SELECT mode() WITHIN GROUP (ORDER BY title), mode() WITHIN GROUP (ORDER BY mood DESC) FROM todos;

SELECT done, mode() WITHIN GROUP (ORDER BY note), count(*) FROM todos GROUP BY done;

SELECT rank(8) WITHIN GROUP (ORDER BY hours), dense_rank(8) WITHIN GROUP (ORDER BY hours) FROM todos;

SELECT percent_rank(8) WITHIN GROUP (ORDER BY hours), cume_dist(8) WITHIN GROUP (ORDER BY hours DESC NULLS LAST) FROM todos;

SELECT mood, rank('milk') WITHIN GROUP (ORDER BY title) FROM todos GROUP BY mood;

SELECT rank(8, 'n') WITHIN GROUP (ORDER BY hours, title DESC) FROM todos;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) FROM todos WHERE false;

SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY trim_scale(weight)), count(*), sum(hours) FROM todos;

-- @ordered
SELECT title, percentile_disc(0.5) WITHIN GROUP (ORDER BY hours) AS p FROM todos GROUP BY title HAVING count(*) > 2 ORDER BY p, title;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY score) FROM todos WHERE abs(score) < 1000;
