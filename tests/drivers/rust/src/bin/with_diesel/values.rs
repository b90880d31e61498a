//! Values of every kind, which diesel sends and reads in the binary format.

use crate::ended;
use crate::schema::sql_types::DsMood;
use crate::schema::{ds_item, ds_plan};
use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::dsl::sql;
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Date, Double, Float, Integer, Json, Jsonb, Nullable, Numeric, SmallInt,
    Text, Time, Timestamp, Timestamptz, Uuid as SqlUuid,
};
use rust_drivers::{Outcome, digest};
use serde_json::{Value, json};
use std::io::Write as _;
use uuid::Uuid;

pub fn binary(it: &mut PgConnection) -> Outcome {
    let sent = (i16::MIN, i32::MAX, i64::MIN, 1.5_f32, f64::MIN_POSITIVE, true, "ünï".to_owned());
    let got: (i16, i32, i64, f32, f64, bool, String) = diesel::select((
        sent.0.into_sql::<SmallInt>(),
        sent.1.into_sql::<Integer>(),
        sent.2.into_sql::<BigInt>(),
        sent.3.into_sql::<Float>(),
        sent.4.into_sql::<Double>(),
        sent.5.into_sql::<Bool>(),
        sent.6.clone().into_sql::<Text>(),
    ))
    .get_result(it)?;
    println!("binary: {got:?}, the same: {}", got == sent);
    Ok(())
}

pub fn null(it: &mut PgConnection) -> Outcome {
    let got: (Option<String>, Option<i32>, i32) = diesel::select((
        None::<String>.into_sql::<Nullable<Text>>(),
        sql::<Nullable<Integer>>("NULL::int"),
        sql::<Integer>("coalesce(").bind::<Nullable<Integer>, _>(None::<i32>).sql(", 7)"),
    ))
    .get_result(it)?;
    println!("null: {got:?}");
    let missing = ds_item::table.filter(ds_item::about.is_null()).count().get_result::<i64>(it)?;
    println!(
        "null: {missing} without, {}",
        ended(diesel::sql_query("INSERT INTO ds_item (name) VALUES (NULL)").execute(it))
    );
    Ok(())
}

pub fn arrays(it: &mut PgConnection) -> Outcome {
    let words = vec![Some("a,b".to_owned()), None, Some("{\"q\"}".to_owned()), Some(String::new())];
    let got: (Vec<Option<String>>, Vec<i64>, Vec<Uuid>) = diesel::select((
        words.into_sql::<Array<Nullable<Text>>>(),
        vec![i64::MIN, 0, i64::MAX].into_sql::<Array<BigInt>>(),
        vec![Uuid::from_u128(1), Uuid::from_u128(2)].into_sql::<Array<SqlUuid>>(),
    ))
    .get_result(it)?;
    println!("arrays: {got:?}");
    let tagged = ds_item::table
        .filter(ds_item::tags.contains(vec![Some("public")]))
        .order(ds_item::id)
        .select(ds_item::name);
    println!("arrays: tagged public {:?}", tagged.load::<String>(it)?);
    Ok(())
}

pub fn jsonb(it: &mut PgConnection) -> Outcome {
    let sent = json!({"schema": "public", "n": 1.25, "deep": [null, true, {"ü": "\"public\".\"t\""}]});
    let got: (Value, Value) =
        diesel::select((sent.clone().into_sql::<Jsonb>(), sent.clone().into_sql::<Json>())).get_result(it)?;
    println!("jsonb: {}, the same: {}", got.0, got.0 == sent && got.1 == sent);
    diesel::update(ds_item::table.filter(ds_item::name.eq("pen")))
        .set(ds_item::about.eq(Some(&sent)))
        .execute(it)?;
    let found =
        ds_item::table.filter(ds_item::about.retrieve_as_text("schema").eq("public")).select(ds_item::name);
    println!("jsonb: found {:?}", found.load::<String>(it)?);
    Ok(())
}

