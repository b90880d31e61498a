//! What a plan says: the statements for the stores, and what home or the gate makes of their answers.

use super::catalog::Type;

/// Where an answer is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Rows pass through the gate.
    Stream,
    /// The gate adds partial aggregates up before home combines them.
    Fold,
    /// Home combines partial aggregates.
    Combine,
    /// Home runs the statement over the rows of all stores.
    Gather,
}

impl Tier {
    /// The word for it in `SET fanout.tier`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "t0",
            Self::Fold => "t1",
            Self::Combine => "t2",
            Self::Gather => "t3",
        }
    }
}

/// What a query discloses of a store's rows; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Discloses {
    /// Sums, counts and what is computed from them.
    Sums,
    /// Single values.
    Values,
    /// Rows.
    Rows,
}

/// How one statement is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Tier.
    pub tier: Tier,
    /// What the query, not the tier, discloses.
    pub discloses: Discloses,
    /// Whether what the stores are asked depends on their default collation: orders, case, patterns. A
    /// store that collates otherwise than home cannot be asked by such a plan.
    pub collates: bool,
    /// Tables that stores must have, and which columns of them.
    pub tables: Vec<TableNeeded>,
    /// What each store is asked: one statement, or for [`Answered::Gathered`] one for each table.
    pub pieces: Vec<Piece>,
    /// How the answer comes about.
    pub answered: Answered,
}

/// A table that each store must have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableNeeded {
    /// As the statements for the stores name it, quoted: to be found on the partition's search path.
    pub name: String,
    /// Columns that are used, with the name of their type on home.
    pub columns: Vec<(String, String)>,
}

/// A value for a parameter of a statement that the gate has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// The client's, counted from 0.
    Client(usize),
    /// The name of the user whose store is asked, as text.
    Store,
    /// The query's one point in time, as `timestamptz`.
    Now,
}

/// One statement for the stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Text, the same for all stores.
    pub sql: String,
    /// Values of `$1`, `$2`, …
    pub parameters: Vec<Parameter>,
    /// Types of its result columns, as on home.
    pub columns: Vec<Type>,
    /// Columns of which more is known than their type, by their place.
    pub meanings: Vec<(usize, Meaning)>,
}

/// What a column of a piece holds by the statement, whatever its type could hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The name of the user whose store is asked; NULL in the rows of NULLs of an outer join.
    Store,
    /// A number of rows.
    Count,
    /// A number of rows as many as which home makes anew.
    Weight,
}

/// How the answer comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// By home, once, from its own catalog or from nothing: no store is asked.
    Alone {
        /// Text for home.
        sql: String,
        /// Values of `$1`, `$2`, …
        parameters: Vec<Parameter>,
    },
    /// By home, over temporary tables that hold what the pieces brought.
    Gathered {
        /// One for each piece.
        tables: Vec<Temporary>,
        /// Columns of the result, counted from 0, that are whole rows: home has them of the temporary tables' types.
        rows: Vec<usize>,
        /// Text for home.
        sql: String,
        /// Values of `$1`, `$2`, …
        parameters: Vec<Parameter>,
    },
    /// By home, in one statement over arrays of what the one piece brought.
    Combined {
        /// Text for home.
        sql: String,
        /// Values of the first parameters; after them comes one array for each column of the piece.
        parameters: Vec<Parameter>,
        /// How the gate may add rows up beforehand; `None` if it may not.
        fold: Option<Fold>,
    },
    /// By the gate: rows of the one piece are passed on.
    Streamed {
        /// The order to keep; empty for any.
        order: Vec<SortKey>,
        /// Columns at the end of the piece's rows that only serve the order and are cut off.
        hidden: usize,
        /// Most rows, if there is a bound.
        limit: Option<Bound>,
        /// Rows to leave out first.
        offset: Option<Bound>,
    },
}

/// A temporary table on home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Temporary {
    /// Statement that creates it, and behind the last one those that create views over them.
    pub create: String,
    /// Its name and columns, as in `COPY … FROM STDIN`: in the order of the piece's columns.
    pub copy: String,
    /// Statements that add its keys, once it is filled; run only where the text is refused without them
    /// (42803), and refused in turn where rows of two stores have the same key.
    pub keys: Vec<String>,
}

/// How partial rows with identical keys are added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Leading columns that are the key, compared byte by byte.
    pub keys: usize,
    /// What is done with each further column.
    pub columns: Vec<Adding>,
}

/// What is done with the partials of one column; NULL counts as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Adding {
    /// Added; of type `int8`. An overflow ends the folding, not the query.
    Integer,
    /// Added; of type `numeric`, the larger scale kept.
    Numeric,
    /// The smaller; of an integer type.
    SmallerInteger,
    /// The larger; of an integer type.
    LargerInteger,
    /// Both; boolean.
    And,
    /// Either; boolean.
    Or,
    /// Bit by bit; of an integer type.
    BitAnd,
    /// Bit by bit; of an integer type.
    BitOr,
    /// Bit by bit; of an integer type.
    BitXor,
}

/// One key of an order that the gate keeps. Its values are in the hidden columns, in the same order, in binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// How values compare.
    pub by: Comparison,
    /// Largest first.
    pub descending: bool,
    /// NULLs before all values.
    pub nulls_first: bool,
}

/// How values of a type compare, in binary format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Signed and big-endian, of 2, 4 or 8 bytes: integers, dates, times, timestamps.
    Signed,
    /// Byte by byte: bool, uuid, bytea, text under the C collation.
    Bytes,
    /// `numeric`.
    Numeric,
}

/// A number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// As written.
    Rows(u64),
    /// The client's parameter, counted from 0, of type `int8`; NULL is no bound.
    Parameter(usize),
}
