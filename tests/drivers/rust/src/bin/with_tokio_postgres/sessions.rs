//! What belongs to a connection: limits, cancelling, settings, notifications, locks, temporary tables.

use crate::{Session, code};
use futures_util::future::try_join_all;
use rust_drivers::Outcome;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, IsolationLevel, NoTls, SimpleQueryMessage};

/// Longest wait for a message that must come by itself.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn statement_timeout(it: &mut Session) -> Outcome {
    it.client.batch_execute("SET statement_timeout = '150ms'").await?;
    let begun = Instant::now();
    println!("statement_timeout: {}", code(it.client.query("SELECT pg_sleep(20)", &[]).await));
    println!("statement_timeout: soon: {}", begun.elapsed() < Duration::from_secs(5));
    let set: String = it.client.query_one("SELECT current_setting('statement_timeout')", &[]).await?.get(0);
    it.client.batch_execute("RESET statement_timeout").await?;
    let reset: String = it.client.query_one("SHOW statement_timeout", &[]).await?.get(0);
    println!("statement_timeout: still {set}, then {reset}");
    Ok(())
}

pub async fn cancel(it: &mut Session) -> Outcome {
    let token = it.client.cancel_token();
    let begun = Instant::now();
    let (slept, cancelled) = tokio::join!(it.client.query("SELECT pg_sleep(20)", &[]), async {
        sleep(Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await
    });
    println!("cancel: {}, asking gave {}", code(slept), code(cancelled));
    println!("cancel: soon: {}", begun.elapsed() < Duration::from_secs(10));
    println!("cancel: idle {}", code(token.cancel_query(NoTls).await));
    sleep(Duration::from_millis(200)).await;
    println!("cancel: then {}", it.client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0));
    Ok(())
}

pub async fn isolation(it: &mut Session) -> Outcome {
    let builder = it.client.build_transaction().isolation_level(IsolationLevel::Serializable).read_only(true);
    let transaction = builder.deferrable(true).start().await?;
    let level: String = transaction.query_one("SHOW transaction_isolation", &[]).await?.get(0);
    println!("isolation: {level}, {}", code(transaction.execute("DELETE FROM public.tp_item", &[]).await));
    transaction.rollback().await?;
    let mut other = Session::open("").await?;
    it.client
        .batch_execute("DROP TABLE IF EXISTS tp_seat; CREATE TABLE tp_seat AS SELECT 1 AS id, 0 AS taken")
        .await?;
    let first = it.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
    let second =
        other.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
    second.query("SELECT * FROM tp_seat", &[]).await?;
    first.execute("UPDATE tp_seat SET taken = taken + 1", &[]).await?;
    first.commit().await?;
    println!("isolation: {}", code(second.execute("UPDATE public.tp_seat SET taken = taken + 1", &[]).await));
    Ok(())
}

pub async fn pool() -> Outcome {
    let sessions = try_join_all((0..10).map(|_| Session::open(""))).await?;
    sessions[0]
        .client
        .batch_execute("DROP TABLE IF EXISTS tp_count; CREATE TABLE tp_count AS SELECT 0 AS total")
        .await?;
    let work = sessions.into_iter().enumerate().map(|(at, mut session)| async move {
        session.client.batch_execute(&format!("SET application_name = 'worker {at}'")).await?;
        let statement = session.client.prepare("UPDATE public.tp_count SET total = total + $1").await?;
        for _ in 0..20 {
            let transaction = session.client.transaction().await?;
            transaction.execute(&statement, &[&1_i32]).await?;
            transaction.commit().await?;
        }
        let name = session.client.query_one("SHOW application_name", &[]).await?;
        Ok::<_, tokio_postgres::Error>(name.get::<_, String>(0))
    });
    let names = try_join_all(work).await?;
    let total = Session::open("").await?.client.query_one("SELECT total FROM tp_count", &[]).await?;
    println!("pool: {} by {names:?}", total.get::<_, i32>(0));
    Ok(())
}

/// The next message of the kind wanted.
async fn await_one<T>(it: &mut Session, wanted: impl Fn(AsyncMessage) -> Option<T>) -> Option<T> {
    let next = async {
        loop {
            if let Some(found) = wanted(it.unasked.recv().await?) {
                return Some(found);
            }
        }
    };
    timeout(PATIENCE, next).await.ok().flatten()
}

pub async fn notify(it: &mut Session) -> Outcome {
    let told = |message| match message {
        AsyncMessage::Notification(told) => Some(format!("{} {:?}", told.channel(), told.payload())),
        _ => None,
    };
    it.client.batch_execute("LISTEN tp_news; LISTEN public").await?;
    let other = Session::open("").await?;
    other.client.execute("SELECT pg_notify('tp_news', $1)", &[&"public.tp_item"]).await?;
    println!("notify: {:?}", await_one(it, told).await);
    other.client.batch_execute("NOTIFY public, 'a channel''s name'").await?;
    println!("notify: {:?}", await_one(it, told).await);
    it.client.batch_execute("BEGIN; NOTIFY tp_news, 'lost'; ROLLBACK; BEGIN; NOTIFY tp_news; COMMIT").await?;
    println!("notify: its own {:?}", await_one(it, told).await);
    it.client.batch_execute("UNLISTEN *").await?;
    other.client.batch_execute("NOTIFY tp_news, 'unheard'").await?;
    it.client.query("SELECT 1", &[]).await?;
    println!("notify: no longer listening: {}", it.unasked.try_recv().is_err());
    Ok(())
}

