//! Statements about the schema `public` itself that a schema partition cannot run as they stand.

use crate::statement::{Decision, Refusal, Skip};
use crate::tokens::Tokens;

const HINT: &str = "Grant the service a database partition, where public is a schema of its own.";

const DROP: Refusal = Refusal {
    sqlstate: "0A000",
    message: "schema \"public\" cannot be dropped in a schema partition",
    hint: HINT,
};

const ALTER: Refusal = Refusal {
    sqlstate: "0A000",
    message: "schema \"public\" cannot be renamed or given away in a schema partition",
    hint: HINT,
};

const EXISTS: Refusal = Refusal { sqlstate: "42P06", message: "schema \"public\" already exists", hint: "" };

const SKIP: Skip =
    Skip { sqlstate: "42P06", message: "schema \"public\" already exists, skipping", tag: "CREATE SCHEMA" };

/// A text that nobody could look into within bounds.
pub(crate) const TOO_COMPLEX: Refusal = Refusal {
    sqlstate: "54001",
    message: "the text has more statements or tokens than the gate looks into",
    hint: "Send its statements one by one or in smaller groups, values as parameters or by COPY.",
};

/// What a schema partition does with the statement.
pub(crate) fn decide(t: Tokens) -> Decision {
    if !t.is(1, "schema") {
        return Decision::Forward;
    }
    if t.is(0, "create") {
        return create(t);
    }
    let at = if t.are(2, &["if", "exists"]) { 4 } else { 2 };
    if t.is(0, "alter") && t.named(at, "public") {
        return Decision::Refuse(ALTER);
    }
    if t.is(0, "drop") && (at..t.len()).any(|i| t.named(i, "public")) {
        return Decision::Refuse(DROP);
    }
    Decision::Forward
}

/// `CREATE SCHEMA [IF NOT EXISTS] public [AUTHORIZATION role]` without elements.
fn create(t: Tokens) -> Decision {
    if t.are(2, &["if", "not", "exists"]) && t.named(5, "public") {
        Decision::Skip(SKIP)
    } else if t.named(2, "public") {
        Decision::Refuse(EXISTS)
    } else {
        Decision::Forward
    }
}
