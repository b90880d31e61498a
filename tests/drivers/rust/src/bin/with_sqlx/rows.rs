//! Rows, transactions and statements that are used again.

use crate::code;
use rust_drivers::Outcome;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Error, Executor as _, PgPool, Postgres, QueryBuilder, Row as _};
use std::str::FromStr as _;

pub async fn create(it: &PgPool) -> Outcome {
    let script = "CREATE TABLE public.sq_plan AS SELECT n, n % 7 AS rest FROM generate_series(1, 1000) n;
                  CREATE TABLE \"public\".\"sq_count\" (total int NOT NULL); INSERT INTO sq_count VALUES (0);
                  CREATE TABLE sq_copy (n int PRIMARY KEY, word text)";
    it.execute(script).await?;
    println!("create: three more tables");
    Ok(())
}

pub async fn crud(it: &PgPool) -> Outcome {
    let mut transaction = it.begin().await?;
    for name in ["pen", "ink", "paper"] {
        let id: i64 = sqlx::query_scalar("INSERT INTO sq_item (name, tags) VALUES ($1, $2) RETURNING id")
            .bind(name)
            .bind(vec![name.to_uppercase(), "public".to_owned()])
            .fetch_one(&mut *transaction)
            .await?;
        let line = sqlx::query("INSERT INTO public.sq_line (item, note) VALUES ($1, $2), ($1, NULL)")
            .bind(id)
            .bind(name);
        println!("crud: {name} is {id}, {} lines", line.execute(&mut *transaction).await?.rows_affected());
    }
    let update = sqlx::query("UPDATE \"public\".\"sq_item\" SET mood = 'happy' WHERE name = ANY($1)")
        .bind(vec!["pen", "ink"]);
    let updated = update.execute(&mut *transaction).await?.rows_affected();
    let deleted =
        sqlx::query("DELETE FROM sq_item WHERE name = $1").bind("paper").execute(&mut *transaction).await?;
    transaction.commit().await?;
    println!("crud: {updated} updated, {} deleted", deleted.rows_affected());
    let rows: Vec<(String, i32)> =
        sqlx::query_as("SELECT name, lines FROM public.sq_counted_item ORDER BY name").fetch_all(it).await?;
    println!("crud: the trigger counted {rows:?}");
    let none: Option<(i64,)> =
        sqlx::query_as("SELECT id FROM sq_item WHERE name = 'paper'").fetch_optional(it).await?;
    println!(
        "crud: {none:?}, {}",
        code(sqlx::query("SELECT id FROM sq_item WHERE false").fetch_one(it).await)
    );
    Ok(())
}

pub async fn count(it: &PgPool) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT count(*) FROM public.sq_item").fetch_one(it).await
}

pub async fn rollback(it: &PgPool) -> Outcome {
    let before = count(it).await?;
    let mut transaction = it.begin().await?;
    sqlx::query("DELETE FROM sq_item").execute(&mut *transaction).await?;
    let within: i64 = sqlx::query_scalar("SELECT count(*) FROM sq_item").fetch_one(&mut *transaction).await?;
    transaction.rollback().await?;
    println!("rollback: {before}, within {within}, after {}", count(it).await?);
    let mut dropped = it.begin().await?;
    sqlx::query("DELETE FROM sq_item").execute(&mut *dropped).await?;
    drop(dropped);
    println!("rollback: after a transaction that was dropped {}", count(it).await?);
    let mut connection = it.acquire().await?;
    let failed: Result<(), Error> = connection
        .transaction(|transaction| {
            Box::pin(async move {
                sqlx::query("DELETE FROM sq_item").execute(&mut **transaction).await?;
                sqlx::query("SELECT 1 / 0").execute(&mut **transaction).await?;
                Ok(())
            })
        })
        .await;
    println!("rollback: {} leaves {}", code(failed), count(it).await?);
    Ok(())
}

