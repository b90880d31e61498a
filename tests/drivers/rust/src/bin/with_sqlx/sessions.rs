//! What belongs to a connection or to the pool of them.

use crate::rows::count;
use crate::{CONNECTIONS, code};
use futures_util::future::try_join_all;
use rust_drivers::Outcome;
use sqlx::postgres::{PgAdvisoryLock, PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Acquire as _, Connection as _, Executor as _, PgPool, Row as _};
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use tokio::time::timeout;

pub async fn savepoint(it: &PgPool) -> Outcome {
    let insert = |name: &'static str| sqlx::query("INSERT INTO sq_item (name) VALUES ($1)").bind(name);
    let before = count(it).await?;
    let mut outer = it.begin().await?;
    insert("outer").execute(&mut *outer).await?;
    let mut inner = outer.begin().await?;
    insert("lost").execute(&mut *inner).await?;
    println!("savepoint: {}", code(insert("outer").execute(&mut *inner).await));
    inner.rollback().await?;
    let mut inner = outer.begin().await?;
    insert("kept").execute(&mut *inner).await?;
    let mut innermost = inner.begin().await?;
    insert("undone").execute(&mut *innermost).await?;
    innermost.rollback().await?;
    inner.commit().await?;
    outer.commit().await?;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sq_item WHERE name IN ('outer', 'lost', 'kept', 'undone') ORDER BY id",
    )
    .fetch_all(it)
    .await?;
    println!("savepoint: {names:?}, {} more", count(it).await? - before);
    Ok(())
}

pub async fn statement_timeout(it: &PgPool) -> Outcome {
    let mut transaction = it.begin().await?;
    transaction.execute("SET LOCAL statement_timeout = '150ms'").await?;
    let begun = Instant::now();
    println!("statement_timeout: {}", code(transaction.execute("SELECT pg_sleep(20)").await));
    println!("statement_timeout: soon: {}", begun.elapsed() < Duration::from_secs(5));
    transaction.rollback().await?;
    let options = PgConnectOptions::from_str(&std::env::var("DATABASE_URL")?)?
        .options([("statement_timeout", "140ms")]);
    let mut one = sqlx::PgConnection::connect_with(&options).await?;
    println!("statement_timeout: from the start {}", code(one.execute("SELECT pg_sleep(20)").await));
    println!("statement_timeout: the connection goes on: {}", code(one.execute("SELECT 1").await));
    one.close().await?;
    Ok(())
}

/// sqlx cannot cancel; a program that gives up drops the query, and the connection catches up later.
pub async fn given_up(it: &PgPool) -> Outcome {
    let mut one = it.acquire().await?;
    let slept =
        timeout(Duration::from_millis(100), sqlx::query("SELECT pg_sleep(0.5), 'unread'").execute(&mut *one))
            .await;
    let next: String = sqlx::query_scalar("SELECT 'read'").fetch_one(&mut *one).await?;
    println!("cancel: given up: {}, the next answer is {next:?}", slept.is_err());
    Ok(())
}

/// One connection ends what another does, by the number of the server's process.
pub async fn cancel_backend(it: &PgPool) -> Outcome {
    let mut one = it.begin().await?;
    let number: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *one).await?;
    let (slept, asked) = tokio::join!(one.execute("SELECT pg_sleep(2)"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqlx::query_scalar::<_, bool>("SELECT pg_cancel_backend($1)").bind(number).fetch_one(it).await
    });
    println!("cancel_backend: {}, {}", code(asked), code(slept));
    one.rollback().await?;
    Ok(())
}

pub async fn many(it: &PgPool) -> Outcome {
    let work = (0..40).map(|at| async move {
        let mut transaction = it.begin().await?;
        sqlx::query("UPDATE public.sq_count SET total = total + $1")
            .bind(at)
            .execute(&mut *transaction)
            .await?;
        let total: i32 =
            sqlx::query_scalar("SELECT total FROM sq_count").fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(total)
    });
    let seen = try_join_all(work).await?;
    println!("pool: {} pieces of work, the last saw {:?}", seen.len(), seen.iter().max());
    let held = try_join_all((0..CONNECTIONS).map(|_| it.acquire())).await?;
    println!("pool: {} held, {} open, {} idle", held.len(), it.size(), it.num_idle());
    println!("pool: one more at once: {}", it.try_acquire().is_some());
    drop(held);
    let options = PgPoolOptions::new().max_connections(2).after_connect(|connection, _| {
        Box::pin(async move {
            connection.execute("SET application_name = 'sq hook'; SET search_path = public").await.map(drop)
        })
    });
    let hooked = options.connect(&std::env::var("DATABASE_URL")?).await?;
    let name: String = sqlx::query_scalar("SHOW application_name").fetch_one(&hooked).await?;
    let path: String = sqlx::query_scalar("SELECT current_setting('search_path')").fetch_one(&hooked).await?;
    println!("pool: by its hook {name} and {path}");
    hooked.close().await;
    let mut one = it.acquire().await?;
    one.ping().await?;
    println!("pool: a ping, closed {}", it.is_closed());
    Ok(())
}

