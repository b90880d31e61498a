//! Rows, transactions and statements that are used again.

use crate::schema::{ds_item, ds_line, ds_plan};
use crate::{ended, told};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Integer};
use rust_drivers::Outcome;

#[derive(Insertable)]
#[diesel(table_name = ds_item)]
struct NewItem<'a> {
    name: &'a str,
    tags: Vec<&'a str>,
}

fn new_item(name: &str) -> NewItem<'_> {
    NewItem { name, tags: vec![name, "public"] }
}

pub fn create(it: &mut PgConnection) -> Outcome {
    it.batch_execute(
        "CREATE TABLE public.ds_plan (n int PRIMARY KEY, rest int NOT NULL, word text);
         INSERT INTO \"public\".\"ds_plan\" SELECT n, n % 7 FROM generate_series(1, 1000) n;
         CREATE TABLE ds_count (total int PRIMARY KEY); INSERT INTO ds_count VALUES (0)",
    )?;
    println!("create: two more tables");
    Ok(())
}

pub fn crud(it: &mut PgConnection) -> Outcome {
    it.transaction::<_, Error, _>(|it| {
        for name in ["pen", "ink", "paper"] {
            let id: i32 = diesel::insert_into(ds_item::table)
                .values(new_item(name))
                .returning(ds_item::id)
                .get_result(it)?;
            let lines = [1, 2].map(|number| {
                (ds_line::item.eq(id), ds_line::number.eq(number), ds_line::note.eq(Some(name)))
            });
            println!(
                "crud: {name} is {id}, {} lines",
                diesel::insert_into(ds_line::table).values(lines.to_vec()).execute(it)?
            );
        }
        let both = ds_item::table.filter(ds_item::name.eq_any(["pen", "ink"]));
        println!(
            "crud: {} updated",
            diesel::update(both)
                .set(ds_item::amount.eq(Some(bigdecimal::BigDecimal::from(5))))
                .execute(it)?
        );
        println!(
            "crud: {} deleted",
            diesel::delete(ds_item::table.filter(ds_item::name.eq("paper"))).execute(it)?
        );
        Ok(())
    })?;
    let found: Vec<(String, i64)> = ds_item::table
        .inner_join(ds_line::table)
        .group_by(ds_item::name)
        .select((ds_item::name, diesel::dsl::count_star()))
        .order(ds_item::name)
        .load(it)?;
    println!("crud: {found:?}");
    let upsert = diesel::insert_into(ds_item::table).values(new_item("pen"));
    let tags: Vec<Option<String>> = upsert
        .on_conflict(ds_item::name)
        .do_update()
        .set(ds_item::tags.eq(vec![Some("again")]))
        .returning(ds_item::tags)
        .get_result(it)?;
    println!("crud: once more {tags:?}");
    println!("crud: {:?}", ds_item::table.find(-1).select(ds_item::name).first::<String>(it).optional()?);
    let touched = ds_item::table.filter(ds_item::updated_at.gt(diesel::dsl::sql("'2001-01-01'"))).count();
    println!("crud: diesel's trigger touched {}", touched.get_result::<i64>(it)?);
    Ok(())
}

fn count(it: &mut PgConnection) -> QueryResult<i64> {
    ds_item::table.count().get_result(it)
}

pub fn rollback(it: &mut PgConnection) -> Outcome {
    let before = count(it)?;
    let failed = it.transaction::<(), Error, _>(|it| {
        diesel::delete(ds_item::table).execute(it)?;
        println!("rollback: within {}", count(it)?);
        Err(Error::RollbackTransaction)
    });
    println!("rollback: {}, {before} before, {} after", ended(failed), count(it)?);
    let failed = it.transaction::<_, Error, _>(|it| {
        diesel::delete(ds_item::table).execute(it)?;
        diesel::sql_query("SELECT 1 / 0").execute(it)
    });
    println!("rollback: {}, {} after", ended(failed), count(it)?);
    Ok(())
}

