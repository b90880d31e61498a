CREATE TABLE copied (n int PRIMARY KEY, what text);
\copy copied from stdin
1	one
2	\N
3	public
\.
\copy public.copied to 'copied.csv' csv header
\copy (SELECT * FROM copied WHERE n < 3 ORDER BY n) to 'some.tsv'
\! cat copied.csv some.tsv
DELETE FROM copied;
\copy copied from 'copied.csv' csv header
\copy copied from 'copied.csv' csv header
SELECT count(*), count(what) FROM copied;
COPY copied TO STDOUT;
COPY public.copied (n) FROM STDIN;
4
not a number
\.
SELECT count(*) FROM copied;

\copy (SELECT g, repeat('x', 100) FROM generate_series(1, 100000) g) to 'many.tsv'
\! sha256sum many.tsv
CREATE TABLE many (n int, what text);
\copy many from 'many.tsv'
SELECT count(*), sum(n) FROM many;
