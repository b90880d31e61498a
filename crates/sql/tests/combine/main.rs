//! Partials that stores send, combined by home, are the answer of one Postgres that has all rows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod data;
mod fold;
mod house;
mod queries;

use house::{Answer, House, Rows, STORES};
use queries::{Case, Order};
use sql::fanout::{Tier, Type, Wishes};

/// What is wrong with one case, if anything.
async fn check(house: &House, case: &Case, tier: Tier) -> Result<(), String> {
    let text = case.text;
    let plan = house.plan(text, tier, Wishes::default()).await.map_err(|why| format!("no plan: {why}"))?;
    let expected = house.direct(text, case.values).await;
    let got = house.combine(&plan, case.values, &STORES).await;
    let types = match &expected {
        Ok(_) => house.result(text).await,
        Err(_) => Vec::new(),
    };
    compare(&expected, &got, case.order, &types)
        .map_err(|why| format!("{why}\nexpected {expected:?}\ngot      {got:?}\n{plan:#?}"))
}

fn compare(expected: &Answer, got: &Answer, order: Order, types: &[Type]) -> Result<(), String> {
    match (expected, got) {
        (Err(one), Err(other)) if one == other => Ok(()),
        (Ok(expected), Ok(got)) if expected.len() == got.len() => {
            let (expected, got) = match order {
                Order::Kept => (expected.clone(), got.clone()),
                Order::Open => (sorted(expected, types), sorted(got, types)),
            };
            for (one, other) in expected.iter().zip(&got) {
                for ((a, b), kind) in one.iter().zip(other).zip(types) {
                    if !same(a.as_deref(), b.as_deref(), kind) {
                        return Err(format!("{a:?} became {b:?}"));
                    }
                }
            }
            Ok(())
        }
        (Ok(_), Ok(_)) => Err("another number of rows".to_owned()),
        _ => Err("one is an error".to_owned()),
    }
}

/// Floats are sorted by fewer digits: they may differ in the last ones.
fn sorted(rows: &Rows, types: &[Type]) -> Rows {
    let mut rows = rows.clone();
    rows.sort_by_key(|row| {
        row.iter()
            .zip(types)
            .map(|(value, kind)| match value {
                Some(text) if is_float(kind) => format!("{:.4e}", text.parse::<f64>().unwrap()),
                Some(text) => text.clone(),
                None => "\u{1}".to_owned(),
            })
            .collect::<Vec<_>>()
    });
    rows
}

fn is_float(kind: &Type) -> bool {
    matches!(kind.oid, 700 | 701)
}

fn same(one: Option<&str>, other: Option<&str>, kind: &Type) -> bool {
    match (one, other) {
        (Some(one), Some(other)) if one != other && is_float(kind) => {
            let (a, b): (f64, f64) = (one.parse().unwrap(), other.parse().unwrap());
            let most = if kind.oid == 700 { 1e-4 } else { 1e-9 };
            (a - b).abs() <= most * a.abs().max(b.abs()).max(1e-300)
        }
        _ => one == other,
    }
}

/// All cases over rows that are spread like this; what is wrong with them.
async fn wrong(house: &House, places: &[usize], tier: Tier, cases: &[Case]) -> Vec<String> {
    data::spread(house, places).await;
    house.run("BEGIN").await;
    let mut wrong = Vec::new();
    for case in cases {
        if let Err(why) = check(house, case, tier).await {
            wrong.push(format!("{}\n{why}\n", case.text));
        }
    }
    house.run("ROLLBACK").await;
    wrong
}

#[tokio::test]
async fn partials_of_uneven_stores_come_to_the_answer_over_all_rows() {
    let house = House::start().await;
    data::build(&house).await;
    let wrong = wrong(&house, &data::uneven(), Tier::Combine, &queries::all()).await;
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
