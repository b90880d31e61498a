//! Room on the stack: trees are walked by recursion, and each step takes what a step of a tree of this kind takes.

use super::read;
use super::refusal::Refusal;
use crate::TokenKind;

/// Stack for the deepest tree that the bounds of [`read`] let through; in an unoptimised build a step takes
/// up to 64 KiB, and only what is touched is ever backed by memory.
const STACK: usize = 64 * 1024 * 1024;

/// Steps that any thread has room for.
const SHALLOW: usize = 12;

/// How deep no tree is.
pub(crate) const NONE: usize = 0;

/// How deep the tree of a text may be, at most.
pub(crate) fn depth(text: &str) -> usize {
    let deeper = |token: &crate::Token| match token.kind {
        TokenKind::Operator => true,
        TokenKind::Symbol => matches!(&text[token.range()], "(" | "["),
        TokenKind::Word => read::is_chain(&text[token.range()]),
        _ => false,
    };
    read::tokens(text).iter().filter(|token| deeper(token)).count()
}

/// Runs `work` where there is room for trees as deep as `depth`.
///
/// # Errors
///
/// Where there is no memory for a stack (53200).
pub(crate) fn with<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> Result<T, Refusal> {
    if depth <= SHALLOW {
        return Ok(work());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("plan".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, work).map_err(|_| Refusal {
            sqlstate: "53200",
            message: "there is no memory for a plan of this statement".to_owned(),
            hint: "Ask again later, or ask for less.".to_owned(),
            unread: false,
        })?;
        thread.join().map_err(|panic| std::panic::resume_unwind(panic))
    })
}
