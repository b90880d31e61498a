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

#[tokio::test]
async fn partials_added_up_beforehand_come_to_the_same() {
    let house = House::start().await;
    data::build(&house).await;
    let mut additive = Vec::new();
    house.run("BEGIN").await;
    for case in queries::all() {
        match house.plan(case.text, Tier::Fold, Wishes::default()).await {
            Ok(_) => additive.push(case),
            Err(why) => assert_eq!(why, "the gate cannot add these partials up", "{}", case.text),
        }
    }
    house.run("COMMIT").await;
    assert!(additive.len() > 80, "only {} can be folded", additive.len());
    let wrong = wrong(&house, &data::uneven(), Tier::Fold, &additive).await;
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn any_spread_of_rows_over_stores_comes_to_the_same() {
    let house = House::start().await;
    data::build(&house).await;
    let seeds: [u64; 3] = [3, 1_000_003, 77_777_777];
    for seed in seeds {
        let mut state = seed;
        let places: Vec<usize> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % 4).unwrap()
        })
        .take(data::POOL)
        .collect();
        let wrong = wrong(&house, &places, Tier::Combine, &queries::all()).await;
        assert!(wrong.is_empty(), "rows in {places:?}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[tokio::test]
async fn errors_about_values_have_the_sqlstate_of_one_postgres() {
    let house = House::start().await;
    data::build(&house).await;
    data::spread(&house, &data::uneven()).await;
    house.run("BEGIN").await;
    for (text, state) in queries::ERRORS {
        let plan = house.plan(text, Tier::Combine, Wishes::default()).await;
        let plan = plan.unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(house.direct(text, &[]).await, Err((*state).to_owned()), "{text}");
        assert_eq!(house.combine(&plan, &[], &STORES).await, Err((*state).to_owned()), "{text}\n{plan:#?}");
    }
}

#[tokio::test]
async fn what_is_not_sure_to_be_the_same_is_left_to_gathering() {
    let house = House::start().await;
    data::build(&house).await;
    house.run("BEGIN").await;
    for text in queries::NOT_HERE {
        let planned = house.plan(text, Tier::Combine, Wishes::default()).await;
        assert!(planned.is_err(), "{text}: {planned:#?}");
    }
    for case in queries::all() {
        let bare = house.plan(case.text, Tier::Combine, Wishes { bare: true, ..Wishes::default() }).await;
        assert!(bare.is_err(), "{}: {bare:#?}", case.text);
    }
}

/// With a floor, the answer is that over the groups to which enough stores have contributed a row.
#[tokio::test]
async fn groups_of_too_few_stores_are_not_shown() {
    let house = House::start().await;
    data::build(&house).await;
    data::spread(&house, &data::uneven()).await;
    house.run("BEGIN").await;
    let enough = "count(DISTINCT _store) >= 2";
    let cases = [
        (
            "SELECT g, count(*) FROM things GROUP BY g",
            format!("SELECT g, count(*) FROM things GROUP BY g HAVING {enough}"),
        ),
        (
            "SELECT who, n, sum(big) FROM things GROUP BY who, n HAVING count(*) > 1",
            format!("SELECT who, n, sum(big) FROM things GROUP BY who, n HAVING count(*) > 1 AND {enough}"),
        ),
        (
            "SELECT who, n, what, grouping(n, what), count(*) FROM things GROUP BY CUBE (who, n, what)",
            format!(
                "SELECT who, n, what, grouping(n, what), count(*) FROM things GROUP BY CUBE (who, n, what) HAVING {enough}"
            ),
        ),
        (
            "SELECT who, n, count(DISTINCT big) FROM things GROUP BY who, n",
            format!("SELECT who, n, count(DISTINCT big) FROM things GROUP BY who, n HAVING {enough}"),
        ),
        (
            "SELECT who, n, string_agg(what, ',' ORDER BY at) FROM things GROUP BY who, n",
            format!(
                "SELECT who, n, string_agg(what, ',' ORDER BY at) FROM things GROUP BY who, n HAVING {enough}"
            ),
        ),
        (
            "SELECT DISTINCT who, n, big FROM things",
            format!("SELECT who, n, big FROM things GROUP BY who, n, big HAVING {enough}"),
        ),
        (
            "SELECT count(*), sum(n) FROM things WHERE who = 'ß'",
            format!("SELECT count(*), sum(n) FROM things WHERE who = 'ß' HAVING {enough}"),
        ),
        (
            "SELECT count(*) FROM things WHERE _store = 's1'",
            format!("SELECT count(*) FROM things WHERE _store = 's1' HAVING {enough}"),
        ),
        (
            "SELECT count(*) FROM things WHERE g = 99",
            format!("SELECT count(*) FROM things WHERE g = 99 HAVING {enough}"),
        ),
        (
            "SELECT count(*), count(DISTINCT g) FROM things WHERE id > 20",
            format!("SELECT count(*), count(DISTINCT g) FROM things WHERE id > 20 HAVING {enough}"),
        ),
        (
            "SELECT num, count(*) FROM things WHERE num < 1.6 AND id % 3 = 0 GROUP BY num ORDER BY num",
            format!(
                "SELECT num, count(*) FROM things WHERE num < 1.6 AND id % 3 = 0 GROUP BY num HAVING {enough} ORDER BY num"
            ),
        ),
        (
            "SELECT who, sum(count(*)) OVER () FROM things WHERE n = 7 GROUP BY who",
            format!("SELECT who, sum(count(*)) OVER () FROM things WHERE n = 7 GROUP BY who HAVING {enough}"),
        ),
    ];
    let mut hidden = 0;
    for (text, expected) in &cases {
        let wishes = Wishes { floor: 2, bare: false };
        let types = house.result(text).await;
        let expected = house.direct(expected, &[]).await.map(|rows| sorted(&rows, &types));
        let all = house.direct(text, &[]).await.unwrap().len();
        hidden += usize::from(expected.as_ref().unwrap().len() < all);
        for tier in [Tier::Combine, Tier::Fold] {
            let plan = match house.plan(text, tier, wishes).await {
                Err(why) if tier == Tier::Fold => {
                    assert_eq!(why, "the gate cannot add these partials up", "{text}");
                    continue;
                }
                plan => plan.unwrap_or_else(|why| panic!("{text}: {why}")),
            };
            let got = house.combine(&plan, &[], &STORES).await.map(|rows| sorted(&rows, &types));
            assert_eq!(got, expected, "{text}\n{plan:#?}");
        }
    }
    assert!(hidden > 8, "groups were hidden in {hidden} cases only");
    for text in [
        "SELECT sum(n) FILTER (WHERE _store = 's1') FROM things",
        "SELECT sum(CASE WHEN _store = 's1' THEN n END) FROM things",
        "SELECT string_agg(_store, ',') FROM things",
        "SELECT min(_store) FROM things",
    ] {
        let planned = house.plan(text, Tier::Combine, Wishes { floor: 2, bare: false }).await;
        assert!(planned.is_err(), "{text}: {planned:#?}");
    }
}
