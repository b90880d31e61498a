//! EXPLAIN in a fan-out: the tier and why no cheaper one, who would be asked what, and what home makes of it.

use crate::described::ColumnDescribed;
use crate::fanout::Fanout;
use crate::legs::Scope;
use crate::prepare::Planned;
use crate::run::Teller;
use crate::{Asker, Event};
use bytes::Bytes;
use sql::fanout::{Answered, Plan, Shown, Tier};
use wire::Fields;
use wire::frame::{self, TEXT_OID};

/// Type oid of `json`.
const JSON_OID: u32 = 114;

/// Most users who are named.
const MAX_NAMED: usize = 3;

/// The word for how a plan is answered, in metrics. `folded`: the gate adds partial results up.
pub(crate) fn tier(plan: &Plan, folded: bool) -> &'static str {
    match &plan.answered {
        Answered::Alone { .. } => "home",
        Answered::Gathered { .. } => Tier::Gather.as_str(),
        Answered::Combined { .. } if folded => Tier::Fold.as_str(),
        Answered::Combined { .. } => Tier::Combine.as_str(),
        Answered::Streamed { .. } => Tier::Stream.as_str(),
    }
}

/// The column that a plan is shown in.
pub(crate) fn column(shown: Shown) -> ColumnDescribed {
    let oid = match shown {
        Shown::Text => TEXT_OID,
        Shown::Json => JSON_OID,
    };
    ColumnDescribed { name: "QUERY PLAN".to_owned(), oid, length: -1, modifier: -1 }
}

/// Tells the plan, as rows of text or as one value, and with partial results `folded`; the tag.
pub(crate) async fn tell(
    fanout: &Fanout,
    asker: &Asker,
    planned: &Planned,
    (folded, shown): (bool, Shown),
    teller: &Teller,
) -> Result<String, Box<Fields>> {
    let scope = match &planned.plan.answered {
        Answered::Alone { .. } => None,
        _ => Some(fanout.stores.scope(asker.service, planned.plan.discloses).await),
    };
    let lines = match shown {
        Shown::Text => lines(planned, folded, scope.as_ref()),
        Shown::Json => vec![json(planned, folded, scope.as_ref())],
    };
    let mut messages = Vec::new();
    for line in &lines {
        frame::data_row(&mut messages, &[Some(line.as_bytes())]);
    }
    let event = Event::Rows { messages: Bytes::from(messages), count: lines.len() as u64 };
    teller.tell(event).await;
    Ok("EXPLAIN".to_owned())
}

fn lines(planned: &Planned, folded: bool, scope: Option<&Scope>) -> Vec<String> {
    let plan = &planned.plan;
    let Some(scope) = scope else {
        let mut lines = vec!["Fan-out: no store is asked".to_owned()];
        lines.extend(at_home(plan).into_iter().flat_map(|sql| statement("Home", sql)));
        return lines;
    };
    let mut lines = vec![format!("Fan-out: tier {}, {}", tier(plan, folded), how(plan, folded))];
    for (cheaper, reason) in &planned.cheaper {
        lines.push(format!("  Not {}: {reason}", cheaper.as_str()));
    }
    lines.push(format!("  Stores: {}", stores(scope)));
    for piece in &plan.pieces {
        lines.extend(statement("  Each store", &piece.sql));
    }
    lines.extend(at_home(plan).into_iter().flat_map(|sql| statement("  Home", sql)));
    lines
}

/// The plan in the form of Postgres's own: one node, which is the fan-out.
fn json(planned: &Planned, folded: bool, scope: Option<&Scope>) -> String {
    let plan = &planned.plan;
    let mut node = serde_json::json!({
        "Node Type": "Fan-out",
        "Tier": tier(plan, folded),
        "Strategy": how(plan, folded),
        "Stores": scope.map_or(0, Scope::len),
    });
    let cheaper = planned.cheaper.iter().map(|(tier, why)| format!("{}: {why}", tier.as_str()));
    node["Not"] = cheaper.collect();
    node["Each Store"] = plan.pieces.iter().map(|piece| piece.sql.trim()).collect();
    node["Home"] = at_home(plan).map(str::trim).into();
    format!("{:#}", serde_json::json!([{ "Plan": node }]))
}

/// What home is asked.
fn at_home(plan: &Plan) -> Option<&str> {
    match &plan.answered {
        Answered::Alone { sql, .. } | Answered::Gathered { sql, .. } | Answered::Combined { sql, .. } => {
            Some(sql)
        }
        Answered::Streamed { .. } => None,
    }
}

fn how(plan: &Plan, folded: bool) -> &'static str {
    match &plan.answered {
        Answered::Alone { .. } => "home answers alone",
        Answered::Gathered { .. } => "home runs the statement over the rows of all stores",
        Answered::Combined { .. } if folded => "the gate adds partial results up and home combines them",
        Answered::Combined { .. } => "home combines partial results",
        Answered::Streamed { order, .. } if order.is_empty() => "rows are passed on as they come",
        Answered::Streamed { .. } => "rows are merged as they come",
    }
}

/// A statement, one row for each of its lines.
fn statement(who: &str, sql: &str) -> Vec<String> {
    let mut lines = sql.trim().lines();
    let first = format!("{who}: {}", lines.next().unwrap_or_default());
    std::iter::once(first).chain(lines.map(|line| format!("    {line}"))).collect()
}

fn stores(scope: &Scope) -> String {
    let mut named: Vec<&str> =
        scope.stores().iter().take(MAX_NAMED).map(|store| store.user.as_str()).collect();
    if scope.len() > MAX_NAMED {
        named.push("…");
    }
    let unasked = (0..scope.len()).filter(|index| scope.place(*index).is_err()).count();
    let names = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
    match unasked {
        0 => format!("{}{names}", scope.len()),
        unasked => format!("{}{names}, of which {unasked} cannot be asked", scope.len()),
    }
}
