//! What one transaction takes through a gate with one store, and what of that is the look at its text: one that is
//! rewritten and remembered beside one that needs no look and one that nobody has seen before.

#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on says so and ends")]

mod stage;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use stage::{SERVICE, Stage, USER};
use testkit::callgrind::Rounds;
use testkit::frames;

fn select(table: &str, id: u32) -> Vec<u8> {
    frames::query(&format!("SELECT abalance FROM {table} WHERE aid = {id}"))
}

fn looks(c: &mut Criterion) {
    let mut stage = Stage::set(USER);
    let mut group = c.benchmark_group("simple query");
    for (name, table) in [("plain", "pgbench_accounts"), ("rewritten, remembered", "public.pgbench_accounts")]
    {
        let texts = [select(table, 12345)];
        group.bench_function(name, |b| b.iter(|| stage.play(&texts, Rounds::warm(1))));
    }
    let mut id = 0;
    group.bench_function("rewritten, never seen", |b| {
        let texts = || {
            id += 1;
            [select("public.pgbench_accounts", id)]
        };
        b.iter_batched(texts, |texts| stage.play(&texts, Rounds::warm(1)), BatchSize::SmallInput);
    });
    group.finish();
}

fn bindings(c: &mut Criterion) {
    let begin = || frames::query("BEGIN");
    let (asked, commit) = (select("pgbench_accounts", 12345), frames::query("COMMIT"));
    let bind = frames::query("SET LOCAL stuffgate.user = 'alice'");
    let mut group = c.benchmark_group("block of one query");
    for (name, login, texts) in [
        ("of a user", USER, vec![begin(), asked.clone(), commit.clone()]),
        ("of a service, bound", SERVICE, vec![begin(), bind, asked, commit]),
    ] {
        let mut stage = Stage::set(login);
        group.bench_function(name, |b| b.iter(|| stage.play(&texts, Rounds::warm(1))));
    }
    group.finish();
}

criterion_group!(benches, looks, bindings);
criterion_main!(benches);
