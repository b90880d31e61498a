//! What was prepared is good for as long as home is what it was.

use crate::bed::Bed;
use bytes::Bytes;
use fanout::Values;

#[tokio::test]
async fn a_table_that_changes_on_home_is_seen_at_once() {
    let bed = Bed::with(|_| "INSERT INTO todos (title, hours) VALUES ('a', 1)".into()).await;
    let all = "SELECT * FROM todos";
    let counted = "SELECT count(*) FROM todos";
    let known = (bed.describe(all).await.expect("valid"), bed.describe(counted).await.expect("valid"));
    for database in ["home", "ann", "ben", "cem"] {
        bed.sql(database, "ALTER TABLE todos ADD COLUMN fresh int DEFAULT 7");
    }
    let error =
        bed.run(&bed.asker, known.0, Values::default()).await.map(|_| ()).expect_err("it has a column more");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("0A000", "cached plan must not change result type")
    );
    let answer = bed.run(&bed.asker, known.1, Values::default()).await.expect("its result is what it was");
    assert_eq!(answer.lines(), ["3"]);
    let answer = bed.ask(all).await;
    assert_eq!(answer.names.last().map(String::as_str), Some("fresh"));
    assert!(answer.lines().iter().all(|line| line.ends_with("|7")), "{:?}", answer.lines());
    bed.sql("home", "DROP TABLE todos CASCADE");
    assert_eq!(bed.refused(counted).await.code.as_str(), "42P01");
}

#[tokio::test]
async fn a_type_that_is_made_anew_is_told_of_anew() {
    let bed = Bed::with(|_| String::new()).await;
    let sql = "SELECT 'sad'::mood";
    let known = bed.describe(sql).await.expect("valid");
    bed.sql("home", "ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('sad', 'glad')");
    let before = known.columns.as_ref().expect("a column")[0].oid;
    let stale = bed.run(&bed.asker, known, Values::default()).await.map(|answer| answer.lines());
    assert_eq!(stale.expect_err("its type is another").code.as_str(), "0A000");
    let answer = bed.ask(sql).await;
    assert_eq!(answer.lines(), ["sad"]);
    assert_ne!(answer.oids, [before]);
}

#[tokio::test]
async fn settings_of_the_session_reach_home_and_every_store() {
    let bed =
        Bed::with(|_| "INSERT INTO todos (title, at) VALUES ('a', '2026-03-04 05:06:07.89+00')".into()).await;
    let mut asker = bed.asker.clone();
    asker.set_up = "RESET ALL; SELECT set_config('timezone', 'Asia/Tokyo', false), \
         set_config('datestyle', 'German, DMY', false)"
        .into();
    asker.fingerprint = 99;
    let reported = bed.fanout.check_settings(&asker).await.expect("home takes them");
    assert!(reported.contains(&("TimeZone".to_owned(), "Asia/Tokyo".to_owned())), "{reported:?}");
    let sql = "SELECT at, count(*) FROM todos WHERE at = $1 GROUP BY at";
    for _ in 0..2 {
        let answer = bed.ask_as(&asker, sql, &[Some("04.03.2026 14:06:07.89")]).await.expect("an answer");
        assert_eq!(answer.lines(), ["04.03.2026 14:06:07.89 JST|3"]);
        let answer = bed.ask_as(&bed.asker, sql, &[Some("2026-03-04 05:06:07.89")]).await.expect("an answer");
        assert_eq!(answer.lines(), ["2026-03-04 05:06:07.89+00|3"]);
    }
    asker.set_up = "SELECT set_config('timezone', 'Mars/Base', false)".into();
    asker.fingerprint = 98;
    assert_eq!(bed.fanout.check_settings(&asker).await.expect_err("no such zone").code.as_str(), "22023");
    asker.set_up = "SET client_encoding = 'LATIN1'".into();
    let refused = bed.fanout.describe(&asker, "SELECT 1", &[]).await.map(|_| ()).expect_err("not UTF8");
    assert_eq!(refused.code.as_str(), "0A000");
}

#[tokio::test]
async fn results_come_in_the_formats_that_are_asked_for() {
    let bed = Bed::with(|_| "INSERT INTO todos (title) VALUES ('a')".into()).await;
    let described = bed
        .describe("SELECT title, count(*)::int4 FROM todos WHERE id = $1 GROUP BY 1")
        .await
        .expect("valid");
    let parameters = vec![Some(Bytes::from_static(&[0, 0, 0, 1]))];
    let values = Values { parameters, formats: vec![1], results: vec![0, 1] };
    let answer = bed.run(&bed.asker, described, values).await.expect("an answer");
    assert_eq!(answer.lines(), ["a|\0\0\0\u{3}"]);
}

#[tokio::test]
async fn values_are_whole_on_home_whatever_the_client_wants_to_see_of_them() {
    let rows = "ALTER TABLE todos ADD ratio real; \
                INSERT INTO todos (title, ratio, at) VALUES ('a', 10::real / 3, '2026-03-04 05:06:07+00')";
    let bed = Bed::with(|_| rows.into()).await;
    bed.sql("home", "ALTER TABLE todos ADD ratio real");
    let mut asker = bed.asker.clone();
    // 'IST' is written for India and read as Israel.
    asker.set_up =
        "RESET ALL; SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = 0"
            .into();
    asker.fingerprint = 97;
    for sql in [
        "SELECT max(ratio)::float8, max(at) FROM todos",
        "SELECT ratio::float8, at FROM todos WHERE at = (SELECT max(at) FROM todos) LIMIT 1",
    ] {
        let answer = bed.ask_as(&asker, sql, &[]).await.expect("an answer");
        assert_eq!(answer.lines(), ["3.33333325386047|04/03/2026 10:36:07 IST"], "{sql}");
    }
    let answer = bed.ask_as(&asker, "SELECT ratio, at FROM todos LIMIT 1", &[]).await.expect("an answer");
    assert_eq!(answer.lines(), ["3.33333|04/03/2026 10:36:07 IST"]);
}
