//! What a statement is: scan, split, classify, bind and rewrite; pure.

mod call;
mod catalog;
mod classify;
mod cursors;
mod effects;
pub mod fanout;
mod lexer;
mod literal;
mod named;
mod refuse;
mod rewrite;
mod scan;
mod set;
mod show;
mod split;
mod statement;
mod tag;
mod tokens;

pub use catalog::is_distinct;
pub use cursors::{Declare, Fetch, Reach, declared, fetched};
pub use effects::Effects;
pub use lexer::{Lexer, Strings, Token, TokenKind};
pub use named::{Execute, Prepare, executed, prepared};
pub use rewrite::{
    Edit, NOT_ALIASES, Names, Rewritten, Role, characters, map_parameter, map_search_path, rewrite,
    rewrite_as, show_search_path,
};
pub use scan::{Scan, Scanner, Step};
pub use show::{Shown, mentions, occurrences, show, show_copied};
pub use split::{analyse, analyse_as};
pub use statement::{
    Analysis, Arg, BindTag, CopyDirection, Decision, Discard, Kind, Refusal, Reset, Scope, Show, Skip,
    Statement, Value,
};
