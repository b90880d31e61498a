//! Much at once: long results, long values, cursors, COPY.

use crate::code;
use futures_util::TryStreamExt as _;
use rust_drivers::{Outcome, digest, five_megabytes};
use sqlx::postgres::PgPoolCopyExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Error, Executor as _, PgConnection, PgPool, Row as _};

pub async fn rows_100000(it: &PgPool) -> Outcome {
    let sql = "SELECT n, md5(n::text), 'public.' || n FROM generate_series(1, $1) n";
    let mut rows = sqlx::query(sql).bind(100_000).fetch(it);
    let (mut count, mut seen) = (0, Vec::new());
    while let Some(row) = rows.try_next().await? {
        count += 1;
        seen.extend_from_slice(row.get::<&str, _>(1).as_bytes());
        seen.extend_from_slice(row.get::<&str, _>(2).as_bytes());
    }
    drop(rows);
    println!("rows_100000: {count} rows, {}", digest(&seen));
    let mut rows = sqlx::query(sql).bind(100_000).fetch(it);
    let first: i32 = rows.try_next().await?.map_or(0, |row| row.get(0));
    drop(rows);
    let one: i32 = sqlx::query_scalar(sql).bind(100_000).fetch_one(it).await?;
    println!("rows_100000: dropped after {first}, then {one}");
    Ok(())
}

pub async fn parameter_5mb(it: &PgPool) -> Outcome {
    let text = five_megabytes();
    let row = sqlx::query("SELECT length($1), md5($1), $1").bind(&text).fetch_one(it).await?;
    let same = row.get::<&str, _>(2) == text;
    println!(
        "parameter_5mb: {} characters, md5 {}, the same: {same}",
        row.get::<i32, _>(0),
        row.get::<&str, _>(1)
    );
    let row = sqlx::query("SELECT length($1), $1").bind(text.as_bytes()).fetch_one(it).await?;
    println!("parameter_5mb: {} bytes, {}", row.get::<i32, _>(0), digest(row.get(1)));
    let literal = sqlx::raw_sql(AssertSqlSafe(format!("SELECT length('{text}')"))).fetch_one(it).await;
    println!(
        "parameter_5mb: as a literal {}",
        literal.map_or_else(|error| code::<()>(Err(error)), |row| row.get::<i32, _>(0).to_string())
    );
    Ok(())
}

pub async fn cursor(it: &PgPool) -> Outcome {
    let mut transaction = it.begin().await?;
    transaction
        .execute("DECLARE sq_cursor SCROLL CURSOR FOR SELECT n FROM public.sq_plan ORDER BY n")
        .await?;
    let ahead: Vec<i32> = sqlx::query_scalar("FETCH 3 FROM sq_cursor").fetch_all(&mut *transaction).await?;
    let moved = transaction.execute("MOVE 500 FROM sq_cursor").await?.rows_affected();
    let back: Vec<i32> =
        sqlx::query_scalar("FETCH BACKWARD 2 FROM sq_cursor").fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    println!("cursor: {ahead:?}, moved {moved}, {back:?}");
    println!("cursor: after the end {}", code(it.execute("FETCH 1 FROM sq_cursor").await));
    Ok(())
}

pub async fn copy(it: &PgPool) -> Outcome {
    let mut copy = it.copy_in_raw("COPY public.sq_copy (n, word) FROM STDIN (FORMAT csv)").await?;
    for n in 0..20_000 {
        copy.send(format!("{n},\"word, {n}\"\n").as_bytes()).await?;
    }
    println!("copy: {} rows in", copy.finish().await?);
    println!("copy: {}", code(in_vain(b"20000\n7\n", true).await));
    println!("copy: given up {}", code(in_vain(b"20000\n", false).await));
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM public.sq_copy").fetch_one(it).await?;
    let out: Vec<_> = it
        .copy_out_raw("COPY (SELECT * FROM public.sq_copy ORDER BY n) TO STDOUT")
        .await?
        .try_collect()
        .await?;
    println!("copy: {count} rows, {}", digest(&out.concat()));
    Ok(())
}

/// A COPY that comes to nothing, on a connection of its own, which sqlx cannot go on with afterwards.
async fn in_vain(lines: &[u8], finish: bool) -> Result<(), Error> {
    let mut one = PgConnection::connect(&std::env::var("DATABASE_URL").unwrap_or_default()).await?;
    let mut copy = one.copy_in_raw("COPY sq_copy (n) FROM STDIN").await?;
    copy.send(lines).await?;
    if finish { copy.finish().await.map(drop) } else { copy.abort("given up").await }
}
