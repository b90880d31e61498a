//! Instructions that the relay takes for one exchange, over peers in memory, and their bound in the tree.

mod exchange;

use exchange::{Exchange, Step};
use std::process::ExitCode;
use testkit::callgrind::{self, Case};

const CASES: &[Case] = &[
    Case { name: "simple query", play: || play(&exchange::simple()) },
    Case { name: "parse, bind, describe, execute, sync", play: || play(&exchange::extended()) },
    Case { name: "bind, execute, sync", play: || play(&exchange::prepared()) },
    Case { name: "pipeline of 10", play: || play(&exchange::pipeline()) },
    Case { name: "1000 rows", play: || play(&exchange::rows()) },
    Case { name: "copy in, 1000 messages", play: || play(&exchange::copy_in()) },
];

fn main() -> ExitCode {
    callgrind::main(env!("CARGO_MANIFEST_DIR"), CASES)
}

fn play(steps: &[Step]) {
    let mut exchange = Exchange::new(steps);
    callgrind::rounds(|rounds| (0..rounds.count).for_each(|_| exchange.run()));
}
