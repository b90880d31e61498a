//! Values of every kind, written and read in the binary format where the statement is prepared.

use crate::code;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_drivers::{Outcome, digest};
use serde_json::{Value, json};
use sqlx::postgres::types::{PgInterval, PgRange};
use sqlx::types::Json;
use sqlx::{Executor as _, PgPool, Row as _};
use std::collections::BTreeMap;
use uuid::Uuid;

pub async fn binary(it: &PgPool) -> Outcome {
    let sent = (i16::MIN, i32::MAX, i64::MIN, 1.5_f32, f64::MIN_POSITIVE, true, "ünï".to_owned());
    let query = sqlx::query_as("SELECT $1, $2, $3, $4, $5, $6, $7")
        .bind(sent.0)
        .bind(sent.1)
        .bind(sent.2)
        .bind(sent.3);
    let got: (i16, i32, i64, f32, f64, bool, String) =
        query.bind(sent.4).bind(sent.5).bind(&sent.6).fetch_one(it).await?;
    println!("binary: {got:?}, the same: {}", got == sent);
    let text = it.fetch_one("SELECT 42, 1.5::float8, 'text'").await?;
    println!(
        "binary: without parameters {} {} {}",
        text.get::<i32, _>(0),
        text.get::<f64, _>(1),
        text.get::<&str, _>(2)
    );
    println!("binary: wrong type {}", code(sqlx::query("SELECT 1 + $1").bind("one").fetch_one(it).await));
    Ok(())
}

pub async fn null(it: &PgPool) -> Outcome {
    let query = sqlx::query_as("SELECT $1::text, $2::int4, $1::text IS NULL, coalesce($2::int4, 7)");
    let got: (Option<String>, Option<i32>, bool, i32) =
        query.bind(None::<String>).bind(None::<i32>).fetch_one(it).await?;
    println!("null: {got:?}");
    let refused =
        sqlx::query("INSERT INTO sq_item (name) VALUES ($1)").bind(None::<String>).execute(it).await;
    println!("null: not null column {}", code(refused));
    Ok(())
}

pub async fn arrays(it: &PgPool) -> Outcome {
    let words = vec![Some("a,b".to_owned()), None, Some("{\"q\"}".to_owned()), Some(String::new())];
    let ids = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
    let query =
        sqlx::query_as("SELECT $1::text[], $2::int8[], array_length($1, 1), $3::uuid[], ARRAY[]::int4[]");
    let back: (Vec<Option<String>>, Vec<i64>, i32, Vec<Uuid>, Vec<i32>) =
        query.bind(&words).bind(vec![i64::MIN, 0, i64::MAX]).bind(&ids).fetch_one(it).await?;
    println!("arrays: {back:?}");
    let tags: Vec<Vec<String>> =
        sqlx::query_scalar("SELECT tags FROM sq_item WHERE 'public' = ANY(tags) ORDER BY id")
            .fetch_all(it)
            .await?;
    println!("arrays: stored {tags:?}");
    let unnested: Vec<(String, i32)> = sqlx::query_as("SELECT * FROM unnest($1::text[], $2::int4[])")
        .bind(vec!["x", "public"])
        .bind(vec![1, 2])
        .fetch_all(it)
        .await?;
    println!("arrays: unnested {unnested:?}");
    Ok(())
}

pub async fn jsonb(it: &PgPool) -> Outcome {
    let sent = json!({"schema": "public", "n": 1.25, "deep": [null, true, {"ü": "\"public\".\"t\""}]});
    let query =
        sqlx::query_as("SELECT $1::jsonb, $2::json, $1::jsonb -> 'deep' -> 2, $1::jsonb ->> 'schema'");
    let back: (Value, Value, Value, String) = query.bind(&sent).bind(Json(&sent)).fetch_one(it).await?;
    println!("jsonb: {back:?}, the same: {}", back.0 == sent && back.1 == sent);
    let stored: Json<BTreeMap<String, i32>> =
        sqlx::query_scalar("UPDATE public.sq_item SET about = $1 WHERE name = 'pen' RETURNING about")
            .bind(json!({"one": 1}))
            .fetch_one(it)
            .await?;
    println!("jsonb: into a map {:?}", stored.0);
    Ok(())
}

pub async fn timestamptz(it: &PgPool) -> Outcome {
    let mut connection = it.acquire().await?;
    connection.execute("SET TIME ZONE 'Asia/Kathmandu'").await?;
    let at: DateTime<FixedOffset> = "2024-02-29T23:59:59.123456+05:30".parse()?;
    let naive: NaiveDateTime = "1969-12-31T23:59:59.999999".parse()?;
    let (day, time): (NaiveDate, NaiveTime) = ("0044-03-15".parse()?, "23:59:59.999999".parse()?);
    let query = sqlx::query_as("SELECT $1, $2, $3, $4, $1::text").bind(at).bind(naive).bind(day).bind(time);
    let back: (DateTime<Utc>, NaiveDateTime, NaiveDate, NaiveTime, String) =
        query.fetch_one(&mut *connection).await?;
    println!("timestamptz: {back:?}");
    connection.execute("SET TIME ZONE DEFAULT").await?;
    let interval = PgInterval { months: 14, days: -3, microseconds: 5_000_001 };
    let range = PgRange {
        start: std::ops::Bound::Included(day),
        end: std::ops::Bound::Excluded(NaiveDate::MAX.min("2044-03-15".parse()?)),
    };
    let query = sqlx::query_as("SELECT $1, $1::text, $2, upper($2)").bind(interval).bind(range);
    let back: (PgInterval, String, PgRange<NaiveDate>, NaiveDate) = query.fetch_one(&mut *connection).await?;
    println!("timestamptz: {:?} is {}, {} up to {}", back.0, back.1, back.2, back.3);
    Ok(())
}

pub async fn numeric(it: &PgPool) -> Outcome {
    for text in ["0", "-0.000001", "79228162514264337593543950335", "12345.67890"] {
        let sent: Decimal = text.parse()?;
        let back: (Decimal, String) = sqlx::query_as("SELECT $1, $1::text").bind(sent).fetch_one(it).await?;
        println!("numeric: {} and {}", back.0, back.1);
    }
    let update = || sqlx::query_scalar("UPDATE sq_item SET amount = $1 WHERE name = 'pen' RETURNING amount");
    let rounded: Decimal = update().bind(Decimal::new(19_999_999, 5)).fetch_one(it).await?;
    println!("numeric: rounded to {rounded}");
    println!(
        "numeric: {}",
        code(update().bind(Decimal::from(1_000_000_000_000_i64)).fetch_one(it).await.map(|_: Decimal| ()))
    );
    Ok(())
}

pub async fn bytea(it: &PgPool) -> Outcome {
    let sent: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let back: (Vec<u8>, i32, String, Vec<u8>) =
        sqlx::query_as("SELECT $1::bytea, length($1), md5($1), ''::bytea").bind(&sent).fetch_one(it).await?;
    println!(
        "bytea: {} of {} bytes, md5 {}, the same: {}, empty {:?}",
        digest(&back.0),
        back.1,
        back.2,
        back.0 == sent,
        back.3
    );
    Ok(())
}

pub async fn uuid(it: &PgPool) -> Outcome {
    let sent = Uuid::parse_str("67e55044-10b1-426f-9247-bb680e5fe0c8")?;
    let back: (Uuid, String, bool) =
        sqlx::query_as("SELECT $1, $1::text, gen_random_uuid() <> $1").bind(sent).fetch_one(it).await?;
    println!("uuid: {back:?}");
    Ok(())
}