pub async fn notice(it: &mut Session) -> Outcome {
    let told = |message| match message {
        AsyncMessage::Notice(told) => {
            Some(format!("{} {} {}", told.severity(), told.code().code(), told.message()))
        }
        _ => None,
    };
    it.client.batch_execute("DO $$ BEGIN RAISE NOTICE 'from %', 'public.tp_item'::regclass; END $$").await?;
    println!("notice: {:?}", await_one(it, told).await);
    it.client.batch_execute("CREATE TABLE IF NOT EXISTS public.tp_item (id int)").await?;
    println!("notice: {:?}", await_one(it, told).await);
    it.client.batch_execute("CREATE SCHEMA IF NOT EXISTS public").await?;
    println!("notice: {:?}", await_one(it, told).await);
    it.client.batch_execute("DROP TABLE IF EXISTS public.tp_nowhere").await?;
    println!("notice: {:?}", await_one(it, told).await);
    Ok(())
}

pub async fn advisory_lock(it: &mut Session) -> Outcome {
    let other = Session::open("").await?;
    let attempt = "SELECT pg_try_advisory_lock($1)";
    it.client.execute("SELECT pg_advisory_lock($1)", &[&4_711_i64]).await?;
    let refused: bool = other.client.query_one(attempt, &[&4_711_i64]).await?.get(0);
    let released: bool = it.client.query_one("SELECT pg_advisory_unlock($1)", &[&4_711_i64]).await?.get(0);
    let taken: bool = other.client.query_one(attempt, &[&4_711_i64]).await?.get(0);
    drop(other);
    println!("advisory_lock: {refused} while it is held, released {released}, then {taken}");
    let transaction = it.client.transaction().await?;
    let taken: bool = transaction.query_one("SELECT pg_try_advisory_xact_lock(1, 2)", &[]).await?.get(0);
    transaction.commit().await?;
    println!("advisory_lock: for a transaction {taken}");
    Ok(())
}

pub async fn temp_table(it: &mut Session) -> Outcome {
    it.client.batch_execute("CREATE TEMP TABLE tp_item (secret text)").await?;
    it.client.execute("INSERT INTO tp_item VALUES ($1)", &[&"mine"]).await?;
    let mine = it.client.query_one("SELECT secret FROM tp_item", &[]).await?;
    let ours: i64 = it.client.query_one("SELECT count(*) FROM public.tp_item", &[]).await?.get(0);
    println!("temp_table: {:?} before {ours} rows of the other", mine.get::<_, String>(0));
    let other = Session::open("").await?;
    println!("temp_table: elsewhere {}", code(other.client.query("SELECT secret FROM tp_item", &[]).await));
    it.client.batch_execute("DROP TABLE tp_item").await?;
    println!(
        "temp_table: dropped, {}",
        it.client.query("SELECT name FROM tp_item", &[]).await?.len() as i64 == ours
    );
    it.client.batch_execute("DISCARD ALL").await?;
    Ok(())
}

pub async fn start_up() -> Outcome {
    let query = "?application_name=tp%20start&target_session_attrs=read-write&connect_timeout=10\
                 &options=-c%20search_path%3Dpublic%20-c%20TimeZone%3DAsia/Tokyo";
    let it = Session::open(query).await?;
    for name in
        ["application_name", "TimeZone", "search_path", "client_encoding", "standard_conforming_strings"]
    {
        let value: String = it.client.query_one(&format!("SHOW {name}"), &[]).await?.get(0);
        println!("start_up: {name} is {value}");
    }
    let count: i64 = it.client.query_one("SELECT count(*) FROM tp_plan", &[]).await?.get(0);
    println!("start_up: {count} rows are found");
    println!("start_up: {}", code(Session::open("?options=-c%20no_such_thing%3D1").await));
    Ok(())
}

pub async fn simple_query(it: &mut Session) -> Outcome {
    let script = "SELECT 1 AS one, NULL AS nothing; SELECT name FROM public.tp_item WHERE name = 'pen';
                  UPDATE tp_item SET mood = 'sad' WHERE name = 'pen'; SELECT 'public' AS word WHERE false";
    for message in it.client.simple_query(script).await? {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                println!(
                    "simple_query: {:?}",
                    columns.iter().map(|column| column.name()).collect::<Vec<_>>()
                );
            }
            SimpleQueryMessage::Row(row) => {
                println!("simple_query: row {:?}", (0..row.len()).map(|at| row.get(at)).collect::<Vec<_>>());
            }
            SimpleQueryMessage::CommandComplete(count) => println!("simple_query: {count}"),
            _ => println!("simple_query: something new"),
        }
    }
    println!(
        "simple_query: {}",
        code(
            it.client
                .batch_execute("INSERT INTO tp_item (name) VALUES ('undone'); SELECT 1/0; SELECT 2")
                .await
        )
    );
    let undone: i64 =
        it.client.query_one("SELECT count(*) FROM tp_item WHERE name = 'undone'", &[]).await?.get(0);
    println!(
        "simple_query: {undone} left of a message that failed; empty {}",
        code(it.client.batch_execute("").await)
    );
    Ok(())
}