pub fn timestamptz(it: &mut PgConnection) -> Outcome {
    it.batch_execute("SET TIME ZONE 'Asia/Kathmandu'")?;
    let at: DateTime<Utc> = "2024-02-29T18:29:59.123456Z".parse()?;
    let naive: NaiveDateTime = "1969-12-31T23:59:59.999999".parse()?;
    let (day, time): (NaiveDate, NaiveTime) = ("0044-03-15".parse()?, "23:59:59.999999".parse()?);
    let got: (DateTime<Utc>, NaiveDateTime, NaiveDate, NaiveTime, String) = diesel::select((
        at.into_sql::<Timestamptz>(),
        naive.into_sql::<Timestamp>(),
        day.into_sql::<Date>(),
        time.into_sql::<Time>(),
        sql::<Text>("(").bind::<Timestamptz, _>(at).sql("::text)"),
    ))
    .get_result(it)?;
    println!("timestamptz: {got:?}");
    it.batch_execute("RESET TIME ZONE")?;
    let made = diesel::update(ds_item::table.filter(ds_item::name.eq("pen"))).set(ds_item::made.eq(Some(at)));
    println!(
        "timestamptz: stored {:?}",
        made.returning(ds_item::made).get_result::<Option<DateTime<Utc>>>(it)?
    );
    Ok(())
}

pub fn numeric(it: &mut PgConnection) -> Outcome {
    for text in ["0", "-0.000001", "123456789012345678901234567890.123456789", "12345.67890"] {
        let sent: BigDecimal = text.parse()?;
        let text = sql::<Text>("(").bind::<Numeric, _>(sent.clone()).sql("::text)");
        let got: (BigDecimal, String) = diesel::select((sent.into_sql::<Numeric>(), text)).get_result(it)?;
        println!("numeric: {} and {}", got.0, got.1);
    }
    let pen = || ds_item::table.filter(ds_item::name.eq("pen"));
    let rounded = diesel::update(pen()).set(ds_item::amount.eq(Some("199.999995".parse::<BigDecimal>()?)));
    println!(
        "numeric: rounded to {:?}",
        rounded.returning(ds_item::amount).get_result::<Option<BigDecimal>>(it)?.map(|it| it.to_string())
    );
    let beyond = diesel::update(pen()).set(ds_item::amount.eq(Some("1000000000".parse::<BigDecimal>()?)));
    println!("numeric: {}", ended(beyond.execute(it)));
    Ok(())
}

pub fn bytea(it: &mut PgConnection) -> Outcome {
    let sent: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let update =
        diesel::update(ds_item::table.filter(ds_item::name.eq("pen"))).set(ds_item::content.eq(Some(&sent)));
    let back: Option<Vec<u8>> = update.returning(ds_item::content).get_result(it)?;
    let back = back.unwrap_or_default();
    let empty: Vec<u8> = diesel::select(Vec::<u8>::new().into_sql::<Binary>()).get_result(it)?;
    println!("bytea: {} of {} bytes, the same: {}, empty {empty:?}", digest(&back), back.len(), back == sent);
    Ok(())
}

pub fn uuid(it: &mut PgConnection) -> Outcome {
    let sent = Uuid::parse_str("67e55044-10b1-426f-9247-bb680e5fe0c8")?;
    diesel::update(ds_item::table.filter(ds_item::name.eq("pen")))
        .set(ds_item::mark.eq(Some(sent)))
        .execute(it)?;
    let found = ds_item::table.filter(ds_item::mark.eq(sent)).select((ds_item::name, ds_item::mark));
    println!("uuid: {:?}", found.load::<(String, Option<Uuid>)>(it)?);
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = DsMood)]
enum Mood {
    Ok,
    Happy,
}

impl ToSql<DsMood, Pg> for Mood {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(if *self == Self::Ok { b"ok" } else { b"happy" })?;
        Ok(IsNull::No)
    }
}

impl FromSql<DsMood, Pg> for Mood {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            b"ok" => Ok(Self::Ok),
            b"happy" => Ok(Self::Happy),
            _ => Err("another mood".into()),
        }
    }
}

/// The type's numbers are looked up by its name and schema.
pub fn own_types(it: &mut PgConnection) -> Outcome {
    let update =
        diesel::update(ds_item::table.filter(ds_item::name.eq("pen"))).set(ds_item::mood.eq(Mood::Happy));
    println!("types: {:?}", update.returning(ds_item::mood).get_result::<Mood>(it)?);
    let either = ds_item::table.filter(ds_item::mood.eq_any(vec![Mood::Ok, Mood::Happy])).order(ds_item::id);
    println!("types: {:?}", either.select((ds_item::name, ds_item::mood)).load::<(String, Mood)>(it)?);
    println!("types: {} planned", ds_plan::table.count().get_result::<i64>(it)?);
    Ok(())
}