pub async fn notify(it: &PgPool) -> Outcome {
    let mut listener = PgListener::connect_with(it).await?;
    listener.listen_all(["sq_news", "public"]).await?;
    sqlx::query("SELECT pg_notify($1, $2)").bind("sq_news").bind("public.sq_item").execute(it).await?;
    it.execute("NOTIFY public, 'second'").await?;
    for _ in 0..2 {
        let told = timeout(Duration::from_secs(10), listener.recv()).await??;
        println!("notify: {} {:?}", told.channel(), told.payload());
    }
    listener.unlisten("sq_news").await?;
    it.execute("NOTIFY sq_news, 'unheard'; NOTIFY public, 'third'").await?;
    let told = timeout(Duration::from_secs(10), listener.recv()).await??;
    println!("notify: {} {:?}", told.channel(), told.payload());
    listener.unlisten_all().await?;
    let row = sqlx::query("SELECT count(*) FROM pg_listening_channels()").fetch_one(&mut listener).await?;
    println!("notify: {} channels left", row.get::<i64, _>(0));
    Ok(())
}

pub async fn advisory_lock(it: &PgPool) -> Outcome {
    let lock = PgAdvisoryLock::new("sq lock");
    let guard = lock.acquire(it.acquire().await?).await?;
    let refused = lock.try_acquire(it.acquire().await?).await?;
    println!("advisory_lock: while it is held: {}", refused.is_left());
    drop(refused);
    let released = guard.release_now().await?;
    drop(released);
    let taken = lock.try_acquire(it.acquire().await?).await?;
    println!("advisory_lock: then: {}", taken.is_left());
    if let sqlx::Either::Left(guard) = taken {
        guard.release_now().await?;
    }
    let dropped = lock.acquire(it.acquire().await?).await?;
    drop(dropped);
    let again = timeout(Duration::from_secs(10), lock.acquire(it.acquire().await?)).await??;
    again.release_now().await?;
    println!("advisory_lock: a guard that was dropped let go");
    Ok(())
}

pub async fn temp_table(it: &PgPool) -> Outcome {
    let mut one = it.acquire().await?;
    one.execute("CREATE TEMPORARY TABLE sq_item (secret text) ON COMMIT PRESERVE ROWS").await?;
    sqlx::query("INSERT INTO sq_item VALUES ($1)").bind("mine").execute(&mut *one).await?;
    let mine: String = sqlx::query_scalar("SELECT secret FROM sq_item").fetch_one(&mut *one).await?;
    let ours: i64 = sqlx::query_scalar("SELECT count(*) FROM public.sq_item").fetch_one(&mut *one).await?;
    println!("temp_table: {mine:?} before {ours} rows of the other");
    println!("temp_table: elsewhere {}", code(sqlx::query("SELECT secret FROM sq_item").execute(it).await));
    one.execute("DROP TABLE pg_temp.sq_item").await?;
    println!("temp_table: dropped, {}", count(it).await? == ours);
    Ok(())
}

pub async fn start_up() -> Outcome {
    let options = PgConnectOptions::from_str(&std::env::var("DATABASE_URL")?)?
        .application_name("sq start")
        .options([("search_path", "public"), ("TimeZone", "Asia/Tokyo"), ("extra_float_digits", "1")]);
    let mut one = sqlx::PgConnection::connect_with(&options).await?;
    for name in ["application_name", "search_path", "TimeZone", "extra_float_digits"] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut one).await?;
        println!("start_up: {name} is {value}");
    }
    let items: i64 = sqlx::query_scalar("SELECT count(*) FROM sq_plan").fetch_one(&mut one).await?;
    println!("start_up: {items} rows are found");
    one.close().await?;
    Ok(())
}
