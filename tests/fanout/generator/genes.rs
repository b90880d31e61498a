//! The genes of a query, and how they are made. Numbers are taken modulo what there is to choose from, so that
//! any gene may be dropped or made smaller and what is left is a query still.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// A choice among whatever there is.
pub(crate) type Pick = u16;

/// A query.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) source: Pick,
    pub(crate) filter: Option<Filter>,
    pub(crate) body: Body,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<(u8, u8)>,
    pub(crate) around: Around,
}

/// What it makes of the rows.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Groups { keys: Vec<Pick>, sets: Sets, aggregates: Vec<Aggregate>, having: Option<Aggregate> },
    Rows { columns: Vec<Pick>, windows: Vec<(Pick, Pick, Pick)>, distinct: bool },
}

/// How keys are grouped by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sets {
    Plain,
    Rollup,
    Cube,
    Each,
}

/// An aggregate of a column, and what is done with it.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) column: Pick,
    pub(crate) function: Pick,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Filter>,
    pub(crate) around: Pick,
}

/// One key of the order: an output, and in which direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) output: Pick,
    pub(crate) descending: bool,
    pub(crate) nulls_first: Option<bool>,
}

/// What stands around the query.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Around {
    Nothing,
    Counted,
    With,
    Twice,
    Scalar,
}

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Compare(Pick, Pick, Pick),
    Null(Pick, bool),
    OneOf(Pick, Vec<Pick>),
    Asks(Pick, bool),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Not(Box<Self>),
}

/// Any query.
pub(crate) fn queries() -> impl Strategy<Value = Query> {
    let around = prop_oneof![
        6 => Just(Around::Nothing),
        1 => Just(Around::Counted),
        1 => Just(Around::With),
        1 => Just(Around::Twice),
        1 => Just(Around::Scalar),
    ];
    let order = (any::<Pick>(), any::<bool>(), any::<Option<bool>>())
        .prop_map(|(output, descending, nulls_first)| Order { output, descending, nulls_first });
    let limit = option::weighted(0.3, (0_u8..12, 0_u8..6));
    (any::<Pick>(), option::of(filters()), bodies(), vec(order, 0..3), limit, around).prop_map(
        |(source, filter, body, order, limit, around)| Query { source, filter, body, order, limit, around },
    )
}

fn bodies() -> impl Strategy<Value = Body> {
    let sets = prop_oneof![5 => Just(Sets::Plain), 1 => Just(Sets::Rollup), 1 => Just(Sets::Cube), 1 => Just(Sets::Each)];
    let having = option::weighted(0.25, aggregates());
    let groups = (vec(any::<Pick>(), 0..4), sets, vec(aggregates(), 1..5), having)
        .prop_map(|(keys, sets, aggregates, having)| Body::Groups { keys, sets, aggregates, having });
    let rows = (vec(any::<Pick>(), 1..5), vec(any::<(Pick, Pick, Pick)>(), 0..2), any::<bool>())
        .prop_map(|(columns, windows, distinct)| Body::Rows { columns, windows, distinct });
    prop_oneof![3 => groups, 1 => rows]
}

fn aggregates() -> impl Strategy<Value = Aggregate> {
    let filter = option::weighted(0.25, filters());
    (any::<Pick>(), any::<Pick>(), any::<bool>(), filter, any::<Pick>()).prop_map(
        |(column, function, distinct, filter, around)| Aggregate {
            column,
            function,
            distinct,
            filter,
            around,
        },
    )
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        4 => any::<(Pick, Pick, Pick)>().prop_map(|(column, operator, value)| Filter::Compare(column, operator, value)),
        1 => any::<(Pick, bool)>().prop_map(|(column, not)| Filter::Null(column, not)),
        1 => (any::<Pick>(), vec(any::<Pick>(), 1..4)).prop_map(|(column, values)| Filter::OneOf(column, values)),
        1 => any::<(Pick, bool)>().prop_map(|(which, not)| Filter::Asks(which, not)),
    ];
    leaf.prop_recursive(3, 6, 2, |inner| {
        let two = || (inner.clone(), inner.clone());
        prop_oneof![
            two().prop_map(|(a, b)| Filter::Both(Box::new(a), Box::new(b))),
            two().prop_map(|(a, b)| Filter::Either(Box::new(a), Box::new(b))),
            inner.clone().prop_map(|a| Filter::Not(Box::new(a))),
        ]
    })
}
