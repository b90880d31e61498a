-- Dates, times, intervals, and what time it is.

SELECT id, due, at, stamp, took FROM todos;

SELECT id, due + 1, due - 1, due + interval '1 month', due - date '2024-01-01' FROM todos WHERE isfinite(due);

SELECT id, at + interval '1 day', at AT TIME ZONE 'Europe/Berlin', at AT TIME ZONE 'America/New_York', stamp AT TIME ZONE 'Asia/Kolkata' FROM todos;

SELECT id, date_trunc('hour', at), date_trunc('month', stamp), date_trunc('week', due) FROM todos WHERE isfinite(at) AND isfinite(stamp) AND isfinite(due);

SELECT id, extract(epoch FROM at), extract(day FROM stamp), date_part('year', due), extract(timezone FROM at) FROM todos;

SELECT id, at::date, at::time, at::timestamp, stamp::timestamptz, due::timestamptz, due::text, at::text FROM todos;

SELECT id, to_char(at, 'YYYY-MM-DD HH24:MI:SS.US TZ'), to_char(due, 'Day DD Mon YYYY'), to_char(took, 'HH24:MI:SS') FROM todos WHERE isfinite(at);

SELECT id, took * 2, took / 3, -took, took + interval '1 hour', justify_days(took), justify_hours(took) FROM todos;

SELECT id, age(at, '2020-01-01'), age(stamp, due) FROM todos WHERE isfinite(at) AND isfinite(stamp) AND isfinite(due);

SELECT id, at - timestamptz '2024-01-01 00:00:00+00', stamp - timestamp '2024-01-01' FROM todos WHERE isfinite(at) AND isfinite(stamp);

SELECT id, isfinite(at), at = 'infinity', due = '-infinity' FROM todos;

SELECT at::date, count(*) FROM todos GROUP BY at::date;

SELECT date_trunc('day', at) AS day, count(*), max(hours) FROM todos GROUP BY 1;

SELECT to_char(at, 'YYYY-MM'), count(*) FROM todos WHERE isfinite(at) GROUP BY 1;

SELECT date_trunc('day', at, 'Europe/Berlin'), count(*) FROM todos GROUP BY 1;

SELECT count(*) FROM todos WHERE at < now();

SELECT count(*) FROM todos WHERE due < CURRENT_DATE AND at < CURRENT_TIMESTAMP AND stamp < LOCALTIMESTAMP;

SELECT count(*) FROM todos WHERE due BETWEEN CURRENT_DATE - 100000 AND CURRENT_DATE + 1;

SELECT min(now()) = max(now()), count(DISTINCT now()), count(DISTINCT CURRENT_TIMESTAMP) FROM todos;

SELECT count(DISTINCT now() - at) = count(DISTINCT at) FROM todos WHERE isfinite(at);

SELECT count(*) FROM todos WHERE at > now() - interval '1000 years' AND at < transaction_timestamp();

SELECT count(DISTINCT statement_timestamp()) FROM todos;

SELECT now() = CURRENT_TIMESTAMP, CURRENT_DATE = now()::date, LOCALTIME = now()::time;

SELECT date_trunc('decade', due), count(*) FROM todos WHERE isfinite(due) GROUP BY 1;

SELECT make_date(2024, 2, 29), make_interval(days => 3), timestamptz '2024-03-31 02:30 Europe/Berlin';

SELECT generate_series(min(due), max(due), '1 year')::date FROM todos WHERE due BETWEEN '2000-01-01' AND '2030-01-01';

SELECT id, (due, due + 10) OVERLAPS (date '2024-01-01', date '2024-03-31') FROM todos WHERE isfinite(due);

SELECT date_bin('15 minutes', stamp, timestamp '2000-01-01'), count(*) FROM todos WHERE isfinite(stamp) GROUP BY 1;

SELECT sum(took), avg(took), justify_interval(min(took)), max(took) FROM todos WHERE took > '2 hours';

SELECT mood, sum(took), avg(took) FROM todos GROUP BY mood;

SELECT t, tz, t::text, tz::text, tz AT TIME ZONE 'UTC' FROM odds;

SELECT extract(hour FROM t), count(*), max(tz) FROM odds GROUP BY 1;

SELECT "on" - lag("on") OVER (ORDER BY "on", hits, page) FROM visits;
