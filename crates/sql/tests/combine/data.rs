//! Unfriendly rows, and how they are spread over stores.

use crate::house::{House, STORES};

/// How many rows `pool` has.
pub(crate) const POOL: usize = 64;

const SCHEMA: &str = "
CREATE COLLATION public.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'merry');
CREATE DOMAIN public.positive AS int8 CHECK (value > 0);
";

const TABLES: &str = "
CREATE TABLE things (
    id serial PRIMARY KEY, g int, who text, what varchar(20), mood mood, flag bool, small int2, n int4,
    big int8, num numeric, price numeric(10,2), tiny numeric, r real, d float8, at timestamptz, day date,
    span interval, u uuid, blob bytea, doc jsonb, j json, arr int[], rng int4range,
    ci text COLLATE nocase, pad char(6), bits bit(4), dom positive);
CREATE TABLE people (id uuid PRIMARY KEY, name text, city text);
CREATE TABLE todos (
    id serial PRIMARY KEY, owner uuid REFERENCES people (id), title text, done bool, cost numeric, due date);
CREATE TABLE lists (id uuid PRIMARY KEY, todo int, person uuid REFERENCES people (id));
";

/// Arrays of values, of lengths that have no common divisor, make rows that repeat in part only.
const FILL: &str = "
CREATE TABLE public.pool AS SELECT i AS row,
  (ARRAY[1,2,3,NULL])[1 + i % 4] AS g,
  (ARRAY['a','A','b','ä','Z','z','',NULL,'a b','ß','{x}','\"q\"','back\\slash'])[1 + i % 13] AS who,
  (ARRAY['x','X','y',NULL,'long word'])[1 + i % 5]::varchar(20) AS what,
  (ARRAY['sad','ok','merry',NULL])[1 + i % 4]::mood AS mood,
  (ARRAY[true,false,NULL,true,true])[1 + i % 5] AS flag,
  (ARRAY[1,-5,NULL,32767,7])[1 + i % 5]::int2 AS small,
  (ARRAY[1,2,NULL,2147483647,-2147483648,0,7,7])[1 + i % 8] AS n,
  (ARRAY[10,NULL,9223372036854775807,-3,0,12345678901])[1 + i % 6]::int8 AS big,
  (ARRAY['1.5','1.50','-0.001','1e20',NULL,'0','3.333333333333333333333','NaN','1.500'])[1 + i % 9]::numeric AS num,
  (ARRAY['1.10','2.25',NULL,'99999999.99','-0.01','0.00'])[1 + i % 6]::numeric(10,2) AS price,
  (ARRAY['1e-30','2.5e-30','0.1234567890123456789012345678901234567890123456789',NULL])[1 + i % 4]::numeric AS tiny,
  (ARRAY['1.5','-0','NaN','3e10',NULL,'0'])[1 + i % 6]::real AS r,
  (ARRAY['1.5','-0','0','250.25',NULL,'0.1','-7.25'])[1 + i % 7]::float8 AS d,
  timestamptz '2026-03-01 00:00+00' + i * interval '7 hours 13 minutes' AS at,
  (ARRAY['2026-01-01','2026-02-28',NULL,'1999-12-31'])[1 + i % 4]::date AS day,
  (ARRAY['1 day','24 hours','1 mon 2 days','-3 hours',NULL,'00:00:01.5'])[1 + i % 6]::interval AS span,
  ('00000000-0000-0000-0000-00000000000' || i % 5)::uuid AS u,
  (ARRAY['\\x00ff','\\x','\\x5c27',NULL])[1 + i % 4]::bytea AS blob,
  (ARRAY['{\"a\":1}','{\"a\":1.0}','[1,null]','\"s\"',NULL])[1 + i % 5]::jsonb AS doc,
  (ARRAY['{\"b\": 2,  \"a\":1}','[]',NULL])[1 + i % 3]::json AS j,
  (ARRAY['{1,2}','{}',NULL,'{NULL,3}'])[1 + i % 4]::int[] AS arr,
  (ARRAY['[1,5)','[3,9)','empty',NULL,'[20,)'])[1 + i % 5]::int4range AS rng,
  (ARRAY['foo','FOO','Bar',NULL,'bar','Baz'])[1 + i % 6] AS ci,
  (ARRAY['ab','ab  ','cd',NULL])[1 + i % 4]::char(6) AS pad,
  (ARRAY['1010','0110',NULL,'1111'])[1 + i % 4]::bit(4) AS bits,
  (1 + i % 3)::positive AS dom
FROM generate_series(0, 63) AS i;
";

/// Makes schemas and tables; nothing is in them.
pub(crate) async fn build(house: &House) {
    house.run(SCHEMA).await;
    house.run(FILL).await;
    for schema in STORES.iter().chain(&["home"]) {
        house.run(&format!("CREATE SCHEMA {schema}; SET search_path = {schema}, public; {TABLES}")).await;
    }
    house.run("CREATE SCHEMA whole").await;
    for table in ["things", "people", "todos", "lists"] {
        let parts = STORES.map(|store| format!("SELECT *, '{store}'::text AS _store FROM {store}.{table}"));
        house.run(&format!("CREATE VIEW whole.{table} AS {}", parts.join(" UNION ALL "))).await;
    }
    house.run("RESET search_path").await;
}

/// Puts each row of the pool into the store that `places` says, and the people and their to-dos with it.
pub(crate) async fn spread(house: &House, places: &[usize]) {
    for (at, store) in STORES.iter().enumerate() {
        let rows =
            places.iter().enumerate().filter(|(_, place)| **place == at).map(|(row, _)| row.to_string());
        let rows = rows.chain(["-1".to_owned()]).collect::<Vec<_>>().join(",");
        house
            .run(&format!(
                "TRUNCATE {store}.things, {store}.people, {store}.todos, {store}.lists RESTART IDENTITY;
                 INSERT INTO {store}.things (g, who, what, mood, flag, small, n, big, num, price, tiny, r, d, at, day,
                    span, u, blob, doc, j, arr, rng, ci, pad, bits, dom)
                 SELECT g, who, what, mood, flag, small, n, big, num, price, tiny, r, d, at, day,
                    span, u, blob, doc, j, arr, rng, ci, pad, bits, dom FROM pool WHERE row IN ({rows}) ORDER BY row;
                 INSERT INTO {store}.people SELECT md5('p' || row)::uuid, who, what FROM pool
                    WHERE row IN ({rows}) AND row % 5 <> 0;
                 INSERT INTO {store}.todos (owner, title, done, cost, due)
                    SELECT CASE WHEN row % 7 > 0 THEN (SELECT p.id FROM {store}.people p ORDER BY p.id OFFSET row % 4 LIMIT 1) END,
                    who, flag, num, day FROM pool WHERE row IN ({rows});
                 INSERT INTO {store}.lists SELECT md5('l' || id)::uuid, 1 + id % 3, owner FROM {store}.todos WHERE id % 2 = 0"
            ))
            .await;
    }
}

/// One store without a row, one with most of them.
pub(crate) fn uneven() -> Vec<usize> {
    (0..POOL).map(|row| [0, 0, 0, 1, 0, 0, 3][row % 7]).collect()
}
