//! What belongs to a connection or to the pool of them.

use crate::schema::{ds_item, ds_plan};
use crate::{connect, ended};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::result::Error;
use diesel::sql_types::{Bool, Integer, Text};
use rust_drivers::Outcome;
use std::thread;
use std::time::{Duration, Instant};

pub fn statement_timeout(it: &mut PgConnection) -> Outcome {
    it.batch_execute("SET statement_timeout = '150ms'")?;
    let begun = Instant::now();
    println!("statement_timeout: {}", ended(diesel::sql_query("SELECT pg_sleep(20)").execute(it)));
    println!("statement_timeout: soon: {}", begun.elapsed() < Duration::from_secs(5));
    it.batch_execute("RESET statement_timeout")?;
    let set: String = diesel::select(sql::<Text>("current_setting('statement_timeout')")).get_result(it)?;
    println!("statement_timeout: then {set}");
    Ok(())
}

pub fn isolation(it: &mut PgConnection) -> Outcome {
    let refused = it
        .build_transaction()
        .read_only()
        .serializable()
        .deferrable()
        .run(|it| diesel::delete(ds_item::table).execute(it));
    println!("isolation: {}", ended(refused));
    let mut other = connect()?;
    let conflict = it.build_transaction().repeatable_read().run::<_, Error, _>(|it| {
        ds_plan::table.count().get_result::<i64>(it)?;
        diesel::update(ds_plan::table.find(1)).set(ds_plan::word.eq(Some("first"))).execute(&mut other)?;
        diesel::update(ds_plan::table.find(1)).set(ds_plan::word.eq(Some("second"))).execute(it)
    });
    println!("isolation: {}", ended(conflict));
    Ok(())
}

pub fn pool() -> Outcome {
    let place = ConnectionManager::<PgConnection>::new(std::env::var("DATABASE_URL")?);
    let pool = Pool::builder().max_size(10).test_on_check_out(true).build(place)?;
    let work = |times: i32| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for _ in 0..times {
            let mut it = pool.get()?;
            it.transaction::<_, Error, _>(|it| {
                diesel::sql_query("UPDATE public.ds_count SET total = total + 1").execute(it)
            })?;
        }
        Ok(())
    };
    let ended: Vec<bool> = thread::scope(|scope| {
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(|| work(10).is_ok())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(false)).collect()
    });
    let total: i32 =
        diesel::select(sql::<Integer>("(SELECT total FROM ds_count)")).get_result(&mut pool.get()?)?;
    println!(
        "pool: {} threads ended well, {total}, {} connections",
        ended.iter().filter(|well| **well).count(),
        pool.state().connections
    );
    Ok(())
}

/// Looks for notifications until some came or time is up; each query reads what the server has sent.
fn heard(it: &mut PgConnection) -> Result<Vec<String>, Error> {
    let mut heard = Vec::new();
    for _ in 0..100 {
        diesel::sql_query("SELECT 1").execute(it)?;
        for told in it.notifications_iter() {
            let told = told?;
            heard.push(format!("{} {:?}", told.channel, told.payload));
        }
        if !heard.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(heard)
}

pub fn notify(it: &mut PgConnection) -> Outcome {
    let mut other = connect()?;
    it.batch_execute("LISTEN ds_news; LISTEN public")?;
    diesel::select(sql::<Text>("pg_notify('ds_news', ").bind::<Text, _>("public.ds_item").sql(")::text"))
        .execute(&mut other)?;
    println!("notify: {:?}", heard(it)?);
    other.batch_execute("NOTIFY public, 'second'")?;
    println!("notify: {:?}", heard(it)?);
    it.batch_execute("UNLISTEN *")?;
    Ok(())
}

pub fn advisory_lock(it: &mut PgConnection) -> Outcome {
    let mut other = connect()?;
    let attempt = || diesel::select(sql::<Bool>("pg_try_advisory_lock(4713)"));
    diesel::sql_query("SELECT pg_advisory_lock(4713)").execute(it)?;
    let refused: bool = attempt().get_result(&mut other)?;
    let released: bool = diesel::select(sql::<Bool>("pg_advisory_unlock(4713)")).get_result(it)?;
    let taken: bool = attempt().get_result(&mut other)?;
    println!("advisory_lock: {refused} while it is held, released {released}, then {taken}");
    Ok(())
}

pub fn temp_table(it: &mut PgConnection) -> Outcome {
    it.batch_execute(
        "CREATE TEMP TABLE ds_plan (n int, rest int, word text); INSERT INTO ds_plan VALUES (-1, 0, 'mine')",
    )?;
    println!("temp_table: {:?}", ds_plan::table.select(ds_plan::word).load::<Option<String>>(it)?);
    let elsewhere: i64 = ds_plan::table.count().get_result(&mut connect()?)?;
    it.batch_execute("DROP TABLE ds_plan")?;
    println!(
        "temp_table: elsewhere {elsewhere}, and here again {}",
        ds_plan::table.count().get_result::<i64>(it)?
    );
    Ok(())
}
