//! What a session has set decides what its statements mean, whatever others have set on the same connections.

use crate::agreement::{Oracle, Tally};
use crate::corpus::Case;
use crate::reply::{Form, ask};
use crate::stage::Stage;

/// One after another, each on top of those before it.
const SETTINGS: [&str; 13] = [
    "SET TimeZone = 'UTC'",
    "SET TimeZone = 'America/New_York'",
    "SET DateStyle = 'SQL, DMY'",
    "SET DateStyle = 'Postgres'",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET IntervalStyle = 'sql_standard'",
    "SET DateStyle = 'YMD'",
    "SET timezone_abbreviations = 'India'",
    "SET transform_null_equals = on",
    "SET IntervalStyle = 'postgres'",
    "SET DateStyle = 'German'",
    "SET TimeZone = 'UTC'",
    "SET transform_null_equals = off",
];
/// The constants in them are other ones under other settings.
const STATEMENTS: [&str; 12] = [
    "SHOW DateStyle",
    "SELECT count(*) FROM todos WHERE at < '2024-03-31 01:00'",
    "SELECT id FROM todos WHERE at > TIMESTAMPTZ '2024-10-27 00:45' ORDER BY id",
    "SELECT id, at FROM todos WHERE at < '2024-03-31 06:30 IST'",
    "SELECT count(*) FROM todos WHERE due < '02/01/24'",
    "SELECT id FROM todos WHERE stamp > '1/2/03' ORDER BY id LIMIT 40",
    "SELECT count(*) FROM todos WHERE took < '-1 2:03:04'",
    "SELECT count(*) FROM todos WHERE title = NULL",
    "SELECT mood, count(*) FILTER (WHERE at >= '2024-01-01') FROM todos GROUP BY mood",
    "SELECT mood, max(at) < '2024-12-31 23:59:59.5' FROM todos GROUP BY mood",
    "SELECT id, lead(at, 1, '2024-01-01') OVER (ORDER BY id) FROM todos",
    "SELECT '2024-03-31 01:00'::timestamptz < '2024-03-31 00:30+00'",
];

#[tokio::test]
async fn a_constant_is_read_under_the_settings_of_the_session_that_wrote_it() {
    let stage = Stage::start().await;
    let (mut oracle, mut tally) = (Oracle::of(&stage).await, Tally::default());
    for at in 0..SETTINGS.len() {
        let set = &SETTINGS[..=at];
        oracle.set(SETTINGS[at]).await;
        for tier in ["auto", "t3"] {
            let mut analyst = stage.analyst(tier).await;
            assert_eq!(analyst.simple(&set.join("; ")).await.unwrap().errors, []);
            for sql in STATEMENTS {
                let case = Case { subject: "settings".to_owned(), sql: sql.to_owned(), ..Case::default() };
                let wanted = oracle.ask(&case, Form::Text).await;
                let got = ask(&mut analyst, Form::Text, sql, &[]).await.unwrap();
                tally.take(&case, &format!("{tier} after {:?}", set.last()), &wanted, &got);
            }
        }
    }
    tally.demand_agreement();
    assert_eq!(tally.counts(), (SETTINGS.len() * STATEMENTS.len() * 2, 0));
}

#[tokio::test]
async fn settings_under_which_texts_cannot_be_put_together_are_told_and_harm_nobody_else() {
    let stage = Stage::start().await;
    let (mut one, mut other) = (stage.analyst("auto").await, stage.analyst("auto").await);
    for set in ["SET array_nulls = off", "SET quote_all_identifiers = on", "SET xmloption = document"] {
        assert_eq!(one.simple(set).await.unwrap().errors, []);
        for asked in ["SELECT mood, tags FROM todos", "SELECT tags, count(*) FROM todos GROUP BY tags"] {
            let refused = one.simple(asked).await.unwrap();
            assert_eq!(refused.code(), "0A000", "{set}");
            assert!(!refused.errors[0].hint().is_empty(), "{set}");
            assert_eq!(other.simple(asked).await.unwrap().errors, [], "{set}");
        }
        assert_eq!(one.simple("RESET ALL").await.unwrap().errors, []);
        assert_eq!(one.simple("SELECT tags FROM todos").await.unwrap().errors, [], "{set}");
    }
}
