//! No row is ever in the wrong store, whatever clients do.

use std::collections::BTreeMap;
use stuffgate_tests::testkit::scratch::Options;
use stuffgate_tests::testkit::{Client, frames};
use stuffgate_tests::{SERVICE, World, WorldPlan};

const USERS: usize = 50;
const SESSIONS: u64 = 8;
const TRANSACTIONS: usize = 20_000;

/// A small generator (xorshift64*), the same sequence for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }
}

/// Rows that were told to be committed, by user.
type Told = BTreeMap<String, usize>;

async fn must(session: &mut Client, sql: &str) -> Option<String> {
    let answer = session.simple(sql).await.unwrap();
    assert_eq!(answer.errors, [], "{sql}");
    answer.value().map(str::to_owned)
}

/// Opens a transaction for `user` in one of the ways to bind. Some bind the session, some the transaction.
async fn begin(session: &mut Client, user: &str, form: usize) {
    match form {
        0 => must(session, &format!("SET stuffgate.user = '{user}'; BEGIN")).await,
        1 => must(session, &format!("BEGIN; SET LOCAL stuffgate.user = '{user}'")).await,
        2 => must(session, &format!("BEGIN; SELECT set_config('stuffgate.user', '{user}', true)")).await,
        3 => {
            must(session, "BEGIN").await;
            let set = "SELECT set_config('stuffgate.user', $1, true)";
            session.extended(set, &[Some(user)]).await.unwrap().value().map(str::to_owned)
        }
        _ => must(session, &format!("BEGIN; SELECT 1 /*stuffgate.user='{user}'*/")).await,
    };
}

/// One transaction with a random end; returns whether its row stays, and whether the session does.
async fn transaction(session: &mut Client, world: &World, user: &str, dice: &mut Dice) -> (bool, bool) {
    begin(session, user, dice.roll(5)).await;
    let insert = format!("INSERT INTO rows (owner) VALUES ('{user}') RETURNING stamp");
    let answer = if dice.roll(2) == 0 {
        session.simple(&insert).await.unwrap()
    } else {
        session.extended("INSERT INTO rows (owner) VALUES ($1) RETURNING stamp", &[Some(user)]).await.unwrap()
    };
    assert_eq!(answer.value(), Some(user), "{answer:?}");
    match dice.roll(100) {
        0..70 => {
            must(session, "COMMIT").await;
            (true, true)
        }
        70..82 => {
            must(session, "ROLLBACK").await;
            (false, true)
        }
        82..90 => {
            assert_eq!(session.simple("SELECT 1/0").await.unwrap().code(), "22012");
            must(session, "COMMIT").await;
            (false, true)
        }
        90..95 => {
            session.send(&frames::query("SELECT pg_sleep(0.05)")).await.unwrap();
            session.cancel(world.gate.port()).await.unwrap();
            let answer = session.answer().await.unwrap();
            assert!(answer.code() == "57014" || answer.tags == ["SELECT 1"], "{answer:?}");
            must(session, "ROLLBACK").await;
            (false, true)
        }
        _ => {
            let last = ["SELECT 1", "SELECT stamp FROM rows"][dice.roll(2)];
            session.send(&frames::query(last)).await.unwrap();
            (false, false)
        }
    }
}

async fn work(world: &World, users: &[String], seed: u64) -> Told {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut told = Told::new();
    let mut session = world.connect(SERVICE).await;
    for _ in 0..TRANSACTIONS / usize::try_from(SESSIONS).unwrap() {
        let user = &users[dice.roll(users.len())];
        let (stays, goes_on) = transaction(&mut session, world, user, &mut dice).await;
        *told.entry(user.clone()).or_default() += usize::from(stays);
        if !goes_on {
            session = if dice.roll(2) == 0 {
                let options = format!("-c stuffgate.user={user}");
                world.connect_with(SERVICE, &[("options", &options)]).await
            } else {
                world.connect(SERVICE).await
            };
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_users_over_eight_connections_in_twenty_thousand_random_transactions() {
    let users: Vec<String> = (1..=USERS).map(|n| format!("user{n:02}")).collect();
    let options = Options { conf: vec!["max_connections = 200".into()], ..Options::default() };
    // Hardly more server connections than users: now and then one is taken from a user for another.
    let plan = WorldPlan::default().users(users.clone()).options(options);
    let world = plan.settings("[pool]\ntotal = 52\nper_service = 52\n[log]\nfilter = 'warn'").start();
    for user in &users {
        let table = format!("CREATE TABLE rows (owner text, stamp text DEFAULT '{user}')");
        must(&mut world.connect(user).await, &table).await;
    }

    let mut told = Told::new();
    let (world, users) = (std::sync::Arc::new(world), std::sync::Arc::new(users));
    let mut sessions = tokio::task::JoinSet::new();
    for seed in 1..=SESSIONS {
        let (world, users) = (std::sync::Arc::clone(&world), std::sync::Arc::clone(&users));
        sessions.spawn(async move { work(&world, &users, seed).await });
    }
    while let Some(one) = sessions.join_next().await {
        for (user, rows) in one.unwrap() {
            *told.entry(user).or_default() += rows;
        }
    }

    for user in users.iter() {
        let foreign = "SELECT count(*) FROM rows WHERE owner <> stamp";
        assert_eq!(world.direct(user, foreign), "0\n", "foreign rows in {user}'s store");
        let stamps = world.direct(user, "SELECT DISTINCT stamp FROM rows");
        assert_eq!(stamps, format!("{user}\n"));
        let rows = world.direct(user, "SELECT count(*) FROM rows");
        assert_eq!(rows, format!("{}\n", told.get(user).copied().unwrap_or_default()), "{user}'s rows");
    }
}
