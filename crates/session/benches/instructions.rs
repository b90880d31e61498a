//! Instructions that a gate takes for one transaction, from a readable client to an answered one.
//!
//! One thread has the gate's runtime, a client and a store on sockets of the loopback, and these take turns,
//! so that every run is like the last. What client and store do themselves is not counted, nor is what the
//! kernel does: only how it is called.

#![allow(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on says so and ends")]

mod stage;

use stage::{SERVICE, Stage, USER};
use std::process::ExitCode;
use testkit::callgrind::{self, Case, Rounds};
use testkit::frames;

const CASES: &[Case] = &[
    Case { name: "simple query", play: || play(USER, &[], &[select("")]) },
    Case { name: "parse, bind, describe, execute, sync", play: || play(USER, &[], &[extended()]) },
    Case { name: "bind, describe, execute, sync", play: || play(USER, &[prepare()], &[prepared(1)]) },
    Case { name: "pipeline of 10", play: || play(USER, &[prepare()], &[prepared(10)]) },
    Case { name: "simple query that is rewritten", play: || play(USER, &[], &[select("public.")]) },
    Case { name: "begin, simple query, commit", play: || play(USER, &[], &block("")) },
    Case {
        name: "begin, set local user, simple query, commit",
        play: || play(SERVICE, &[], &block(SET_LOCAL)),
    },
];

const SET_LOCAL: &str = "SET LOCAL stuffgate.user = 'alice'";

fn main() -> ExitCode {
    callgrind::main(env!("CARGO_MANIFEST_DIR"), CASES)
}

/// Plays what the client says `before` once, and then `each` again and again; each of its texts is one
/// round trip.
fn play(login: &str, before: &[Vec<u8>], each: &[Vec<u8>]) {
    let mut stage = Stage::set(login);
    stage.play(before, Rounds::warm(1));
    callgrind::rounds(|rounds| stage.play(each, rounds));
}

fn select(schema: &str) -> Vec<u8> {
    frames::query(&format!("SELECT abalance FROM {schema}pgbench_accounts WHERE aid = 12345;"))
}

fn extended() -> Vec<u8> {
    let messages = [
        frames::parse("", "SELECT abalance FROM pgbench_accounts WHERE aid = $1;"),
        frames::bind("", "", &[Some("12345")]),
        frames::describe(b'P', ""),
        frames::execute("", 0),
        frames::sync(),
    ];
    messages.concat()
}

/// As pgbench prepares: by itself, once.
fn prepare() -> Vec<u8> {
    let parse = frames::parse("P0_1", "SELECT abalance FROM pgbench_accounts WHERE aid = $1;");
    [parse, frames::sync()].concat()
}

/// As pgbench runs what it has prepared.
fn prepared(times: usize) -> Vec<u8> {
    let one =
        [frames::bind("", "P0_1", &[Some("12345")]), frames::describe(b'P', ""), frames::execute("", 0)];
    [one.concat().repeat(times), frames::sync()].concat()
}

/// A transaction of one query, and what is said ahead of that.
fn block(ahead: &str) -> Vec<Vec<u8>> {
    let ahead = (!ahead.is_empty()).then(|| frames::query(ahead));
    let (begin, end) = ([frames::query("BEGIN")], [select(""), frames::query("COMMIT")]);
    begin.into_iter().chain(ahead).chain(end).collect()
}
