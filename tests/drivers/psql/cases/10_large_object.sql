\! seq 1 200000 > numbers.txt
\lo_import numbers.txt 'the numbers'
\set numbers :LASTOID
\lo_export :numbers back.txt
\! cmp numbers.txt back.txt && echo same
SELECT length(lo_get(:numbers)), md5(lo_get(:numbers));
BEGIN;
SELECT lo_open(:numbers, 262144) AS fd \gset
SELECT encode(loread(:fd, 6), 'escape'), lo_lseek(:fd, -7, 2), encode(loread(:fd, 100), 'escape');
COMMIT;
\lo_unlink :numbers
\set VERBOSITY sqlstate
SELECT lo_get(:numbers);
