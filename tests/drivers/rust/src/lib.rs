//! What the three programs have in common: how a transcript is written, and what is in it instead of long values.

use sha2::{Digest as _, Sha256};
use std::error::Error;

/// How a case ends.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Writes the first line: the client and the version of it that this program is built from.
pub fn introduce(client: &str) {
    println!("client: {client} {}", version_of(client));
}

/// Writes down how a case failed, as the client tells it.
pub fn conclude(case: &str, outcome: Outcome, told: impl Fn(&(dyn Error + 'static)) -> String) {
    if let Err(error) = outcome {
        println!("{case}: ERROR {}", on_one_line(&told(&*error)));
    }
}

/// A text that may have several lines as one.
pub fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands for many bytes in a transcript.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Five million bytes of text that no compression or repetition hides a fault in.
pub fn five_megabytes() -> String {
    let mut state = 1_u32;
    (0..5_000_000).map(|_| char::from(b'a' + next(&mut state) % 26)).collect()
}

/// What the transcript's values are made of: a small generator that always begins alike.
fn next(state: &mut u32) -> u8 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    state.to_be_bytes()[0]
}

/// The version that the lock file names, which is the one that was compiled.
fn version_of(package: &str) -> &'static str {
    let mut lines = include_str!("../Cargo.lock").lines();
    let name = format!("name = \"{package}\"");
    lines.find(|line| *line == name);
    let version = lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.unwrap_or("that is not in Cargo.lock")
}
