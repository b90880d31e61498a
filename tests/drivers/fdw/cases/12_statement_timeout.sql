SET statement_timeout = 300;
SELECT * FROM service.slow;
RESET statement_timeout;
SELECT count(*) FROM alice.todos;
