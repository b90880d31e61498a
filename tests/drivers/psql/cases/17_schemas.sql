-- Their names: whose they are differs from server to server.
\o |cut -d'|' -f1
\dn
\o
SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1;
SELECT current_schemas(false);
