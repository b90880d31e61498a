//! Much at once: long results, long values, cursors, COPY.

use crate::schema::ds_plan;
use crate::{ended, told};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Text};
use rust_drivers::{Outcome, digest, five_megabytes};
use std::io::Read as _;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Integer)]
    n: i32,
    #[diesel(sql_type = Text)]
    sum: String,
}

pub fn rows_100000(it: &mut PgConnection) -> Outcome {
    let sql = || {
        diesel::sql_query("SELECT n, md5(n::text) || 'public.' || n AS sum FROM generate_series(1, $1) n")
            .bind::<Integer, _>(100_000)
    };
    let all: Vec<Line> = sql().load(it)?;
    let seen: Vec<u8> = all.iter().flat_map(|line| line.sum.bytes()).collect();
    println!("rows_100000: {} rows, {}", all.len(), digest(&seen));
    let mut sum = 0_i64;
    for line in sql().load_iter::<Line, PgRowByRowLoadingMode>(it)? {
        sum += i64::from(line?.n);
    }
    println!("rows_100000: row by row they make {sum}");
    Ok(())
}

pub fn parameter_5mb(it: &mut PgConnection) -> Outcome {
    let text = five_megabytes();
    let bytes = text.clone().into_bytes();
    let got: (String, Vec<u8>) =
        diesel::select((text.clone().into_sql::<Text>(), bytes.into_sql::<Binary>())).get_result(it)?;
    println!(
        "parameter_5mb: {} and {}, the same: {}",
        digest(got.0.as_bytes()),
        digest(&got.1),
        got.0 == text
    );
    println!("parameter_5mb: as a literal {}", ended(it.batch_execute(&format!("SELECT '{text}'"))));
    Ok(())
}

pub fn cursor(it: &mut PgConnection) -> Outcome {
    let fetch = |it: &mut PgConnection, sql: &str| diesel::sql_query(sql).load::<Line>(it);
    it.transaction::<_, diesel::result::Error, _>(|it| {
        it.batch_execute(
            "DECLARE ds_cursor SCROLL CURSOR FOR SELECT n, rest::text AS sum FROM public.ds_plan ORDER BY n",
        )?;
        let ahead: Vec<i32> = fetch(it, "FETCH 3 FROM ds_cursor")?.iter().map(|line| line.n).collect();
        let moved = diesel::sql_query("MOVE 500 FROM ds_cursor").execute(it)?;
        let back: Vec<i32> =
            fetch(it, "FETCH BACKWARD 2 FROM ds_cursor")?.iter().map(|line| line.n).collect();
        println!("cursor: {ahead:?}, moved {moved}, {back:?}");
        Ok(())
    })?;
    println!(
        "cursor: after the end {}",
        fetch(it, "FETCH 1 FROM ds_cursor")
            .map_or_else(|error| told(&error), |lines| lines.len().to_string())
    );
    Ok(())
}

pub fn copy(it: &mut PgConnection) -> Outcome {
    let rows: Vec<_> = (2_000..22_000)
        .map(|n| (ds_plan::n.eq(n), ds_plan::rest.eq(n % 7), ds_plan::word.eq(Some("a word"))))
        .collect();
    println!("copy: {} rows in binary", diesel::copy_from(ds_plan::table).from_insertable(rows).execute(it)?);
    let raw = diesel::copy_from(ds_plan::table).from_raw_data(ds_plan::table, |out| {
        std::io::Write::write_all(out, b"30000,1,\"with, comma\"\n30001,2,\n")
            .map_err(|error| diesel::result::Error::SerializationError(error.into()))
    });
    println!("copy: {} rows as CSV", raw.with_format(diesel::pg::CopyFormat::Csv).execute(it)?);
    let twice = vec![(ds_plan::n.eq(1), ds_plan::rest.eq(1), ds_plan::word.eq(None::<&str>))];
    println!("copy: {}", ended(diesel::copy_from(ds_plan::table).from_insertable(twice).execute(it)));
    let mut text = Vec::new();
    diesel::copy_to(ds_plan::table)
        .with_format(diesel::pg::CopyFormat::Text)
        .load_raw(it)?
        .read_to_end(&mut text)?;
    println!("copy: {} bytes out, {}", text.len(), digest(&text));
    diesel::delete(ds_plan::table.filter(ds_plan::n.gt(1_000))).execute(it)?;
    Ok(())
}
