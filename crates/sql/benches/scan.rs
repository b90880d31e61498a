//! What a statement costs: the scan that most texts need alone, and the full look at the others.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sql::{Names, Scan, Scanner, analyse, rewrite};
use std::hint::black_box;

const NAMES: Names =
    Names { schema: "p_todo", extensions: "ext", database: "todo", store_database: "theirs" };

const PLAIN: &str = "SELECT \"todos\".\"id\", \"todos\".\"title\", \"todos\".\"done\" FROM \"todos\" WHERE \"todos\".\"owner_id\" = $1 LIMIT 11";

const QUALIFIED: &str = "SELECT \"public\".\"todos\".\"id\", \"public\".\"todos\".\"title\" FROM \"public\".\"todos\" WHERE \"public\".\"todos\".\"id\" = $1";

fn scans(c: &mut Criterion) {
    let scanner = Scanner::new();
    let long = format!(
        "INSERT INTO todos (owner_id, title, note) VALUES {}",
        vec!["(17, 'Buy some milk', 'from the shop at the corner')"; 2000].join(", ")
    );
    for (name, text) in [("begin", "BEGIN"), ("100 bytes", &PLAIN[..100]), ("100 kB", long.as_str())] {
        assert_ne!(scanner.scan(text.as_bytes()), Scan::Look);
        let mut group = c.benchmark_group("scan");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| scanner.scan(black_box(text.as_bytes()))));
        group.finish();
    }
}

fn looks(c: &mut Criterion) {
    let mut group = c.benchmark_group("look");
    group.bench_function("analyse", |b| b.iter(|| analyse(black_box(QUALIFIED.as_bytes()))));
    group.bench_function("rewrite", |b| b.iter(|| rewrite(black_box(QUALIFIED.as_bytes()), &NAMES)));
    group.finish();
}

criterion_group!(benches, scans, looks);
criterion_main!(benches);
