//! `PREPARE` and `EXECUTE` of an analyst's session: what one Postgres would say, message by message.

use crate::play::{Exchange, agree};
use stuffgate_tests::testkit::frames::{bind, describe, execute, parse, query, sync};

const COUNT: &str = "PREPARE p (int) AS SELECT count(*) FROM todos WHERE hours = $1";

fn all(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| query(text)).collect()
}

fn exchanges() -> Vec<Exchange> {
    vec![
        (
            "executed with constants of every kind",
            all(&[
                COUNT,
                "EXECUTE p(3)",
                "EXECUTE p(1 + 2)",
                "EXECUTE p('3')",
                "EXECUTE p(NULL)",
                "EXECUTE p(2.6)",
                "EXECUTE p",
                "EXECUTE p(1, 2)",
                "PREPARE none AS SELECT count(*) FROM todos; EXECUTE none; EXECUTE none(1)",
                "PREPARE many (mood, date, text[], numeric(10, 2), unknown) AS SELECT $1, $2, $3, $4, $5::text",
                "EXECUTE many('ok', '2024-01-01', ARRAY['x,y', NULL], 1.234, 'it''s (1, 2)')",
            ]),
        ),
        (
            "values keep all their digits, however they are written",
            all(&[
                "SET extra_float_digits = -5; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = sql_standard",
                "PREPARE f (float8, interval, date) AS SELECT $1 = 1 / 3::float8, $2 = '-1 day +02:00', $3 < due, id FROM todos WHERE isfinite(due) ORDER BY id LIMIT 2",
                "EXECUTE f(1 / 3::float8, '-1 day +02:00', '31/12/2023')",
            ]),
        ),
        (
            "names that are taken or unknown, and statements that cannot be",
            all(&[
                COUNT,
                COUNT,
                "DEALLOCATE p; EXECUTE p(1)",
                "EXECUTE nope",
                "SELECT 'ä'; PREPARE q AS SELECT 'ö', nope FROM todos",
                "PREPARE q AS SHOW TimeZone",
                "PREPARE q AS",
                "EXECUTE q(",
                "PREPARE q AS SELECT $2::int",
                "BEGIN; PREPARE q AS SELECT 1; ROLLBACK; EXECUTE q",
                "DISCARD ALL",
                "EXECUTE q",
            ]),
        ),
        (
            "by both protocols",
            vec![
                query(COUNT),
                describe(b'S', "p"),
                bind("", "p", &[Some("3")]),
                execute("", 0),
                sync(),
                parse("z", "SELECT id FROM todos WHERE hours > $1 ORDER BY id LIMIT 5"),
                sync(),
                query("EXECUTE z(3)"),
                parse("", "EXECUTE z(1)"),
                describe(b'S', ""),
                bind("parts", "", &[]),
                describe(b'P', "parts"),
                execute("parts", 2),
                execute("parts", 2),
                execute("parts", 2),
                sync(),
                query("DEALLOCATE z"),
                bind("", "z", &[Some("3")]),
                sync(),
                parse("", COUNT),
                sync(),
            ],
        ),
    ]
}

#[tokio::test]
async fn statements_named_in_sql_are_those_of_one_postgres() {
    agree(exchanges()).await;
}