pub fn unique_violation(it: &mut PgConnection) -> Outcome {
    let insert =
        |it: &mut PgConnection| diesel::insert_into(ds_item::table).values(new_item("pen")).execute(it);
    let Err(Error::DatabaseError(kind, error)) = insert(it) else {
        return Err("a duplicate was taken".into());
    };
    println!("unique_violation: {kind:?} {} ({:?})", error.message(), error.details());
    println!("unique_violation: table {:?}, constraint {:?}", error.table_name(), error.constraint_name());
    let within = it.transaction::<(), Error, _>(|it| {
        println!("unique_violation: in a transaction {}", ended(insert(it)));
        println!("unique_violation: then {}", ended(count(it)));
        Ok(())
    });
    println!("unique_violation: committing {}, {} there", ended(within), count(it)?);
    let orphan =
        diesel::insert_into(ds_line::table).values((ds_line::item.eq(-1), ds_line::number.eq(1))).execute(it);
    println!("unique_violation: {}", ended(orphan));
    let Err(Error::DatabaseError(_, error)) =
        diesel::sql_query("SELECT * FROM public.ds_nowhere").execute(it)
    else {
        return Err("a table that is not there was found".into());
    };
    println!("unique_violation: {} at {:?}", error.message(), error.statement_position());
    Ok(())
}

/// diesel keeps every statement prepared that has the same text each time.
pub fn prepared(it: &mut PgConnection) -> Outcome {
    let mut sum = 0;
    for round in 0..70 {
        sum += ds_plan::table.filter(ds_plan::rest.eq(round % 7)).count().get_result::<i64>(it)?;
        if round % 10 == 0 {
            let all = |it: &mut PgConnection| {
                ds_plan::table.select(diesel::dsl::max(ds_plan::n)).first::<Option<i32>>(it)
            };
            sum += i64::from(it.transaction::<_, Error, _>(all)?.unwrap_or(0));
        }
    }
    println!("prepared: 70 rounds make {sum}");
    let star = || diesel::sql_query("SELECT * FROM public.ds_plan WHERE n = $1").bind::<Integer, _>(1);
    println!("prepared: {}", ended(star().execute(it)));
    it.batch_execute("ALTER TABLE public.ds_plan ADD COLUMN late text DEFAULT 'later'")?;
    println!("prepared: after ALTER TABLE {}", ended(star().execute(it)));
    it.batch_execute("ALTER TABLE public.ds_plan DROP COLUMN late")?;
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        sum: i64,
    }
    let bound = diesel::sql_query("SELECT sum(n) FROM ds_plan WHERE n <= $1 AND rest <> $2");
    println!("prepared: {}", bound.bind::<Integer, _>(10).bind::<Integer, _>(3).get_result::<Sum>(it)?.sum);
    Ok(())
}

pub fn savepoint(it: &mut PgConnection) -> Outcome {
    let insert =
        |it: &mut PgConnection, name| diesel::insert_into(ds_item::table).values(new_item(name)).execute(it);
    it.transaction::<_, Error, _>(|it| {
        insert(it, "outer")?;
        let lost = it.transaction::<_, Error, _>(|it| {
            insert(it, "lost")?;
            insert(it, "outer")
        });
        println!("savepoint: {}", ended(lost));
        it.transaction::<_, Error, _>(|it| insert(it, "kept"))
    })?;
    let names = ds_item::table.filter(ds_item::name.eq_any(["outer", "lost", "kept"])).order(ds_item::id);
    println!("savepoint: {:?}", names.select(ds_item::name).load::<String>(it)?);
    let tried: Result<(), Error> =
        Ok(it.test_transaction::<(), Error, _>(|it| insert(it, "tested").map(drop)));
    println!(
        "savepoint: a test's transaction {}, {} left",
        tried.map_or_else(|error| told(&error), |()| "ran".into()),
        ds_item::table.filter(ds_item::name.eq("tested")).count().get_result::<i64>(it)?
    );
    Ok(())
}
