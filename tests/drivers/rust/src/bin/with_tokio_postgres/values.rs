//! Values of every kind, written and read in the binary format, which is the only one this client uses.

use crate::{Session, code};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_drivers::{Outcome, digest};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::SystemTime;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

pub async fn binary(it: &mut Session) -> Outcome {
    let sent = (i16::MIN, i32::MAX, i64::MIN, 1.5_f32, f64::MIN_POSITIVE, true, "ünï", b'c' as i8);
    let row = it
        .client
        .query_one(
            "SELECT $1::int2, $2::int4, $3::int8, $4::float4, $5::float8, $6::bool, $7::text, $8::\"char\"",
            &[&sent.0, &sent.1, &sent.2, &sent.3, &sent.4, &sent.5, &sent.6, &sent.7],
        )
        .await?;
    let got: (i16, i32, i64, f32, f64, bool, &str, i8) =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5), row.get(6), row.get(7));
    println!("binary: {got:?}, the same: {}", got == sent);
    let typed = "SELECT $1 + $2, public.tp_twice($2)";
    let row = it.client.query_typed(typed, &[(&40_i32, Type::INT4), (&2_i32, Type::INT4)]).await?;
    println!("binary: typed {} and {}", row[0].get::<_, i32>(0), row[0].get::<_, i32>(1));
    println!("binary: wrong type {}", code(it.client.query("SELECT $1::int4", &[&"four"]).await));
    Ok(())
}

pub async fn null(it: &mut Session) -> Outcome {
    let none: Option<String> = None;
    let sql = "SELECT $1::text, $2::int4, $1::text IS NULL, coalesce($2::int4, 7), ARRAY[$1::text, 'x']";
    let row = it.client.query_one(sql, &[&none, &None::<i32>]).await?;
    let got: (Option<String>, Option<i32>, bool, i32, Vec<Option<String>>) =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
    println!("null: {got:?}");
    println!(
        "null: not null column {}",
        code(it.client.execute("INSERT INTO tp_item (name) VALUES ($1)", &[&none]).await)
    );
    Ok(())
}

pub async fn arrays(it: &mut Session) -> Outcome {
    let words = vec![Some("a,b"), None, Some("{\"q\"}"), Some("")];
    let sql = "SELECT $1::text[], $2::int8[], array_length($1, 1), $3::uuid[], ARRAY[]::int4[]";
    let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let row = it.client.query_one(sql, &[&words, &[i64::MIN, 0, i64::MAX], &ids]).await?;
    let back: (Vec<Option<String>>, Vec<i64>, i32) = (row.get(0), row.get(1), row.get(2));
    println!("arrays: {back:?}, {:?}, {:?}", row.get::<_, [Uuid; 2]>(3), row.get::<_, Vec<i32>>(4));
    let found = it
        .client
        .query("SELECT name FROM public.tp_item WHERE name = ANY($1) ORDER BY 1", &[&["ink", "pen", "none"]])
        .await?;
    println!("arrays: any {:?}", found.iter().map(|row| row.get(0)).collect::<Vec<String>>());
    Ok(())
}

pub async fn jsonb(it: &mut Session) -> Outcome {
    let sent = json!({"schema": "public", "n": 1.25, "deep": [null, true, {"ü": "\"public\".\"t\""}]});
    let row = it
        .client
        .query_one("SELECT $1::jsonb, $2::json, $1 -> 'deep' -> 2, $1 ->> 'schema'", &[&sent, &sent])
        .await?;
    let (binary, text): (Value, Value) = (row.get(0), row.get(1));
    println!(
        "jsonb: {binary}, the same: {}, {}, {}",
        binary == sent && text == sent,
        row.get::<_, Value>(2),
        row.get::<_, &str>(3)
    );
    let typed: Json<HashMap<String, i32>> =
        it.client.query_one("SELECT jsonb_build_object('one', 1)", &[]).await?.get(0);
    println!("jsonb: into a map {:?}", typed.0);
    Ok(())
}