pub async fn unique_violation(it: &PgPool) -> Outcome {
    let insert = || sqlx::query("INSERT INTO public.sq_item (name) VALUES ($1)").bind("pen");
    let mut connection = it.acquire().await?;
    let Err(Error::Database(error)) = insert().execute(&mut *connection).await else {
        return Err("a duplicate was taken".into());
    };
    println!("unique_violation: {:?} {} {}", error.code(), error.is_unique_violation(), error.message());
    let error = error.downcast_ref::<sqlx::postgres::PgDatabaseError>();
    println!(
        "unique_violation: schema {:?}, table {:?}, constraint {:?}",
        error.schema(),
        error.table(),
        error.constraint()
    );
    println!("unique_violation: {:?}", error.detail());
    let mut transaction = connection.begin().await?;
    println!("unique_violation: in a transaction {}", code(insert().execute(&mut *transaction).await));
    println!("unique_violation: then {}", code(sqlx::query("SELECT 1").execute(&mut *transaction).await));
    transaction.rollback().await?;
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut *connection).await?;
    println!("unique_violation: the same connection goes on: {one}");
    let foreign = sqlx::query("INSERT INTO sq_line (item) VALUES (-1)").execute(it).await;
    println!("unique_violation: {}", code(foreign));
    let Err(Error::Database(error)) = sqlx::query("SELECT * FROM public.sq_nowhere").execute(it).await else {
        return Err("a table that is not there was found".into());
    };
    let position = error.downcast_ref::<sqlx::postgres::PgDatabaseError>().position();
    println!("unique_violation: {} at {position:?}", error.message());
    Ok(())
}

/// sqlx keeps the statements of each connection prepared, up to a number, and closes the oldest.
pub async fn prepared(it: &PgPool) -> Outcome {
    let options = PgConnectOptions::from_str(&std::env::var("DATABASE_URL")?)?.statement_cache_capacity(3);
    let mut one = sqlx::PgConnection::connect_with(&options).await?;
    let mut sum = 0_i64;
    for round in 0..60_i32 {
        let sql = [
            "SELECT sum(n) FROM sq_plan WHERE rest = $1",
            "SELECT count(*) FROM public.sq_plan WHERE n > $1",
            "SELECT max(n)::bigint FROM public.sq_plan WHERE rest <> $1",
            "SELECT n::bigint FROM sq_plan WHERE n = $1 + 1",
            "SELECT min(n)::bigint + 0 * $1 FROM \"public\".sq_plan",
        ][round as usize % 5];
        sum += sqlx::query_scalar::<_, i64>(sql).bind(round % 7).fetch_one(&mut one).await?;
    }
    println!("prepared: 60 rounds make {sum}, {} are kept", one.cached_statements_size());
    one.clear_cached_statements().await?;
    println!("prepared: cleared, {}", one.cached_statements_size());
    let all = || sqlx::query("SELECT * FROM sq_plan WHERE n = $1").bind(1);
    println!("prepared: {} columns", all().fetch_one(&mut one).await?.len());
    it.execute("ALTER TABLE public.sq_plan ADD COLUMN late text DEFAULT 'later'").await?;
    println!("prepared: after ALTER TABLE {}", code(all().fetch_one(&mut one).await));
    one.clear_cached_statements().await?;
    println!("prepared: prepared again it has {} columns", all().fetch_one(&mut one).await?.len());
    let once = sqlx::query("SELECT count(*) FROM sq_plan WHERE n < $1").bind(10).persistent(false);
    println!(
        "prepared: not kept {}, {} are",
        once.fetch_one(&mut one).await?.get::<i64, _>(0),
        one.cached_statements_size()
    );
    one.close().await?;
    let without =
        PgPoolOptions::new().max_connections(2).connect_with(options.statement_cache_capacity(0)).await?;
    let mut unnamed = 0;
    for n in 0..20 {
        unnamed += sqlx::query_scalar::<_, i32>("SELECT n FROM sq_plan WHERE n = $1 + 1")
            .bind(n)
            .fetch_one(&without)
            .await?;
    }
    println!("prepared: without a cache {unnamed}");
    without.close().await;
    Ok(())
}

pub async fn query_builder(it: &PgPool) -> Outcome {
    let mut builder: QueryBuilder<Postgres> = QueryBuilder::new("INSERT INTO public.sq_item (name, amount) ");
    builder.push_values((0..500).map(|n| (format!("built {n}"), n)), |mut row, (name, amount)| {
        row.push_bind(name).push_bind(rust_decimal::Decimal::from(amount));
    });
    builder.push(" ON CONFLICT ON CONSTRAINT sq_one_name DO NOTHING");
    println!("query_builder: {} rows in", builder.build().execute(it).await?.rows_affected());
    let mut builder: QueryBuilder<Postgres> =
        QueryBuilder::new("SELECT sum(amount) FROM sq_item WHERE name IN (");
    let mut names = builder.separated(", ");
    for n in 100..200 {
        names.push_bind(format!("built {n}"));
    }
    builder.push(")");
    let sum: Option<rust_decimal::Decimal> = builder.build_query_scalar().fetch_one(it).await?;
    println!("query_builder: a hundred of them make {sum:?}");
    let removed = sqlx::query("DELETE FROM public.sq_item WHERE name LIKE 'built %'").execute(it).await?;
    println!("query_builder: {} removed", removed.rows_affected());
    Ok(())
}
