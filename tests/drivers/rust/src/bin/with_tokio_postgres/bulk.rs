//! Much at once: long results, long values, pipelines, portals, COPY, large objects.

use crate::{Session, code, told};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{SinkExt as _, TryStreamExt as _, pin_mut};
use rust_drivers::{Outcome, digest, five_megabytes};
use tokio_postgres::Row;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::types::{ToSql, Type};

pub async fn rows_100000(it: &mut Session) -> Outcome {
    let sql = "SELECT n, md5(n::text), 'public.' || n FROM generate_series(1, $1) n";
    let rows = it.client.query_raw(sql, [&100_000_i32 as &(dyn ToSql + Sync)]).await?;
    pin_mut!(rows);
    let (mut count, mut seen) = (0, Vec::new());
    while let Some(row) = rows.try_next().await? {
        count += 1;
        seen.extend_from_slice(row.get::<_, &str>(1).as_bytes());
        seen.extend_from_slice(row.get::<_, &str>(2).as_bytes());
    }
    println!("rows_100000: {count} rows, {}", digest(&seen));
    let dropped = it.client.query_raw(sql, [&100_000_i32 as &(dyn ToSql + Sync)]).await?;
    drop(dropped);
    println!(
        "rows_100000: dropped half way, then {}",
        it.client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0)
    );
    Ok(())
}

pub async fn parameter_5mb(it: &mut Session) -> Outcome {
    let text = five_megabytes();
    let row = it.client.query_one("SELECT length($1::text), md5($1), $1", &[&text]).await?;
    let back: &str = row.get(2);
    println!(
        "parameter_5mb: {} characters, md5 {}, the same: {}",
        row.get::<_, i32>(0),
        row.get::<_, &str>(1),
        back == text
    );
    let row = it.client.query_one("SELECT length($1::bytea), $1", &[&text.as_bytes()]).await?;
    println!("parameter_5mb: {} bytes, {}", row.get::<_, i32>(0), digest(row.get(1)));
    Ok(())
}

/// On a connection of its own: where a server refuses so long a statement it may end the connection.
pub async fn statement_5mb() -> Outcome {
    let it = Session::open("").await?;
    let text = five_megabytes();
    let rows = it.client.simple_query(&format!("SELECT length('{text}')")).await?;
    println!("statement_5mb: {} characters as a literal", first(&rows));
    let values: Vec<String> = (0..100_000).map(|number| format!("({number},'v')")).collect();
    let script =
        format!("CREATE TEMP TABLE tp_many (n int, v text); INSERT INTO tp_many VALUES {}", values.join(","));
    it.client.batch_execute(&script).await?;
    let row = it.client.query_one("SELECT count(*), sum(n) FROM tp_many", &[]).await?;
    println!(
        "statement_5mb: {} rows, {}, by {} bytes",
        row.get::<_, i64>(0),
        row.get::<_, i64>(1),
        script.len()
    );
    let statement = it.client.prepare(&format!("SELECT md5('{text}'), $1::int")).await?;
    println!(
        "statement_5mb: prepared {}",
        it.client.query_one(&statement, &[&1_i32]).await?.get::<_, &str>(0)
    );
    Ok(())
}

/// The first value of a simple query's answer.
fn first(messages: &[tokio_postgres::SimpleQueryMessage]) -> String {
    let row = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.unwrap_or("nothing").to_owned()
}

pub async fn pipeline(it: &mut Session) -> Outcome {
    let statement = it.client.prepare("SELECT sum(n) FROM public.tp_plan WHERE n <= $1").await?;
    let numbers: Vec<i32> = (1..=200).collect();
    let answers = join_all(numbers.iter().map(|number| {
        let (client, statement) = (&it.client, &statement);
        let parameters: [&(dyn ToSql + Sync); 1] = [number];
        async move { client.query_one(statement, &parameters).await.map(|row| row.get::<_, i64>(0)) }
    }));
    let sums: Result<Vec<i64>, _> = answers.await.into_iter().collect();
    println!("pipeline: 200 at once make {}", sums?.iter().sum::<i64>());
    let divide = it.client.prepare("SELECT 100 / $1::int4").await?;
    let parts = join_all([5, 0, 10, 0, 20_i32].map(|by| {
        let (client, divide) = (&it.client, &divide);
        async move { client.query_one(divide, &[&by]).await.map(|row| row.get::<_, i32>(0)) }
    }));
    for part in parts.await {
        println!("pipeline: {}", part.map_or_else(|error| told(&error), |quotient| quotient.to_string()));
    }
    let client = &it.client;
    let (begun, inserted, refused, ended) = tokio::join!(
        client.batch_execute("BEGIN"),
        client.execute_typed("INSERT INTO tp_item (name) VALUES ($1)", &[(&"piped", Type::TEXT)]),
        client.execute_typed("INSERT INTO tp_item (name) VALUES ($1)", &[(&"piped", Type::TEXT)]),
        client.batch_execute("COMMIT"),
    );
    println!("pipeline: {}, {inserted:?}, {}, {}", code(begun), code(refused), code(ended));
    let left: i64 = client.query_one("SELECT count(*) FROM tp_item WHERE name = 'piped'", &[]).await?.get(0);
    println!("pipeline: {left} left of a transaction that failed");
    Ok(())
}