pub async fn timestamptz(it: &mut Session) -> Outcome {
    it.client.batch_execute("SET TIME ZONE 'Asia/Kathmandu'").await?;
    let at: DateTime<FixedOffset> = "2024-02-29T23:59:59.123456+05:30".parse()?;
    let naive: NaiveDateTime = "1969-12-31T23:59:59.999999".parse()?;
    let (day, time): (NaiveDate, NaiveTime) = ("0044-03-15".parse()?, "23:59:59.999999".parse()?);
    let sql = "SELECT $1::timestamptz, $2::timestamp, $3::date, $4::time, $1::text, to_char($1, 'OF'), 'epoch'::timestamptz";
    let row = it.client.query_one(sql, &[&at, &naive, &day, &time]).await?;
    let back: (DateTime<Utc>, NaiveDateTime, NaiveDate, NaiveTime) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    println!("timestamptz: {back:?}, as text {} ({})", row.get::<_, &str>(4), row.get::<_, &str>(5));
    println!(
        "timestamptz: the epoch is the system's: {}",
        row.get::<_, SystemTime>(6) == SystemTime::UNIX_EPOCH
    );
    it.client.batch_execute("RESET TIME ZONE").await?;
    Ok(())
}

pub async fn numeric(it: &mut Session) -> Outcome {
    for text in ["0", "-0.000001", "79228162514264337593543950335", "12345.67890"] {
        let sent: Decimal = text.parse()?;
        let row = it.client.query_one("SELECT $1::numeric, ($1::numeric)::text", &[&sent]).await?;
        println!("numeric: {} and {}", row.get::<_, Decimal>(0), row.get::<_, &str>(1));
    }
    let row = it
        .client
        .query_one(
            "UPDATE tp_item SET amount = $1 WHERE name = 'pen' RETURNING amount",
            &[&Decimal::new(199_999, 3)],
        )
        .await?;
    println!("numeric: rounded to {}", row.get::<_, Decimal>(0));
    let beyond: Decimal = "123456789.00".parse()?;
    println!("numeric: {}", code(it.client.execute("UPDATE tp_item SET amount = $1", &[&beyond]).await));
    Ok(())
}

pub async fn bytea(it: &mut Session) -> Outcome {
    let sent: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let row = it.client.query_one("SELECT $1::bytea, length($1), md5($1), ''::bytea", &[&sent]).await?;
    let back: &[u8] = row.get(0);
    println!(
        "bytea: {} of {} bytes, md5 {}, the same: {}",
        digest(back),
        row.get::<_, i32>(1),
        row.get::<_, &str>(2),
        back == sent
    );
    println!("bytea: empty {:?}", row.get::<_, Vec<u8>>(3));
    Ok(())
}

pub async fn uuid(it: &mut Session) -> Outcome {
    let sent = Uuid::parse_str("67e55044-10b1-426f-9247-bb680e5fe0c8")?;
    let row =
        it.client.query_one("SELECT $1::uuid, ($1::uuid)::text, gen_random_uuid() <> $1", &[&sent]).await?;
    println!("uuid: {} {} {}", row.get::<_, Uuid>(0), row.get::<_, &str>(1), row.get::<_, bool>(2));
    Ok(())
}

/// Types of the database's own, which the client looks up in the catalog when it meets them.
pub async fn own_types(it: &mut Session) -> Outcome {
    let sql = "SELECT 'sad'::public.tp_mood, ('w', 2)::tp_pair, 7::public.tp_percent, ARRAY['ok', 'sad']::tp_mood[], int4range(1, 5)";
    let statement = it.client.prepare(sql).await?;
    for column in statement.columns() {
        let kind = column.type_();
        println!("types: {} in {} is {:?}", kind.name(), kind.schema(), shown(kind));
    }
    let moods = it
        .client
        .prepare("SELECT count(*) FROM tp_item WHERE mood = $1 AND $2::public.tp_mood[] @> ARRAY[mood]")
        .await?;
    println!(
        "types: parameters {:?}",
        moods.params().iter().map(|kind| (kind.schema(), kind.name())).collect::<Vec<_>>()
    );
    Ok(())
}

/// What kind of type it is, without its number.
fn shown(kind: &Type) -> String {
    use tokio_postgres::types::Kind;
    match kind.kind() {
        Kind::Enum(words) => format!("one of {words:?}"),
        Kind::Array(of) => format!("an array of {}.{}", of.schema(), of.name()),
        Kind::Domain(of) => format!("a domain over {of}"),
        Kind::Range(of) => format!("a range of {of}"),
        Kind::Composite(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{} {}", field.name(), field.type_())).collect();
            format!("made of {fields:?}")
        }
        _ => "simple".to_owned(),
    }
}
