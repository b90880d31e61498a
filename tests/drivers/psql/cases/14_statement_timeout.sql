SET statement_timeout = 100;
SELECT pg_sleep(10);
RESET statement_timeout;
SHOW statement_timeout;
SELECT count(*) FROM lists;
