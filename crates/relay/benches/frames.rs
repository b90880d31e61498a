//! What one message costs on its way through the relay: memory to memory, no kernel in between.

mod exchange;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exchange::Exchange;
use testkit::frames;

/// Bytes of rows in one round.
const ROUND_BYTES: usize = 1 << 20;

fn rows(c: &mut Criterion) {
    for size in [30, 100, 1000] {
        let row = frames::data_row(&[Some(&"x".repeat(size - 11))]);
        assert_eq!(row.len(), size);
        let count = ROUND_BYTES / size;
        let answer = [row.repeat(count), frames::command_complete("SELECT"), frames::ready(b'I')].concat();
        let steps = [(frames::query("select"), answer)];
        let mut exchange = Exchange::new(&steps);
        let mut group = c.benchmark_group("rows");
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("of {size} bytes"), |b| b.iter(|| exchange.run()));
        group.finish();
    }
}

fn exchanges(c: &mut Criterion) {
    for (name, steps) in [
        ("simple query", exchange::simple()),
        ("parse, bind, describe, execute, sync", exchange::extended()),
        ("bind, execute, sync", exchange::prepared()),
        ("pipeline of 10", exchange::pipeline()),
        ("1000 rows", exchange::rows()),
        ("copy in, 1000 messages", exchange::copy_in()),
    ] {
        let mut exchange = Exchange::new(&steps);
        c.bench_function(name, |b| b.iter(|| exchange.run()));
    }
}

criterion_group!(benches, rows, exchanges);
criterion_main!(benches);
