//! Tables, transactions and statements that are used again.

use crate::{Session, code, told};
use rust_drivers::Outcome;

pub async fn create(it: &mut Session) -> Outcome {
    let dropped =
        "DROP TABLE IF EXISTS tp_line, tp_item, tp_plan, tp_copy, tp_count, tp_seat CASCADE; DROP TYPE IF EXISTS tp_mood, tp_pair CASCADE;
         DROP DOMAIN IF EXISTS tp_percent; DROP FUNCTION IF EXISTS tp_twice(int)";
    it.client.batch_execute(dropped).await?;
    it.client
        .batch_execute(
            "CREATE TYPE public.tp_mood AS ENUM ('sad', 'ok', 'happy');
             CREATE TYPE tp_pair AS (word text, number int);
             CREATE DOMAIN \"public\".tp_percent AS int CHECK (VALUE BETWEEN 0 AND 100);
             CREATE TABLE public.tp_item (
                 id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL CONSTRAINT tp_one_name UNIQUE,
                 amount numeric(10, 2) DEFAULT 0, mood public.tp_mood DEFAULT 'ok'::public.tp_mood);
             CREATE TABLE tp_line (
                 id bigserial PRIMARY KEY, item int NOT NULL REFERENCES \"public\".\"tp_item\" (id) ON DELETE CASCADE, note text);
             CREATE INDEX tp_line_item ON public.tp_line USING btree (item) WHERE note IS NOT NULL;
             COMMENT ON TABLE public.tp_item IS 'what there is';
             CREATE VIEW tp_plain AS SELECT i.name, count(l.id) AS lines FROM public.tp_item i LEFT JOIN tp_line l ON l.item = i.id GROUP BY 1;
             CREATE FUNCTION public.tp_twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'",
        )
        .await?;
    println!("create: tables, types, a view, a function");
    Ok(())
}

pub async fn crud(it: &mut Session) -> Outcome {
    let transaction = it.client.transaction().await?;
    for name in ["pen", "ink", "paper"] {
        let row =
            transaction.query_one("INSERT INTO tp_item (name) VALUES ($1) RETURNING id", &[&name]).await?;
        let id: i32 = row.get(0);
        let lines = transaction
            .execute("INSERT INTO public.tp_line (item, note) VALUES ($1, $2)", &[&id, &name])
            .await?;
        println!("crud: {name} is {id}, {lines} line");
    }
    let updated = transaction
        .execute("UPDATE tp_item SET mood = 'happy' WHERE name = ANY($1)", &[&vec!["pen", "ink"]])
        .await?;
    let deleted = transaction.execute("DELETE FROM tp_item WHERE name = $1", &[&"paper"]).await?;
    transaction.commit().await?;
    println!("crud: {updated} updated, {deleted} deleted");
    for row in it
        .client
        .query("SELECT name, lines, public.tp_twice(lines::int) FROM tp_plain ORDER BY name", &[])
        .await?
    {
        let (name, lines, twice): (String, i64, i32) = (row.get(0), row.get(1), row.get(2));
        println!("crud: {name} has {lines}, twice that is {twice}");
    }
    Ok(())
}

pub async fn rollback(it: &mut Session) -> Outcome {
    let before: i64 = it.client.query_one("SELECT count(*) FROM tp_item", &[]).await?.get(0);
    let transaction = it.client.transaction().await?;
    transaction.execute("DELETE FROM tp_item", &[]).await?;
    let within: i64 = transaction.query_one("SELECT count(*) FROM tp_item", &[]).await?.get(0);
    transaction.rollback().await?;
    let after: i64 = it.client.query_one("SELECT count(*) FROM tp_item", &[]).await?.get(0);
    println!("rollback: {before}, within {within}, after {after}");
    let dropped = it.client.transaction().await?;
    dropped.execute("DELETE FROM tp_item", &[]).await?;
    drop(dropped);
    let after: i64 = it.client.query_one("SELECT count(*) FROM tp_item", &[]).await?.get(0);
    println!("rollback: after a transaction that was dropped {after}");
    Ok(())
}

pub async fn unique_violation(it: &mut Session) -> Outcome {
    let insert = "INSERT INTO public.tp_item (name) VALUES ($1)";
    let Err(error) = it.client.execute(insert, &[&"pen"]).await else {
        return Err("a duplicate was taken".into());
    };
    let Some(db) = error.as_db_error() else { return Err(error.into()) };
    let detail = db.detail().unwrap_or_default();
    println!("unique_violation: {} {} ({detail})", db.code().code(), db.message());
    let named = [db.schema(), db.table(), db.constraint()].map(|name| name.unwrap_or("none"));
    println!("unique_violation: schema {}, table {}, constraint {}", named[0], named[1], named[2]);
    let transaction = it.client.transaction().await?;
    transaction.execute(insert, &[&"clip"]).await?;
    println!("unique_violation: in a transaction {}", code(transaction.execute(insert, &[&"clip"]).await));
    println!("unique_violation: then {}", code(transaction.execute("SELECT 1", &[]).await));
    println!("unique_violation: commit {}", code(transaction.commit().await));
    let count: i64 =
        it.client.query_one("SELECT count(*) FROM tp_item WHERE name = 'clip'", &[]).await?.get(0);
    println!("unique_violation: {count} left, the connection goes on");
    let missing = it.client.query("SELECT nothing FROM public.tp_item", &[]).await;
    println!("unique_violation: {}", position(missing));
    println!("unique_violation: {}", position(it.client.query("SELECT 1 FROM public.tp_nowhere", &[]).await));
    Ok(())
}

/// What an error says with the place in the statement that it means.
fn position<T>(result: Result<T, tokio_postgres::Error>) -> String {
    let Err(error) = result else { return "no error".to_owned() };
    let at = error.as_db_error().and_then(|db| db.position());
    format!("{} at {at:?}", told(&error))
}

pub async fn prepared(it: &mut Session) -> Outcome {
    it.client
        .batch_execute(
            "CREATE TABLE public.tp_plan AS SELECT n, n % 7 AS rest FROM generate_series(1, 1000) n",
        )
        .await?;
    let by_rest = it.client.prepare("SELECT count(*), sum(n) FROM public.tp_plan WHERE rest = $1").await?;
    let mut sum = 0;
    for round in 0..70_i32 {
        let row = if round % 2 == 0 {
            it.client.query_one(&by_rest, &[&(round % 7)]).await?
        } else {
            let transaction = it.client.transaction().await?;
            let row = transaction.query_one(&by_rest, &[&(round % 7)]).await?;
            transaction.commit().await?;
            row
        };
        sum += row.get::<_, i64>(1);
    }
    println!(
        "prepared: parameter {}, columns {:?}, 70 rounds make {sum}",
        by_rest.params()[0],
        names(&by_rest)
    );
    let all = it.client.prepare("SELECT * FROM tp_plan WHERE n = $1").await?;
    println!("prepared: {} columns", it.client.query_one(&all, &[&1_i32]).await?.len());
    it.client.batch_execute("ALTER TABLE public.tp_plan ADD COLUMN late text DEFAULT 'later'").await?;
    println!("prepared: after ALTER TABLE {}", code(it.client.query_one(&all, &[&1_i32]).await));
    let again = it.client.prepare("SELECT * FROM tp_plan WHERE n = $1").await?;
    let late: String = it.client.query_one(&again, &[&1_i32]).await?.get(2);
    println!("prepared: prepared again it has {late:?} in {:?}", names(&again));
    println!(
        "prepared: the other one still counts {}",
        it.client.query_one(&by_rest, &[&3_i32]).await?.get::<_, i64>(0)
    );
    let broken = it.client.prepare("SELECT * FROM public.tp_nowhere WHERE n = $1").await;
    println!("prepared: {}", code(broken));
    Ok(())
}

fn names(statement: &tokio_postgres::Statement) -> Vec<String> {
    statement.columns().iter().map(|column| format!("{} {}", column.name(), column.type_())).collect()
}

pub async fn savepoint(it: &mut Session) -> Outcome {
    let insert = "INSERT INTO tp_item (name) VALUES ($1)";
    let mut outer = it.client.transaction().await?;
    outer.execute(insert, &[&"outer"]).await?;
    let inner = outer.savepoint("first").await?;
    inner.execute(insert, &[&"lost"]).await?;
    inner.rollback().await?;
    let mut inner = outer.transaction().await?;
    inner.execute(insert, &[&"kept"]).await?;
    let innermost = inner.savepoint("second").await?;
    println!("savepoint: {}", code(innermost.execute(insert, &[&"outer"]).await));
    innermost.rollback().await?;
    inner.commit().await?;
    outer.commit().await?;
    let rows = it
        .client
        .query("SELECT name FROM tp_item WHERE name IN ('outer', 'lost', 'kept') ORDER BY id", &[])
        .await?;
    println!("savepoint: {:?}", rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
    Ok(())
}
