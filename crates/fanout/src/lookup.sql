WITH named AS MATERIALIZED (
    SELECT a.ord, c.oid, c.relkind, n.nspname
    FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
        WITH ORDINALITY AS a(space, name, ord)
    JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(
        CASE WHEN a.space IS NULL THEN '' ELSE pg_catalog.quote_ident(a.space) || '.' END
        || pg_catalog.quote_ident(a.name))
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
)
SELECT 'r', ord, 0, nspname::pg_catalog.text, relkind::pg_catalog.text,
    CASE WHEN relkind = 'v' AND nspname NOT IN ('pg_catalog', 'information_schema')
        THEN pg_catalog.pg_get_viewdef(oid) END,
    NULL, NULL, NULL, NULL
FROM named
UNION ALL
SELECT 'c', r.ord, a.attnum, a.attname, a.attnotnull::pg_catalog.text, t.oid::pg_catalog.text,
    pg_catalog.format_type(t.oid, -1),
    CASE WHEN t.typarray <> 0 THEN pg_catalog.format_type(t.typarray, -1) END,
    t.typcategory::pg_catalog.text,
    -- 100 is the database's default, 950 and 951 are "C" and "POSIX".
    CASE WHEN t.typcollation = 0 THEN 'false'
        WHEN pg_catalog.getdatabaseencoding() <> 'UTF8' THEN 'true'
        WHEN a.attcollation IN (950, 951) THEN 'bytes'
        WHEN a.attcollation = 100 AND (
            SELECT d.datlocprovider = 'b' OR d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')
            FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) THEN 'bytes'
        ELSE 'true' END
FROM named r
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
UNION ALL
SELECT 'k', r.ord, i.indexrelid::pg_catalog.int8, a.attname, a.attnotnull::pg_catalog.text,
    i.indisprimary::pg_catalog.text, NULL, NULL, NULL, NULL
FROM named r
JOIN pg_catalog.pg_index i ON i.indrelid = r.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
UNION ALL
SELECT 'l', r.ord, k.oid::pg_catalog.int8, a.attname, n.nspname, c.relname, b.attname, NULL, NULL, NULL
FROM named r
JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype = 'f' AND k.convalidated
JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) AS u(own, theirs)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own
JOIN pg_catalog.pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.theirs
UNION ALL
SELECT 'p', f.ord, p.oid::pg_catalog.int8, n.nspname, p.prokind::pg_catalog.text,
    p.provolatile::pg_catalog.text, p.proretset::pg_catalog.text,
    (n.nspname <> 'pg_catalog' AND EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
    ))::pg_catalog.text,
    (p.pronargs - p.pronargdefaults)::pg_catalog.text,
    CASE WHEN p.provariadic = 0 THEN p.pronargs::pg_catalog.text END
FROM ROWS FROM (pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[]))
    WITH ORDINALITY AS f(space, name, ord)
JOIN pg_catalog.pg_proc p ON p.proname = f.name
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE f.space = n.nspname OR f.space IS NULL AND n.nspname = ANY (pg_catalog.current_schemas(true))
ORDER BY 1, 2, 3
