//! The plan of a fan-out: one ordinary query, asked of many stores, answered as over one.
//!
//! Nothing here asks anybody. The caller looks up on home what [`Query::lookup`] names, has home describe
//! [`Shape::probe`], and carries out the [`Plan`]. What this code does not know for sure to be the same when it
//! is run in each store is left to the tier that gathers rows, where home runs the client's own text.

mod alone;
mod catalog;
mod columns;
mod combine;
mod disclosed;
mod explain;
mod expressions;
mod forbidden;
mod from;
mod functions;
mod gather;
mod home;
mod ident;
mod named;
mod narrow;
mod operators;
mod parameters;
mod parsed;
mod plan;
mod pushed;
mod query;
mod read;
mod refusal;
mod resolve;
mod room;
mod scope;
mod source;
mod stream;
mod tables;
mod traits;
mod values;
mod views;
mod walk;
mod words;

pub use catalog::{Called, Catalog, Column, Function, Key, Lookup, Relation, RelationKind, Type};
pub use explain::Shown;
pub use plan::{
    Adding, Answered, Bound, Comparison, Discloses, Fold, Meaning, Parameter, Piece, Plan, SortKey,
    TableNeeded, Temporary, Tier,
};
pub use query::{Form, Query, Shape, Types, WholeCopy, Wishes, whole_copy};
pub use refusal::{Refusal, Unfit};

/// The pseudo column that every table has in a fan-out: the name of the user whose store a row is from.
pub const STORE: &str = "_store";
