//! What a client sends ahead of saying farewell is carried out, as on plain Postgres.

use stuffgate_tests::testkit::{Client, frames};
use stuffgate_tests::{SERVICE, World};

/// Ways to do something and leave; `WORK` stands for what is done.
fn ways(work: &str) -> Vec<(&'static str, Vec<u8>)> {
    let extended = |sql: &str| {
        [frames::parse("", sql), frames::bind("", "", &[]), frames::execute("", 0), frames::sync()].concat()
    };
    vec![
        ("a query", frames::query(work)),
        ("several queries", [frames::query("SELECT 1"), frames::query(work)].concat()),
        ("a transaction", [frames::query("BEGIN"), frames::query(work), frames::query("COMMIT")].concat()),
        ("a transaction in one message", frames::query(&format!("BEGIN; {work}; COMMIT"))),
        ("a pipeline", extended(work)),
        ("two pipelines", [extended("SELECT 1"), extended(work)].concat()),
        ("a pipelined transaction", [extended("BEGIN"), extended(work), extended("COMMIT")].concat()),
    ]
}

async fn does_and_leaves(mut client: Client, messages: &[u8]) {
    client.send(&[messages, &frames::terminate()].concat()).await.unwrap();
    drop(client);
}

#[tokio::test]
async fn what_is_sent_just_ahead_of_terminate_is_carried_out() {
    let world = World::start();
    let table = "CREATE TABLE done (way text)";
    world.connect("alice").await.simple(table).await.unwrap();
    world.plain("bob").await.simple(table).await.unwrap();
    world.connect(SERVICE).await.simple(table).await.unwrap();
    // Slow enough for the client to be long gone.
    let work = "INSERT INTO done SELECT $way$WAY$way$ FROM pg_sleep(0.1)";
    let mut expected = Vec::new();
    for (way, _) in ways("") {
        for (_, messages) in ways(&work.replace("WAY", way)).into_iter().filter(|(name, _)| *name == way) {
            does_and_leaves(world.connect("alice").await, &messages).await;
            does_and_leaves(world.plain("bob").await, &messages).await;
            does_and_leaves(world.connect(SERVICE).await, &messages).await;
        }
        expected.push(way);
    }
    expected.sort_unstable();
    let all = format!("{}\n", expected.join(", "));
    let sql = "SELECT string_agg(way, ', ' ORDER BY way COLLATE \"C\") FROM";
    world.until(async || world.direct("alice", &format!("{sql} done")) == all).await;
    world.until(async || world.home(&format!("{sql} done")) == all).await;
    // Plain Postgres gives up where a block's first answer finds nobody; the gate carries that out as well.
    let by_plain = |done: &str| {
        expected.iter().filter(|way| !way.ends_with("transaction")).all(|way| done.contains(way))
    };
    world.until(async || by_plain(&world.direct("bob", &format!("{sql} public.done")))).await;
}

#[tokio::test]
async fn a_transaction_that_is_left_open_is_rolled_back() {
    let world = World::start();
    let mut session = world.connect("alice").await;
    session.simple("CREATE TABLE done (way text)").await.unwrap();
    let left = [frames::query("BEGIN"), frames::query("INSERT INTO done VALUES ('no')")].concat();
    does_and_leaves(world.connect("alice").await, &left).await;
    // The lock is free once the transaction is over.
    let lock = "SET lock_timeout = '10s'; LOCK TABLE done; ";
    assert_eq!(session.simple(lock).await.unwrap().errors, []);
    assert_eq!(world.direct("alice", "SELECT count(*) FROM done"), "0\n");
    let copy = [frames::query("COPY done FROM STDIN"), frames::copy_data(b"half\n")].concat();
    does_and_leaves(world.connect("alice").await, &copy).await;
    world
        .until(async || {
            let busy =
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY done%' AND state = 'active'";
            world.on_server_of("alice", busy) == "0\n"
        })
        .await;
    assert_eq!(world.direct("alice", "SELECT count(*) FROM done"), "0\n");
}
