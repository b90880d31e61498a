//! What a statement costs: the scan that most texts need alone, and the full look at the others.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sql::{Names, Scan, Scanner, analyse, rewrite};
use std::hint::black_box;

const NAMES: Names =
    Names { schema: "p_todo", extensions: "ext", database: "todo", store_database: "theirs" };

const PLAIN: &str = "SELECT \"todos\".\"id\", \"todos\".\"title\", \"todos\".\"done\" FROM \"todos\" WHERE \"todos\".\"owner_id\" = $1 LIMIT 11";

const QUALIFIED: &str = "SELECT \"public\".\"todos\".\"id\", \"public\".\"todos\".\"title\" FROM \"public\".\"todos\" WHERE \"public\".\"todos\".\"id\" = $1";

/// As pgbench says it.
const SHORT: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;";

fn scans(c: &mut Criterion) {
    let insert = |rows: usize| {
        let rows = vec!["(17, 'Buy some milk', 'from the shop at the corner')"; rows].join(", ");
        format!("INSERT INTO todos (owner_id, title, note) VALUES {rows}")
    };
    let (middle, long) = (insert(20), insert(2000));
    for (name, text) in [
        ("begin", "BEGIN"),
        ("60 bytes", SHORT),
        ("100 bytes", &PLAIN[..100]),
        ("1 kB", middle.as_str()),
        ("100 kB", long.as_str()),
    ] {
        scan(c, "scan, nothing in it", name, text, false);
    }
    let behind = |text: &str| format!("{text} RETURNING current_setting('app.user')");
    let (middle, long) = (behind(&middle), behind(&long));
    for (name, text) in [
        ("100 bytes", QUALIFIED),
        ("1 kB, at the end", middle.as_str()),
        ("100 kB, at the end", long.as_str()),
    ] {
        scan(c, "scan, a trigger word", name, text, true);
    }
}

fn scan(c: &mut Criterion, group: &str, name: &str, text: &str, looks: bool) {
    let scanner = Scanner::new();
    assert_eq!(scanner.scan(text.as_bytes()) == Scan::Look, looks, "{name}");
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(name, |b| b.iter(|| scanner.scan(black_box(text.as_bytes()))));
    group.finish();
}

fn looks(c: &mut Criterion) {
    let mut group = c.benchmark_group("look");
    group.bench_function("analyse", |b| b.iter(|| analyse(black_box(QUALIFIED.as_bytes()))));
    group.bench_function("rewrite", |b| b.iter(|| rewrite(black_box(QUALIFIED.as_bytes()), &NAMES)));
    group.finish();
}

criterion_group!(benches, scans, looks);
criterion_main!(benches);