pub async fn cursor(it: &mut Session) -> Outcome {
    let transaction = it.client.transaction().await?;
    let statement = transaction.prepare("SELECT n FROM tp_plan WHERE n <= $1 ORDER BY n").await?;
    let (one, other) =
        (transaction.bind(&statement, &[&20_i32]).await?, transaction.bind(&statement, &[&9_i32]).await?);
    for _ in 0..4 {
        let (left, right) =
            (transaction.query_portal(&one, 7).await?, transaction.query_portal(&other, 4).await?);
        println!("cursor: portals {:?} {:?}", numbers(&left), numbers(&right));
    }
    transaction
        .batch_execute("DECLARE tp_cursor SCROLL CURSOR FOR SELECT n FROM public.tp_plan ORDER BY n")
        .await?;
    let ahead = transaction.query("FETCH 3 FROM tp_cursor", &[]).await?;
    let moved = transaction.execute("MOVE 500 FROM tp_cursor", &[]).await?;
    let back = transaction.query("FETCH BACKWARD 2 FROM tp_cursor", &[]).await?;
    println!("cursor: {:?}, moved {moved}, {:?}", numbers(&ahead), numbers(&back));
    transaction.commit().await?;
    println!("cursor: after the end {}", code(it.client.query("FETCH 1 FROM tp_cursor", &[]).await));
    it.client
        .batch_execute("DECLARE tp_held CURSOR WITH HOLD FOR SELECT n FROM tp_plan ORDER BY n DESC")
        .await?;
    let held = it.client.query("FETCH 2 FROM tp_held", &[]).await?;
    it.client.batch_execute("CLOSE tp_held").await?;
    println!(
        "cursor: held {:?}, closed {}",
        numbers(&held),
        code(it.client.query("FETCH 1 FROM tp_held", &[]).await)
    );
    Ok(())
}

fn numbers(rows: &[Row]) -> Vec<i32> {
    rows.iter().map(|row| row.get(0)).collect()
}

pub async fn copy(it: &mut Session) -> Outcome {
    it.client
        .batch_execute("CREATE TABLE public.tp_copy (n int PRIMARY KEY, word text, at timestamptz)")
        .await?;
    let sink = it.client.copy_in("COPY public.tp_copy (n, word) FROM STDIN (FORMAT binary)").await?;
    let writer = BinaryCopyInWriter::new(sink, &[Type::INT4, Type::TEXT]);
    pin_mut!(writer);
    for number in 0..20_000_i32 {
        let word = (number % 3 != 0).then(|| format!("word {number}"));
        writer.as_mut().write(&[&number, &word]).await?;
    }
    println!("copy: {} rows in binary", writer.finish().await?);
    let sink = it.client.copy_in("COPY tp_copy (n, word) FROM STDIN (FORMAT csv)").await?;
    pin_mut!(sink);
    sink.send(Bytes::from_static(b"20000,\"with, comma\"\n20001,\n")).await?;
    println!("copy: {} rows as CSV", sink.finish().await?);
    let sink = it.client.copy_in("COPY tp_copy (n) FROM STDIN").await?;
    pin_mut!(sink);
    sink.send(Bytes::from_static(b"20002\n7\n")).await?;
    println!("copy: {}", code(sink.finish().await));
    let sink = it.client.copy_in::<_, Bytes>("COPY tp_copy (n) FROM STDIN").await?;
    drop(sink);
    println!(
        "copy: given up, then {}",
        it.client.query_one("SELECT count(*) FROM tp_copy", &[]).await?.get::<_, i64>(0)
    );
    let stream = it
        .client
        .copy_out("COPY (SELECT n, word FROM public.tp_copy ORDER BY n) TO STDOUT (FORMAT binary)")
        .await?;
    let rows: Vec<_> = BinaryCopyOutStream::new(stream, &[Type::INT4, Type::TEXT]).try_collect().await?;
    let known = rows.iter().filter(|row| row.get::<Option<&str>>(1).is_some()).count();
    println!("copy: {} rows out, {known} with a word", rows.len());
    let text: Vec<Bytes> = it.client.copy_out("COPY public.tp_copy TO STDOUT").await?.try_collect().await?;
    println!("copy: {} messages of text, {}", text.len(), digest(&text.concat()));
    println!("copy: {}", code(it.client.copy_out("COPY public.tp_nowhere TO STDOUT").await.map(drop)));
    Ok(())
}

pub async fn large_object(it: &mut Session) -> Outcome {
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let transaction = it.client.transaction().await?;
    let oid: u32 = transaction.query_one("SELECT lo_from_bytea(0, $1)", &[&content]).await?.get(0);
    let descriptor: i32 = transaction.query_one("SELECT lo_open($1, 393216)", &[&oid]).await?.get(0);
    let at: i32 = transaction.query_one("SELECT lo_lseek($1, -10, 2)", &[&descriptor]).await?.get(0);
    let tail: Vec<u8> = transaction.query_one("SELECT loread($1, 100)", &[&descriptor]).await?.get(0);
    let written: i32 =
        transaction.query_one("SELECT lowrite($1, $2)", &[&descriptor, &b"more".as_slice()]).await?.get(0);
    transaction.commit().await?;
    println!("large_object: at {at} the last are {tail:?}, {written} more");
    let all: Vec<u8> = it.client.query_one("SELECT lo_get($1)", &[&oid]).await?.get(0);
    println!("large_object: {} bytes, {}", all.len(), digest(&all));
    it.client.execute("SELECT lo_unlink($1)", &[&oid]).await?;
    let gone = code(it.client.query_one("SELECT lo_get($1)", &[&oid]).await);
    println!("large_object: removed {}", gone.replace(&oid.to_string(), "N"));
    Ok(())
}
